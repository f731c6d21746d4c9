//! Who accepts streams of clients, and how many?
//!
//! One thread serves all of them. What can be answered at once is, and what waits for an upstream is
//! answered when it comes, in any order (RFC 7766). A stream without a question holds no buffer.

mod connection;
mod places;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, LocalSet};

use crate::answer::Answerer;
use crate::options::StreamBounds;
use crate::worker::SocketId;

use connection::Connection;
use places::Places;

/// What the thread is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    Listen(SocketId, TcpListener),
    Leave(SocketId),
    /// Serves streams that another server began.
    Adopt(Vec<TcpStream>),
    /// Stops accepting, and gives away each stream once all of its questions are answered. Those
    /// that are not at that point in time are served on.
    Yield(Instant, SyncSender<Vec<TcpStream>>),
    /// Takes no more questions, and ends when all are answered, at this time at the latest.
    End(Instant),
}

/// What streams are to do now.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Serve,
    Yield(mpsc::Sender<TcpStream>),
    End,
}

/// What all streams of the thread share.
pub(crate) struct Hall {
    pub(crate) bounds: StreamBounds,
    pub(crate) places: RefCell<Places>,
    pub(crate) desk: RefCell<Desk>,
    phase: watch::Receiver<Phase>,
}

/// Where one message at a time is answered.
pub(crate) struct Desk {
    pub(crate) answerer: Answerer,
    /// For what was read just now.
    pub(crate) input: Box<[u8]>,
    /// For one answer.
    pub(crate) reply: Box<[u8]>,
}

/// How long nobody is accepted after the process had no descriptor left.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Orders that wait; who gives one more waits too.
pub(crate) const ORDERS_MAX: usize = 16;

/// The thread, not yet running.
pub(crate) struct StreamThread {
    pub(crate) bounds: StreamBounds,
    pub(crate) answerer: Answerer,
    pub(crate) orders: mpsc::Receiver<Order>,
}

impl StreamThread {
    pub(crate) fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Self { bounds, answerer, mut orders } = self;
        let (phase_sender, phase) = watch::channel(Phase::Serve);
        let buffer = || vec![0; usize::from(u16::MAX)].into_boxed_slice();
        let desk = Desk { answerer, input: buffer(), reply: buffer() };
        let hall = Rc::new(Hall {
            bounds,
            places: RefCell::new(Places::default()),
            desk: RefCell::new(desk),
            phase,
        });
        let mut listening = BTreeMap::new();
        LocalSet::new().block_on(&runtime, async {
            while let Some(order) = orders.recv().await {
                match order {
                    Order::Listen(id, listener) => {
                        let hall = Rc::clone(&hall);
                        let task = tokio::task::spawn_local(accept_all(listener, hall));
                        listening.insert(id, Accepting(task.abort_handle()));
                    }
                    Order::Leave(id) => drop(listening.remove(&id)),
                    Order::Adopt(streams) => {
                        phase_sender.send_replace(Phase::Serve);
                        streams.into_iter().for_each(|stream| hall.admit(stream));
                    }
                    Order::Yield(until, reader) => {
                        listening.clear();
                        // Who asked may have gone: then the streams end with it.
                        drop(reader.send(hall.collect(&phase_sender, until).await));
                    }
                    Order::End(until) => {
                        listening.clear();
                        hall.end(&phase_sender, until).await;
                        return;
                    }
                }
            }
        });
        Ok(())
    }
}

/// A listener's task, which ends with this.
struct Accepting(AbortHandle);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[expect(clippy::infinite_loop, reason = "it ends with its task")]
async fn accept_all(listener: TcpListener, hall: Rc<Hall>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            hall.desk.borrow().answerer.counters.socket_failures.add(1);
            tracing::error!(%error, "cannot accept streams");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Ok(stream) = stream.into_std() {
                    hall.admit(stream);
                }
            }
            // The client gave up before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                hall.desk.borrow().answerer.counters.socket_failures.add(1);
                let errno = Errno::from_io_error(&error);
                let is_full = matches!(errno, Some(Errno::MFILE | Errno::NFILE));
                if !(is_full && hall.evict_one()) {
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

impl Hall {
    /// Serves a stream, if it gets a place.
    fn admit(self: &Rc<Self>, stream: TcpStream) {
        let Ok(peer) = stream.peer_addr() else { return };
        let (evicted, place) = self.places.borrow_mut().take(peer.ip(), &self.bounds);
        let counters = std::sync::Arc::clone(&self.desk.borrow().answerer.counters);
        counters.connections_evicted.add(u64::from(evicted));
        let Some(place) = place else {
            counters.connections_refused.add(1);
            return;
        };
        counters.connections_opened.add(1);
        let (hall, phase) = (Rc::clone(self), self.phase.clone());
        let held = places::Held { hall, place };
        let task = tokio::task::spawn_local(async move {
            match Connection::new(stream, peer.ip(), held) {
                Ok(connection) => connection.serve(phase).await,
                Err(error) => tracing::debug!(%error, "cannot serve a stream"),
            }
        });
        self.places.borrow_mut().set_task(place, task.abort_handle());
    }

    fn evict_one(&self) -> bool {
        let is_evicted = self.places.borrow_mut().evict_oldest();
        let counters = &self.desk.borrow().answerer.counters;
        counters.connections_evicted.add(u64::from(is_evicted));
        is_evicted
    }

    /// The streams that have no question, as they become so.
    async fn collect(&self, phase: &watch::Sender<Phase>, until: Instant) -> Vec<TcpStream> {
        let (sender, mut given) = mpsc::channel(self.bounds.connections_max.max(1));
        phase.send_replace(Phase::Yield(sender));
        let empty = self.places.borrow().empty();
        let mut streams = Vec::new();
        while !self.places.borrow().is_empty() {
            tokio::select! {
                Some(stream) = given.recv() => streams.push(stream),
                () = empty.notified() => {}
                () = tokio::time::sleep_until(until.into()) => break,
            }
            while let Ok(stream) = given.try_recv() {
                streams.push(stream);
            }
        }
        phase.send_replace(Phase::Serve);
        while let Ok(stream) = given.try_recv() {
            streams.push(stream);
        }
        streams
    }

    async fn end(&self, phase: &watch::Sender<Phase>, until: Instant) {
        phase.send_replace(Phase::End);
        let empty = self.places.borrow().empty();
        // Those that are left at this time are closed with the thread.
        drop(tokio::time::timeout_at(until.into(), empty.notified()).await);
    }
}
