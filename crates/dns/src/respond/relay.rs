//! How does an upstream's answer become one to our client?
//!
//! Where it answers the client's own question, its octets are copied: names point to the question at
//! the same place. Where it answers the name at the end of aliases, its records are written anew
//! behind those.

use crate::cache::{Reply as Cached, Ttls};
use crate::received::{self, Received, Record};
use crate::wire::{
    Class, HEADER_LEN, Lowered, NAME_LEN_MAX, NameAt, Query, Rcode, Rdata, RecordType, Reply,
    Section, flag, u16_at,
};

/// Writes the records of an upstream's answer to `name`, which stands in the reply at `at`. One whose
/// data has no names where its type has some is left out.
pub(super) fn append(
    reply: &mut Reply<'_>,
    cached: &Cached,
    ttls: Ttls,
    (name, at): (&Lowered, NameAt),
) {
    reply.set_rcode(Rcode(cached.rcode()));
    let Ok(received) = Received::parse(cached.bytes()) else {
        // It was parsed before it was kept.
        reply.set_rcode(Rcode::SERVFAIL);
        return;
    };
    for record in received.records() {
        let section = match record.section {
            received::Section::Answer => Section::Answer,
            received::Section::Authority => Section::Authority,
            received::Section::Additional => Section::Additional,
        };
        if Class(record.class) == Class::IN && record.has_its_names() {
            write(reply, section, &record, ttls.apply(record.ttl), (name, at));
        }
    }
    // Last, since nothing is written any more to a reply that was cut.
    reply.set_flags(received.header().flags & (flag::AUTHENTIC_DATA | flag::TRUNCATED));
}

fn write(
    reply: &mut Reply<'_>,
    section: Section,
    record: &Record<'_>,
    ttl: u32,
    (name, at): (&Lowered, NameAt),
) {
    let rtype = RecordType(record.rtype);
    let rdata = |it: &mut Rdata<'_>| write_rdata(record, it);
    if record.owner.is(name.as_wire()) {
        reply.record(section, at, rtype, ttl, rdata);
        return;
    }
    let mut owner = [0; NAME_LEN_MAX];
    let len = record.owner.expand(&mut owner).unwrap_or_default();
    reply.record_of(section, owner.get(..len).unwrap_or_default(), rtype, ttl, rdata);
}

pub(super) fn write_rdata(record: &Record<'_>, rdata: &mut Rdata<'_>) {
    let octets = record.rdata_bytes();
    let Some((before, names)) = received::names_in(record.rtype) else {
        return rdata.bytes(octets);
    };
    rdata.bytes(octets.get(..before).unwrap_or_default());
    let mut at = before;
    for _ in 0..names {
        let Some((name, next)) = record.name_in_rdata(at) else { return };
        let mut whole = [0; NAME_LEN_MAX];
        let len = name.expand(&mut whole).unwrap_or_default();
        rdata.bytes(whole.get(..len).unwrap_or_default());
        at = next;
    }
    rdata.bytes(octets.get(at..).unwrap_or_default());
}

/// Copies an upstream's answer to the client's own question, if it fits; `false` where it must be
/// written anew to be cut, or to have its names beside its TTLs.
pub(super) fn copy(reply: &mut Reply<'_>, query: &Query<'_>, cached: &Cached, ttls: Ttls) -> bool {
    let bytes = cached.bytes();
    let word = |at: usize| u16_at(bytes, at).unwrap_or_default();
    let name_end = HEADER_LEN + query.name.len();
    let start = name_end + 4;
    let asked = bytes.get(HEADER_LEN..name_end).unwrap_or_default();
    // Without a question, a record's owner would stand in its place.
    let asks_the_same = word(4) == 1
        && asked.eq_ignore_ascii_case(query.name)
        && (RecordType(word(name_end)), Class(word(name_end + 2))) == (query.rtype, Class::IN);
    if !asks_the_same
        || !cached.keeps_names()
        || !reply.copy_records(bytes.get(start..).unwrap_or_default(), [word(6), word(8), word(10)])
    {
        return false;
    }
    for &at in cached.ttls_at() {
        reply.change_u32(usize::from(at), |ttl| ttls.apply(ttl));
    }
    reply.set_rcode(Rcode(cached.rcode()));
    reply.set_flags(word(2) & (flag::TRUNCATED | flag::AUTHENTIC_DATA));
    true
}
