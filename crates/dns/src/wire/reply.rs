//! How is a reply written?
//!
//! Into a buffer that somebody else owns, without allocation: the question as it came, then records
//! one by one, then the OPT record if the client sent one. What does not fit is left out: a record of
//! the answer sets the bit TC and keeps those before it, since some resolvers never ask again by TCP;
//! a record beside the answer goes without a word.

use crate::wire::code::{Class, ExtendedError, Rcode, RecordType};
use crate::wire::name::wire_len;
use crate::wire::query::{Edns, Query};
use crate::wire::rdata::Rdata;
use crate::wire::rotated::Rotated;
use crate::wire::{HEADER_LEN, flag};

/// The longest datagram that we send, and that we say we take: one that is not cut into fragments on
/// its way (RFC 9715).
pub const UDP_SIZE_MAX: usize = 1232;

/// The longest message of all.
const TCP_SIZE_MAX: usize = 65_535;

/// A datagram for clients that say nothing of their size (RFC 1035, 4.2.1).
const UDP_SIZE_PLAIN: usize = 512;

const OPT_LEN: usize = 11;

/// Where in the message a name stands, for other names to point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAt(u16);

impl NameAt {
    /// The name that is asked for.
    pub const QUESTION: Self = Self(12);

    /// At an offset from the beginning of the message; `None` beyond what pointers reach.
    #[must_use]
    pub fn new(offset: usize) -> Option<Self> {
        u16::try_from(offset).ok().filter(|offset| *offset < 0x4000).map(Self)
    }

    /// What stands so many octets behind it: a suffix of the name.
    #[must_use]
    pub fn skip(self, octets: usize) -> Option<Self> {
        Self::new(usize::from(self.0) + octets)
    }

    #[must_use]
    pub const fn offset(self) -> usize {
        self.0 as usize
    }

    pub(super) const fn pointer(self) -> [u8; 2] {
        (self.0 | 0xc000).to_be_bytes()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Answer,
    Authority,
    Additional,
}

/// A reply that is being written.
#[derive(Debug)]
pub struct Reply<'b> {
    buffer: &'b mut [u8],
    len: usize,
    /// Where records must end.
    end: usize,
    question_len: usize,
    id: u16,
    flags: u16,
    rcode: Rcode,
    counts: [u16; 3],
    edns: Option<Edns>,
    /// What stands beside an answer is left out.
    is_minimal: bool,
}

impl<'b> Reply<'b> {
    /// Begins a reply to a query with its question, which is `question` as octets. `size` is the most
    /// that the transport takes: the bound for datagrams, which the client's own wish lowers.
    ///
    /// # Panics
    /// When the buffer cannot hold a header and the longest question: the caller's buffer is wrong.
    #[must_use]
    pub fn to_query(
        buffer: &'b mut [u8],
        query: &Query<'_>,
        question: &[u8],
        size: ReplySize,
    ) -> Self {
        Self::new(buffer, (query.id, query.flags), question, query.edns, size)
    }

    /// Begins a refusal: of a message whose question may be unreadable, and `question` empty.
    ///
    /// # Panics
    /// As `to_query`.
    #[must_use]
    pub fn refusal(
        buffer: &'b mut [u8],
        (id, flags): (u16, u16),
        question: &[u8],
        edns: Option<Edns>,
        rcode: Rcode,
    ) -> Self {
        let mut reply =
            Self::new(buffer, (id, flags), question, edns, ReplySize::Datagram(UDP_SIZE_PLAIN));
        reply.flags |= flags & flag::OPCODE;
        reply.set_rcode(rcode);
        reply
    }

    fn new(
        buffer: &'b mut [u8],
        (id, flags): (u16, u16),
        question: &[u8],
        edns: Option<Edns>,
        size: ReplySize,
    ) -> Self {
        let size = size.for_client(edns).min(buffer.len());
        let start = HEADER_LEN + question.len();
        buffer[HEADER_LEN..start].copy_from_slice(question);
        let reserved = if edns.is_some() { OPT_LEN } else { 0 };
        let copied = flag::RECURSION_DESIRED | flag::CHECKING_DISABLED;
        Self {
            buffer,
            len: start,
            end: size.saturating_sub(reserved),
            question_len: question.len(),
            id,
            flags: flag::RESPONSE | (flags & copied),
            rcode: Rcode::NOERROR,
            counts: [0; 3],
            edns,
            is_minimal: false,
        }
    }

