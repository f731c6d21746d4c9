//! How are upstreams asked by datagrams, and how is heard what comes back?

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;

use dns::forward::SocketToken;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use tokio::io::unix::AsyncFd;

use crate::answer::Generation;

/// The longest answer that is read: what forwarders ask for is far less.
pub(super) const ANSWER_MAX: usize = 4_096;

/// Sockets that are told of at once.
const EVENTS_MAX: usize = 64;

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The sockets of all questions by datagrams. Each has one of its own, connected, on a port that the
/// kernel draws.
///
/// They are in a poll of their own, and the thread's runtime knows only that: a task for each, or a
/// registration, would cost more than the question.
#[derive(Debug)]
pub(super) struct Datagrams {
    poll: AsyncFd<OwnedFd>,
    open: BTreeMap<u64, Open>,
    next: u64,
    /// The poll told of nothing when it was asked last.
    is_drained: bool,
}

#[derive(Debug)]
struct Open {
    owner: (Generation, SocketToken),
    upstream: SocketAddr,
    socket: UdpSocket,
}

/// Which socket, among all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenId(u64);

/// What came to a socket.
#[derive(Debug)]
pub(super) struct Come {
    /// Whose socket it is.
    pub(super) owner: (Generation, SocketToken),
    pub(super) upstream: SocketAddr,
    /// Octets of the message; a socket that failed is closed already.
    pub(super) len: io::Result<usize>,
}

impl Datagrams {
    pub(super) fn new() -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "its successor asks, unsafely, that the descriptor stay open: an owned one does"
        )]
        let poll = AsyncFd::new(epoll::create(CreateFlags::CLOEXEC)?)?;
        Ok(Self { poll, open: BTreeMap::new(), next: 0, is_drained: true })
    }

    /// Asks; what comes is heard until the socket is closed.
    pub(super) fn ask(
        &mut self,
        owner: (Generation, SocketToken),
        upstream: SocketAddr,
        question: &[u8],
    ) -> io::Result<OpenId> {
        let family = if upstream.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = UdpSocket::from(socket_with(family, SocketType::DGRAM, flags, None)?);
        // Without an address of its own it gets a port here, which the kernel draws.
        socket.connect(upstream)?;
        socket.send(question)?;
        let id = self.next;
        epoll::add(self.poll.get_ref(), &socket, EventData::new_u64(id), EventFlags::IN)?;
        self.next += 1;
        self.open.insert(id, Open { owner, upstream, socket });
        Ok(OpenId(id))
    }

    pub(super) fn close(&mut self, OpenId(id): OpenId) {
        // Nobody else has it, so it leaves the poll too.
        self.open.remove(&id);
    }

    pub(super) fn close_all_of(&mut self, generation: Generation) {
        self.open.retain(|_, open| open.owner.0 != generation);
    }

    /// Waits until something came, if all that there was is taken.
    pub(super) async fn wait(&self) {
        if self.is_drained {
            match self.poll.readable().await {
                // What comes from here on wakes again.
                Ok(mut ready) => ready.clear_ready(),
                Err(error) => tracing::error!(%error, "cannot wait for upstreams"),
            }
        }
    }

    /// Some of the sockets to which something came.
    pub(super) fn ready(&mut self) -> Vec<OpenId> {
        let none = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
        let mut events = [none; EVENTS_MAX];
        let n_events = epoll::wait(self.poll.get_ref(), &mut events[..], Some(&AT_ONCE));
        let n_events = n_events.unwrap_or(0);
        self.is_drained = n_events == 0;
        events.iter().take(n_events).map(|event| OpenId(event.data.u64())).collect()
    }

    /// What came to a socket; `None` when nothing did, or it was closed meanwhile.
    pub(super) fn receive(&mut self, id: OpenId, buffer: &mut [u8]) -> Option<Come> {
        let Open { owner, upstream, socket } = self.open.get(&id.0)?;
        let (owner, upstream, len) = (*owner, *upstream, socket.recv(buffer));
        match &len {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_network) => self.close(id),
            Ok(_) => {}
        }
        Some(Come { owner, upstream, len })
    }
}
