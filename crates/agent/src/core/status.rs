//! How far is the core, in the words that it publishes and records?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use model::{
    Family, NodeContext, NodeTable, Object, Rejection, ServiceChange, ServiceName, ServiceTable,
};
use reconcile::{Dataplane, Kernel, Report};

use crate::core::Now;
use crate::event::News;
use crate::health_check::HealthChecks;
use crate::heard::Hearing;
use crate::published::{Applied, Drift, Failing, Pending, Published, Status};
use crate::recorder::{Apply, Recorder};

#[derive(Debug)]
pub(super) struct Progress {
    pub(super) synced: bool,
    pub(super) hearing: Hearing,
    pub(super) cluster: ServiceTable,
    pub(super) health_checks: HealthChecks,
    pub(super) health_check_ports: Vec<Rejection>,
    pub(super) refused: Option<String>,
    /// Why the table cannot be repaired, and since when.
    unrepaired: Option<(String, SystemTime)>,
    /// Why the fixed chains are not as the options say, and since when.
    options_refused: Option<(String, SystemTime)>,
    /// What cannot be heard now, and why.
    deaf: BTreeMap<News, String>,
    pub(super) noted: Vec<Rejection>,
    /// The node that the dataplane knows.
    pub(super) node: Arc<NodeContext>,
    generation: u64,
    applied: Option<Applied>,
    pending: Pending,
    failing: BTreeMap<ServiceName, Failing>,
    drift: Drift,
    /// Some Service asked for a node port once.
    wants_node_ports: bool,
    logged: Logged,
}

/// What was left out when that was last logged. Most changes leave out nothing else, and all that is
/// left out may be much: it is looked at only when one of its sources changed.
#[derive(Debug, Default)]
struct Logged {
    all: BTreeSet<Rejection>,
    sources: Option<Sources>,
}

/// What rejections come from.
#[derive(Debug)]
struct Sources {
    cluster: Arc<[Rejection]>,
    node: NodeTable,
    own: Arc<[Rejection]>,
}

impl Sources {
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cluster, &other.cluster)
            && self.node.rejects_the_same(&other.node)
            && self.own == other.own
    }
}

impl Logged {
    fn follow(&mut self, all: BTreeSet<Rejection>) {
        for rejection in all.difference(&self.all) {
            tracing::warn!("left out: {rejection}");
        }
        for rejection in self.all.difference(&all) {
            tracing::info!(object = %rejection.object, field = rejection.field, "accepted after all, or gone");
        }
        self.all = all;
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            synced: false,
            hearing: Hearing::default(),
            cluster: ServiceTable::default(),
            health_checks: HealthChecks::default(),
            health_check_ports: Vec::new(),
            refused: None,
            unrepaired: None,
            options_refused: None,
            deaf: BTreeMap::new(),
            noted: Vec::new(),
            node: Arc::new(NodeContext {
                name: model::NodeName::new(""),
                zone: None,
                local_addresses: BTreeSet::new(),
                primary_addresses: Vec::new(),
                node_port_addresses: Vec::new(),
                detect_local: model::DetectLocal::Never,
                masquerade_all: false,
            }),
            generation: 0,
            applied: None,
            pending: Pending::default(),
            failing: BTreeMap::new(),
            drift: Drift::default(),
            wants_node_ports: false,
            logged: Logged::default(),
        }
    }
}

impl Progress {
    /// Changes came that the kernel must have.
    pub(super) fn queue(&mut self, changes: &[ServiceChange], recorder: &Recorder, now: Now) {
        self.generation += 1;
        let new = changes.iter().filter_map(|change| change.new.as_ref());
        self.wants_node_ports |=
            new.flat_map(|new| &new.service.ports).any(|port| port.node_port.is_some());
        if changes.is_empty() {
            return;
        }
        let (services, endpoints) = count(changes, None);
        self.pending.since.get_or_insert(now.wall);
        self.pending.services += services;
        self.pending.endpoints += endpoints;
        for family in Family::ALL {
            let (services, endpoints) = count(changes, Some(family));
            if services + endpoints > 0 {
                recorder.queued(family, services, endpoints, now.wall);
            }
        }
    }