    /// From now on, nothing is written beside an answer but the SOA record of a denial. What denies
    /// without an answer stays whole.
    pub const fn set_minimal(&mut self) {
        self.is_minimal = true;
    }

    const fn is_spared(&self, section: Section, rtype: RecordType) -> bool {
        let is_beside = match section {
            Section::Answer => false,
            Section::Authority => rtype.0 != RecordType::SOA.0,
            Section::Additional => true,
        };
        self.is_minimal && is_beside && self.count(Section::Answer) > 0
    }

    pub const fn set_rcode(&mut self, rcode: Rcode) {
        self.rcode = rcode;
    }

    #[must_use]
    pub const fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Sets bits of the header, of those in `flag`.
    pub const fn set_flags(&mut self, flags: u16) {
        self.flags |= flags;
    }

    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.flags & flag::TRUNCATED != 0
    }

    /// Octets up to now, without those of the OPT record.
    #[must_use]
    pub const fn written(&self) -> usize {
        self.len
    }

    /// Records in a section up to now.
    #[must_use]
    pub const fn count(&self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// Takes everything back but the question: an answer that turned out otherwise.
    pub const fn clear(&mut self) {
        self.len = HEADER_LEN + self.question_len;
        self.counts = [0; 3];
        self.rcode = Rcode::NOERROR;
        self.flags &= !(flag::TRUNCATED | flag::AUTHORITATIVE | flag::AUTHENTIC_DATA);
    }

    /// Writes a record whose owner stands in the message already. Gives the place of the record's data;
    /// `None` when the record did not fit.
    pub fn record(
        &mut self,
        section: Section,
        owner: NameAt,
        rtype: RecordType,
        ttl: u32,
        write: impl FnOnce(&mut Rdata<'_>),
    ) -> Option<usize> {
        self.record_of(section, &owner.pointer(), rtype, ttl, write)
    }

    /// Writes a record whose owner is these octets: a name in wire form, or a pointer to one.
    pub fn record_of(
        &mut self,
        section: Section,
        owner: &[u8],
        rtype: RecordType,
        ttl: u32,
        write: impl FnOnce(&mut Rdata<'_>),
    ) -> Option<usize> {
        if self.is_truncated() || self.is_spared(section, rtype) {
            return None;
        }
        let start = self.len;
        let room = self.buffer.get_mut(..self.end).unwrap_or_default();
        let mut rdata = Rdata { buffer: room, len: start, is_full: false };
        rdata.bytes(owner);
        rdata.bytes(&rtype.0.to_be_bytes());
        rdata.bytes(&Class::IN.0.to_be_bytes());
        rdata.bytes(&ttl.to_be_bytes());
        rdata.bytes(&[0; 2]);
        let at = rdata.len;
        write(&mut rdata);
        let (end, is_full) = (rdata.len, rdata.is_full);
        let len = u16::try_from(end - at).ok().filter(|_| !is_full);
        let Some(len) = len else {
            self.leave_out(section);
            return None;
        };
        self.buffer[at - 2..at].copy_from_slice(&len.to_be_bytes());
        self.len = end;
        self.counts[section as usize] += 1;
        Some(at)
    }

    /// Writes a record of an address for each `width` octets of `addresses`, beginning with the one at
    /// `first` and going round.
    pub fn addresses(
        &mut self,
        section: Section,
        owner: NameAt,
        (rtype, ttl): (RecordType, u32),
        addresses: Rotated<'_>,
    ) {
        if self.is_truncated() || self.is_spared(section, rtype) {
            return;
        }
        let width = addresses.width;
        let (len, room) = (12 + width, self.end.saturating_sub(self.len));
        let count = addresses.len();
        let mut fitting = count.min(room / len);
        // Some addresses beside an answer would pass for all of them.
        if fitting < count && matches!(section, Section::Additional) {
            fitting = 0;
        }
        let mut head = [0; 12];
        head[..2].copy_from_slice(&owner.pointer());
        head[2..4].copy_from_slice(&rtype.0.to_be_bytes());
        head[4..6].copy_from_slice(&Class::IN.0.to_be_bytes());
        head[6..10].copy_from_slice(&ttl.to_be_bytes());
        head[11] = u8::try_from(width).unwrap_or_default();
        let records = self.buffer[self.len..self.len + fitting * len].chunks_exact_mut(len);
        for (record, address) in records.zip(addresses.iter()) {
            let (before, octets) = record.split_at_mut(12);
            before.copy_from_slice(&head);
            octets.copy_from_slice(address);
        }
        self.len += fitting * len;
        self.counts[section as usize] += u16::try_from(fitting).unwrap_or_default();
        if fitting < count {
            self.leave_out(section);
        }
    }

    /// Copies records that point to the question as it stands here; `false`, and nothing is copied,
    /// when they do not fit, or some are to be left out. `counts` are those of the sections in order.
    pub fn copy_records(&mut self, records: &[u8], counts: [u16; 3]) -> bool {
        let [answers, authorities, additional] = counts;
        if self.is_minimal && answers > 0 && (authorities > 0 || additional > 0) {
            return false;
        }
        let end = self.len + records.len();
        let Some(room) = self.buffer.get_mut(self.len..end).filter(|_| end <= self.end) else {
            return false;
        };
        room.copy_from_slice(records);
        self.len = end;
        self.counts = counts;
        true
    }

    /// Changes a number that stands in the message.
    pub fn change_u32(&mut self, at: usize, change: impl FnOnce(u32) -> u32) {
        let octets = self.buffer.get_mut(at..at + 4).filter(|_| at + 4 <= self.len);
        let octets = octets.and_then(|octets| <&mut [u8; 4]>::try_from(octets).ok());
        if let Some(octets) = octets {
            *octets = change(u32::from_be_bytes(*octets)).to_be_bytes();
        }
    }

    /// The name that stands at a place, if it is not compressed there.
    #[must_use]
    pub fn name(&self, at: NameAt) -> Option<&[u8]> {
        let from = self.buffer.get(at.offset()..self.len)?;
        from.get(..wire_len(from)?)
    }

    const fn leave_out(&mut self, section: Section) {
        if !matches!(section, Section::Additional) {
            self.flags |= flag::TRUNCATED;
        }
    }

    /// Ends the reply; gives its length. An error is told only to clients that sent an OPT record, and
    /// only where it fits.
    #[must_use]
    pub fn finish(mut self, error: Option<ExtendedError<'_>>) -> usize {
        let additionals = self.counts[2] + u16::from(self.edns.is_some());
        self.finish_edns(error);
        let questions = u16::from(self.question_len > 0);
        let flags = self.flags | (self.rcode.0 & flag::RCODE);
        let words = [self.id, flags, questions, self.counts[0], self.counts[1], additionals];
        for (place, word) in self.buffer.chunks_exact_mut(2).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        self.len
    }

    fn finish_edns(&mut self, error: Option<ExtendedError<'_>>) {
        let Some(edns) = self.edns else { return };
        let room = self.buffer.get_mut(..self.end + OPT_LEN).unwrap_or_default();
        let size = u16::try_from(UDP_SIZE_MAX).unwrap_or(u16::MAX);
        let mut opt = Rdata { buffer: room, len: self.len, is_full: false };
        opt.bytes(&[0]);
        opt.u16(RecordType::OPT.0);
        opt.u16(size);
        let [_, high, ..] = (u32::from(self.rcode.0) << 12).to_be_bytes();
        opt.bytes(&[high, 0, if edns.dnssec_ok { 0x80 } else { 0 }, 0]);
        let at = opt.len;
        opt.u16(0);
        self.len = opt.len;
        let Some(error) = error else { return };
        let Ok(len) = u16::try_from(error.text.len()) else { return };
        opt.u16(EXTENDED_ERROR);
        opt.u16(len + 2);
        opt.u16(error.code);
        opt.bytes(error.text.as_bytes());
        if !opt.is_full {
            self.len = opt.len;
            self.buffer[at..at + 2].copy_from_slice(&(len + 6).to_be_bytes());
        }
    }
}

/// The option's code (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// The most that a transport takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplySize {
    /// A datagram of so many octets.
    Datagram(usize),
    Stream,
}

impl ReplySize {
    fn for_client(self, edns: Option<Edns>) -> usize {
        match self {
            Self::Stream => TCP_SIZE_MAX,
            Self::Datagram(size) => edns
                .map_or(UDP_SIZE_PLAIN, |edns| usize::from(edns.udp_size))
                .min(size.max(UDP_SIZE_PLAIN)),
        }
    }
}
