//! Which records does a message have, and where?

use std::ops::Range;

use super::{Header, Malformed, NameIn, name, u16_at, u32_at};

/// The part of a message that a record is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// Whose word it is; with "no", the SOA.
    Authority,
    /// What may help besides.
    Additional,
}

/// One record; what is not small stays in the message.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    message: &'a [u8],
    /// The part of the message that it is in.
    pub section: Section,
    /// The name that it is about.
    pub owner: NameIn<'a>,
    /// TYPE.
    pub rtype: u16,
    /// CLASS; in OPT, the size of datagrams.
    pub class: u16,
    /// Seconds; in OPT, more flags.
    pub ttl: u32,
    /// Where the four octets of the TTL begin.
    pub ttl_at: usize,
    /// Where the rdata is.
    pub rdata: Range<usize>,
}

impl<'a> Record<'a> {
    /// The octets of the rdata; names in it may be compressed.
    pub fn rdata_bytes(&self) -> &'a [u8] {
        self.message.get(self.rdata.clone()).unwrap_or(&[])
    }

    /// The name at this octet of the rdata and the octet of the rdata after it.
    ///
    /// `None` when there is none that ends within the rdata.
    pub fn name_in_rdata(&self, at: usize) -> Option<(NameIn<'a>, usize)> {
        let (name, next) = name::read(self.message, self.rdata.start.checked_add(at)?).ok()?;
        (next <= self.rdata.end).then(|| (name, next - self.rdata.start))
    }

    /// Its owner, and the names in its rdata that may be compressed, as far as they can be read.
    pub(crate) fn names(&self) -> impl Iterator<Item = NameIn<'a>> {
        let (mut at, count) = names_in(self.rtype).unwrap_or_default();
        let in_rdata = (0..count).map_while(move |_| {
            let (name, next) = self.name_in_rdata(at)?;
            at = next;
            Some(name)
        });
        std::iter::once(self.owner).chain(in_rdata)
    }

    /// Whether the names that its type has in its rdata can be read: they end within it, and lead
    /// neither forward nor into the header.
    pub(crate) fn has_its_names(&self) -> bool {
        let (_, count) = names_in(self.rtype).unwrap_or_default();
        self.names().count() == 1 + count
    }
}

/// How the data of the types that may hold compressed names is laid out (RFC 1035, 3.3, and RFC 3597,
/// 4): octets before the names, and how many names.
pub(crate) const fn names_in(rtype: u16) -> Option<(usize, usize)> {
    match rtype {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => Some((0, 1)),
        // SOA, MINFO, RP
        6 | 14 | 17 => Some((0, 2)),
        // MX, AFSDB, RT, KX
        15 | 18 | 21 | 36 => Some((2, 1)),
        // PX
        26 => Some((2, 2)),
        // SRV
        33 => Some((6, 1)),
        _ => None,
    }
}

/// The records of a parsed message in order.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: [(Section, u16); 3],
}

impl<'a> Records<'a> {
    pub(super) const fn new(message: &'a [u8], at: usize, header: Header) -> Self {
        let left = [
            (Section::Answer, header.answers),
            (Section::Authority, header.authorities),
            (Section::Additional, header.additionals),
        ];
        Self { message, at, left }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (section, left) = self.left.iter_mut().find(|(_, left)| *left > 0)?;
        *left -= 1;
        let (record, next) = read(self.message, self.at, *section).ok()?;
        self.at = next;
        Some(record)
    }
}

/// The record at a place and the place after it.
pub(super) fn read(
    message: &[u8],
    at: usize,
    section: Section,
) -> Result<(Record<'_>, usize), Malformed> {
    let (owner, fixed) = name::read(message, at)?;
    let rtype = u16_at(message, fixed).ok_or(Malformed::Short)?;
    let class = u16_at(message, fixed + 2).ok_or(Malformed::Short)?;
    let ttl_at = fixed + 4;
    let ttl = u32_at(message, ttl_at).ok_or(Malformed::Short)?;
    let octets = u16_at(message, fixed + 8).ok_or(Malformed::Short)?;
    let begin = fixed + 10;
    let end = begin + usize::from(octets);
    if end > message.len() {
        return Err(Malformed::Short);
    }
    let record = Record { message, section, owner, rtype, class, ttl, ttl_at, rdata: begin..end };
    Ok((record, end))
}
