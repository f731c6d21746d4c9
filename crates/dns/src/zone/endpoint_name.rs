//! What is an endpoint called below its Service, when it has no hostname?
//!
//! By its address with dashes: `10-1-0-5`, `5678-abcd--1`. A label neither ends in a dash nor begins
//! with one, so `fd00::` becomes `fd00--0`, and `::1` becomes `0--1`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of the longest: an IPv6 address in full, a zero and the length.
const LEN_MAX: usize = 48;

/// The label with its length before it, as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DashedLabel {
    octets: [u8; LEN_MAX],
    len: usize,
}

impl DashedLabel {
    pub(crate) fn of(address: IpAddr) -> Self {
        let mut label = Self { octets: [0; LEN_MAX], len: 1 };
        // Writing to memory fails only for want of room, and an address always has it.
        let written = write!(&mut label, "{address}");
        debug_assert!(written.is_ok(), "no room for {address}");
        if label.octets.get(label.len - 1) == Some(&b'-') {
            label.push(b'0');
        }
        label.octets[0] = u8::try_from(label.len - 1).unwrap_or_default();
        label
    }

    /// With the length octet.
    pub(crate) fn as_wire(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// The label alone.
    pub(crate) fn as_label(&self) -> &[u8] {
        self.octets.get(1..self.len).unwrap_or_default()
    }

    fn push(&mut self, octet: u8) -> bool {
        let Some(place) = self.octets.get_mut(self.len) else { return false };
        *place = if matches!(octet, b'.' | b':') { b'-' } else { octet };
        self.len += 1;
        true
    }
}

impl Write for &mut DashedLabel {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        let mut written = 0;
        for &octet in octets {
            if self.len == 1 && octet == b':' {
                self.push(b'0');
            }
            if !self.push(octet) {
                break;
            }
            written += 1;
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The address that a label in lower case says, if it says one in the one way that we write it.
pub(crate) fn address_of(label: &[u8]) -> Option<IpAddr> {
    let address = read_v4(label).map(IpAddr::V4).or_else(|| read_v6(label).map(IpAddr::V6))?;
    (DashedLabel::of(address).as_label() == label).then_some(address)
}

fn read_v4(label: &[u8]) -> Option<Ipv4Addr> {
    let text = std::str::from_utf8(label).ok()?;
    let mut parts = text.split('-').map(|part| part.parse::<u8>().ok());
    let mut next = || parts.next().flatten();
    let octets = [next()?, next()?, next()?, next()?];
    parts.next().is_none().then(|| octets.into())
}

/// `0--1` may stand for `0::1`, which is `::1`, so the added zeros need no care here.
fn read_v6(label: &[u8]) -> Option<Ipv6Addr> {
    let mut octets = [0; LEN_MAX];
    let room = octets.get_mut(..label.len())?;
    room.copy_from_slice(label);
    for octet in room.iter_mut().filter(|octet| **octet == b'-') {
        *octet = b':';
    }
    std::str::from_utf8(room).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_labels_and_back() {
        for (address, label) in [
            ("10.1.0.5", "10-1-0-5"),
            ("5678:abcd::1", "5678-abcd--1"),
            ("fd00::", "fd00--0"),
            ("::1", "0--1"),
            ("::", "0--0"),
            ("1:2:3:4:5:6:7:8", "1-2-3-4-5-6-7-8"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff-ffff-ffff-ffff-ffff-ffff-ffff-ffff"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(DashedLabel::of(address).as_label(), label.as_bytes());
            assert_eq!(address_of(label.as_bytes()), Some(address), "{label}");
        }
    }

    #[test]
    fn an_address_has_one_label() {
        for label in ["10-1-0-05", "10-1-0", "10-1-0-5-6", "1--", "FD00--1", "fd00-0--1", "a", ""] {
            assert_eq!(address_of(label.as_bytes()), None, "{label}");
        }
    }
}
