//! How are headers packed into a frame, and unpacked?
//!
//! One zlib stream goes through all of a connection's header blocks, so that a broken one ends the
//! connection: nothing after it can be read.

use std::collections::BTreeMap;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::dictionary::dictionary;
use super::receiver::ProtocolError;
use super::{HEADER_BYTES_MAX, HEADERS_MAX};

/// Values by names; names are lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// A header by its name in lower case. Several values of one name have NUL between them.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Headers {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect())
    }
}

#[cfg(test)]
impl Headers {
    pub(super) fn from_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.map(|name| (name.to_owned(), String::new())).collect())
    }
}

/// The client's header blocks, in the order in which they come.
#[derive(Debug)]
pub(super) struct Unpacker(Decompress);

impl Unpacker {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    pub(super) fn unpack(&mut self, block: &[u8]) -> Result<Headers, ProtocolError> {
        let inflated = self.inflate(block)?;
        parse(&inflated).ok_or(ProtocolError::Headers)
    }

    fn inflate(&mut self, block: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        let mut out = Vec::with_capacity(HEADER_BYTES_MAX + 1);
        let mut rest = block;
        loop {
            let before = (self.0.total_in(), out.len());
            let outcome = self.0.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            let consumed = usize::try_from(self.0.total_in() - before.0).unwrap_or(usize::MAX);
            rest = rest.get(consumed..).ok_or(ProtocolError::Headers)?;
            match outcome {
                Err(error) if error.needs_dictionary().is_some() => {
                    self.0
                        .set_dictionary(&dictionary())
                        .map_err(|_broken| ProtocolError::Headers)?;
                    continue;
                }
                Err(_) | Ok(Status::StreamEnd) => return Err(ProtocolError::Headers),
                Ok(Status::Ok | Status::BufError) => {}
            }
            if out.len() > HEADER_BYTES_MAX {
                return Err(ProtocolError::Headers);
            }
            if rest.is_empty() || (consumed == 0 && out.len() == before.1) {
                return if rest.is_empty() { Ok(out) } else { Err(ProtocolError::Headers) };
            }
        }
    }
}

fn parse(inflated: &[u8]) -> Option<Headers> {
    let mut rest = inflated;
    let count = number(&mut rest).filter(|count| *count <= HEADERS_MAX)?;
    let mut all = BTreeMap::new();
    for _ in 0..count {
        let name = text(&mut rest)?;
        let value = text(&mut rest)?;
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if name.is_empty() || !is_lower || all.insert(name, value).is_some() {
            return None;
        }
    }
    rest.is_empty().then_some(Headers(all))
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (first, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    usize::try_from(u32::from_be_bytes(*first)).ok()
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = number(rest)?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

/// Header blocks of one side, in the order in which they are sent.
#[derive(Debug)]
pub(super) struct Packer(Compress);

impl Packer {
    pub(super) fn new() -> Result<Self, ProtocolError> {
        let mut zlib = Compress::new(Compression::fast(), true);
        zlib.set_dictionary(&dictionary()).map_err(|_broken| ProtocolError::Headers)?;
        Ok(Self(zlib))
    }

    pub(super) fn pack(&mut self, headers: &Headers) -> Result<Vec<u8>, ProtocolError> {
        let mut plain = length(headers.0.len()).to_vec();
        for (name, value) in &headers.0 {
            for text in [name, value] {
                plain.extend_from_slice(&length(text.len()));
                plain.extend_from_slice(text.as_bytes());
            }
        }
        // What zlib may add at most to so few bytes, with the mark of a flush.
        let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 64);
        let outcome = self.0.compress_vec(&plain, &mut out, FlushCompress::Sync);
        outcome.map_err(|_broken| ProtocolError::Headers)?;
        Ok(out)
    }
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
