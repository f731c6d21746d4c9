//! How does a lab go on, from one event to the next?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::NodeName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, Step, name_of};
use crate::daemon::Daemons;
use crate::event::{Asker, Event};
use crate::housekeeping;
use crate::kubelet::{Kubelet, Surroundings};
use crate::network;
use crate::source::{Change, Notice, Source};
use crate::store::{self, Store};
use crate::up::OnReady;

mod answer;
mod node;
mod ready;
mod view;
mod world;

use world::WorldDns;

/// How often the given files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(5);

/// Between two writings of what the agents read.
const WRITE_PAUSE: Duration = Duration::from_millis(20);

/// Events that are taken in before what follows from them is worked out.
const BATCH_MAX: usize = 256;

/// Decisions that follow from one another; more would be a circle.
const ROUNDS_MAX: usize = 16;

/// What pods get to end in when the whole lab ends.
const LAST_GRACE: Duration = Duration::from_millis(500);

pub(crate) struct Lab {
    around: Arc<Surroundings>,
    cluster: Cluster,
    kubelet: Kubelet,
    daemons: Daemons,
    source: Source,
    store: Store,
    /// Nodes whose agent says that it is well.
    healthy: BTreeSet<NodeName>,
    /// Nodes whose agent said last that it answers the cluster DNS.
    answering: BTreeSet<NodeName>,
    world_dns: WorldDns,
    /// When the others notice that a crashed node is gone.
    crashed: BTreeMap<NodeName, Duration>,
    /// They ask the agents how they are.
    watchers: BTreeMap<NodeName, JoinHandle<()>>,
    routed: BTreeSet<IpAddr>,
    /// Changes that were refused, by what they are about, so that each is told once.
    told: BTreeMap<String, String>,
    began: Instant,
    look_at: Duration,
    /// Something happened that the agents may have to know.
    is_new: bool,
    /// When what has happened is written for the agents, and when that was last done.
    write_at: Option<Duration>,
    /// Why it could not be, the last time.
    unwritten: Option<String>,
    written: Duration,
    housekeeping_at: Duration,
    is_ending: bool,
    last_asker: Option<Asker>,
    /// The agents are being asked whether they are in step.
    is_asking: bool,
    /// Called once, when everything is there.
    on_ready: Option<OnReady>,
}

impl Lab {
    pub(crate) fn new(
        around: Arc<Surroundings>,
        source: Source,
        began: Instant,
        on_ready: OnReady,
    ) -> Self {
        Self {
            cluster: Cluster::new(&around.plan, &around.settings.service_cidrs),
            kubelet: Kubelet::new(Arc::clone(&around)),
            daemons: Daemons::default(),
            source,
            store: Store::new(around.place.objects()),
            around,
            healthy: BTreeSet::new(),
            answering: BTreeSet::new(),
            world_dns: WorldDns::Starting,
            crashed: BTreeMap::new(),
            watchers: BTreeMap::new(),
            routed: BTreeSet::new(),
            told: BTreeMap::new(),
            began,
            look_at: LOOK_EVERY,
            is_new: true,
            write_at: None,
            unwritten: None,
            written: Duration::ZERO,
            housekeeping_at: HOUSEKEEPING_EVERY,
            is_ending: false,
            last_asker: None,
            is_asking: false,
            on_ready: Some(on_ready),
        }
    }

    /// Runs until it is told to end; gives back who asked for that and waits for it to be done.
    pub(crate) async fn run(
        mut self,
        first: Vec<Change>,
        mut events: mpsc::Receiver<Event>,
    ) -> Option<Asker> {
        self.add_dns();
        self.take_in(first);
        self.start_daemons();
        self.settle();
        while !self.is_ending {
            let now = self.now();
            let wait = self.next_due().saturating_sub(now);
            if let Ok(event) = tokio::time::timeout(wait, events.recv()).await {
                let Some(event) = event else { break };
                self.handle(event);
                for _ in 0..BATCH_MAX {
                    let Ok(event) = events.try_recv() else { break };
                    self.handle(event);
                }
            }
            self.look();
            self.settle();
            self.ask_when_ready();
        }
        self.end(&mut events).await;
        self.last_asker
    }

