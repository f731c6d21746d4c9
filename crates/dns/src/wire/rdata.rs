//! How is the data of a record written?

use crate::wire::reply::NameAt;

/// Where the data of a record is written. Beyond the end nothing is, and the record does not count.
#[derive(Debug)]
pub struct Rdata<'a> {
    pub(super) buffer: &'a mut [u8],
    pub(super) len: usize,
    pub(super) is_full: bool,
}

impl Rdata<'_> {
    pub fn bytes(&mut self, octets: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + octets.len()) {
            Some(room) if !self.is_full => {
                room.copy_from_slice(octets);
                self.len += octets.len();
            }
            Some(_) | None => self.is_full = true,
        }
    }

    pub fn u16(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    pub fn u32(&mut self, number: u32) {
        self.bytes(&number.to_be_bytes());
    }

    /// The rest of a name that stands elsewhere.
    pub fn name_at(&mut self, name: NameAt) {
        self.bytes(&name.pointer());
    }

    /// Copies octets that stand in the message already: a name that must not be a pointer.
    pub fn copy(&mut self, from: usize, len: usize) {
        let end = self.len + len;
        if self.is_full || end > self.buffer.len() || from + len > self.len {
            self.is_full = true;
            return;
        }
        self.buffer.copy_within(from..from + len, self.len);
        self.len = end;
    }
}
