//! What does a client ask?
//!
//! The same rules for every transport: what is refused here never reaches the zone or an upstream.

use crate::wire::code::{Class, Rcode, RecordType};
use crate::wire::name::wire_len;
use crate::wire::{HEADER_LEN, flag, u16_at};

/// A message that may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'m> {
    pub id: u16,
    /// The header's second word, as it came.
    pub flags: u16,
    /// Uncompressed, in wire form, with the client's case.
    pub name: &'m [u8],
    pub rtype: RecordType,
    pub class: Class,
    pub edns: Option<Edns>,
}

/// What an OPT record says (RFC 6891). Options are checked for their form and not looked at:
/// cookies are neither made nor echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// Octets that the client takes in a datagram; at least 512.
    pub udp_size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
}

/// A message that gets no answer from the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswerable<'m> {
    /// Too short, or itself an answer: nobody waits for a reply.
    Silent,
    /// The client is told `rcode`; its question is repeated where it could be read.
    Refused { id: u16, flags: u16, rcode: Rcode, question: &'m [u8], edns: Option<Edns> },
}

const EDNS_UDP_SIZE_MIN: u16 = 512;

/// Reads a message of a client.
///
/// # Errors
/// When it must not be answered, or only be refused.
pub fn read(message: &[u8]) -> Result<Query<'_>, Unanswerable<'_>> {
    let header = Header::read(message).ok_or(Unanswerable::Silent)?;
    if header.flags & flag::RESPONSE != 0 {
        return Err(Unanswerable::Silent);
    }
    let refuse = |rcode, question, edns| {
        Err(Unanswerable::Refused { id: header.id, flags: header.flags, rcode, question, edns })
    };
    if header.flags & flag::OPCODE != 0 {
        return refuse(Rcode::NOTIMP, &[][..], None);
    }
    let [questions, answers, authorities, additionals] = header.counts;
    if questions != 1 || answers > 1 || authorities > 1 || additionals > 2 {
        return refuse(Rcode::FORMERR, &[], None);
    }
    let Some((question, after)) = read_question(message) else {
        return refuse(Rcode::FORMERR, &[], None);
    };
    let whole = message.get(HEADER_LEN..after).unwrap_or_default();
    let counts = (answers + authorities, additionals);
    let Ok(edns) = read_edns(message, after, counts) else {
        return refuse(Rcode::FORMERR, whole, None);
    };
    if edns.is_some_and(|edns| edns.version != 0) {
        return refuse(Rcode::BADVERS, whole, edns);
    }
    let (name, rtype, class) = question;
    Ok(Query { id: header.id, flags: header.flags, name, rtype, class, edns })
}

impl<'m> Query<'m> {
    /// The octets of the question in `message`, the one that was read.
    #[must_use]
    pub fn question<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        message.get(HEADER_LEN..HEADER_LEN + self.name.len() + 4).unwrap_or_default()
    }

    #[must_use]
    pub const fn recursion_desired(&self) -> bool {
        self.flags & flag::RECURSION_DESIRED != 0
    }

    #[must_use]
    pub const fn checking_disabled(&self) -> bool {
        self.flags & flag::CHECKING_DISABLED != 0
    }

    #[must_use]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }
}

struct Header {
    id: u16,
    flags: u16,
    counts: [u16; 4],
}

impl Header {
    fn read(message: &[u8]) -> Option<Self> {
        let word = |at: usize| u16_at(message, at * 2);
        Some(Self {
            id: word(0)?,
            flags: word(1)?,
            counts: [word(2)?, word(3)?, word(4)?, word(5)?],
        })
    }
}

type Question<'m> = (&'m [u8], RecordType, Class);

/// The question and where it ends. A question has nothing before it that its name could point to.
fn read_question(message: &[u8]) -> Option<(Question<'_>, usize)> {
    let len = wire_len(message.get(HEADER_LEN..)?)?;
    let at = HEADER_LEN + len;
    let name = message.get(HEADER_LEN..at)?;
    let (rtype, class) = (u16_at(message, at)?, u16_at(message, at + 2)?);
    Some(((name, RecordType(rtype), Class(class)), at + 4))
}

struct Malformed;

/// The OPT record among those behind the question, of which so many are not additional and so many are.
/// Two of them, one that is not additional, or one that is not the root's, are wrong, as is a record that
/// does not fit.
fn read_edns(
    message: &[u8],
    after: usize,
    (before, additionals): (u16, u16),
) -> Result<Option<Edns>, Malformed> {
    let mut at = after;
    let mut found = None;
    for index in 0..before + additionals {
        let name_len = skip_name(message, at).ok_or(Malformed)?;
        let fields = at + name_len;
        let rtype = u16_at(message, fields).ok_or(Malformed)?;
        let class = u16_at(message, fields + 2).ok_or(Malformed)?;
        let Some(&[_, version, dnssec, _]) = message.get(fields + 4..fields + 8) else {
            return Err(Malformed);
        };
        let len = usize::from(u16_at(message, fields + 8).ok_or(Malformed)?);
        let rdata = message.get(fields + 10..fields + 10 + len).ok_or(Malformed)?;
        at = fields + 10 + len;
        if RecordType(rtype) != RecordType::OPT {
            continue;
        }
        if index < before || found.is_some() || name_len != 1 || !are_options(rdata) {
            return Err(Malformed);
        }
        found = Some(Edns {
            udp_size: class.max(EDNS_UDP_SIZE_MIN),
            version,
            dnssec_ok: dnssec & 0x80 != 0,
        });
    }
    Ok(found)
}

