//! What does a message say that somebody else wrote?
//!
//! For answers of upstreams. [`Received::parse`] looks at every name and length once; whatever reads
//! the message afterwards cannot leave it. Nothing here allocates, so a flood costs only its bytes.

mod name;
mod record;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod written;

use std::ops::Range;

use thiserror::Error;

pub use name::{Labels, NameIn};
pub(crate) use record::names_in;
pub use record::{Record, Records, Section};

pub(crate) use crate::wire::{u16_at, u32_at};

use crate::wire::HEADER_LEN;

/// The option of OPT that RFC 8914 defines.
const OPTION_EXTENDED_ERROR: u16 = 15;

/// The types and the class that are looked at; all others pass through unread.
pub mod number {
    /// The address of an IPv4 host.
    pub const A: u16 = 1;
    /// The name servers of a zone.
    pub const NS: u16 = 2;
    /// Another name for the owner.
    pub const CNAME: u16 = 5;
    /// The begin of a zone; bounds how long "no" may be remembered.
    pub const SOA: u16 = 6;
    /// What kind of host; asked for by loop probes.
    pub const HINFO: u16 = 13;
    /// Another name for everything below the owner.
    pub const DNAME: u16 = 39;
    /// Not a record: the EDNS part of a message (RFC 6891).
    pub const OPT: u16 = 41;
    /// A signature over the whole message, of one hop (RFC 8945).
    pub const TSIG: u16 = 250;
    /// Only as a question: all types.
    pub const ANY: u16 = 255;
    /// The class Internet.
    pub const IN: u16 = 1;
}

/// Why bytes are not a message that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It ends before what its counts or lengths promise.
    #[error("the message ends too early")]
    Short,
    /// A name that is too long, points forward, or has a label of an unknown kind.
    #[error("a name that does not end within its bounds")]
    Name,
    /// More than one question.
    #[error("more than one question")]
    Questions,
    /// An OPT record that is not additional, that is not at the root, or a second one.
    #[error("an OPT record where none may be")]
    Opt,
}

/// The first twelve octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the sender of the question chose to know the answer by.
    pub id: u16,
    /// QR, opcode, AA, TC, RD, RA, AD, CD and rcode, as on the wire.
    pub flags: u16,
    /// How many questions: 0 or 1 once parsed.
    pub questions: u16,
    /// How many records the section of answers has.
    pub answers: u16,
    /// How many records the authority section has.
    pub authorities: u16,
    /// How many additional records there are, OPT included.
    pub additionals: u16,
}

impl Header {
    /// QR: an answer, not a question.
    pub const fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// 0 is QUERY.
    pub const fn opcode(self) -> u16 {
        self.flags >> 11 & 0xf
    }

    /// TC: there is more than fits.
    pub const fn is_truncated(self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The four bits in the header, without those that OPT adds.
    pub const fn rcode(self) -> u16 {
        self.flags & 0xf
    }
}

/// The question that a message repeats.
#[derive(Debug, Clone, Copy)]
pub struct QuestionIn<'a> {
    /// What is asked for.
    pub name: NameIn<'a>,
    /// QTYPE.
    pub rtype: u16,
    /// QCLASS.
    pub class: u16,
}

/// What the OPT record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opt {
    /// Where the record begins in the message.
    pub at: usize,
    /// The size of datagrams that the sender takes.
    pub datagram_octets: u16,
    /// The upper eight bits of the rcode.
    pub rcode_above: u16,
    /// The options, as octets of the message.
    pub options: Range<usize>,
}

/// A message, after its names and lengths were found to be in order.
#[derive(Debug, Clone)]
pub struct Received<'a> {
    bytes: &'a [u8],
    header: Header,
    question: Option<QuestionIn<'a>>,
    records_at: usize,
    end: usize,
    opt: Option<Opt>,
}

impl<'a> Received<'a> {
    /// Octets after the last record are left out; some servers pad.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be read to the end of the last record.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header = read_header(bytes)?;
        let (question, records_at) = read_question(bytes, header)?;
        let mut end = records_at;
        let mut opt = None;
        for (section, count) in [
            (Section::Answer, header.answers),
            (Section::Authority, header.authorities),
            (Section::Additional, header.additionals),
        ] {
            for _ in 0..count {
                let (record, next) = record::read(bytes, end, section)?;
                if record.rtype == number::OPT {
                    let is_root = bytes.get(end) == Some(&0);
                    if section != Section::Additional || !is_root || opt.is_some() {
                        return Err(Malformed::Opt);
                    }
                    opt = Some(Opt {
                        at: end,
                        datagram_octets: record.class,
                        rcode_above: u16::from(record.ttl.to_be_bytes()[0]),
                        options: record.rdata.clone(),
                    });
                }
                end = next;
            }
        }
        Ok(Self { bytes, header, question, records_at, end, opt })
    }

    /// The whole message, without what follows its last record.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes.get(..self.end).unwrap_or(self.bytes)
    }

    /// The first twelve octets.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The question that it repeats; some answers to malformed questions do not.
    pub const fn question(&self) -> Option<QuestionIn<'a>> {
        self.question
    }

    /// The OPT record, when there is one.
    pub const fn opt(&self) -> Option<&Opt> {
        self.opt.as_ref()
    }

    /// The rcode with the bits that OPT adds.
    pub fn rcode(&self) -> u16 {
        let above = self.opt.as_ref().map_or(0, |opt| opt.rcode_above);
        above << 4 | self.header.rcode()
    }

    /// What the sender says about its answer beside the rcode (RFC 8914): a code, and a text that
    /// is meant to be UTF-8.
    pub fn extended_error(&self) -> Option<(u16, &'a [u8])> {
        let mut rest = self.bytes.get(self.opt.as_ref()?.options.clone())?;
        while let (Some(option), Some(octets)) = (u16_at(rest, 0), u16_at(rest, 2)) {
            let (value, after) = rest.get(4..)?.split_at_checked(usize::from(octets))?;
            if option == OPTION_EXTENDED_ERROR {
                return Some((u16_at(value, 0)?, value.get(2..)?));
            }
            rest = after;
        }
        None
    }

    /// Where the first record begins.
    pub const fn records_at(&self) -> usize {
        self.records_at
    }

    /// All records in order, OPT included.
    pub const fn records(&self) -> Records<'a> {
        Records::new(self.bytes, self.records_at, self.header)
    }

    /// The records of one section.
    pub fn section(&self, section: Section) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.records().filter(move |record| record.section == section)
    }

    /// Whether it repeats just this question. The name is compared with ASCII case folded.
    pub fn asks(&self, name: &[u8], rtype: u16, class: u16) -> bool {
        self.question.is_some_and(|question| {
            question.rtype == rtype && question.class == class && question.name.is(name)
        })
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, Malformed> {
    let field = |at: usize| u16_at(bytes, at).ok_or(Malformed::Short);
    Ok(Header {
        id: field(0)?,
        flags: field(2)?,
        questions: field(4)?,
        answers: field(6)?,
        authorities: field(8)?,
        additionals: field(10)?,
    })
}

fn read_question(
    bytes: &[u8],
    header: Header,
) -> Result<(Option<QuestionIn<'_>>, usize), Malformed> {
    match header.questions {
        0 => Ok((None, HEADER_LEN)),
        1 => {
            let (name, next) = name::read(bytes, HEADER_LEN)?;
            let rtype = u16_at(bytes, next).ok_or(Malformed::Short)?;
            let class = u16_at(bytes, next + 2).ok_or(Malformed::Short)?;
            Ok((Some(QuestionIn { name, rtype, class }), next + 4))
        }
        _ => Err(Malformed::Questions),
    }
}
