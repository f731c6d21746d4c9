//! What can be done with a server that runs?

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dns::cache::CacheView;
use dns::forward::Settings;
use dns::respond::Responder;
use host::clock::{monotonic, pause};
use host::handover::Offer;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_rustls::rustls::ClientConfig;

use crate::answer::{Policy, Shared};
use crate::failure::Failure;
use crate::failures::ClientFailures;
use crate::forwarder::Control;
use crate::options::{Listen, Options};
use crate::server::authorities;
use crate::sockets::{self, Place, Taken};
use crate::stats::{Counters, Stats};
use crate::streams;
use crate::worker::{self, SocketId};

/// How long answers that are on their way may take when a server ends.
const FINISH_MOST: Duration = Duration::from_secs(5);

/// How long streams are waited for to be without a question before they are handed over.
const YIELD_MOST: Duration = Duration::from_secs(1);

/// How long the next server may take to take what it is given.
const GIVE_MOST: Duration = Duration::from_secs(5);

/// How long a thread may take to say something.
const SAY_MOST: Duration = Duration::from_secs(1);

/// Between two looks at a queue that is full.
const AGAIN: Duration = Duration::from_millis(1);

/// A server that answers, until it is stopped or has handed over. Dropped, it ends at once.
///
/// Every method may be called from any thread, and blocks it for a moment at most, except where it
/// says otherwise. While the server ends or hands over, the others wait for that; `publish` does not.
#[derive(Debug)]
pub struct Running {
    options: Options,
    shared: Arc<Shared>,
    counters: Vec<Arc<Counters>>,
    state: Mutex<State>,
}

/// All threads, and the ways to tell them something.
#[derive(Debug)]
pub(crate) struct Threads {
    pub(crate) workers: Vec<worker::Orders>,
    pub(crate) streams: mpsc::Sender<streams::Order>,
    pub(crate) controls: mpsc::Sender<Control>,
    /// The forwarder's, the streams', then the workers'.
    pub(crate) joins: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    threads: Threads,
    places: Vec<Placed>,
    next_id: u64,
    tls: Option<Arc<ClientConfig>>,
    is_over: bool,
}

/// A place and how its sockets are known to the threads.
#[derive(Debug)]
struct Placed {
    place: Place,
    first_id: u64,
}

impl Running {
    pub(crate) fn new(
        options: Options,
        shared: Arc<Shared>,
        counters: Vec<Arc<Counters>>,
        threads: Threads,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        let state = State { threads, places: Vec::new(), next_id: 0, tls, is_over: false };
        Self { options, shared, counters, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn serve(&self, places: Vec<Place>) {
        let mut state = self.state();
        for place in places {
            state.serve(place);
        }
    }

    pub(crate) fn adopt(&self, streams: Vec<TcpStream>) {
        if !streams.is_empty() {
            send(&self.state().threads.streams, streams::Order::Adopt(streams));
        }
    }

    /// Every question that comes from now on is answered by this.
    pub fn publish(&self, responder: Arc<Responder>) {
        let next = |policy: &Policy| Policy { responder, generation: policy.generation };
        self.shared.policy.update(next);
    }

    /// Asks upstreams by other settings from now on, whose groups the responder's routes name. The
    /// cache is kept, and who waits gets an answer by the former settings.
    ///
    /// # Errors
    /// When an upstream has TLS and there is no authority to trust. Nothing has changed then.
    pub fn reconfigure(
        &self,
        responder: Arc<Responder>,
        settings: Settings,
    ) -> Result<(), Failure> {
        let mut state = self.state();
        let given = self.options.tls.as_ref().or(state.tls.as_ref());
        state.tls = authorities(&settings, given)?;
        let mut generation = self.shared.policy.newest().generation;
        generation.0 += 1;
        let settings = Box::new(settings);
        let tls = state.tls.clone();
        // The forwarder knows the settings before anybody asks by them.
        send(&state.threads.controls, Control::Replace { settings, generation, tls });
        self.shared.policy.publish(Policy { responder, generation });
        Ok(())
    }

    /// Octets that an answer by datagram may have from now on, as in [`Options::datagram_size`].
    pub fn set_datagram_size(&self, octets: u16) {
        self.shared.datagram_size.store(octets, Ordering::Relaxed);
    }

    /// Where it listens: with the port that it got where none was said.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.state().places.iter().map(|it| it.place.address).collect()
    }

    /// Listens at one more address. At one where it listens already, nothing changes.
    ///
    /// # Errors
    /// When the address cannot be had, or the server has ended.
    pub fn listen(&self, listen: &Listen) -> Result<(), Failure> {
        let mut state = self.state();
        if state.is_over {
            return Err(Failure::Ended);
        }
        if state.places.iter().any(|it| it.place.address == listen.address) {
            return Ok(());
        }
        let n_sockets = self.options.workers.max(1);
        let is_ours =
            |address| state.places.iter().any(|it| sockets::covers(it.place.address, address));
        let buffer = self.options.receive_buffer;
        if let Some(place) =
            sockets::open(listen, n_sockets, buffer, &mut Taken::default(), is_ours)?
        {
            state.serve(place);
        }
        Ok(())
    }

    /// Answers what waits at an address and leaves it. Streams that came by it go on. Says whether
    /// it listened there.
    pub fn unlisten(&self, address: SocketAddr) -> bool {
        let mut state = self.state();
        let place = state.places.iter().position(|it| it.place.address == address);
        let Some(place) = place else { return false };
        let placed = state.places.remove(place);
        for (id, worker) in placed.sockets().zip(state.threads.workers.iter().cycle()) {
            worker.give(worker::Order::Leave(id));
        }
        send(&state.threads.streams, streams::Order::Leave(placed.listener()));
        true
    }

    /// What was counted since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (sender, receiver) = sync_channel(1);
        send(&self.state().threads.controls, Control::Stats(sender));
        let mut stats = Stats::sum(self.counters.iter().map(|it| &**it));
        stats.forwarder = receiver.recv_timeout(SAY_MOST).ok();
        stats.cache_entries = self.shared.cache.newest().entries();
        stats
    }

