//! What may an upstream say to a question?

use dns::cache::Question;

use crate::drawn::{Draw, message};

/// The octets as they are; or, since most would ask for something else, with the name that was asked in
/// its place.
pub(crate) fn raw(said: &[u8], question: &Question) -> Option<Vec<u8>> {
    let mut bytes = said.to_vec();
    if said.first()? & 1 == 0 && said.len() > 12 {
        bytes.splice(12..12, question.name().iter().copied());
        bytes[4..6].copy_from_slice(&[0, 1]);
    }
    Some(bytes)
}

/// What an upstream says to a question; about another one, now and then.
pub(crate) fn drawn(draw: &mut Draw<'_>, asked: &Question) -> Vec<u8> {
    let (id, flags) = (draw.word(), draw.one_of(&[0x8180, 0x8183, 0x8380, 0x8182, 0x85a0]));
    let mut counts = [1, 0, 0, 0];
    let mut rest = asked.name().to_vec();
    rest.extend(asked.rtype.to_be_bytes());
    rest.extend(asked.class.to_be_bytes());
    if draw.once_in(32) {
        counts[0] = 0;
        rest.clear();
    }
    for count in &mut counts[1..] {
        let most = if draw.once_in(16) { 60 } else { 5 };
        for _ in 0..draw.below(most) {
            *count += 1;
            rest.extend(draw.record());
        }
    }
    if draw.below(2) == 1 {
        counts[3] += 1;
        rest.extend(draw.opt());
    }
    message(id, flags, counts, &rest)
}
