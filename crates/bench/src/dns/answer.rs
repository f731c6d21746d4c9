//! Is this message the right answer?
//!
//! Read without the codec of the program that is measured.

use std::net::Ipv4Addr;

use super::question::Expected;

const HEADER: usize = 12;
const RESPONSE: u8 = 0x80;
const TRUNCATED: u8 = 0x02;
const NXDOMAIN: u8 = 3;
/// Class IN, type A: the type comes first.
const ADDRESS: [u8; 4] = [0, 1, 0, 1];

/// The ID of a message; `None` when there is no whole header.
pub(crate) fn id(message: &[u8]) -> Option<u16> {
    let (id, _) = message.get(..HEADER)?.split_first_chunk()?;
    Some(u16::from_be_bytes(*id))
}

/// How many records the answer has.
pub(crate) fn records(message: &[u8]) -> u16 {
    let count = message.get(6..HEADER).and_then(<[u8]>::first_chunk);
    count.map_or(0, |count| u16::from_be_bytes(*count))
}

/// Whether a message says what it must.
pub(crate) fn is_right(message: &[u8], expected: Expected) -> bool {
    let Some(header) = message.first_chunk::<HEADER>() else { return false };
    let [_, _, flags, code, questions @ .., _, _, _, _, _, _] = header;
    let answers = usize::from(records(message));
    let (is_truncated, code) = (flags & TRUNCATED != 0, code & 0x0f);
    if flags & RESPONSE == 0 || *questions != [0, 1] {
        return false;
    }
    match expected {
        Expected::Address(address) => {
            !is_truncated && code == 0 && answers == 1 && first_address(message) == Some(address)
        }
        Expected::Absent => !is_truncated && code == NXDOMAIN && answers == 0,
        Expected::Whole(n) => !is_truncated && code == 0 && answers == n,
        Expected::WholeOrTruncated(n) => code == 0 && (is_truncated || answers == n),
    }
}

/// The address in the record behind the question.
fn first_address(message: &[u8]) -> Option<Ipv4Addr> {
    let question_end = name_end(message, HEADER)? + 4;
    let record = message.get(name_end(message, question_end)?..)?;
    let (kind, rest) = record.split_first_chunk::<4>()?;
    // Behind the TTL and the length.
    let address = *rest.get(6..)?.first_chunk::<4>()?;
    (*kind == ADDRESS).then(|| Ipv4Addr::from(address))
}

/// Where the name that begins here ends: behind the root, or behind a pointer.
fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Some(at + 2),
            64..=0xbf => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Expected = Expected::Address(Ipv4Addr::new(10, 96, 0, 10));

    fn message(flags: [u8; 2], answers: u8, records: &[u8]) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, flags[0], flags[1], 0, 1, 0, answers, 0, 0, 0, 0];
        message.extend_from_slice(b"\x01a\x01b\0\0\x01\0\x01");
        message.extend_from_slice(records);
        message
    }

    #[test]
    fn an_address_is_found_behind_a_pointer_and_behind_a_name() {
        let behind_pointer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0a";
        let behind_name = b"\x01a\x01b\0\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0a";
        assert!(is_right(&message([0x85, 0], 1, behind_pointer), ONE));
        assert!(is_right(&message([0x85, 0x80], 1, behind_name), ONE));
        let whole = message([0x85, 0], 1, behind_name);
        assert_eq!((id(&whole), records(&whole)), (Some(0xabcd), 1));
    }

    #[test]
    fn another_address_code_count_or_type_is_wrong() {
        let other = b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0b";
        let text = b"\xc0\x0c\0\x10\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0a";
        let right = b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0a";
        assert!(!is_right(&message([0x85, 0], 1, other), ONE));
        assert!(!is_right(&message([0x85, 0], 1, text), ONE));
        assert!(!is_right(&message([0x85, 2], 1, right), ONE));
        assert!(!is_right(&message([0x87, 0], 1, right), ONE));
        assert!(!is_right(&message([0x05, 0], 1, right), ONE));
        assert!(!is_right(&message([0x85, 0], 2, right), ONE));
    }

    #[test]
    fn absence_and_many_addresses_are_told_by_the_header() {
        assert!(is_right(&message([0x85, 3], 0, b""), Expected::Absent));
        assert!(!is_right(&message([0x85, 0], 0, b""), Expected::Absent));
        assert!(is_right(&message([0x87, 0], 70, b""), Expected::WholeOrTruncated(100)));
        assert!(is_right(&message([0x85, 0], 100, b""), Expected::WholeOrTruncated(100)));
        assert!(!is_right(&message([0x85, 0], 99, b""), Expected::WholeOrTruncated(100)));
        assert!(is_right(&message([0x85, 0], 100, b""), Expected::Whole(100)));
        assert!(!is_right(&message([0x87, 0], 100, b""), Expected::Whole(100)));
    }

    #[test]
    fn what_is_cut_short_is_wrong_and_no_failure() {
        let whole = message([0x85, 0], 1, b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x60\0\x0a");
        let right: Vec<usize> =
            (0..=whole.len()).filter(|end| is_right(&whole[..*end], ONE)).collect();
        assert_eq!(right, [whole.len()]);
    }
}