    fn now(&self) -> Duration {
        host::clock::monotonic().duration_since(self.began)
    }

    fn next_due(&self) -> Duration {
        let pods = self.kubelet.next_due();
        let others = self.daemons.next_due();
        let fixed = self.look_at.min(self.housekeeping_at);
        let now = self.now();
        let crashed = self.crashed.values().copied().filter(|at| *at > now).chain(self.write_at);
        pods.into_iter().chain(others).chain(crashed).fold(fixed, Duration::min)
    }

    fn handle(&mut self, event: Event) {
        let now = self.now();
        self.is_new |=
            !matches!(event, Event::Health { .. } | Event::WorldReady | Event::InStep(_));
        match event {
            Event::Wired { run, outcome } => self.kubelet.wired(&run, outcome, now),
            Event::Unwired { run, outcome } => {
                if self.kubelet.unwired(&run, outcome) {
                    self.cluster.remove(&run.pod);
                }
            }
            Event::ChildEnded => {
                self.kubelet.reap(now);
                self.daemons.reap(now);
                self.see_ended_agents();
            }
            Event::Probed { run, kind, outcome } => self.kubelet.probed(&run, kind, outcome, now),
            Event::HookDone { run, outcome } => self.kubelet.hook_done(&run, outcome),
            Event::Health { node, health } => self.take_health(node, health),
            Event::WorldReady => self.world_dns = WorldDns::Answering,
            Event::InStep(is_in_step) => self.take_step(is_in_step),
            Event::Asked(question) => self.answer(question),
            Event::Terminated => self.is_ending = true,
        }
    }

