//! What is written into the reply to a question?

use crate::wire::{
    ExtendedError, Lowered, Name, NameAt, Query, Rcode, RecordType, Reply, Section, flag,
};
use crate::zone::Zone;
use crate::zone::find::{Found, Place};
use crate::zone::names::Stands;
use crate::zone::records::Records;

/// Aliases that are followed in a row. As many as `CoreDNS` follows.
const ALIASES_MAX: usize = 10;

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The reply is whole, but for what the OPT record may say.
    Answered(Option<ExtendedError<'static>>),
    /// A name is not ours to answer.
    Elsewhere(Elsewhere),
}

/// The name that somebody else must be asked for: the question's own, or the one that the aliases
/// lead to that stand in the reply already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    pub name: NameAt,
    /// Nothing stands in the reply: the question is passed on as it is.
    pub is_question: bool,
}

const ALIAS_LOOP: ExtendedError<'static> = ExtendedError::new(
    ExtendedError::OTHER,
    "ExternalNames lead from one to the next without an end",
);

const NOT_SYNCED: ExtendedError<'static> =
    ExtendedError::new(ExtendedError::NOT_READY, "the cluster has not been read yet");

impl Zone {
    /// Answers a question of class IN into its reply. `first` is a random number: from which of several
    /// addresses on they are told.
    pub fn answer(&self, query: &Query<'_>, reply: &mut Reply<'_>, first: usize) -> Outcome {
        match Lowered::new(query.name) {
            Some(name) => self.answer_name(&name, NameAt::QUESTION, query.rtype, reply, first),
            None => {
                reply.set_rcode(Rcode::FORMERR);
                Outcome::Answered(None)
            }
        }
    }

    /// The same for a name that stands in the reply already.
    pub(crate) fn answer_name(
        &self,
        name: &Lowered,
        at: NameAt,
        rtype: RecordType,
        reply: &mut Reply<'_>,
        first: usize,
    ) -> Outcome {
        let (mut name, mut at) = (name.clone(), at);
        for _ in 0..=ALIASES_MAX {
            let (zone_label, found) = match self.find(&name) {
                Place::Inside { zone_label, domain, found }
                    if found.is_ok() || !self.falls_through(&name) =>
                {
                    (zone_label, (domain, found))
                }
                Place::Inside { .. } | Place::Outside => {
                    return Outcome::Elsewhere(Elsewhere {
                        name: at,
                        is_question: at == NameAt::QUESTION,
                    });
                }
            };
            reply.set_flags(flag::AUTHORITATIVE);
            let records = Records { zone: self, name: &name, at, zone_label, first };
            let (domain, found) = found;
            let Ok(found) = found else { return self.deny(&records, reply) };
            let Some(target) = alias(&found, rtype) else {
                records.write(&found, domain, rtype, reply);
                return Outcome::Answered(None);
            };
            let target = target.as_wire();
            let ttl = self.settings.ttl_s;
            let written =
                reply.record(Section::Answer, at, RecordType::CNAME, ttl, |it| it.bytes(target));
            let next = written.and_then(NameAt::new).zip(Lowered::new(target));
            // Without room for an alias there is none for what it leads to.
            let Some((next_at, next)) = next else { return Outcome::Answered(None) };
            (at, name) = (next_at, next);
        }
        reply.clear();
        reply.set_rcode(Rcode::SERVFAIL);
        Outcome::Answered(Some(ALIAS_LOOP))
    }

    fn deny(&self, records: &Records<'_>, reply: &mut Reply<'_>) -> Outcome {
        records.write_soa(Section::Authority, reply);
        if self.is_synced {
            reply.set_rcode(Rcode::NXDOMAIN);
            return Outcome::Answered(None);
        }
        reply.set_rcode(Rcode::SERVFAIL);
        Outcome::Answered(Some(NOT_SYNCED))
    }

    fn falls_through(&self, name: &Lowered) -> bool {
        let mut zones = self.settings.falls_through.iter();
        zones.any(|zone| name.labels_before(zone.as_wire()).is_some())
    }
}

/// An ExternalName's target, for whatever is asked but the alias itself.
fn alias<'z>(found: &Found<'z>, rtype: RecordType) -> Option<&'z Name> {
    let Found::Service(service) = found else { return None };
    match &service.stands {
        Stands::Alias(Some(target)) if rtype != RecordType::CNAME => Some(target),
        Stands::Alias(_) | Stands::Addresses { .. } | Stands::Endpoints { .. } => None,
    }
}