/// Octets of a name that may end in a pointer.
fn skip_name(message: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let len = *message.get(at)?;
        match len {
            0 => return Some(at + 1 - start),
            1..=63 => at += 1 + usize::from(len),
            0xc0..=0xff => {
                message.get(at + 1)?;
                return Some(at + 2 - start);
            }
            64..=0xbf => return None,
        }
    }
}

/// Whether the data of an OPT record is a list of options, each behind its code and length.
fn are_options(mut rdata: &[u8]) -> bool {
    while !rdata.is_empty() {
        let Some(len) = u16_at(rdata, 2) else { return false };
        let Some(rest) = rdata.get(4 + usize::from(len)..) else { return false };
        rdata = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x03Web\x04shop\0\0\x1c\0\x01";

    fn message(flags: u16, counts: [u16; 4], rest: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd];
        for word in [flags].into_iter().chain(counts) {
            message.extend_from_slice(&word.to_be_bytes());
        }
        rest.iter().for_each(|part| message.extend_from_slice(part));
        message
    }

    const OPT: &[u8] = b"\0\0\x29\x10\0\0\0\x80\0\0\0";

    #[test]
    fn a_question_is_read_with_its_case() {
        let message = message(flag::RECURSION_DESIRED, [1, 0, 0, 0], &[QUESTION]);
        let query = read(&message).unwrap();
        let expected = Query {
            id: 0xabcd,
            flags: flag::RECURSION_DESIRED,
            name: b"\x03Web\x04shop\0",
            rtype: RecordType::AAAA,
            class: Class::IN,
            edns: None,
        };
        assert_eq!(query, expected);
        assert_eq!(query.question(&message), QUESTION);
    }

    #[test]
    fn an_opt_record_is_read() {
        let message = message(0, [1, 0, 0, 1], &[QUESTION, OPT]);
        let edns = Edns { udp_size: 4096, version: 0, dnssec_ok: true };
        assert_eq!(read(&message).unwrap().edns, Some(edns));
    }

    #[test]
    fn a_client_takes_512_octets_at_least() {
        let message = message(0, [1, 0, 0, 1], &[QUESTION, b"\0\0\x29\0\x07\0\0\0\0\0\0"]);
        let edns = Edns { udp_size: 512, version: 0, dnssec_ok: false };
        assert_eq!(read(&message).unwrap().edns, Some(edns));
    }

    fn refusal(message: &[u8]) -> Option<(Rcode, Vec<u8>)> {
        match read(message).unwrap_err() {
            Unanswerable::Silent => None,
            Unanswerable::Refused { rcode, question, .. } => Some((rcode, question.to_vec())),
        }
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        assert_eq!(refusal(b""), None);
        assert_eq!(refusal(&[0; 11]), None);
        assert_eq!(refusal(&message(flag::RESPONSE, [1, 0, 0, 0], &[QUESTION])), None);
    }

    #[test]
    fn what_cannot_be_answered_is_refused_in_the_words_of_the_protocol() {
        let refused = |flags, counts, rest: &[&[u8]]| refusal(&message(flags, counts, rest));
        let formerr = |question: &[u8]| Some((Rcode::FORMERR, question.to_vec()));
        let notify = 4 << 11;
        assert_eq!(refused(notify, [1, 0, 0, 0], &[QUESTION]), Some((Rcode::NOTIMP, Vec::new())));
        for counts in [[0, 0, 0, 0], [2, 0, 0, 0], [1, 2, 0, 0], [1, 0, 2, 0], [1, 0, 0, 3]] {
            assert_eq!(refused(0, counts, &[QUESTION]), formerr(b""), "{counts:?}");
        }
        let version_1 = b"\0\0\x29\x10\0\0\x01\0\0\0\0";
        let badvers = Some((Rcode::BADVERS, QUESTION.to_vec()));
        assert_eq!(refused(0, [1, 0, 0, 1], &[QUESTION, version_1]), badvers);
        // The counts promise more than there is; the name points; two OPT records; one that is an answer;
        // an option too long.
        assert_eq!(refused(0, [1, 0, 0, 1], &[QUESTION]), formerr(QUESTION));
        assert_eq!(refused(0, [1, 0, 0, 0], &[b"\xc0\x0c\0\x01\0\x01"]), formerr(b""));
        assert_eq!(refused(0, [1, 0, 0, 2], &[QUESTION, OPT, OPT]), formerr(QUESTION));
        assert_eq!(refused(0, [1, 1, 0, 0], &[QUESTION, OPT]), formerr(QUESTION));
        let option = b"\0\0\x29\x10\0\0\0\0\0\0\x04\0\x0a\0\x08";
        assert_eq!(refused(0, [1, 0, 0, 1], &[QUESTION, option]), formerr(QUESTION));
    }
}
