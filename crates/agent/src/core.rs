//! What happens on this node, in which order? The one owner of all state: events come in one by
//! one, the kernel is brought to what they say, and what else must be done goes out as actions.

mod action;
mod apply;
mod flows;
mod hear;
mod measure;
mod pressure;
mod status;
mod thread;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ingest::Objects;
use model::{NodeTable, Rejection, ServiceChange};
use nft::{Element, Op};
use reconcile::{Backoff, Dataplane, Kernel, StaleFlows};

pub(crate) use action::Action;
pub(crate) use thread::run_core;

use crate::config::Config;
use crate::core::status::Progress;
use crate::event::{Event, MeasureRequest, OwnAddresses};
use crate::published::Publisher;
use crate::recorder::Recorder;

/// The time of an event, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) monotonic: Instant,
    pub(crate) wall: SystemTime,
}

/// Opens the kernel anew: at the start, and after a start that failed.
pub(crate) type OpenKernel<K> = Box<dyn FnMut() -> Result<K, String> + Send>;

/// How long notifications of foreign changes are gathered before the table is read: well under
/// the second within which it must be repaired.
const DRIFT_PAUSE: Duration = Duration::from_millis(100);

/// How long after the start everybody is done with texts, objects and lists of all elements.
const TIDY_PAUSE: Duration = Duration::from_secs(5);

/// Causes of changes that are remembered while the kernel takes nothing, to tell how long they took.
const TRIGGERS_MAX: usize = 4096;

/// How often counters that are nobody's are removed: every connection whose destination any program
/// rewrites has some.
const COUNT_PERIOD: Duration = Duration::from_secs(60);

/// How often the table is compared without a reason, should a notification have been lost.
const VERIFY_PERIOD: Duration = Duration::from_secs(3600);

pub(crate) struct Core<K> {
    config: Arc<Config>,
    objects: Objects,
    addresses: OwnAddresses,
    table: NodeTable,
    open: OpenKernel<K>,
    dataplane: Option<Dataplane<K>>,
    /// Set while the kernel refuses the table itself.
    refused: Option<Backoff>,
    /// Set while it refuses the fixed chains for other options.
    options_refused: Option<Backoff>,
    /// There are objects that the table does not show yet.
    is_dirty: bool,
    /// Since when the newest of them wait, by the annotation of what they show.
    triggers: Vec<SystemTime>,
    /// Flows that lead where the kernel no longer sends anybody.
    stale: Vec<StaleFlows>,
    last_apply: Option<Instant>,
    /// Set while the table is not what it should be and cannot be repaired.
    unrepaired: Option<Backoff>,
    verify_at: Option<Instant>,
    /// When the counters are looked through, if nobody scrapes until then.
    count_at: Option<Instant>,
    /// When memory that only the start needed is given back.
    tidy_at: Option<Instant>,
    progress: Progress,
    publisher: Publisher,
    recorder: Recorder,
    started: SystemTime,
}

impl<K: Kernel> Core<K> {
    pub(crate) fn new(
        config: Arc<Config>,
        open: OpenKernel<K>,
        publisher: Publisher,
        recorder: Recorder,
        now: Now,
    ) -> Self {
        let objects = config.no_objects();
        let context = Arc::new(config.node_context(None, &OwnAddresses::default()));
        Self {
            config,
            objects,
            addresses: OwnAddresses::default(),
            table: NodeTable::empty(context),
            open,
            dataplane: None,
            refused: None,
            options_refused: None,
            is_dirty: false,
            triggers: Vec::new(),
            stale: Vec::new(),
            last_apply: None,
            unrepaired: None,
            verify_at: None,
            count_at: None,
            tidy_at: None,
            progress: Progress::default(),
            publisher,
            recorder,
            started: now.wall,
        }
    }

