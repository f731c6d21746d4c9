//! How do nf_tables messages get to the kernel, and what does it say to them?
//!
//! Bytes in, messages out: what is in a table is not known here.

mod monitor;
mod transact;

use netlink_packet_core::{NLM_F_ACK, parse_u32_be};
use netlink_sys::protocols::NETLINK_NETFILTER;

pub use monitor::{MonitorError, NftMonitor, Notification};
pub use transact::{TransactError, TransactStats};

use crate::netlink::{
    BufferSizes, DumpError, MessageError, MessageWriter, Misframed, Sequences, Socket, SocketError,
    find, messages,
};

const SEND_BUFFER: usize = 64 << 20;
const RECEIVE_BUFFER: usize = 16 << 20;

const NFNL_SUBSYS_NFTABLES: u16 = 10 << 8;
const NFT_MSG_GETGEN: u16 = NFNL_SUBSYS_NFTABLES | 16;
const NFTA_GEN_ID: u16 = 1;

/// A netlink socket for nf_tables, in the network namespace of the thread that opens it.
#[derive(Debug)]
pub struct Nfnetlink {
    pub(crate) socket: Socket,
}

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("netfilter request refused: {0}")]
    Refused(#[source] MessageError),
    #[error("netfilter request has no message")]
    Empty,
    #[error("netfilter request was not answered")]
    Unanswered,
    #[error(transparent)]
    Socket(#[from] SocketError),
}

impl From<Misframed> for RequestError {
    fn from(source: Misframed) -> Self {
        Self::Socket(source.into())
    }
}

impl Nfnetlink {
    /// Needs CAP_NET_ADMIN, as everything that is done with it.
    pub fn open() -> Result<Self, SocketError> {
        let sizes = BufferSizes { send: Some(SEND_BUFFER), receive: Some(RECEIVE_BUFFER) };
        Ok(Self { socket: Socket::open(NETLINK_NETFILTER, sizes, &[])? })
    }

    /// Notifications of what this socket changed carry this number: see [`Notification`].
    #[must_use]
    pub const fn port_id(&self) -> u32 {
        self.socket.port_id()
    }

    /// Hands each message (type, payload after `struct nlmsghdr`) that the kernel lists to `each`.
    /// The request needs NLM_F_DUMP.
    ///
    /// `Interrupted` when the ruleset changed meanwhile; to have several lists of one state, compare
    /// [`Self::generation_id`] before and after. After an error other than that and `Refused`,
    /// open a new socket.
    pub fn dump(
        &mut self,
        request: &[u8],
        each: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<(), DumpError> {
        // For a set's elements the kernel does not set NLM_F_DUMP_INTR; but each message names the
        // low bits of the generation that it is of.
        let mut first = None;
        let mut is_changed = false;
        self.socket.dump(request, &mut |message_type, payload| {
            let generation = payload.get(2..4);
            is_changed |= first.get_or_insert_with(|| generation.map(<[u8]>::to_vec)).as_deref()
                != generation;
            each(message_type, payload);
        })?;
        if is_changed { Err(DumpError::Interrupted) } else { Ok(()) }
    }

    /// Sends one message and returns what the kernel answers: types and payloads.
    pub fn request(&mut self, request: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, RequestError> {
        let asked = messages(request).next().transpose()?.ok_or(RequestError::Empty)?;
        let sequences = Sequences { first: asked.sequence, last: asked.sequence };
        let answers = self.socket.exchange(request, sequences)?;
        match answers.errors.into_iter().next() {
            Some(error) => Err(RequestError::Refused(error)),
            None if answers.lost => Err(SocketError::Overrun.into()),
            None if answers.replies.is_empty() && answers.acknowledged == 0 => {
                Err(RequestError::Unanswered)
            }
            None => Ok(answers.replies),
        }
    }

    /// The number of the ruleset's present state. Every transaction that changes something, of
    /// whatever program, makes a new one.
    pub fn generation_id(&mut self) -> Result<u32, RequestError> {
        let mut writer = MessageWriter::default();
        let sequence = self.socket.next_sequence();
        writer.message((NFT_MSG_GETGEN, NLM_F_ACK), sequence, 0, |_| {});
        let replies = self.request(writer.bytes())?;
        let (_, payload) = replies.first().ok_or(RequestError::Unanswered)?;
        let id = find(payload.get(4..).unwrap_or_default(), NFTA_GEN_ID)?;
        id.and_then(|value| parse_u32_be(value).ok()).ok_or(RequestError::Unanswered)
    }
}
