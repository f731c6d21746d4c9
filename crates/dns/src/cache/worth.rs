//! Is an upstream's answer worth keeping, as what, and for how long?

use std::time::Duration;

use crate::received::{Received, Record, Section, number, u32_at};
use crate::wire::suffix_start;

use super::{Question, Settings};

/// Why an answer is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// It answers another question, or is none.
    OtherQuestion,
    /// TC: it is not the whole answer.
    Truncated,
    /// A "no" without an SOA of its zone says not for how long it holds (RFC 2308, section 5).
    NoSoa,
    /// Its records are about other names.
    OtherNames,
    /// Neither yes nor "no": an rcode of failure.
    Rcode(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    Success(Duration),
    Denial(Duration),
}

const NOERROR: u16 = 0;
const NXDOMAIN: u16 = 3;

pub(super) fn judge(
    received: &Received<'_>,
    question: &Question,
    settings: &Settings,
) -> Result<Worth, NotKept> {
    let header = received.header();
    let is_answer = header.is_response() && header.opcode() == 0;
    if !is_answer || !received.asks(question.name(), question.rtype, question.class) {
        return Err(NotKept::OtherQuestion);
    }
    if header.is_truncated() {
        return Err(NotKept::Truncated);
    }
    let is_denied = match received.rcode() {
        NOERROR => !has_what_is_asked(received, question.rtype),
        NXDOMAIN => true,
        other => return Err(NotKept::Rcode(other)),
    };
    let has_answers = header.answers > 0;
    if has_answers && !received.section(Section::Answer).any(|record| is_about(&record, question)) {
        return Err(NotKept::OtherNames);
    }
    let ttl_s = received.section(Section::Answer).map(|record| ttl_of(record.ttl)).min();
    let clamp = |ttl_s: u32, longest: Duration| {
        Duration::from_secs(u64::from(ttl_s)).min(longest).max(settings.least)
    };
    if !is_denied {
        return Ok(Worth::Success(clamp(ttl_s.unwrap_or(0), settings.success_max)));
    }
    match (soa_ttl(received, question, has_answers), ttl_s) {
        (Some(soa_s), ttl_s) => {
            let least_s = ttl_s.unwrap_or(soa_s).min(soa_s);
            Ok(Worth::Denial(clamp(least_s, settings.denial_max)))
        }
        // A CNAME to where the upstream knows no further: true as far as it goes.
        (None, Some(ttl_s)) if received.rcode() == NOERROR => {
            Ok(Worth::Success(clamp(ttl_s, settings.success_max)))
        }
        (None, _) => Err(NotKept::NoSoa),
    }
}

fn has_what_is_asked(received: &Received<'_>, rtype: u16) -> bool {
    let mut answers = received.section(Section::Answer);
    answers.any(|record| record.rtype == rtype || rtype == number::ANY)
}

/// Whether the record is about the name itself, or redirects all of a domain that it is in.
fn is_about(record: &Record<'_>, question: &Question) -> bool {
    record.owner.is(question.name())
        || (record.rtype == number::DNAME && is_within(question.name(), record))
}

fn is_within(name: &[u8], record: &Record<'_>) -> bool {
    let mut owner = [0; crate::wire::NAME_LEN_MAX];
    let length = record.owner.expand(&mut owner);
    length
        .and_then(|length| owner.get(..length))
        .is_some_and(|owner| suffix_start(name, owner).is_some())
}

/// RFC 2308, section 5: the lesser of the SOA's own TTL and its last field.
///
/// The zone must be one that the name is in; behind a CNAME it is another's, which is not looked at.
fn soa_ttl(received: &Received<'_>, question: &Question, is_chain: bool) -> Option<u32> {
    let is_soa = |record: &Record<'_>| {
        record.rtype == number::SOA && (is_chain || is_within(question.name(), record))
    };
    let soa = received.section(Section::Authority).find(is_soa)?;
    let (_, after_mname) = soa.name_in_rdata(0)?;
    let (_, after_rname) = soa.name_in_rdata(after_mname)?;
    let minimum = u32_at(soa.rdata_bytes(), after_rname + 16)?;
    Some(ttl_of(soa.ttl).min(ttl_of(minimum)))
}

/// RFC 2181, section 8: with the first bit set, it is zero.
const fn ttl_of(ttl: u32) -> u32 {
    if ttl > i32::MAX.unsigned_abs() { 0 } else { ttl }
}