    /// Takes one event. `None` when it was the last.
    pub(crate) fn handle(&mut self, event: Event, now: Now) -> Option<Vec<Action>> {
        let mut actions = Vec::new();
        match event {
            Event::Objects(batch) => {
                if self.progress.synced {
                    self.progress.hearing.batch(now.monotonic);
                }
                for said in batch {
                    self.take(said);
                }
                self.is_dirty = true;
            }
            Event::Addresses(addresses) => {
                self.is_dirty |= addresses != self.addresses;
                self.addresses = addresses;
            }
            Event::Drift => self.verify_soon(now),
            Event::Watched => {
                let kernel = self.dataplane.as_mut().map(Dataplane::kernel);
                if kernel.is_some_and(|kernel| !kernel.is_untouched()) {
                    self.verify_soon(now);
                }
            }
            Event::Deaf { to, reason } => {
                self.progress.set_deaf(to, reason);
                self.publish();
            }
            Event::HealthCheckPorts(rejections) => {
                self.progress.health_check_ports = rejections;
                self.publish();
            }
            Event::Measure(request) => {
                actions.push(self.measure(Some(request), now));
            }
            Event::Uncounted(elements) => self.forget_counters(elements),
            Event::ReadBack(request) => actions.push(Action::ReadBack(request)),
            Event::Shutdown => return None,
        }
        actions.extend(self.tick(now));
        Some(actions)
    }

