//! Which messages does a datagram hold, and what does the kernel complain about?

use std::fmt;
use std::io;

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ALIGNTO, NetlinkBuffer, parse_i32, parse_u32,
};

use super::attribute::attributes;

/// `struct nlmsghdr`.
pub(super) const HEADER_LENGTH: usize = 16;

/// One netlink message inside a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub message_type: u16,
    pub flags: u16,
    pub sequence: u32,
    /// Of whom asked; in a notification: of whom caused it.
    pub port_id: u32,
    /// What follows the header, without padding.
    pub payload: &'a [u8],
}

/// The bytes are no netlink messages or attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("netlink data is malformed at byte {offset}: {what}")]
pub struct Misframed {
    pub offset: usize,
    pub what: &'static str,
}

/// Every message of a datagram, in order. After an error there is nothing more.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Misframed>> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = datagram.get(offset..).filter(|rest| !rest.is_empty())?;
        let Ok(frame) = NetlinkBuffer::new_checked(rest) else {
            let at = offset;
            offset = datagram.len();
            return Some(Err(Misframed {
                offset: at,
                what: "message is shorter than its header says",
            }));
        };
        // `new_checked` has compared the length with the slice, so that it fits into usize.
        let length = usize::try_from(frame.length()).unwrap_or(usize::MAX);
        offset += length.next_multiple_of(usize::from(NLMSG_ALIGNTO));
        Some(Ok(Message {
            message_type: frame.message_type(),
            flags: frame.flags(),
            sequence: frame.sequence_number(),
            port_id: frame.port_number(),
            payload: &rest[HEADER_LENGTH..length],
        }))
    })
}

/// One message that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageError {
    /// Of the refused message; of the batch's first message when the batch as a whole failed.
    pub sequence: u32,
    /// A positive errno.
    pub errno: i32,
    /// What the kernel says beyond the errno.
    pub text: Option<String>,
    /// Where in the refused message, header included, the attribute at fault begins.
    pub attribute_offset: Option<u32>,
}

impl std::error::Error for MessageError {}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}: {}", self.sequence, io::Error::from_raw_os_error(self.errno))?;
        if let Some(text) = &self.text {
            write!(f, ": {text}")?;
        }
        if let Some(offset) = self.attribute_offset {
            write!(f, ": attribute at byte {offset}")?;
        }
        Ok(())
    }
}

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;

impl Message<'_> {
    /// Reads an `NLMSG_ERROR`: nothing when it acknowledges, else what was refused.
    pub(super) fn refusal(&self) -> Result<Option<MessageError>, Misframed> {
        let short = Misframed { offset: 0, what: "acknowledgement without an error code" };
        let code = self.payload.get(..4).and_then(|bytes| parse_i32(bytes).ok()).ok_or(short)?;
        if code == 0 {
            return Ok(None);
        }
        Ok(Some(self.error(code, self.offset_after_original()?)?))
    }

    /// Reads an `NLMSG_DONE`: nothing when the dump ended well.
    pub(super) fn failed_end(&self) -> Result<Option<MessageError>, Misframed> {
        match self.payload.get(..4).and_then(|bytes| parse_i32(bytes).ok()) {
            Some(code) if code < 0 => Ok(Some(self.error(code, 4)?)),
            _ => Ok(None),
        }
    }

    /// The original message stands between the error code and the attributes: its header alone
    /// when capped.
    fn offset_after_original(&self) -> Result<usize, Misframed> {
        if self.flags & NLM_F_CAPPED != 0 {
            return Ok(4 + HEADER_LENGTH);
        }
        let short = Misframed { offset: 4, what: "acknowledgement without the original header" };
        let length = self.payload.get(4..8).and_then(|bytes| parse_u32(bytes).ok()).ok_or(short)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(length.saturating_add(4).checked_next_multiple_of(4).unwrap_or(usize::MAX))
    }

    fn error(&self, code: i32, attributes_at: usize) -> Result<MessageError, Misframed> {
        let mut error = MessageError {
            sequence: self.sequence,
            errno: code.saturating_neg(),
            text: None,
            attribute_offset: None,
        };
        if self.flags & NLM_F_ACK_TLVS == 0 {
            return Ok(error);
        }
        for attribute in attributes(self.payload.get(attributes_at..).unwrap_or_default()) {
            let attribute = attribute?;
            match attribute.kind {
                NLMSGERR_ATTR_MSG => {
                    let text = String::from_utf8_lossy(attribute.value);
                    error.text = Some(text.trim_end_matches('\0').to_owned());
                }
                NLMSGERR_ATTR_OFFS => error.attribute_offset = parse_u32(attribute.value).ok(),
                _ => {}
            }
        }
        Ok(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(message_type: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER_LENGTH + payload.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(message_type.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(9u32.to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_datagram_of_two_messages_is_split_at_the_padding() {
        let mut datagram = message(1, 2, &[1, 2, 3, 4, 5]);
        datagram.extend(message(3, 4, &[]));
        let found: Vec<_> = messages(&datagram).collect();
        let expected = |message_type, flags, payload| {
            Ok(Message { message_type, flags, sequence: 7, port_id: 9, payload })
        };
        assert_eq!(found, [expected(1, 2, &[1, 2, 3, 4, 5][..]), expected(3, 4, &[])]);
    }

    #[test]
    fn a_length_beyond_the_datagram_ends_the_walk_with_an_error() {
        let mut datagram = message(1, 0, &[]);
        datagram.extend(&message(1, 0, &[0; 8])[..20]);
        let found: Vec<_> = messages(&datagram).skip(1).collect();
        let what = "message is shorter than its header says";
        assert_eq!(found, [Err(Misframed { offset: 16, what })]);
    }

    #[test]
    fn a_refusal_carries_text_and_offset() {
        let mut payload = (-22i32).to_ne_bytes().to_vec();
        payload.extend(&message(5, 0, &[])[..HEADER_LENGTH]);
        payload.extend([12, 0, 1, 0]);
        payload.extend(b"no good\0");
        payload.extend([8, 0, 2, 0, 40, 0, 0, 0]);
        let datagram = message(2, NLM_F_CAPPED | NLM_F_ACK_TLVS, &payload);
        let found = messages(&datagram).next().unwrap().unwrap().refusal();
        let expected = MessageError {
            sequence: 7,
            errno: 22,
            text: Some("no good".to_owned()),
            attribute_offset: Some(40),
        };
        assert_eq!(found, Ok(Some(expected.clone())));
        assert_eq!(
            expected.to_string(),
            "message 7: Invalid argument (os error 22): no good: attribute at byte 40"
        );
    }

    #[test]
    fn a_refusal_that_is_too_short_is_an_error_and_not_an_acknowledgement() {
        let datagram = message(2, 0, &[0, 0]);
        let found = messages(&datagram).next().unwrap().unwrap().refusal();
        assert_eq!(
            found,
            Err(Misframed { offset: 0, what: "acknowledgement without an error code" })
        );
    }
}
