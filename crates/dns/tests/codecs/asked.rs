//! Do two other codecs read a client's question as we do?
//!
//! What both read as one question (QR 0, opcode QUERY), we read with the same values, and what we read,
//! one of them does. Where it is otherwise:
//!
//! - More records than a question may have (one answer, one authority record, two additional ones) we
//!   refuse unread.
//! - A name in the question that is a pointer can only point into the header; we refuse it.
//! - Of records beside OPT we read neither their names nor their data, so there we take more.
//! - A version of EDNS other than 0 we read, and refuse with BADVERS.
//!
//! A size of datagrams below 512 is 512 for all three, and octets behind the last record are nothing.

use dns::wire::{Rcode, RecordType, Unanswerable, read};
use domain::base::Message as OtherMessage;
use domain::base::opt::{Opt, OptRecord};
use hickory_proto::op::{Message, MessageType, OpCode};

/// A question, as octets and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) id: u16,
    /// Uncompressed, with the client's case.
    pub(crate) name: Vec<u8>,
    pub(crate) rtype: u16,
    pub(crate) class: u16,
    /// The size of datagrams, the version, and the bit DO.
    pub(crate) edns: Option<(u16, u8, bool)>,
}

/// Panics where we and the other two differ otherwise than said above.
pub(crate) fn check(message: &[u8]) {
    let (ours, one, other) = (by_us(message), by_hickory(message), by_domain(message));
    if one.is_some() && one == other && !is_refused_unread(message) {
        assert_eq!(ours, one, "both others read {message:02x?}");
    }
    if ours.is_some() && !has_other_records(message) {
        assert!(ours == one || ours == other, "{ours:?} for us, {one:?}, {other:?}");
    }
}

fn word(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[2 * at], message[2 * at + 1]])
}

/// Only of messages with a header.
fn is_refused_unread(message: &[u8]) -> bool {
    let are_many = word(message, 3) > 1 || word(message, 4) > 1 || word(message, 5) > 2;
    are_many || !has_plain_name(message)
}

/// Whether the name in the question ends without a pointer.
fn has_plain_name(message: &[u8]) -> bool {
    let mut rest = &message[12..];
    while let [len @ 1..=63, after @ ..] = rest {
        rest = after.get(usize::from(*len)..).unwrap_or_default();
    }
    rest.first() == Some(&0)
}

/// Whether there is a record, or the promise of one, that is not the root's OPT right behind the
/// question. Only of messages that we read.
fn has_other_records(message: &[u8]) -> bool {
    let records: u16 = (3..6).map(|at| word(message, at)).sum();
    let opt = by_us(message).map_or(0, |asked| 12 + asked.name.len() + 4);
    let is_opt = message.get(opt..opt + 3) == Some(&[0, 0, 41]);
    records > u16::from(is_opt)
}

fn by_us(message: &[u8]) -> Option<Asked> {
    let edns = |edns: dns::wire::Edns| (edns.udp_size, edns.version, edns.dnssec_ok);
    match read(message) {
        Ok(query) => {
            let RecordType(rtype) = query.rtype;
            let (name, class) = (query.name.to_vec(), query.class.0);
            Some(Asked { id: query.id, name, rtype, class, edns: query.edns.map(edns) })
        }
        Err(Unanswerable::Refused { id, rcode: Rcode::BADVERS, question, edns: told, .. }) => {
            let (name, [a, b, c, d]) = question.split_last_chunk()?;
            let (rtype, class) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            Some(Asked { id, name: name.to_vec(), rtype, class, edns: told.map(edns) })
        }
        Err(Unanswerable::Refused { .. } | Unanswerable::Silent) => None,
    }
}

fn by_hickory(message: &[u8]) -> Option<Asked> {
    let read = Message::from_vec(message).ok()?;
    let [query] = read.queries.as_slice() else { return None };
    let is_query = read.metadata.message_type == MessageType::Query;
    if !is_query || read.metadata.op_code != OpCode::Query {
        return None;
    }
    let mut name = Vec::new();
    for label in query.name().iter() {
        name.push(u8::try_from(label.len()).ok()?);
        name.extend_from_slice(label);
    }
    name.push(0);
    let edns = read.edns.as_ref();
    let edns = edns.map(|it| (it.max_payload().max(512), it.version(), it.flags().dnssec_ok));
    let (rtype, class) = (query.query_type().into(), query.query_class().into());
    Some(Asked { id: read.metadata.id, name, rtype, class, edns })
}

fn by_domain(message: &[u8]) -> Option<Asked> {
    let read = OtherMessage::from_octets(message).ok()?;
    if read.header().qr() || read.header().opcode() != domain::base::iana::Opcode::QUERY {
        return None;
    }
    let question = read.sole_question().ok()?;
    for section in [read.answer(), read.authority(), read.additional()] {
        for record in section.ok()? {
            record.ok()?;
        }
    }
    let opts = read.additional().ok()?.limit_to::<Opt<_>>();
    let opts: Vec<_> = opts.collect::<Result<_, _>>().ok()?;
    // It reads several, of which none may be meant.
    if opts.len() > 1 {
        return None;
    }
    let edns = opts.into_iter().next().map(|record| {
        let opt = OptRecord::from(record);
        (opt.udp_payload_size().max(512), opt.version(), opt.dnssec_ok())
    });
    let mut name = Vec::new();
    for label in question.qname().iter() {
        name.push(u8::try_from(label.len()).ok()?);
        name.extend_from_slice(label.as_slice());
    }
    let (rtype, class) = (question.qtype().to_int(), question.qclass().to_int());
    Some(Asked { id: read.header().id(), name, rtype, class, edns })
}
