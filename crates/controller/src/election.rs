//! Which of several controllers acts? What it sees of the Lease, and what it does about it.
//!
//! Clocks of machines differ, so a Lease's own times are never compared with ours: a holder is gone
//! when its record has not changed for as long as it is good for, as seen from here. A holder stops
//! before others may think so.

use std::time::{Duration, Instant};

/// How long what takes. Each is less than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Others take over when the record has been the same for so long.
    pub lease: Duration,
    /// Who could not renew for so long acts no more.
    pub renew_within: Duration,
    pub renew_every: Duration,
}

impl Default for Timing {
    /// After a crash another one acts in under five seconds.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(4),
            renew_within: Duration::from_secs(3),
            renew_every: Duration::from_secs(1),
        }
    }
}

/// What the Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Empty when it was given up.
    pub holder: String,
    /// How long it is good for without a change.
    pub lease: Duration,
    /// How often it changed hands.
    pub transitions: i32,
    /// Stands for this state of the object.
    pub version: String,
    /// Since when its holder has it, as the API writes it.
    pub acquired: Option<String>,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    /// Nothing before this time, if the Lease stays as it is.
    Wait(Instant),
    /// It is not known what the Lease says.
    Look,
    /// There is no Lease: make it.
    Create,
    /// Be the holder from now on, unless somebody else changed this record.
    Take(Record),
    /// Say that we are still there.
    Renew(Record),
}

/// One controller's part in it.
#[derive(Debug)]
pub(crate) struct Election {
    identity: String,
    timing: Timing,
    seen: Seen,
    /// Set while we hold it.
    led_until: Option<Instant>,
    renew_at: Instant,
}

#[derive(Debug)]
enum Seen {
    Unknown,
    Nothing,
    Record { record: Record, since: Instant },
}

impl Election {
    /// `identity` is of this process alone: after a restart it is another.
    pub(crate) fn new(identity: impl Into<String>, timing: Timing, now: Instant) -> Self {
        let identity = identity.into();
        Self { identity, timing, seen: Seen::Unknown, led_until: None, renew_at: now }
    }

    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) const fn timing(&self) -> Timing {
        self.timing
    }

    /// Until when it may act, if it may.
    pub(crate) const fn led_until(&self) -> Option<Instant> {
        self.led_until
    }

    /// Who acts, as far as is known.
    pub(crate) fn holder(&self) -> Option<&str> {
        match &self.seen {
            Seen::Record { record, .. } if !record.holder.is_empty() => Some(&record.holder),
            Seen::Record { .. } | Seen::Nothing | Seen::Unknown => None,
        }
    }

    /// Somebody read the Lease; `None` when there is none.
    pub(crate) fn see(&mut self, found: Option<Record>, now: Instant) {
        let Some(record) = found else {
            self.led_until = None;
            self.seen = Seen::Nothing;
            return;
        };
        // What is told may come late: of our own writing, more is known from its answer.
        let is_known = matches!(&self.seen, Seen::Record { record: known, .. }
            if !is_newer(&record.version, &known.version));
        if is_known {
            return;
        }
        if record.holder != self.identity {
            self.led_until = None;
        }
        self.seen = Seen::Record { record, since: now };
    }

    /// The last move was made at `asked`, and this is the Lease now.
    pub(crate) fn succeed(&mut self, record: Record, asked: Instant) {
        self.led_until = Some(asked + self.timing.renew_within);
        self.renew_at = asked + self.timing.renew_every;
        self.seen = Seen::Record { record, since: asked };
    }

    /// Somebody else changed the Lease meanwhile, or it cannot be known whether the last move was made.
    pub(crate) fn miss(&mut self) {
        self.seen = Seen::Unknown;
    }

    pub(crate) fn next(&self, now: Instant) -> Move {
        match &self.seen {
            Seen::Unknown => Move::Look,
            Seen::Nothing => Move::Create,
            Seen::Record { record, .. } if record.holder == self.identity => {
                if now < self.renew_at {
                    Move::Wait(self.renew_at)
                } else {
                    Move::Renew(record.clone())
                }
            }
            Seen::Record { record, .. } if record.holder.is_empty() => Move::Take(record.clone()),
            Seen::Record { record, since } => {
                let ends = *since + record.lease;
                if now < ends { Move::Wait(ends) } else { Move::Take(record.clone()) }
            }
        }
    }

    /// Acts no more; gives the record to be given up, if it is ours.
    pub(crate) fn resign(&mut self) -> Option<Record> {
        self.led_until = None;
        match std::mem::replace(&mut self.seen, Seen::Unknown) {
            Seen::Record { record, .. } if record.holder == self.identity => Some(record),
            Seen::Record { .. } | Seen::Nothing | Seen::Unknown => None,
        }
    }
}

/// Versions are whole numbers that grow; what is none is taken for new where it differs.
fn is_newer(version: &str, known: &str) -> bool {
    match (version.parse::<u128>(), known.parse::<u128>()) {
        (Ok(version), Ok(known)) => version > known,
        (Ok(_) | Err(_), _) => version != known,
    }
}
