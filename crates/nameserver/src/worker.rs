//! How does one thread answer the datagrams of its sockets?
//!
//! It sleeps until a socket has some, takes many at once, answers each into its slot, sends all, and
//! goes on with the next socket. For a question nothing is allocated, no lock taken and no task made.
//! Orders are rare: they wait in a channel, and a descriptor among the sockets tells of them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use dns::respond::Client;
use host::clock::{monotonic, pause};
use host::datagram::{BATCH_MAX, Batch, UdpSocket};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use crate::answer::{Answer, Answerer, Way};
use crate::options::DATAGRAM_SIZE_MAX;
use crate::stats::{PerZone, add_one};

/// The longest question that is read. Those that programs send have less than 512 octets.
const QUESTION_MAX: usize = 4_096;

/// Batches taken from one socket before the others get their turn.
const BATCHES_PER_TURN: usize = 4;

/// Batches taken from a socket at its end: what came before the order, not what still comes.
const BATCHES_AT_END: usize = 64;

/// A thread without questions looks this often whether what it holds is old, so that it can go.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// After a socket itself failed.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

const EVENTS_MAX: usize = 64;

/// A socket as the thread knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(pub(crate) u64);

/// No socket has this one.
const ORDERS: u64 = u64::MAX;

/// What a thread is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    Listen(SocketId, Arc<UdpSocket>),
    /// Answers what waits there, and leaves the socket.
    Leave(SocketId),
    /// Leaves all sockets and ends.
    End,
}

/// The other end of a thread's orders.
#[derive(Debug)]
pub(crate) struct Orders {
    orders: Sender<Order>,
    bell: Arc<OwnedFd>,
}

impl Orders {
    /// Of a thread that has ended, nothing comes.
    pub(crate) fn give(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            self.ring();
        }
    }

    fn ring(&self) {
        // It fails only when the bell rings already.
        let _rings = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

#[derive(Debug)]
pub(crate) struct Worker {
    poll: OwnedFd,
    bell: Arc<OwnedFd>,
    orders: Receiver<Order>,
    sockets: BTreeMap<SocketId, Arc<UdpSocket>>,
    batch: Batch,
    answerer: Answerer,
}

impl Worker {
    pub(crate) fn new(answerer: Answerer) -> io::Result<(Self, Orders)> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&poll, &*bell, EventData::new_u64(ORDERS), EventFlags::IN)?;
        let (sender, orders) = channel();
        let worker = Self {
            poll,
            bell: Arc::clone(&bell),
            orders,
            sockets: BTreeMap::new(),
            batch: Batch::new(BATCH_MAX, QUESTION_MAX, usize::from(DATAGRAM_SIZE_MAX)),
            answerer,
        };
        Ok((worker, Orders { orders: sender, bell }))
    }

    /// Answers until it is told to end.
    pub(crate) fn run(mut self) {
        let mut events =
            [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; EVENTS_MAX];
        loop {
            let n_events = match epoll::wait(&self.poll, &mut events[..], Some(&LOOK)) {
                Ok(n_events) => n_events,
                Err(Errno::INTR) => 0,
                Err(errno) => {
                    tracing::error!(%errno, "cannot wait for datagrams");
                    pause(AFTER_FAILURE);
                    0
                }
            };
            if n_events == 0 {
                self.answerer.begin();
                self.answerer.end();
                // Whoever gives orders may have gone without a word.
                if self.follow_orders().is_break() {
                    return;
                }
            }
            for event in events.iter().take(n_events) {
                let id = event.data.u64();
                if id == ORDERS {
                    if self.follow_orders().is_break() {
                        return;
                    }
                } else {
                    self.serve(SocketId(id), BATCHES_PER_TURN);
                }
            }
        }
    }

    fn follow_orders(&mut self) -> std::ops::ControlFlow<()> {
        let mut rung = [0; 8];
        // Whatever it says, the orders are in the channel.
        let _rang = rustix::io::read(&*self.bell, &mut rung);
        loop {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => return std::ops::ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => Order::End,
            };
            match order {
                Order::Listen(id, socket) => self.listen(id, socket),
                Order::Leave(id) => self.leave(id),
                Order::End => {
                    for id in self.sockets.keys().copied().collect::<Vec<_>>() {
                        self.leave(id);
                    }
                    return std::ops::ControlFlow::Break(());
                }
            }
        }
    }

    fn listen(&mut self, id: SocketId, socket: Arc<UdpSocket>) {
        let data = EventData::new_u64(id.0);
        if let Err(errno) = epoll::add(&self.poll, socket.as_fd(), data, EventFlags::IN) {
            self.answerer.counters.socket_failures.add(1);
            let address = socket.local_address();
            tracing::error!(%errno, %address, "cannot wait for datagrams");
        }
        self.sockets.insert(id, socket);
    }

    fn leave(&mut self, id: SocketId) {
        self.serve(id, BATCHES_AT_END);
        if let Some(socket) = self.sockets.remove(&id) {
            // Another process may hold the same socket: closing alone would leave it in the poll.
            let _known = epoll::delete(&self.poll, socket.as_fd());
        }
    }

    fn serve(&mut self, id: SocketId, batches_max: usize) {
        let Some(socket) = self.sockets.get(&id) else { return };
        for _ in 0..batches_max {
            match self.batch.receive(socket) {
                Ok(0) => return,
                Ok(n_received) => {
                    answer_all(&mut self.batch, socket, &mut self.answerer);
                    if n_received < BATCH_MAX {
                        return;
                    }
                }
                Err(error) => {
                    let address = socket.local_address();
                    self.answerer.counters.socket_failures.add(1);
                    tracing::debug!(%error, %address, "cannot receive datagrams");
                    pause(AFTER_FAILURE);
                    return;
                }
            }
        }
    }
}

fn answer_all(batch: &mut Batch, socket: &Arc<UdpSocket>, answerer: &mut Answerer) {
    answerer.begin();
    let (size, now) = (answerer.datagram_size(), monotonic());
    let mut replies = PerZone::default();
    for (datagram, mut reply) in batch.exchanges() {
        if datagram.is_truncated {
            answerer.counters.oversized.add(1);
            continue;
        }
        let ends = datagram.ends;
        let client = Client { address: ends.remote.ip(), size };
        let way = || Way::Datagram { socket: Arc::clone(socket), ends };
        match answerer.answer(datagram.payload, client, now, way, reply.buffer()) {
            Answer::Reply(len, zone) => {
                add_one(&mut replies, zone);
                reply.complete(len);
            }
            Answer::Silent | Answer::Later | Answer::Transfer(_) => {}
        }
    }
    let sent = batch.send(socket);
    answerer.counters.durations(monotonic().saturating_duration_since(now), replies);
    answerer.counters.unsent.add(u64::try_from(sent.dropped).unwrap_or(u64::MAX));
    answerer.end();
}