    /// Looks at the given files, and at what else is due now and then.
    fn look(&mut self) {
        let now = self.now();
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            let read = self.source.read();
            Self::tell(&read.notices);
            self.take_in(read.changes);
        }
        if self.housekeeping_at <= now {
            self.housekeeping_at = now + HOUSEKEEPING_EVERY;
            housekeeping::cut_logs(&self.around.place);
        }
    }

    fn tell(notices: &[Notice]) {
        for notice in notices {
            let hint = notice.hint.as_deref().map(|hint| format!("; hint: {hint}"));
            let text = format!("{}{}", notice.text, hint.unwrap_or_default());
            if notice.is_error { tracing::error!("{text}") } else { tracing::info!("{text}") }
        }
    }

    /// Takes changes in; what is refused is told, and the rest goes on.
    fn take_in(&mut self, changes: Vec<Change>) -> Vec<String> {
        let created = host::rfc3339::format(to_the_second(host::clock::wall()));
        let mut refusals = Vec::new();
        self.is_new |= !changes.is_empty();
        for change in first_what_asks_for_addresses(changes) {
            match change {
                Change::Apply(object) => {
                    let key = crate::cluster::Key::of(&object).to_string();
                    match self.cluster.apply(*object, &created) {
                        Ok(()) => drop(self.told.remove(&key)),
                        Err(rejections) => {
                            let all: Vec<String> =
                                rejections.iter().map(ToString::to_string).collect();
                            let text = all.join("; ");
                            if self.told.get(&key) != Some(&text) {
                                tracing::error!("refused: {text}");
                                self.told.insert(key, text.clone());
                            }
                            refusals.push(text);
                        }
                    }
                }
                Change::Delete(key) => drop(self.cluster.delete(&key)),
            }
        }
        refusals
    }

    /// Works out what follows from the present, until nothing does.
    fn settle(&mut self) {
        let now = self.now();
        self.daemons.advance(now);
        for _ in 0..ROUNDS_MAX {
            for gone in self.kubelet.advance(now) {
                self.cluster.remove(&gone);
                self.is_new = true;
            }
            self.observe(now);
            let settled = self.cluster.settle(now);
            if let Some(at) = settled.again_at {
                self.look_at = self.look_at.min(at);
            }
            if settled.steps.is_empty() {
                break;
            }
            self.is_new = true;
            for step in settled.steps {
                self.step(step, now);
            }
        }
        // Much happens at once when many pods start, and each look at all of them costs.
        if std::mem::take(&mut self.is_new) {
            self.write_at.get_or_insert(self.written + WRITE_PAUSE);
        }
        if self.write_at.is_some_and(|at| at <= now) {
            self.write(now);
        }
    }

    fn write(&mut self, now: Duration) {
        self.write_at = None;
        self.written = now;
        let written = self.store.write(store::texts(&self.cluster, &self.kubelet));
        let failure = written.err().map(|error| error.to_string());
        if let Some(error) = &failure {
            // What is written is kept, and the rest tried again.
            self.write_at = Some(now + LOOK_EVERY);
            if self.unwritten != failure {
                tracing::error!("cannot write the objects that the agents read: {error}");
            }
        }
        self.unwritten = failure;
        self.route();
    }

    fn step(&mut self, step: Step, now: Duration) {
        match step {
            Step::Start(name) => {
                let Some(observed) = self.cluster.pod(&name) else { return };
                let Some(node) = observed.node.clone() else { return };
                let (pod, addresses) = (Arc::clone(&observed.pod), observed.addresses.clone());
                self.kubelet.start(name, pod, node, addresses, now);
            }
            Step::Stop(name) => self.kubelet.stop(&name, now),
        }
    }

    /// What is seen of the pods goes to where decisions are made.
    fn observe(&mut self, now: Duration) {
        for observed in &mut self.cluster.pods {
            let noticed = observed.node.as_ref().and_then(|node| self.crashed.get(node));
            let ready = match (noticed, self.kubelet.pods.get(&name_of(observed))) {
                (Some(at), _) if *at <= now => false,
                (_, None) => continue,
                (_, Some(run)) => {
                    observed.phase = run.phase();
                    run.is_ready()
                }
            };
            if observed.ready != ready {
                (observed.ready, observed.ready_changed) = (ready, now);
                self.is_new = true;
            }
        }
        let is_lost = |node: &NodeName| self.crashed.get(node).is_some_and(|at| *at <= now);
        let answering = self.answering.iter().filter(|node| !is_lost(node)).cloned();
        self.is_new |= self.cluster.set_answering(answering.collect());
    }

    /// The fabric leads clients outside to addresses that no node has as its own.
    fn route(&mut self) {
        let wanted: BTreeSet<IpAddr> = self.cluster.external_addresses().into_iter().collect();
        let news: Vec<IpAddr> = wanted.symmetric_difference(&self.routed).copied().collect();
        for address in news {
            let (place, plan) = (&self.around.place, &self.around.plan);
            let is_wanted = wanted.contains(&address);
            match network::route_to_cluster(place, plan, address, is_wanted) {
                Ok(()) if is_wanted => drop(self.routed.insert(address)),
                Ok(()) => drop(self.routed.remove(&address)),
                // Tried again with the next news.
                Err(error) => tracing::error!("clients outside cannot reach {address}: {error}"),
            }
        }
    }

    /// Lets pods end by themselves for a moment; the caller takes everything away afterwards.
    async fn end(&mut self, events: &mut mpsc::Receiver<Event>) {
        self.kubelet.terminate_all();
        let deadline = self.now() + LAST_GRACE;
        while self.kubelet.is_any_running() {
            let left = deadline.saturating_sub(self.now());
            match tokio::time::timeout(left, events.recv()).await {
                Ok(Some(Event::ChildEnded)) => self.kubelet.reap(self.now()),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
    }
}

/// Services that name their addresses and ports come before those that take what is left.
fn first_what_asks_for_addresses(mut changes: Vec<Change>) -> Vec<Change> {
    use workload::manifest::Object;
    changes.sort_by_key(|change| match change {
        Change::Delete(_) => 0,
        Change::Apply(object) => match &**object {
            Object::Service(service) => {
                let spec = &service.object.spec;
                let asks = spec.cluster_ip.is_some()
                    || !spec.cluster_ips.is_empty()
                    || spec.ports.iter().any(|port| port.node_port.is_some());
                if asks { 1 } else { 2 }
            }
            Object::Pod(_) | Object::Deployment(_) | Object::Other(_) => 3,
        },
    });
    changes
}

/// As the API server tells when an object was made.
fn to_the_second(at: std::time::SystemTime) -> std::time::SystemTime {
    let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    std::time::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
