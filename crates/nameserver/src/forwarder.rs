//! Who asks upstreams, and sends the answers to the clients that wait for them?
//!
//! One thread owns the forwarder, which is a state machine, and does what it says. When the settings
//! change, the next forwarder gets the cache, and the former one goes on until nobody waits for it:
//! its questions are answered by the rules under which they were asked.

mod datagram;
mod generation;
mod heard;
mod stream;
mod tls;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use dns::cache::Cache;
use dns::forward::{self, Event, Forwarder, Settings};
use dns::respond::{Ask, Pending};
use host::clock::monotonic;
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;

use crate::answer::{Generation, Shared, Way};
use crate::stats::Counters;

use datagram::Datagrams;
use generation::{Current, Edge, Running};
pub(crate) use tls::system_authorities;

/// A client's message that waits for an upstream.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) pending: Box<Pending>,
    /// Whose rules its question goes by.
    pub(crate) generation: Generation,
    pub(crate) arrived: Instant,
    pub(crate) way: Way,
}

/// What threads that answer want of the forwarder.
#[derive(Debug)]
pub(crate) enum Request {
    Ask(Asked),
    /// An answer in the cache ends soon. Nobody waits for it.
    Refresh(Box<Ask>, Generation),
}

/// What the server wants of the forwarder.
#[derive(Debug)]
pub(crate) enum Control {
    /// Ask by other settings from now on.
    Replace {
        settings: Box<Settings>,
        generation: Generation,
        tls: Option<Arc<ClientConfig>>,
    },
    Stats(SyncSender<forward::Stats>),
    /// End when nobody waits any more, and at this time at the latest.
    End(Instant),
}

/// Controls that wait; who gives one more waits too.
pub(crate) const CONTROLS_MAX: usize = 16;

/// What tasks heard from upstreams and the thread did not yet hear from them; they wait beyond it.
const HEARD_MAX: usize = 1_024;

/// Events in a row before the cache is published and other work gets its turn.
const EVENTS_PER_TURN: usize = 256;

/// The thread, not yet running.
#[derive(Debug)]
pub(crate) struct ForwarderThread {
    pub(crate) settings: Settings,
    pub(crate) seed: [u8; 32],
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) controls: mpsc::Receiver<Control>,
}

impl ForwarderThread {
    /// A forwarder without a past, whose cache is to be published before anybody answers.
    pub(crate) fn first(settings: Settings, seed: [u8; 32]) -> Forwarder {
        Forwarder::new(settings, seed, monotonic())
    }

    pub(crate) fn run(self, forwarder: Forwarder) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.serve(forwarder))
    }

    async fn serve(self, forwarder: Forwarder) -> io::Result<()> {
        let Self { settings, seed, tls, shared, counters, requests, controls } = self;
        let (heard_sender, heard) = mpsc::channel(HEARD_MAX);
        let replies = generation::Replies::new(Arc::clone(&shared), counters, seed);
        let running = Running::new(Generation(0), forwarder, &settings, tls, heard_sender);
        let current = Current::new(running, Edge { replies, datagrams: Datagrams::new()? });
        let mut serving = Serving { current, heard, requests, controls, shared, ends: None };
        while !serving.is_over() {
            serving.turn().await;
        }
        Ok(())
    }
}

struct Serving {
    current: Current,
    heard: mpsc::Receiver<heard::Heard>,
    requests: mpsc::Receiver<Request>,
    controls: mpsc::Receiver<Control>,
    shared: Arc<Shared>,
    ends: Option<Instant>,
}

impl Serving {
    fn is_over(&self) -> bool {
        let is_late = |ends: Instant| ends <= monotonic();
        self.ends.is_some_and(|ends| {
            is_late(ends) || (self.requests.is_empty() && !self.current.has_waiting())
        })
    }

    async fn turn(&mut self) {
        let deadlines = [self.current.next_deadline(), self.ends];
        let deadline = deadlines.into_iter().flatten().min();
        let sleep = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            control = self.controls.recv() => match control {
                Some(control) => self.obey(control),
                None => self.ends = Some(monotonic()),
            },
            Some(heard) = self.heard.recv() => self.current.hear(heard),
            () = self.current.edge.datagrams.wait() => self.current.receive(),
            Some(request) = self.requests.recv() => self.take(request),
            () = sleep => {}
        }
        for _ in 0..EVENTS_PER_TURN {
            if let Ok(heard) = self.heard.try_recv() {
                self.current.hear(heard);
            } else if let Ok(request) = self.requests.try_recv() {
                self.take(request);
            } else {
                break;
            }
        }
        self.current.tick();
        if let Some(view) = self.current.changed_view() {
            self.shared.cache.publish(view);
        }
        // What this turn began is sent before the next turn waits.
        tokio::task::yield_now().await;
    }

    /// Settings that a request was made for came before it, though by another channel.
    fn take(&mut self, request: Request) {
        while let Ok(control) = self.controls.try_recv() {
            self.obey(control);
        }
        self.current.take(request);
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Replace { settings, generation, tls } => {
                let cache = settings.cache.clone();
                let former = self.current.running.forwarder.cache_mut();
                let kept = std::mem::replace(former, Cache::new(cache, 0));
                self.current.replace(*settings, generation, tls, kept);
            }
            Control::Stats(reader) => {
                // Who asked may have gone.
                drop(reader.send(self.current.running.forwarder.stats()));
            }
            Control::End(at) => self.ends = Some(at),
        }
    }
}

/// The event of a question that a client waits for.
fn ask_event(ask: &Ask, ticket: forward::Ticket) -> Event<'static> {
    let transport = if ask.is_stream { forward::Transport::Tcp } else { forward::Transport::Udp };
    Event::Ask { ticket, rule: ask.rule, question: ask.question.clone(), transport, stale_ok: true }
}