    fn take(&mut self, said: watch::Event) {
        let Some(touched) = said.apply_to(&mut self.objects) else {
            self.progress.synced = true;
            return;
        };
        self.progress.hearing.touched(&touched, self.started);
        // What happened before this agent ran was not waiting for it.
        if self.triggers.len() < TRIGGERS_MAX {
            let trigger = touched.trigger.filter(|trigger| *trigger > self.started);
            self.triggers.extend(trigger);
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.is_dirty && self.progress.synced && self.may_apply(now) {
            self.follow(now);
        }
        if self.options_refused.as_ref().is_some_and(|backoff| backoff.retry_at <= now.monotonic) {
            self.apply(&[], now);
            self.publish();
        }
        if self.tidy_at.is_some_and(|at| at <= now.monotonic) {
            self.tidy_at = None;
            host::memory::give_back();
        }
        if self.verify_at.is_some_and(|at| at <= now.monotonic) {
            self.verify(now);
        }
        if self
            .dataplane
            .as_ref()
            .and_then(Dataplane::next_retry)
            .is_some_and(|at| at <= now.monotonic)
        {
            self.retry(now);
        }
        if self.count_at.is_some_and(|at| at <= now.monotonic) {
            actions.push(self.measure(None, now));
        }
        let stale = std::mem::take(&mut self.stale);
        if !stale.is_empty() {
            actions.push(Action::ForgetFlows(stale));
        }
        actions
    }

    /// Each look finds what is nobody's; without a scrape there is one now and then.
    fn measure(&mut self, request: Option<MeasureRequest>, now: Now) -> Action {
        if self.dataplane.is_some() && self.config.traffic_counters {
            self.count_at = Some(now.monotonic + COUNT_PERIOD);
        }
        Action::Measure { request, table: Arc::new(self.table.clone()) }
    }

    /// Makes room for pairs that somebody has.
    fn forget_counters(&mut self, elements: Vec<Element>) {
        let Some(dataplane) = &mut self.dataplane else { return };
        let ops: Vec<Op> = elements.into_iter().map(Op::DeleteElement).collect();
        if let Err(error) = dataplane.kernel().transact(&ops) {
            tracing::debug!(%error, "counters that are nobody's stay until the next time");
        }
    }

    /// When `tick` should be called next, if nothing happens until then.
    #[must_use]
    pub(crate) fn next_tick(&self) -> Option<Instant> {
        let apply = (self.is_dirty && self.progress.synced).then(|| self.apply_at()).flatten();
        let retry = self.dataplane.as_ref().and_then(Dataplane::next_retry);
        let options = self.options_refused.as_ref().map(|backoff| backoff.retry_at);
        [apply, options, retry, self.verify_at, self.tidy_at, self.count_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// The earliest time for the next transaction; `None` when it is now.
    fn apply_at(&self) -> Option<Instant> {
        let after_last = self.last_apply.map(|last| last + self.config.min_sync_period);
        let after_failure = self.refused.as_ref().map(|backoff| backoff.retry_at);
        after_last.max(after_failure)
    }

    fn may_apply(&self, now: Now) -> bool {
        self.apply_at().is_none_or(|at| at <= now.monotonic)
    }

    /// Brings table and kernel to what the objects say.
    fn follow(&mut self, now: Now) {
        let mut cluster = self.objects.table();
        if cluster.service_cidrs.is_empty() {
            cluster.service_cidrs = self.config.service_cidrs.as_slice().into();
        }
        let own = cluster.nodes.get(&self.config.node_name).cloned();
        let context = self.config.node_context(own.as_deref(), &self.addresses);
        let (mut table, mut changes) = self.table.advance(&cluster);
        if *table.node != context {
            let (moved, more) = table.with_node(Arc::new(context));
            table = moved;
            changes = merge(changes, more);
        }
        self.table = table;
        self.progress.cluster = cluster;
        self.progress.queue(&changes, &self.recorder, now);
        self.progress.health_checks.advance(&self.config.node_name, &changes);
        // What could not begin is tried again, with what comes until then.
        self.is_dirty = !self.apply(&changes, now);
        self.progress.hear();
        self.publish();
    }

    fn verify_soon(&mut self, now: Now) {
        let at = now.monotonic + DRIFT_PAUSE;
        self.verify_at = Some(self.verify_at.map_or(at, |planned| planned.min(at)));
    }

    fn verify(&mut self, now: Now) {
        self.verify_at = Some(now.monotonic + VERIFY_PERIOD);
        let Some(dataplane) = &mut self.dataplane else { return };
        let report = dataplane.verify();
        match &report.failed {
            Some(reason) => {
                if self.unrepaired.is_none() {
                    tracing::error!(%reason, "cannot repair the table, trying again");
                }
                let next = self.next_try(self.unrepaired.as_ref(), now);
                self.verify_at = Some(next.retry_at);
                self.unrepaired = Some(next);
                self.recorder.apply_failed(&model::Family::ALL);
            }
            None => self.unrepaired = None,
        }
        self.progress.set_unrepaired(report.failed.clone(), now);
        host::memory::give_back();
        if report.repaired > 0 {
            tracing::warn!(steps = report.repaired, "the table was changed by others; repaired");
            self.recorder.drift_repaired();
            self.progress.repaired(now);
        }
        self.note_stale(&[report]);
        self.publish();
    }

    fn retry(&mut self, now: Now) {
        let Some(dataplane) = &mut self.dataplane else { return };
        let report = dataplane.retry(now.monotonic);
        self.note_stale(std::slice::from_ref(&report));
        self.progress.applied(&[report], false, now.monotonic, &self.recorder);
        self.progress.follow_waiting(self.dataplane.as_ref(), now);
        self.publish();
    }

    fn publish(&mut self) {
        self.publisher.send_replace(Arc::new(self.progress.published(&self.table)));
    }

    /// Shows what the agent could not do before the core was there.
    pub(crate) fn note(&mut self, rejections: Vec<Rejection>) {
        self.progress.noted = rejections;
    }

    /// For reading counters.
    pub(crate) const fn dataplane(&mut self) -> Option<&mut Dataplane<K>> {
        self.dataplane.as_mut()
    }
}

/// Two lists of changes, one after the other, as one.
fn merge(first: Vec<ServiceChange>, second: Vec<ServiceChange>) -> Vec<ServiceChange> {
    let mut merged: std::collections::BTreeMap<_, ServiceChange> =
        first.into_iter().map(|change| (change.name.clone(), change)).collect();
    for change in second {
        match merged.get_mut(&change.name) {
            Some(known) => known.new = change.new,
            None => {
                merged.insert(change.name.clone(), change);
            }
        }
    }
    merged.into_values().filter(|change| change.old != change.new).collect()
}
