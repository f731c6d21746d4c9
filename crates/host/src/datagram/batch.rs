//! Which datagrams came together, and what is answered to each?

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use super::kernel_form::{Control, Name};
use super::{Ends, UdpSocket, multiple};

/// So many datagrams at most are taken with one system call: one that does nothing else costs a
/// small part of what a datagram costs, so that more would gain little.
pub const BATCH_MAX: usize = 64;

const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Room for datagrams and their replies, taken once.
#[derive(Debug)]
pub struct Batch {
    slots: Box<[Slot]>,
    n_received: usize,
}

/// Room for one datagram and its reply.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) payload: Box<[u8]>,
    pub(super) n_payload: usize,
    pub(super) is_truncated: bool,
    /// Of the sender.
    pub(super) name: Name,
    /// As received, then as the reply has it.
    pub(super) control: Control,
    ends: Ends,
    reply: Box<[u8]>,
    n_reply: Option<usize>,
}

/// One that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub payload: &'a [u8],
    pub ends: Ends,
    /// It was longer than its room: what is beyond is lost.
    pub is_truncated: bool,
}

/// Room for the reply to one datagram. None is sent unless it is completed.
#[derive(Debug)]
pub struct Reply<'a> {
    buffer: &'a mut [u8],
    n_reply: &'a mut Option<usize>,
}

/// What became of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    pub sent: usize,
    /// The kernel did not take them, or its buffer stayed full.
    pub dropped: usize,
    /// Why the first was dropped.
    pub errno: Option<i32>,
}

impl Batch {
    /// For so many datagrams, at least one and at most [`BATCH_MAX`], with so many bytes for each
    /// and for its reply. Nothing is allocated after this.
    #[must_use]
    pub fn new(n_datagrams: usize, payload_max: usize, reply_max: usize) -> Self {
        let nowhere = Ends { remote: NOBODY, local: NOBODY.ip(), link: 0 };
        let slot = |_| Slot {
            payload: vec![0; payload_max].into(),
            n_payload: 0,
            is_truncated: false,
            name: Name::default(),
            control: Control::default(),
            ends: nowhere,
            reply: vec![0; reply_max].into(),
            n_reply: None,
        };
        Self { slots: (0..n_datagrams.clamp(1, BATCH_MAX)).map(slot).collect(), n_received: 0 }
    }

    /// Takes what waits on the socket, in place of what was there: how many, 0 when nothing waits.
    /// What ICMP says of former replies is passed over.
    ///
    /// # Errors
    /// When the socket itself fails; the batch is empty then.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.n_received = 0;
        let n_received = multiple::receive(socket.as_fd(), &mut self.slots)?;
        for slot in self.slots.iter_mut().take(n_received) {
            slot.n_reply = None;
            let bound = socket.local_address();
            let (local, link) = slot.control.local().unwrap_or_else(|| (bound.ip(), 0));
            // A UDP socket always says who sent. Were it not so: port 0 is refused for a reply.
            let remote = slot.name.address().unwrap_or(NOBODY);
            slot.ends = Ends { remote, local, link };
        }
        self.n_received = n_received;
        Ok(n_received)
    }

    /// What was received, in order, each with the room for its reply.
    pub fn exchanges(&mut self) -> impl Iterator<Item = (Datagram<'_>, Reply<'_>)> {
        self.slots.iter_mut().take(self.n_received).map(|slot| {
            let datagram = Datagram {
                payload: &slot.payload[..slot.n_payload],
                ends: slot.ends,
                is_truncated: slot.is_truncated,
            };
            (datagram, Reply { buffer: &mut slot.reply, n_reply: &mut slot.n_reply })
        })
    }

    /// Sends the replies that are complete, each once, from the address that was asked. Whatever
    /// the kernel says of one, the others are sent.
    pub fn send(&mut self, socket: &UdpSocket) -> Sent {
        let slots = &mut self.slots[..self.n_received];
        for slot in slots.iter_mut().filter(|slot| slot.n_reply.is_some()) {
            slot.control = Control::from_local(&slot.ends);
        }
        let replies = slots
            .iter()
            .filter_map(|slot| Some((slot.reply.get(..slot.n_reply?)?, &slot.name, &slot.control)));
        let sent = multiple::send(socket.as_fd(), replies);
        for slot in slots {
            slot.n_reply = None;
        }
        sent
    }
}

impl Reply<'_> {
    /// Where to write it.
    pub const fn buffer(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// The first so many bytes of the buffer are the reply; of a length beyond the buffer, the
    /// whole buffer.
    pub fn complete(self, length: usize) {
        *self.n_reply = Some(length.min(self.buffer.len()));
    }
}