    /// What upstreams said and still holds.
    #[must_use]
    pub fn cache(&self) -> CacheView {
        CacheView::clone(&self.shared.cache.newest())
    }

    /// What failed for clients lately.
    #[must_use]
    pub fn failures(&self) -> Vec<ClientFailures> {
        self.shared.failures.list()
    }

    /// Serves on for the time of `lameduck`, while clients learn that it ends. Then it reads no more,
    /// sends the answers that are on their way, for 5 s at most, and ends. Blocks until then.
    pub fn stop(&self, lameduck: Duration) {
        pause(lameduck);
        self.state().end();
    }

    /// Waits for a server that takes over, and gives it all sockets, open streams included; then ends
    /// as `stop` does. Blocks until then. Says whether there was one.
    ///
    /// Nothing is lost: the next server's sockets are the same ones, with what waits in them.
    ///
    /// # Errors
    /// The next server did not take everything, or was none: this one goes on as before.
    pub fn hand_over(&self, offer: &Offer, wait: Duration) -> Result<bool, Failure> {
        let Some(taker) = offer.accept(wait)? else { return Ok(false) };
        let mut state = self.state();
        if state.is_over {
            return Err(Failure::Ended);
        }
        let (sender, receiver) = sync_channel(1);
        let until = monotonic() + YIELD_MOST;
        send(&state.threads.streams, streams::Order::Yield(until, sender));
        let streams = receiver.recv_timeout(YIELD_MOST + SAY_MOST).unwrap_or_default();
        let places = state.places.iter().map(|it| &it.place);
        let given = taker.give(&sockets::offered(places, &streams), GIVE_MOST);
        if let Err(error) = given {
            state.accept_again();
            send(&state.threads.streams, streams::Order::Adopt(streams));
            return Err(error.into());
        }
        drop(streams);
        state.end();
        Ok(true)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.end_until(monotonic());
    }
}

impl Placed {
    /// One for each datagram socket.
    fn sockets(&self) -> impl Iterator<Item = SocketId> {
        (self.first_id..).take(self.place.datagrams.len()).map(SocketId)
    }

    /// No datagram socket has this one.
    fn listener(&self) -> SocketId {
        let n_sockets = u64::try_from(self.place.datagrams.len()).unwrap_or(0);
        SocketId(self.first_id + n_sockets)
    }
}

impl State {
    fn serve(&mut self, place: Place) {
        let placed = Placed { place, first_id: self.next_id };
        self.next_id = placed.listener().0 + 1;
        let sockets = placed.sockets().zip(&placed.place.datagrams);
        for ((id, socket), worker) in sockets.zip(self.threads.workers.iter().cycle()) {
            worker.give(worker::Order::Listen(id, Arc::clone(socket)));
        }
        self.accept(&placed);
        self.places.push(placed);
    }

    fn accept(&self, placed: &Placed) {
        match placed.place.listener.try_clone() {
            Ok(listener) => {
                let order = streams::Order::Listen(placed.listener(), listener);
                send(&self.threads.streams, order);
            }
            Err(error) => {
                let address = placed.place.address;
                tracing::error!(%error, %address, "cannot accept streams");
            }
        }
    }

    fn accept_again(&self) {
        for placed in &self.places {
            self.accept(placed);
        }
    }

    fn end(&mut self) {
        self.end_until(monotonic() + FINISH_MOST);
    }

    /// In this order: who asks the forwarder ends before it.
    fn end_until(&mut self, until: Instant) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        for worker in &self.threads.workers {
            worker.give(worker::Order::End);
        }
        for thread in self.threads.joins.drain(2..) {
            join(thread);
        }
        send(&self.threads.streams, streams::Order::End(until));
        for thread in self.threads.joins.drain(1..) {
            join(thread);
        }
        send(&self.threads.controls, Control::End(until));
        for thread in self.threads.joins.drain(..) {
            join(thread);
        }
        self.places.clear();
    }
}

fn join(thread: JoinHandle<()>) {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(name, "a thread broke");
    }
}

/// Waits for room. A thread that has ended takes nothing.
fn send<T>(to: &mpsc::Sender<T>, mut order: T) {
    while let Err(TrySendError::Full(back)) = to.try_send(order) {
        order = back;
        pause(AGAIN);
    }
}
