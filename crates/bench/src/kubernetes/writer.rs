//! Who changes objects, and when has the API server said that it did?

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Instant;

use anyhow::{Context as _, Result};
use host::clock::monotonic;
use host::netns::Netns;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use watch::{Access, Caller, Method, RequestError, Requests};

use super::objects::Order;

const CALLER: Caller = Caller { user_agent: "pogu-bench", answer_bytes_max: 4 << 20 };
/// Requests at a time, while all objects are made.
const AT_ONCE: usize = 32;

/// One connection to the API server, in the namespace where that is.
#[derive(Debug)]
pub(crate) struct Writer<'scope> {
    orders: Sender<(usize, Order)>,
    /// The number of an order, and when its answer was there.
    done: Receiver<(usize, Instant)>,
    thread: ScopedJoinHandle<'scope, Result<()>>,
}

impl<'scope> Writer<'scope> {
    /// Creates all objects, then waits for orders.
    pub(crate) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        netns: &'env Netns,
        kubeconfig: PathBuf,
        objects: Vec<Order>,
    ) -> Self {
        let (orders, received) = channel();
        let (sender, done) = channel();
        let thread = scope.spawn(move || {
            netns.run(move || -> Result<()> {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                let requests =
                    Requests::new(Access::Kubeconfig { path: kubeconfig, context: None }, CALLER);
                runtime.block_on(create_all(&requests, objects))?;
                sender.send((0, monotonic())).context("nobody waits for the objects")?;
                replace_each(&runtime, &requests, &received, &sender)
            })?
        });
        Self { orders, done, thread }
    }

    /// Waits until the one thing is done that was asked for last: first of all, that all objects are
    /// there.
    pub(crate) fn await_done(&self) -> Result<()> {
        // It only fails when the thread has ended, which tells why at its end.
        self.done.recv().map(|_| ()).context("the API server did not take it")
    }

    pub(crate) fn order(&self, number: usize, order: Order) -> Result<()> {
        self.orders.send((number, order)).context("nothing can be written any more")
    }

    /// The next order that was carried out since the last look.
    pub(crate) fn done(&self) -> Option<(usize, Instant)> {
        self.done.try_recv().ok()
    }

    /// Why it ended, if anything went wrong.
    pub(crate) fn end(self) -> Result<()> {
        drop(self.orders);
        self.thread.join().ok().context("the writer broke")?
    }
}

async fn create_all(requests: &Requests, objects: Vec<Order>) -> Result<()> {
    let mut asked = JoinSet::new();
    for Order { path, body } in objects {
        if asked.len() >= AT_ONCE {
            taken(asked.join_next().await)?;
        }
        let requests = requests.clone();
        let body = body.to_string().into_bytes();
        asked.spawn(async move { requests.send(Method::Create, &path, Some(body)).await });
    }
    while !asked.is_empty() {
        taken(asked.join_next().await)?;
    }
    Ok(())
}

fn taken<E: std::error::Error + Send + Sync + 'static>(
    answer: Option<std::result::Result<std::result::Result<Vec<u8>, E>, tokio::task::JoinError>>,
) -> Result<()> {
    drop(answer.context("nothing was asked")???);
    Ok(())
}

fn replace_each(
    runtime: &Runtime,
    requests: &Requests,
    orders: &Receiver<(usize, Order)>,
    done: &Sender<(usize, Instant)>,
) -> Result<()> {
    while let Ok((number, Order { path, body })) = orders.recv() {
        let body = body.to_string().into_bytes();
        let write = || runtime.block_on(requests.send(Method::Replace, &path, Some(body.clone())));
        match write() {
            // Of a connection from before the API server's new start.
            Err(RequestError::Lost { .. }) => write().map(drop)?,
            answer => answer.map(drop)?,
        }
        if done.send((number, monotonic())).is_err() {
            break;
        }
    }
    Ok(())
}
