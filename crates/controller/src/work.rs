//! What is to be written for the cluster, and what is being written?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ingest::Objects;
use ingest::api::Kind;
use model::{DetectLocal, NodeContext, NodeName, NodeTable, ServiceName};
use tokio::task::JoinSet;

use ::watch::{Event, RequestError, Requests};

use crate::conditions::{Conditions, Writing};
use crate::events::Events;
use crate::figures::Figures;
use crate::pace::Pace;
use crate::problem::{Identifiers, Problem, problems};
use crate::writer;

/// Requests at a time.
const IN_FLIGHT_MAX: usize = 8;

/// What the API server has to bear.
const INTERVAL: Duration = Duration::from_millis(100);
const BURST: u32 = 50;

/// Something that was written, or could not be.
#[derive(Debug)]
pub(crate) enum Outcome {
    Condition(Writing, Result<(), RequestError>),
    Event(Problem, Result<(), RequestError>),
}

#[derive(Debug)]
pub(crate) struct Work {
    requests: Requests,
    identity: Arc<str>,
    figures: Arc<Figures>,
    objects: Objects,
    /// What nodes make of it: whoever claims what another Service has is found there.
    table: NodeTable,
    identifiers: Identifiers,
    conditions: Conditions,
    events: Events,
    is_synced: bool,
    is_dirty: bool,
    pace: Pace,
    pub(crate) writing: JoinSet<Outcome>,
    /// What the server said last that it would not take.
    trouble: Option<String>,
}

impl Work {
    pub(crate) fn new(requests: Requests, identity: &str, figures: Arc<Figures>) -> Self {
        Self {
            requests,
            identity: identity.into(),
            figures,
            objects: Objects::new(),
            table: NodeTable::empty(Arc::new(no_node())),
            identifiers: Identifiers::default(),
            conditions: Conditions::default(),
            events: Events::default(),
            is_synced: false,
            is_dirty: false,
            pace: Pace::new(INTERVAL, BURST),
            writing: JoinSet::new(),
            trouble: None,
        }
    }

    /// The cluster is now so.
    pub(crate) fn take(&mut self, batch: Vec<Event>) {
        for event in batch {
            match &event {
                Event::Applied(object) => {
                    let uid = object.metadata().uid.as_deref();
                    self.identifiers.insert(object.key(), uid);
                    self.conditions.see(object);
                }
                Event::Deleted(key) => {
                    self.identifiers.remove(key);
                    if key.kind == Kind::Service {
                        let name = ServiceName::new(key.namespace.as_str(), key.name.as_str());
                        self.conditions.forget(&name);
                    }
                }
                Event::FileRejected { .. } | Event::FileRepaired { .. } => {}
                Event::Synced => {
                    self.is_synced = true;
                    self.figures.is_synced.store(true, Ordering::Relaxed);
                }
            }
            drop(event.apply_to(&mut self.objects));
        }
        self.is_dirty = true;
    }

    /// Works out what is wrong now, whoever acts on it.
    fn look(&mut self, now: Instant) {
        if !self.is_dirty || !self.is_synced {
            return;
        }
        self.is_dirty = false;
        let cluster = self.objects.table();
        (self.table, _) = self.table.advance(&cluster);
        let mut rejections = cluster.rejections.to_vec();
        rejections.extend(self.table.rejections());
        let problems = problems(&rejections);
        self.conditions.want(&problems);
        self.events.set(&problems, now);
        self.figures.problems.store(problems.len() as u64, Ordering::Relaxed);
        self.figures.untold.store(self.events.untold() as u64, Ordering::Relaxed);
    }

    /// Begins to write what is due, as far as `may_act` allows.
    pub(crate) fn act(&mut self, may_act: bool, now: Instant) {
        self.look(now);
        if !may_act || !self.is_synced {
            return;
        }
        for writing in self.conditions.due(now) {
            if !self.may_write(now) {
                return;
            }
            self.pace.done(now);
            self.conditions.tried(&writing, now);
            let requests = self.requests.clone();
            self.writing.spawn(async move {
                let outcome = writer::apply_condition(&requests, &writing).await;
                Outcome::Condition(writing, outcome)
            });
        }
        while self.may_write(now) {
            let Some(problem) = self.events.next(now).cloned() else { return };
            self.events.tell(&problem, now);
            // What is gone meanwhile needs no Event.
            let Some(uid) = self.identifiers.find(&problem.object).cloned() else { continue };
            self.pace.done(now);
            let (requests, identity) = (self.requests.clone(), Arc::clone(&self.identity));
            self.writing.spawn(async move {
                let outcome = writer::tell(&requests, &problem, &uid, &identity).await;
                Outcome::Event(problem, outcome)
            });
        }
    }

    fn may_write(&self, now: Instant) -> bool {
        self.writing.len() < IN_FLIGHT_MAX && self.pace.may(now)
    }

    /// When `act` has to be called again, if nothing else happens.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        if self.writing.len() >= IN_FLIGHT_MAX {
            return None;
        }
        let due = [self.conditions.next_due(), self.events.next_due()].into_iter().flatten().min();
        let allowed = self.pace.allowed_at().filter(|at| *at > now);
        due.map(|due| allowed.map_or(due, |allowed| due.max(allowed)))
    }

    pub(crate) fn ended(&mut self, outcome: Outcome, now: Instant) {
        let (outcome, written) = match outcome {
            Outcome::Condition(writing, outcome) => {
                match &outcome {
                    Ok(()) => self.conditions.written(&writing, now),
                    Err(_) => self.conditions.failed(&writing, now),
                }
                (outcome, &self.figures.conditions_written)
            }
            Outcome::Event(problem, outcome) => {
                match &outcome {
                    Ok(()) => self.events.succeeded(&problem),
                    Err(_) => self.events.failed(&problem, now),
                }
                (outcome, &self.figures.events_written)
            }
        };
        let trouble = outcome.err().map(|error| error.to_string());
        let counter = if trouble.is_some() { &self.figures.failures } else { written };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = trouble.as_ref().filter(|_| self.trouble != trouble) {
            tracing::warn!("{reason}");
        }
        self.trouble = trouble;
    }
}

/// One that has nothing of its own: what is wrong there is wrong everywhere.
fn no_node() -> NodeContext {
    NodeContext {
        name: NodeName::new(""),
        zone: None,
        local_addresses: BTreeSet::new(),
        primary_addresses: Vec::new(),
        node_port_addresses: Vec::new(),
        detect_local: DetectLocal::Never,
        masquerade_all: false,
    }
}
