//! What do we send to an upstream?

use crate::cache::Question;
use crate::received::number;

use super::random::Random;

/// The largest datagram that is not cut in pieces on any usual path.
const DATAGRAM_OCTETS: u16 = 1_232;

const RD: u16 = 0x0100;
const CD: u16 = 0x0010;

/// A query with the name as given: of the client's, only the question, DO and CD go on.
pub(super) fn encode(id: u16, name: &[u8], question: &Question, has_opt: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(27 + name.len());
    let flags = RD | if question.checking_disabled { CD } else { 0 };
    for field in [id, flags, 1, 0, 0, u16::from(has_opt)] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(name);
    bytes.extend(question.rtype.to_be_bytes());
    bytes.extend(question.class.to_be_bytes());
    if has_opt {
        bytes.push(0);
        bytes.extend(number::OPT.to_be_bytes());
        bytes.extend(DATAGRAM_OCTETS.to_be_bytes());
        let dnssec_ok = u32::from(question.dnssec_ok) << 15;
        bytes.extend(dnssec_ok.to_be_bytes());
        bytes.extend([0, 0]);
    }
    bytes
}

/// The name with letters in random case, which who forges an answer would have to guess too.
pub(super) fn mix_case(name: &[u8], random: &mut Random) -> Box<[u8]> {
    let mut bits = 0;
    let mixed = name.iter().enumerate().map(|(at, octet)| {
        if at % 64 == 0 {
            bits = random.number();
        }
        let is_upper = bits >> (at % 64) & 1 == 1;
        // Lengths of labels are below 64, so none is a letter.
        if is_upper { octet.to_ascii_uppercase() } else { *octet }
    });
    mixed.collect()
}