    /// The next published value shows what was heard.
    pub(super) fn hear(&mut self) {
        self.hearing.published(self.generation);
    }

    /// The kernel acknowledged, or refused.
    pub(super) fn applied(
        &mut self,
        reports: &[Report],
        full: bool,
        began: Instant,
        recorder: &Recorder,
    ) {
        let took = host::clock::monotonic().saturating_duration_since(began);
        let at = host::clock::wall();
        let operations = reports.iter().map(|report| report.taken.elements).sum::<usize>();
        let operations = u64::try_from(operations).unwrap_or(u64::MAX);
        if reports.iter().any(|report| !report.refused.is_empty() || report.failed.is_some()) {
            recorder.apply_failed(&Family::ALL);
        }
        if reports.iter().all(|report| report.failed.is_none()) {
            recorder.applied(&Family::ALL, Apply { full, took, at, operations });
            self.applied = Some(Applied { generation: self.generation, at, took, operations });
            self.pending = Pending::default();
            self.refused = None;
        }
    }

    /// How long it took from the cause of a change to the kernel's acknowledgement.
    pub(super) fn programmed(
        &self,
        triggers: &[SystemTime],
        changes: &[ServiceChange],
        recorder: &Recorder,
    ) {
        let at = host::clock::wall();
        for family in Family::ALL.into_iter().filter(|family| touches(changes, *family)) {
            for trigger in triggers {
                if let Ok(latency) = at.duration_since(*trigger) {
                    recorder.programmed(family, latency);
                }
            }
        }
    }

    /// Keeps since when each Service waits; logs what is new.
    pub(super) fn follow_waiting<K: Kernel>(&mut self, dataplane: Option<&Dataplane<K>>, now: Now) {
        let Some(dataplane) = dataplane else { return };
        let before = std::mem::take(&mut self.failing);
        for (name, waiting) in dataplane.waiting() {
            let known = before.get(name);
            if known.is_none_or(|known| known.error != waiting.reason) {
                tracing::error!(service = %name, reason = waiting.reason, "refused by the kernel, trying again");
            }
            let failing = Failing {
                service: name.clone(),
                error: waiting.reason.clone(),
                since: known.map_or(now.wall, |known| known.since),
                attempts: waiting.backoff.attempts,
            };
            self.failing.insert(name.clone(), failing);
        }
        for name in before.keys().filter(|name| !self.failing.contains_key(*name)) {
            tracing::info!(service = %name, "programmed after all");
        }
    }

    /// The table is not what it should be: why it stays so, or that it no longer is.
    pub(super) fn set_unrepaired(&mut self, reason: Option<String>, now: Now) {
        let since = self.unrepaired.as_ref().map_or(now.wall, |(_, since)| *since);
        self.unrepaired = reason.map(|reason| (reason, since));
    }

    /// The fixed chains are older than the options: why they stay so, or that they no longer are.
    pub(super) fn set_options_refused(&mut self, reason: Option<String>, now: Now) {
        let since = self.options_refused.as_ref().map_or(now.wall, |(_, since)| *since);
        self.options_refused = reason.map(|reason| (reason, since));
    }

    pub(super) fn set_deaf(&mut self, to: News, reason: Option<String>) {
        match reason {
            Some(reason) => self.deaf.insert(to, reason),
            None => self.deaf.remove(&to),
        };
    }

    pub(super) const fn repaired(&mut self, now: Now) {
        self.drift.repaired += 1;
        self.drift.last = Some(now.wall);
    }

