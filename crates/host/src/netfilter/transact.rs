//! What becomes of a batch: all of it applied, or none and why?

use netlink_packet_core::NLM_F_ACK;

use super::Nfnetlink;
use crate::netlink::{Message, MessageError, MessageWriter, Sequences, SocketError, messages};

const NFNL_MSG_BATCH_BEGIN: u16 = 16;
const NFNL_MSG_BATCH_END: u16 = 17;
/// `struct nlmsghdr` and `struct nfgenmsg`: the end of a batch has nothing more.
const BATCH_END_LENGTH: usize = 20;

/// `ERESTART` and `EINTR`: what the kernel says when the batch was written for another generation.
const GENERATION_CHANGED: [i32; 2] = [libc::ERESTART, libc::EINTR];

/// What a transaction that was applied took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactStats {
    pub bytes: usize,
    pub acknowledgements: usize,
}

/// Why a batch was not applied. Nothing of it was, except in `AnswersLost` and
/// `Unacknowledged`, where that is unknown.
#[derive(Debug, thiserror::Error)]
pub enum TransactError {
    #[error("batch of {size} bytes is malformed: {what}")]
    Malformed { size: usize, what: &'static str },
    #[error("nftables transaction denied\nhint: CAP_NET_ADMIN is missing")]
    Denied,
    #[error("another program changed the ruleset since the generation that the batch names")]
    GenerationChanged,
    #[error("nftables transaction refused: {n} errors, the first: {first}", n = errors.len(), first = FirstOf(errors))]
    Refused {
        /// In the order of the batch.
        errors: Vec<MessageError>,
        /// There were more than the receive buffer holds.
        incomplete: bool,
    },
    #[error("the kernel's answers to an nftables transaction were lost: receive buffer is full")]
    AnswersLost,
    #[error(
        "the kernel did not acknowledge an nftables transaction\nhint: does any message ask for it?"
    )]
    Unacknowledged,
    #[error(transparent)]
    Socket(#[from] SocketError),
}

struct FirstOf<'a>(&'a [MessageError]);

impl std::fmt::Display for FirstOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.first() {
            Some(error) => error.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

impl Nfnetlink {
    /// Sends a batch as one transaction and waits until the kernel has committed or refused it.
    ///
    /// The batch is whole: from BATCH_BEGIN to BATCH_END, with sequence numbers that grow from the
    /// caller's choice. Each refused message is reported with its own sequence number, asked or
    /// not. So that success is heard of too, set NLM_F_ACK on BATCH_END: the kernel acknowledges
    /// it after the commit. Kernels before 6.10 do not ([`Self::acknowledges_batch_end`]); there,
    /// set it on the last message before BATCH_END, which is as good: a commit that fails is
    /// reported for BATCH_BEGIN.
    ///
    /// A name in BATCH_BEGIN's generation attribute makes the kernel refuse with
    /// `GenerationChanged` when another program was faster.
    pub fn transact(&mut self, batch: &[u8]) -> Result<TransactStats, TransactError> {
        let (begin, end) = ends(batch)?;
        let sequences = Sequences { first: begin.sequence, last: end.sequence };
        let answers = self.socket.exchange(batch, sequences)?;
        let errors = answers.errors;
        let of_batch = |errno| {
            errors.iter().any(|error| error.sequence == begin.sequence && error.errno == errno)
        };
        if of_batch(libc::EPERM) {
            return Err(TransactError::Denied);
        }
        if GENERATION_CHANGED.into_iter().any(of_batch) {
            return Err(TransactError::GenerationChanged);
        }
        if !errors.is_empty() {
            return Err(TransactError::Refused { errors, incomplete: answers.lost });
        }
        if answers.lost {
            return Err(TransactError::AnswersLost);
        }
        if answers.acknowledged == 0 {
            return Err(TransactError::Unacknowledged);
        }
        Ok(TransactStats { bytes: batch.len(), acknowledgements: answers.acknowledged })
    }

    /// Whether this kernel acknowledges the end of a batch, asked with a batch that holds nothing.
    pub fn acknowledges_batch_end(&mut self) -> Result<bool, TransactError> {
        let mut writer = MessageWriter::default();
        let sequence = self.socket.next_sequence();
        // `struct nfgenmsg` of a batch names the subsystem in its last two bytes.
        let subsystem = (super::NFNL_SUBSYS_NFTABLES >> 8).to_be_bytes();
        for (message_type, flags) in [(NFNL_MSG_BATCH_BEGIN, 0), (NFNL_MSG_BATCH_END, NLM_F_ACK)] {
            writer.batch_edge((message_type, flags), sequence, subsystem);
        }
        match self.transact(writer.bytes()) {
            Ok(_) => Ok(true),
            Err(TransactError::Unacknowledged) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The first and the last message, which must be the two edges of a batch.
fn ends(batch: &[u8]) -> Result<(Message<'_>, Message<'_>), TransactError> {
    let malformed = |what| TransactError::Malformed { size: batch.len(), what };
    let edge = |bytes: Option<_>, message_type: u16, what| {
        let message = bytes.and_then(|bytes| messages(bytes).next()).and_then(Result::ok);
        message
            .filter(|message: &Message<'_>| message.message_type == message_type)
            .ok_or_else(|| malformed(what))
    };
    let last = batch.len().checked_sub(BATCH_END_LENGTH).and_then(|at| batch.get(at..));
    Ok((
        edge(Some(batch), NFNL_MSG_BATCH_BEGIN, "it does not start with BATCH_BEGIN")?,
        edge(last, NFNL_MSG_BATCH_END, "it does not end with BATCH_END")?,
    ))
}
