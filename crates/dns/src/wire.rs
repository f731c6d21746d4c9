//! How do questions and answers look on the wire?
//!
//! Reading is for what clients send: a header, one question, perhaps an OPT record. Writing makes
//! replies in a buffer that somebody else owns, without allocation.

mod code;
mod name;
mod query;
mod rdata;
mod reply;
mod rotated;

pub use code::{Class, ExtendedError, Rcode, RecordType};
pub(crate) use name::suffix_start;
pub use name::{InvalidName, Labels, Lowered, NAME_LEN_MAX, Name};
pub use query::{Edns, Query, Unanswerable, read};
pub use rdata::Rdata;
pub use reply::{NameAt, Reply, ReplySize, Section, UDP_SIZE_MAX};
pub use rotated::Rotated;

/// A header's length: what a message has at least.
pub const HEADER_LEN: usize = 12;

/// Bits of the header's second word.
pub mod flag {
    pub const RESPONSE: u16 = 0x8000;
    pub const AUTHORITATIVE: u16 = 0x0400;
    pub const TRUNCATED: u16 = 0x0200;
    pub const RECURSION_DESIRED: u16 = 0x0100;
    pub const RECURSION_AVAILABLE: u16 = 0x0080;
    pub const AUTHENTIC_DATA: u16 = 0x0020;
    pub const CHECKING_DISABLED: u16 = 0x0010;
    pub const OPCODE: u16 = 0x7800;
    pub const RCODE: u16 = 0x000f;
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let octets = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*octets))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let octets = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*octets))
}