    /// What the agent itself leaves out.
    pub(super) fn rejections(&self) -> Vec<Rejection> {
        let kernel = |reason: &str| format!("the kernel refuses it: {reason}");
        let failing = self.failing.values().map(|failing| {
            let object = Object::Service(failing.service.clone());
            Rejection::new(object, "spec", kernel(&failing.error))
        });
        let options = self.options_refused.iter().map(|(reason, _)| reason);
        let start = self
            .refused
            .iter()
            .chain(options)
            .map(|reason| Rejection::new(Object::Agent, "dataplane", kernel(reason)));
        let unrepaired = self.unrepaired.iter().map(|(reason, _)| {
            let reason =
                format!("the table was changed by others and cannot be repaired: {reason}");
            Rejection::new(Object::Agent, "dataplane", reason)
        });
        let deaf = self.deaf.iter().map(|(source, reason)| {
            let of = match source {
                News::Table => "of changes of the table by others",
                News::Addresses => "of changes of the node's addresses, the last known ones stay",
            };
            let reason = format!("cannot hear {of}, trying again: {reason}");
            Rejection::new(Object::Agent, "dataplane", reason)
        });
        let has_none = self.wants_node_ports && self.node.node_port_addresses.is_empty();
        let no_address = has_none.then(|| {
            let reason = "no address of this node accepts node ports: give --node-ip, or \
                          --nodeport-addresses with a CIDR that the node has an address in";
            Rejection::new(Object::Agent, "--nodeport-addresses", reason)
        });
        let noted = self.noted.iter().chain(&self.health_check_ports);
        let own = noted.cloned().chain(no_address);
        own.chain(failing).chain(start).chain(unrepaired).chain(deaf).collect()
    }

    /// What to show now. Logs what is left out since the last time, and what no longer is.
    pub(super) fn published(&mut self, table: &NodeTable) -> Published {
        let own: Arc<[Rejection]> = self.rejections().into();
        let sources = Sources {
            cluster: Arc::clone(&self.cluster.rejections),
            node: table.clone(),
            own: Arc::clone(&own),
        };
        if !self.logged.sources.as_ref().is_some_and(|known| known.is_same(&sources)) {
            let all = Published::all_rejections(&self.cluster, table, &own);
            self.logged.follow(all.into_iter().collect());
            self.logged.sources = Some(sources);
        }
        self.shown(table, own)
    }

    /// Since when the kernel is not what it should be, for whatever cause.
    fn waiting_since(&self) -> Option<SystemTime> {
        let whole = self.unrepaired.iter().chain(&self.options_refused).map(|(_, since)| *since);
        whole.chain(self.pending.since).min()
    }

    fn shown(&self, table: &NodeTable, rejections: Arc<[Rejection]>) -> Published {
        Published {
            table: self.cluster.clone(),
            node: table.clone(),
            health_checks: self.health_checks.clone(),
            status: Status {
                synced: self.synced,
                generation: self.generation,
                applied: self.applied,
                pending: Pending { since: self.waiting_since(), ..self.pending },
                failing: self.failing.values().cloned().collect(),
                drift: self.drift,
                rejections,
            },
            recent: self.hearing.recent().clone(),
        }
    }
}

fn touches(changes: &[ServiceChange], family: Family) -> bool {
    count(changes, Some(family)) != (0, 0)
}

/// Changes of Services themselves and of their endpoints, of one family or of both.
fn count(changes: &[ServiceChange], family: Option<Family>) -> (u64, u64) {
    let (mut services, mut endpoints) = (0, 0);
    for change in changes {
        let ports = |service: &Option<Arc<model::NodeService>>| {
            let ports = service.iter().flat_map(|service| service.ports.clone());
            ports
                .filter(|port| family.is_none_or(|family| port.family == family))
                .map(|port| (port.frontends, port.selection))
                .collect::<Vec<_>>()
        };
        let (old, new) = (ports(&change.old), ports(&change.new));
        let frontends = |ports: &[(Vec<model::NodeFrontend>, model::Selection)]| {
            ports.iter().map(|(frontends, _)| frontends.clone()).collect::<Vec<_>>()
        };
        if old == new {
            continue;
        }
        if frontends(&old) == frontends(&new) {
            endpoints += 1;
        } else {
            services += 1;
        }
    }
    (services, endpoints)
}
