//! How does a lab go on, from one event to the next?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::NodeName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cluster::{Step, name_of};
use crate::daemon::Daemons;
use crate::event::{Asker, Event};
use crate::home::Home;
use crate::housekeeping;
use crate::joined::{Heard, Membership, name_of_service};
use crate::kubelet::{Kubelet, Surroundings};
use crate::routes::Routes;
use crate::up::OnReady;

mod answer;
mod errand;
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
    home: Home,
    kubelet: Kubelet,
    daemons: Daemons,
    /// Nodes whose agent says that it is well.
    healthy: BTreeSet<NodeName>,
    /// Nodes whose agent said last that it answers the cluster DNS.
    answering: BTreeSet<NodeName>,
    world_dns: WorldDns,
    /// When the others notice that a crashed node is gone.
    crashed: BTreeMap<NodeName, Duration>,
    /// They ask the agents how they are.
    watchers: BTreeMap<NodeName, JoinHandle<()>>,
    began: Instant,
    look_at: Duration,
    /// They carry connections from nodes to the API server.
    relays: BTreeMap<NodeName, JoinHandle<()>>,
    /// What the lab is at the API server, where there is one.
    membership: Option<Arc<Membership>>,
    routes: Routes,
    /// Something happened that others may have to know.
    is_new: bool,
    /// When what has happened is written for others, and when that was last done.
    write_at: Option<Duration>,
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
        home: Home,
        membership: Option<Arc<Membership>>,
        began: Instant,
        on_ready: OnReady,
    ) -> Self {
        Self {
            home,
            kubelet: Kubelet::new(Arc::clone(&around)),
            daemons: Daemons::default(),
            around,
            healthy: BTreeSet::new(),
            answering: BTreeSet::new(),
            world_dns: WorldDns::Starting,
            crashed: BTreeMap::new(),
            watchers: BTreeMap::new(),
            relays: BTreeMap::new(),
            membership,
            routes: Routes::default(),
            began,
            look_at: LOOK_EVERY,
            is_new: true,
            write_at: None,
            written: Duration::ZERO,
            housekeeping_at: HOUSEKEEPING_EVERY,
            is_ending: false,
            last_asker: None,
            is_asking: false,
            on_ready: Some(on_ready),
        }
    }

    /// Runs until it is told to end; gives back who asked for that and waits for it to be done.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<Event>) -> Option<Asker> {
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
        let is_elsewhere = matches!(event, Event::Health { .. } | Event::Errand(_));
        self.is_new |= !is_elsewhere && !matches!(event, Event::WorldReady | Event::InStep(_));
        match event {
            Event::Wired { run, outcome } => self.kubelet.wired(&run, outcome, now),
            Event::Unwired { run, outcome } => {
                if self.kubelet.unwired(&run, outcome) {
                    self.home.remove(&run.pod);
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
            Event::Heard(heard) => {
                let heard = self.teach(heard);
                if let Home::ApiServer(joined) = &mut self.home {
                    heard.into_iter().for_each(|heard| joined.hear(heard, now));
                }
            }
            Event::Errand(errand) => self.run_errand(errand),
            Event::Asked(question) => self.answer(question),
            Event::Terminated => self.is_ending = true,
        }
    }

    /// Tells the kubelet what is for it; gives the rest back.
    fn teach(&mut self, heard: Heard) -> Option<Heard> {
        match heard {
            Heard::Found(reference, found) => self.kubelet.learn(reference, found),
            Heard::Services(all) => self.kubelet.learn_services(|known| *known = all),
            Heard::Service(service) => self.kubelet.learn_services(|known| {
                known.insert(name_of_service(&service), Arc::from(service));
            }),
            Heard::ServiceGone(service) => self.kubelet.learn_services(|known| {
                known.remove(&name_of_service(&service));
            }),
            Heard::Pods(_)
            | Heard::Pod(_)
            | Heard::PodGone { .. }
            | Heard::Nodes(_)
            | Heard::Node(_)
            | Heard::NodeGone(_) => return Some(heard),
        }
        None
    }

    /// Looks at the given files, and at what else is due now and then.
    fn look(&mut self) {
        let now = self.now();
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            if let Home::Files(files) = &mut self.home {
                self.is_new |= files.look();
            }
        }
        if self.housekeeping_at <= now {
            self.housekeeping_at = now + HOUSEKEEPING_EVERY;
            housekeeping::cut_logs(&self.around.place);
        }
    }

    /// Works out what follows from the present, until nothing does.
    fn settle(&mut self) {
        let now = self.now();
        self.daemons.advance(now);
        for _ in 0..ROUNDS_MAX {
            for gone in self.kubelet.advance(now) {
                self.home.remove(&gone);
                self.is_new = true;
            }
            self.observe(now);
            let settled = self.home.settle(now);
            if let Some(at) = settled.again_at {
                self.look_at = self.look_at.min(at);
            }
            self.is_new |= settled.is_news;
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
        self.written = now;
        self.write_at = self.home.publish(&self.kubelet, now);
        match &self.home {
            Home::Files(files) => {
                let services = files.cluster.services.values().map(|it| &it.object);
                self.routes.lead(services, &self.around);
            }
            Home::ApiServer(_) => self.routes.lead(self.kubelet.services(), &self.around),
        }
    }

    fn step(&mut self, step: Step, now: Duration) {
        match step {
            Step::Start(name) => {
                let Some(observed) = self.home.pod(&name) else { return };
                let Some(node) = observed.node.clone() else { return };
                let (pod, addresses) = (Arc::clone(&observed.pod), observed.addresses.clone());
                self.kubelet.start(name, pod, node, addresses, now);
            }
            Step::Stop(name) => self.kubelet.stop(&name, now),
            Step::End { pod, grace } => self.kubelet.stop_within(&pod, grace, now),
        }
    }

    /// What is seen of the pods goes to where decisions are made.
    fn observe(&mut self, now: Duration) {
        for observed in self.home.pods_mut() {
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
        self.is_new |= self.home.set_answering(answering.collect());
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
