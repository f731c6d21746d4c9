//! Which condition is to stand in a Service's status, and does it?
//!
//! A Service of which parts were left out has one condition of ours. Nothing else in the status is
//! ours, and a Service that is as it should be has none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ingest::api::{Kind, Object};
use model::ServiceName;

use crate::problem::Problem;

/// The condition's type.
pub(crate) const ACCEPTED: &str = "pogu.dev/Accepted";

/// The reason where parts were left out.
pub(crate) const REASON: &str = "InvalidFields";

/// The API refuses longer ones at 32,768 bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// What was written comes back as a change of the object. If it does not, it is written again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest pause after failures in a row.
const AFTER_FAILURES: Duration = Duration::from_secs(30);

/// The condition's message; its status is always `False`.
type Message = String;

/// A condition of ours as it is.
#[derive(Debug)]
struct Standing {
    message: Message,
    /// RFC 3339; absent where somebody else says something else by this name.
    since: Option<String>,
}

/// What Services say and are to say.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    /// What stands in the status of those that have a condition of ours.
    standing: BTreeMap<ServiceName, Standing>,
    wanted: BTreeMap<ServiceName, Message>,
    /// Those that are there at all.
    present: BTreeSet<ServiceName>,
    tried: BTreeMap<ServiceName, Tried>,
}

/// What was written, or could not be.
#[derive(Debug)]
struct Tried {
    message: Option<Message>,
    /// In a row.
    failures: u32,
    /// When it may be tried again.
    again: Instant,
}

/// One status to be written: `None` takes our condition away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writing {
    pub service: ServiceName,
    pub message: Option<String>,
    /// Since when the condition stands, as RFC 3339; absent where it is new.
    pub since: Option<String>,
}

impl Conditions {
    /// A Service as the server has it now.
    pub(crate) fn see(&mut self, object: &Object) {
        let Object::Service(service) = object else { return };
        let name =
            ServiceName::new(service.metadata.namespace.as_str(), service.metadata.name.as_str());
        let ours = service.status.conditions.iter().find(|it| it.kind == ACCEPTED);
        match ours {
            Some(condition) => {
                // Ours is never true: one that is was written by others, and goes.
                let is_ours = condition.status == "False" && condition.reason == REASON;
                let message = if is_ours { condition.message.clone() } else { String::new() };
                let since = condition.last_transition_time.clone().filter(|_| is_ours);
                self.standing.insert(name.clone(), Standing { message, since });
            }
            None => drop(self.standing.remove(&name)),
        }
        self.present.insert(name);
    }

    pub(crate) fn forget(&mut self, name: &ServiceName) {
        self.standing.remove(name);
        self.present.remove(name);
        self.tried.remove(name);
    }

    /// What is wrong with Services now.
    pub(crate) fn want(&mut self, problems: &[Problem]) {
        let mut wanted: BTreeMap<ServiceName, Message> = BTreeMap::new();
        for problem in problems.iter().filter(|it| it.object.kind == Kind::Service) {
            let name =
                ServiceName::new(problem.object.namespace.as_str(), problem.object.name.as_str());
            let message = wanted.entry(name).or_default();
            if !message.is_empty() {
                message.push_str("; ");
            }
            message.push_str(&problem.text);
        }
        wanted.values_mut().for_each(cut);
        self.wanted = wanted;
    }

    /// All that differ and may be written now.
    pub(crate) fn due(&self, now: Instant) -> Vec<Writing> {
        let differing = self.differing();
        let may = |writing: &Writing| {
            self.tried
                .get(&writing.service)
                .is_none_or(|tried| tried.message != writing.message || tried.again <= now)
        };
        differing.filter(may).collect()
    }

    /// When something that differs may be tried again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let waits = self.differing().filter_map(|it| self.tried.get(&it.service));
        waits.map(|tried| tried.again).min()
    }

    fn differing(&self) -> impl Iterator<Item = Writing> {
        let all: BTreeSet<&ServiceName> = self.wanted.keys().chain(self.standing.keys()).collect();
        let present = all.into_iter().filter(|name| self.present.contains(*name));
        present.filter_map(|name| {
            let (wanted, standing) = (self.wanted.get(name), self.standing.get(name));
            if wanted == standing.map(|it| &it.message) {
                return None;
            }
            let since = standing.and_then(|it| it.since.clone());
            Some(Writing { service: name.clone(), message: wanted.cloned(), since })
        })
    }

    /// It is being written; how that ends is said later.
    pub(crate) fn tried(&mut self, writing: &Writing, now: Instant) {
        let failures = self.failures(writing);
        self.note(writing, failures, now + PATIENCE);
    }

    /// It was written: its change comes.
    pub(crate) fn written(&mut self, writing: &Writing, now: Instant) {
        self.note(writing, 0, now + PATIENCE);
    }

    /// It could not be written.
    pub(crate) fn failed(&mut self, writing: &Writing, now: Instant) {
        let failures = self.failures(writing).saturating_add(1);
        self.note(writing, failures, now + watch::pause(failures, AFTER_FAILURES, None, 1.0));
    }

    /// In a row, of the same.
    fn failures(&self, writing: &Writing) -> u32 {
        let last = self.tried.get(&writing.service);
        last.filter(|it| it.message == writing.message).map_or(0, |it| it.failures)
    }

    fn note(&mut self, writing: &Writing, failures: u32, again: Instant) {
        let tried = Tried { message: writing.message.clone(), failures, again };
        self.tried.insert(writing.service.clone(), tried);
    }
}

fn cut(message: &mut Message) {
    if message.len() > MESSAGE_BYTES_MAX {
        let end = (0..=MESSAGE_BYTES_MAX - 3).rev().find(|at| message.is_char_boundary(*at));
        message.truncate(end.unwrap_or(0));
        message.push('…');
    }
}
