//! What is to be written for the cluster, and what is being written?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ingest::Objects;
use ingest::api::{Kind, Object, ObjectKey};
use model::{DetectLocal, NodeContext, NodeName, NodeTable, Rejection, ServiceName, ServiceTable};
use tokio::task::JoinSet;

use ::watch::{Event, RequestError, Requests};

use crate::addresses::{self, Addresses};
use crate::conditions::{Conditions, Writing};
use crate::events::Events;
use crate::figures::Figures;
use crate::pace::Pace;
use crate::problem::{Identifiers, Problem, problems};
use crate::writer;

/// Requests at a time.
const IN_FLIGHT_MAX: usize = 8;

/// Addresses go before words: people wait for them.
const ADDRESS_INTERVAL: Duration = Duration::from_millis(10);
const ADDRESS_BURST: u32 = 100;

/// What the API server has to bear.
const INTERVAL: Duration = Duration::from_millis(100);
const BURST: u32 = 50;

/// Something that was written, or could not be.
#[derive(Debug)]
pub(crate) enum Outcome {
    Condition(Writing, Result<(), RequestError>),
    Event(Problem, Result<(), RequestError>),
    Address(Box<addresses::Writing>, Result<(), RequestError>),
    AddressEvent(Result<(), RequestError>),
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
    /// Absent where addresses of Services are none of ours.
    addresses: Option<Addresses>,
    /// What is wrong with pools beside each other, as whoever allocates finds it.
    pool_problems: Vec<Rejection>,
    /// As it was when it was looked at.
    cluster: ServiceTable,
    is_synced: bool,
    is_dirty: bool,
    pace: Pace,
    address_pace: Pace,
    pub(crate) writing: JoinSet<Outcome>,
    /// What the server said last that it would not take.
    trouble: Option<String>,
}

impl Work {
    pub(crate) fn new(
        requests: Requests,
        identity: &str,
        figures: Arc<Figures>,
        objects: Objects,
        addresses: Option<Addresses>,
    ) -> Self {
        Self {
            requests,
            identity: identity.into(),
            figures,
            objects,
            table: NodeTable::empty(Arc::new(no_node())),
            identifiers: Identifiers::default(),
            conditions: Conditions::default(),
            events: Events::default(),
            addresses,
            pool_problems: Vec::new(),
            cluster: ServiceTable::default(),
            is_synced: false,
            is_dirty: false,
            pace: Pace::new(INTERVAL, BURST),
            address_pace: Pace::new(ADDRESS_INTERVAL, ADDRESS_BURST),
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
                    if let (Some(addresses), Object::Service(service)) =
                        (&mut self.addresses, &**object)
                    {
                        addresses.see(service);
                    }
                }
                Event::Deleted(key) => {
                    self.identifiers.remove(key);
                    if key.kind == Kind::Service {
                        let name = ServiceName::new(key.namespace.as_str(), key.name.as_str());
                        self.conditions.forget(&name);
                        if let Some(addresses) = &mut self.addresses {
                            addresses.forget(&name);
                        }
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
        self.cluster = self.objects.table();
        (self.table, _) = self.table.advance(&self.cluster);
        let mut rejections = self.cluster.rejections.to_vec();
        rejections.extend(self.table.rejections());
        rejections.extend(self.pool_problems.iter().cloned());
        let problems = problems(&rejections);
        self.conditions.want(&problems);
        self.events.set(&problems, now);
        self.figures.problems.store(problems.len() as u64, Ordering::Relaxed);
        self.figures.untold.store(self.events.untold() as u64, Ordering::Relaxed);
    }

    /// Begins to write what is due, as far as `may_act` allows.
    pub(crate) fn act(&mut self, may_act: bool, now: Instant) {
        let is_news = self.is_dirty;
        self.look(now);
        let may_act = may_act && self.is_synced;
        self.settle_addresses(may_act, is_news, now);
        if !may_act {
            return;
        }
        self.write_addresses(now);
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
            let Some(problem) = self.events.next(now).cloned() else { break };
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
        self.tell_of_addresses(now);
    }

    /// Only the one that acts gives addresses, of all that there is.
    fn settle_addresses(&mut self, may_act: bool, is_news: bool, now: Instant) {
        let Some(addresses) = &mut self.addresses else { return };
        let was_acting = addresses.set_acting(may_act);
        let is_due = addresses.settles_at().is_some_and(|at| at <= now);
        if may_act && (is_news || is_due || !was_acting) {
            addresses.settle(&self.cluster, now);
            let problems = addresses.problems();
            self.figures.waiting_services.store(addresses.waiting() as u64, Ordering::Relaxed);
            if problems != self.pool_problems {
                self.pool_problems = problems;
                self.is_dirty = true;
                self.look(now);
            }
        }
    }

    fn write_addresses(&mut self, now: Instant) {
        let Some(addresses) = &mut self.addresses else { return };
        let room = IN_FLIGHT_MAX.saturating_sub(self.writing.len());
        let due: Vec<addresses::Writing> = addresses.due(now).take(room).collect();
        for writing in due {
            if !self.address_pace.may(now) {
                return;
            }
            self.address_pace.done(now);
            addresses.begin(&writing, now);
            let requests = self.requests.clone();
            self.writing.spawn(async move {
                let outcome = writer::write_address(&requests, &writing).await;
                Outcome::Address(Box::new(writing), outcome)
            });
        }
    }

    /// Tells what became of addresses, after all else is told.
    fn tell_of_addresses(&mut self, now: Instant) {
        while self.may_write(now) {
            let Some(addresses) = &mut self.addresses else { return };
            let Some((service, event)) = addresses.next_event() else { return };
            let object = ObjectKey {
                kind: Kind::Service,
                namespace: service.namespace.to_string(),
                name: service.name.to_string(),
            };
            let Some(uid) = self.identifiers.find(&object).cloned() else { continue };
            self.pace.done(now);
            let (requests, identity) = (self.requests.clone(), Arc::clone(&self.identity));
            self.writing.spawn(async move {
                let outcome = writer::tell_of_address(&requests, &object, &event, &uid, &identity);
                Outcome::AddressEvent(outcome.await)
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
        let told = self.addresses.as_ref().filter(|it| it.has_events()).map(|_| now);
        let due = [self.conditions.next_due(), self.events.next_due(), told];
        let due = allowed(&self.pace, due.into_iter().flatten().min(), now);
        let addresses = self.addresses.as_ref();
        let written = addresses.and_then(|it| it.next_due(now));
        let written = allowed(&self.address_pace, written, now);
        let settled = addresses.and_then(Addresses::settles_at);
        [due, written, settled].into_iter().flatten().min()
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
            Outcome::Address(writing, outcome) => {
                if let Some(addresses) = &mut self.addresses {
                    addresses.ended(&writing, &outcome, now);
                }
                // An object that is another by now is no trouble.
                if outcome.as_ref().is_err_and(|error| error.code() == Some(409)) {
                    return;
                }
                (outcome, &self.figures.addresses_written)
            }
            Outcome::AddressEvent(outcome) => (outcome, &self.figures.events_written),
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

/// When something that is due may be done.
fn allowed(pace: &Pace, due: Option<Instant>, now: Instant) -> Option<Instant> {
    let allowed = pace.allowed_at().filter(|at| *at > now);
    due.map(|due| allowed.map_or(due, |allowed| due.max(allowed)))
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
