//! In which order are several addresses told?

/// Addresses of one family, as octets one behind the other, from one of them on.
#[derive(Debug, Clone, Copy)]
pub struct Rotated<'a> {
    octets: &'a [u8],
    pub(super) width: usize,
    first: usize,
}

impl<'a> Rotated<'a> {
    /// From the address at `first`, taken modulo their number.
    ///
    /// # Panics
    /// When `width` is zero: no address has no octets.
    #[must_use]
    pub const fn new(octets: &'a [u8], width: usize, first: usize) -> Self {
        let count = octets.len() / width;
        Self { octets, width, first: if count == 0 { 0 } else { first % count } }
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.octets.len() / self.width
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let (before, after) = self.octets.split_at(self.first * self.width);
        after.chunks_exact(self.width).chain(before.chunks_exact(self.width))
    }
}
