//! What did the kernel answer to the messages of one send?

use netlink_packet_core::NLMSG_ERROR;

use super::message::{MessageError, messages};
use super::socket::{Socket, SocketError, Wait};

/// The sequence numbers of the messages of one send, both ends included. They may wrap around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequences {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Sequences {
    const fn holds(self, sequence: u32) -> bool {
        sequence.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What the kernel was asked for: message type and payload.
    pub(crate) replies: Vec<(u16, Vec<u8>)>,
    pub(crate) acknowledged: usize,
    pub(crate) errors: Vec<MessageError>,
    /// There were more answers than the receive buffer holds.
    pub(crate) lost: bool,
}

impl Socket {
    /// Sends messages and collects all answers to them.
    pub(crate) fn exchange(
        &mut self,
        request: &[u8],
        sequences: Sequences,
    ) -> Result<Answers, SocketError> {
        self.send(request)?;
        let mut answers = Answers::default();
        loop {
            let datagram = match self.receive(Wait::No) {
                Ok(Some(datagram)) => datagram,
                Ok(None) => return Ok(answers),
                Err(SocketError::Overrun) => {
                    answers.lost = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for message in messages(datagram) {
                let message = message?;
                if !sequences.holds(message.sequence) {
                    continue;
                }
                if message.message_type != NLMSG_ERROR {
                    answers.replies.push((message.message_type, message.payload.to_vec()));
                } else if let Some(error) = message.refusal()? {
                    answers.errors.push(error);
                } else {
                    answers.acknowledged += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_of_a_send_may_wrap_around() {
        let sequences = Sequences { first: u32::MAX, last: 1 };
        let held = [u32::MAX - 1, u32::MAX, 0, 1, 2].map(|sequence| sequences.holds(sequence));
        assert_eq!(held, [false, true, true, true, false]);
    }
}
