//! What is the checksum of an ICMPv6 message?

use std::net::Ipv6Addr;

const ICMPV6: u32 = 58;

/// Of a message whose checksum is zero what must be there; of one that has it, zero.
pub(super) fn icmpv6(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let addresses = [source.octets(), destination.octets()].concat();
    let rest = [length.to_be_bytes(), ICMPV6.to_be_bytes()].concat();
    let mut sum: u32 = [&addresses, &rest, message].into_iter().map(sum_of_words).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

fn sum_of_words(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|word| match *word {
            [high, low] => u32::from(u16::from_be_bytes([high, low])),
            [high] => u32::from(u16::from_be_bytes([high, 0])),
            _ => 0,
        })
        .sum()
}
