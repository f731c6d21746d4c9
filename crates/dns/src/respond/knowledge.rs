//! What is known of a name that is not ours?

use std::time::Instant;

use crate::cache::{CacheView, Cached, Failure, Freshness, Question, Reply, Ttls};
use crate::forward::Outcome;
use crate::respond::AnsweredBy;
use crate::wire::{Lowered, Rcode, RecordType};

/// What the upstreams said, for this message and before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knowledge<'k> {
    pub(super) cache: &'k CacheView,
    pub(super) now: Instant,
    /// What was asked for this very message: it comes before the cache, which need not keep it.
    pub(super) outcomes: &'k [(Question, Outcome)],
}

/// What is asked of an upstream, as far as its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'q> {
    pub(super) name: &'q Lowered,
    pub(super) rtype: RecordType,
    pub(super) dnssec_ok: bool,
    pub(super) checking_disabled: bool,
}

impl Wanted<'_> {
    pub(super) fn to_question(self) -> Question {
        let mut question = Question::new(self.name.as_wire(), self.rtype.0);
        question.dnssec_ok = self.dnssec_ok;
        question.checking_disabled = self.checking_disabled;
        question
    }
}

/// An upstream's answer, or that there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) said: Said<'k>,
    pub(super) by: AnsweredBy,
    /// It ends soon: somebody should ask again.
    pub(super) is_ending: bool,
    pub(super) is_stale: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'k> {
    Reply(&'k Reply, Ttls),
    Failure(&'k Failure),
}

impl<'k> Knowledge<'k> {
    pub(super) fn of(&self, wanted: Wanted<'_>) -> Option<Known<'k>> {
        self.learned(wanted).or_else(|| self.cached(wanted))
    }

    fn learned(&self, wanted: Wanted<'_>) -> Option<Known<'k>> {
        let (_, outcome) = self.outcomes.iter().find(|(question, _)| {
            question.rtype == wanted.rtype.0 && question.name() == wanted.name.as_wire()
        })?;
        let (said, is_stale) = match outcome {
            Outcome::Reply { reply, ttls, is_stale } => (Said::Reply(reply, *ttls), *is_stale),
            Outcome::Failure(failure) => (Said::Failure(failure), false),
        };
        Some(Known { said, by: AnsweredBy::Forwarder, is_ending: false, is_stale })
    }

    fn cached(&self, wanted: Wanted<'_>) -> Option<Known<'k>> {
        let Wanted { name, rtype, dnssec_ok, checking_disabled } = wanted;
        let class = crate::wire::Class::IN.0;
        let name = name.as_wire();
        let hit =
            self.cache.lookup(name, rtype.0, class, dnssec_ok, checking_disabled, self.now)?;
        if hit.freshness == Freshness::Stale {
            return None;
        }
        let said = match hit.cached {
            Cached::Reply { reply, ttls } => Said::Reply(reply, ttls),
            Cached::Failure(failure) => Said::Failure(failure),
        };
        Some(Known {
            said,
            by: AnsweredBy::Cache,
            is_ending: hit.freshness == Freshness::Ending,
            is_stale: hit.freshness == Freshness::StaleAfterFailure,
        })
    }
}

impl Known<'_> {
    pub(super) fn rcode(&self) -> Rcode {
        match self.said {
            Said::Reply(reply, _) => Rcode(reply.rcode()),
            Said::Failure(failure) => Rcode(failure.rcode),
        }
    }
}
