//! What does the kernel list when asked for everything of a kind?

use std::time::Duration;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP};

use super::message::{MessageError, Misframed, messages};
use super::socket::{Socket, SocketError, Wait};

/// The kernel writes the next part of a dump while the former is read: it is never late. This is
/// the bound for a kernel that does not keep to that.
const PART_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("what was listed changed meanwhile; what was seen is not one state\nhint: list again")]
    Interrupted,
    #[error("listing refused: {0}")]
    Refused(#[source] MessageError),
    #[error("the kernel did not end its list within {} s", PART_TIMEOUT.as_secs())]
    Unfinished,
    #[error("not a request for a list: NLM_F_DUMP is not set")]
    NotADump,
    #[error(transparent)]
    Socket(#[from] SocketError),
}

impl From<Misframed> for DumpError {
    fn from(source: Misframed) -> Self {
        Self::Socket(source.into())
    }
}

impl Socket {
    /// Hands each listed message (type, payload) to `each`. After an error other than
    /// `Interrupted` and `Refused` the kernel may still be listing: take a new socket.
    pub(crate) fn dump(
        &mut self,
        request: &[u8],
        each: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<(), DumpError> {
        let asked = messages(request).next().transpose()?.ok_or(DumpError::NotADump)?;
        if asked.flags & NLM_F_DUMP != NLM_F_DUMP {
            return Err(DumpError::NotADump);
        }
        let sequence = asked.sequence;
        self.send(request)?;
        let mut interrupted = false;
        loop {
            let datagram =
                self.receive(Wait::AtMost(PART_TIMEOUT))?.ok_or(DumpError::Unfinished)?;
            for message in messages(datagram) {
                let message = message?;
                if message.sequence != sequence {
                    continue;
                }
                interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                match message.message_type {
                    NLMSG_DONE => {
                        return match message.failed_end()? {
                            Some(error) if error.errno == libc::EINTR => {
                                Err(DumpError::Interrupted)
                            }
                            Some(error) => Err(DumpError::Refused(error)),
                            None if interrupted => Err(DumpError::Interrupted),
                            None => Ok(()),
                        };
                    }
                    NLMSG_ERROR => {
                        if let Some(error) = message.refusal()? {
                            return Err(DumpError::Refused(error));
                        }
                    }
                    NLMSG_NOOP => {}
                    message_type => each(message_type, message.payload),
                }
            }
        }
    }
}
