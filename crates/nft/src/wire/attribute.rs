//! How are netlink messages and attributes laid out in bytes?

use std::fmt::Display;
use std::io::Write as _;

use super::kernel::{GENMSG_LEN, HEADER_LEN};

const ATTRIBUTE_HEADER_LEN: usize = 4;
const NESTED: u16 = 0x8000;
/// Without the two flags.
const KIND_MASK: u16 = 0x3fff;

/// Messages one after the other. Everything is written in place; lengths are filled in behind.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(len: usize) -> Self {
        Self { bytes: Vec::with_capacity(len) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// One message: `struct nlmsghdr`, `struct nfgenmsg`, attributes.
    pub(super) fn message(
        &mut self,
        (kind, flags): (u16, u16),
        sequence: u32,
        (family, resource): (u8, u16),
        fill: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        let mut header = [0; HEADER_LEN + GENMSG_LEN];
        header[4..6].copy_from_slice(&kind.to_ne_bytes());
        header[6..8].copy_from_slice(&flags.to_ne_bytes());
        header[8..12].copy_from_slice(&sequence.to_ne_bytes());
        header[16] = family;
        header[18..20].copy_from_slice(&resource.to_be_bytes());
        self.bytes.extend_from_slice(&header);
        fill(self);
        let len = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&len.to_ne_bytes());
    }

    /// An attribute whose value is what `fill` writes.
    pub(super) fn value(&mut self, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.open(kind);
        fill(&mut self.bytes);
        self.close(start);
    }

    /// An attribute made of attributes.
    pub(super) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start);
    }

    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.value(kind, |bytes| bytes.extend_from_slice(value));
    }

    pub(super) fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(super) fn be64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// A text with the zero byte that the kernel's strings end with.
    pub(super) fn text(&mut self, kind: u16, text: impl Display) {
        self.value(kind, |bytes| write!(bytes, "{text}\0").expect("a vector takes all bytes"));
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    /// A value that is too long for its length field cannot come up with names and keys of ours;
    /// the kernel would refuse it.
    fn close(&mut self, start: usize) {
        let end = self.bytes.len();
        let len = u16::try_from(end - start).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.bytes.resize(end.next_multiple_of(4), 0);
    }
}

/// One attribute and where it stands in the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) kind: u16,
    pub(super) start: usize,
    pub(super) value: &'a [u8],
}

/// The attributes one after the other; ends early where the bytes make no sense.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether all bytes were attributes, once there are no more.
    pub(super) const fn is_whole(&self) -> bool {
        self.bytes.len() <= self.at
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.bytes.get(start..)?;
        let &[len_0, len_1, kind_0, kind_1, ..] = rest else { return None };
        let len = usize::from(u16::from_ne_bytes([len_0, len_1]));
        let value = rest.get(ATTRIBUTE_HEADER_LEN..len)?;
        self.at = start + len.next_multiple_of(4);
        Some(Attribute { kind: u16::from_ne_bytes([kind_0, kind_1]) & KIND_MASK, start, value })
    }
}

/// The attributes of one nest by number, those below `N`. A higher number is newer than this
/// code and is left out.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a, const N: usize> {
    values: [Option<&'a [u8]>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// `None` when the bytes are no attributes.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut values = [None; N];
        let mut attributes = Attributes::of(bytes);
        for attribute in attributes.by_ref() {
            if let Some(value) = values.get_mut(usize::from(attribute.kind)) {
                *value = Some(attribute.value);
            }
        }
        attributes.is_whole().then_some(Self { values })
    }

    pub(super) fn take(&mut self, kind: u16) -> Option<&'a [u8]> {
        self.values.get_mut(usize::from(kind))?.take()
    }

    pub(super) fn be32(&mut self, kind: u16) -> Option<u32> {
        self.take(kind)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn be64(&mut self, kind: u16) -> Option<u64> {
        self.take(kind)?.try_into().ok().map(u64::from_be_bytes)
    }

    pub(super) fn text(&mut self, kind: u16) -> Option<&'a str> {
        text(self.take(kind)?)
    }

    /// Whether all that was not taken says the same as its absence.
    pub(super) fn is_rest_zero(&self) -> bool {
        self.values.iter().flatten().all(|value| value.iter().all(|byte| *byte == 0))
    }
}

/// A string of the kernel, without the zero byte.
fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.strip_suffix(&[0]).unwrap_or(value)).ok()
}
