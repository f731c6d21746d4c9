//! Which connections does the kernel track, and which of them must be forgotten?
//!
//! UDP and SCTP clients that keep sending go on to the endpoint that their first packet went to,
//! for as long as the entry lives: when the endpoint goes, the entry has to go too.

mod delete;
mod entry;
mod filter;
mod statistics;

use model::Family;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use netlink_sys::protocols::NETLINK_NETFILTER;

pub use delete::Deleted;
pub use entry::{Counters, Entry, NewEntry, Status, Tuple};
pub use filter::Filter;
pub use statistics::{Fill, Statistics};

use crate::netlink::{
    BufferSizes, DumpError, MessageError, MessageWriter, Misframed, Sequences, Socket, SocketError,
};

const NFNL_SUBSYS_CTNETLINK: u16 = 1 << 8;
const IPCTNL_MSG_CT_NEW: u16 = NFNL_SUBSYS_CTNETLINK;
const IPCTNL_MSG_CT_GET: u16 = NFNL_SUBSYS_CTNETLINK | 1;
const IPCTNL_MSG_CT_DELETE: u16 = NFNL_SUBSYS_CTNETLINK | 2;
const IPCTNL_MSG_CT_GET_STATS_CPU: u16 = NFNL_SUBSYS_CTNETLINK | 4;
const IPCTNL_MSG_CT_GET_STATS: u16 = NFNL_SUBSYS_CTNETLINK | 5;

/// So many entries go into one send: about 100 bytes each, below the 212,992 bytes that a send
/// buffer has by default.
const ENTRIES_PER_SEND: usize = 500;

/// Room for a refusal of each of them, for which the kernel counts 768 bytes: more than the
/// receive buffer has by default.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A netlink socket for connection tracking, in the network namespace of the thread that opens it.
#[derive(Debug)]
pub struct Conntrack {
    socket: Socket,
}

#[derive(Debug, thiserror::Error)]
pub enum ConntrackError {
    #[error("cannot list tracked connections: {0}")]
    List(#[source] DumpError),
    #[error("cannot {operation} tracked connection: {refusal}")]
    Refused { operation: &'static str, refusal: MessageError },
    #[error("cannot {operation} tracked connections: the kernel did not acknowledge it")]
    Unacknowledged { operation: &'static str },
    #[error("cannot read statistics of connection tracking: {0}")]
    Statistics(#[source] DumpError),
    #[error("tracked connection cannot be read: {0}")]
    Misframed(#[from] Misframed),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// What is asked of each of many entries.
#[derive(Debug, Clone, Copy)]
struct Kind {
    message_type: u16,
    flags: u16,
    operation: &'static str,
}

impl Conntrack {
    pub fn open() -> Result<Self, SocketError> {
        let sizes = BufferSizes { send: None, receive: Some(RECEIVE_BUFFER) };
        Ok(Self { socket: Socket::open(NETLINK_NETFILTER, sizes, &[])? })
    }

    /// Hands each entry that the filter lets through to `each`, as the kernel's table has them.
    ///
    /// The kernel compares before it answers where it can (since 5.8), so that a table of a
    /// million entries costs one walk inside the kernel and an answer of the few that match.
    /// Entries that come or go meanwhile may or may not be among them.
    pub fn list(
        &mut self,
        filter: &Filter,
        each: &mut dyn FnMut(&Entry),
    ) -> Result<(), ConntrackError> {
        let mut writer = MessageWriter::default();
        let sequence = self.socket.next_sequence();
        let family = entry::family_number(filter.family());
        writer.message((IPCTNL_MSG_CT_GET, NLM_F_DUMP), sequence, family, |message| {
            filter.write(message);
        });
        let mut failure = None;
        let listed = self.socket.dump(writer.bytes(), &mut |_, payload| {
            match Entry::decode(payload) {
                // Older kernels list more than was asked for.
                Ok(Some(entry)) if filter.matches(&entry) => each(&entry),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        });
        listed.map_err(ConntrackError::List)?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Writes entries into the table, as if packets had made them: for tests.
    pub fn create(&mut self, entries: &[NewEntry]) -> Result<(), ConntrackError> {
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        let kind = Kind { message_type: IPCTNL_MSG_CT_NEW, flags, operation: "create" };
        let refusals = self.send_all(kind, entries, NewEntry::family, NewEntry::write)?;
        match refusals.into_iter().next() {
            Some(refusal) => Err(ConntrackError::Refused { operation: "create", refusal }),
            None => Ok(()),
        }
    }

    /// Sends one message for each item, some hundred at once, and returns what was refused.
    fn send_all<T>(
        &mut self,
        Kind { message_type, flags, operation }: Kind,
        items: &[T],
        family: impl Fn(&T) -> Family,
        write: impl Fn(&T, &mut MessageWriter),
    ) -> Result<Vec<MessageError>, ConntrackError> {
        let mut writer = MessageWriter::default();
        let mut refusals = Vec::new();
        for items in items.chunks(ENTRIES_PER_SEND) {
            writer.clear();
            let first = self.socket.next_sequence();
            let mut last = first;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    last = self.socket.next_sequence();
                }
                // Each refusal is reported unasked; the last message tells that all were seen.
                let ack = if index + 1 == items.len() { NLM_F_ACK } else { 0 };
                let family = entry::family_number(family(item));
                writer.message((message_type, flags | ack), last, family, |message| {
                    write(item, message);
                });
            }
            let answers = self.socket.exchange(writer.bytes(), Sequences { first, last })?;
            let is_seen = answers.acknowledged > 0
                || answers.errors.last().is_some_and(|error| error.sequence == last);
            if answers.lost {
                return Err(SocketError::Overrun.into());
            }
            if !is_seen {
                return Err(ConntrackError::Unacknowledged { operation });
            }
            refusals.extend(answers.errors);
        }
        Ok(refusals)
    }
}
