//! What does a lab know and decide whose objects live in an API server? Only what a kubelet does, and
//! a scheduler where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::NodeName;
use tokio::sync::watch;
use workload::{ObservedPod, PodAddresses, Reference};

use crate::cluster::{Settled, Step, name_of};
use crate::kubelet::Kubelet;
use crate::plan::Plan;
use crate::who::PodName;

mod api;
mod api_service;
mod bind;
mod dns;
mod endpoint;
mod follow;
mod kubeconfig;
mod membership;
mod needed;
mod node;
mod pause;
mod relay;
mod report;
mod seen;
mod status;
mod subject;
#[cfg(test)]
mod tests;
mod write;

pub use api::{Failure, KubeconfigError};
pub(crate) use api_service::lead_pods;
pub use membership::JoinError;

pub(crate) use api_service::Way;
pub(crate) use follow::follow;
pub(crate) use kubeconfig::write_for_node;
pub(crate) use membership::Membership;
pub(crate) use needed::follow_needed;
pub(crate) use node::to_the_second;
pub(crate) use relay::{ADDRESS as ON_NODES, relay};
pub(crate) use report::report;
pub(crate) use seen::Heard;
pub(crate) use subject::{Subject, name_of as name_of_service};
pub(crate) use write::{Wishes, write};

use seen::{SeenNode, SeenPod, says_ready};
use status::{Epoch, Memory};
use write::{Life, Wish};

/// What has no object any longer is ended so fast.
const OBJECTLESS_GRACE: Duration = Duration::from_secs(1);

/// All Pods of the API server that are of interest here, and since when they are known.
type Seen = BTreeMap<PodName, (SeenPod, Duration)>;

#[derive(Debug)]
pub(crate) struct Joined {
    seen: Seen,
    /// The lab's own Nodes, as the API server has them.
    nodes: BTreeMap<NodeName, SeenNode>,
    own: BTreeMap<NodeName, Vec<IpAddr>>,
    pod_addresses: BTreeMap<NodeName, PodAddresses>,
    /// What runs here, or is about to.
    pub(crate) pods: Vec<ObservedPod>,
    /// Why a pod has no node or no address yet.
    pub(crate) waiting: BTreeMap<PodName, String>,
    /// Nodes whose kubelet is silent.
    down: BTreeSet<NodeName>,
    /// Grace periods that pods were told.
    told: BTreeMap<Life, Duration>,
    /// Pods that have ended here, and are to be deleted there; with their last status.
    over: BTreeMap<Life, Wish>,
    /// Where Pods were sent that had no node.
    bound: BTreeMap<Life, NodeName>,
    memories: BTreeMap<Life, Memory>,
    /// How often somebody else changed what was told of a pod: when a node is not heard of, its pods
    /// are said to be unready, and nobody but the kubelet says when they are again.
    changed: BTreeMap<Life, u32>,
    epoch: Epoch,
    wishes: watch::Sender<Arc<Wishes>>,
    alive: watch::Sender<BTreeSet<NodeName>>,
    needed: watch::Sender<BTreeSet<Reference>>,
}

/// What the tasks that speak to the API server listen to.
pub(crate) struct Orders {
    pub(crate) wishes: watch::Receiver<Arc<Wishes>>,
    pub(crate) alive: watch::Receiver<BTreeSet<NodeName>>,
    pub(crate) needed: watch::Receiver<BTreeSet<Reference>>,
}

impl Joined {
    /// `epoch` is when the lab's own time began.
    pub(crate) fn new(plan: &Plan, epoch: SystemTime) -> (Self, Orders) {
        let addresses =
            |node: &crate::plan::NodePlan| (node.name.clone(), PodAddresses::new(&node.pod_ranges));
        let own: BTreeMap<NodeName, Vec<IpAddr>> =
            plan.nodes.iter().map(|node| (node.name.clone(), node.ips())).collect();
        let (wishes, wished) = watch::channel(Arc::new(Wishes::new()));
        let (alive, living) = watch::channel(own.keys().cloned().collect());
        let (needed, needs) = watch::channel(BTreeSet::new());
        let joined = Self {
            seen: BTreeMap::new(),
            nodes: BTreeMap::new(),
            pod_addresses: plan.nodes.iter().map(addresses).collect(),
            own,
            pods: Vec::new(),
            waiting: BTreeMap::new(),
            down: BTreeSet::new(),
            told: BTreeMap::new(),
            over: BTreeMap::new(),
            bound: BTreeMap::new(),
            memories: BTreeMap::new(),
            changed: BTreeMap::new(),
            epoch: Epoch(epoch),
            wishes,
            alive,
            needed,
        };
        (joined, Orders { wishes: wished, alive: living, needed: needs })
    }

    /// Takes news in.
    pub(crate) fn hear(&mut self, heard: Heard, now: Duration) {
        match heard {
            Heard::Pods(all) => {
                let before = std::mem::take(&mut self.seen);
                for pod in all {
                    self.see(pod, &before, now);
                }
            }
            Heard::Pod(pod) => {
                let before: Seen = self.seen.remove_entry(&pod.name()).into_iter().collect();
                self.see(*pod, &before, now);
            }
            Heard::PodGone { name, uid } => self.forget(&name, &uid),
            Heard::Nodes(all) => {
                let ours = all.into_iter().filter(|node| self.own.contains_key(&node.0.name));
                self.nodes = ours.map(|node| (node.0.name.clone(), node)).collect();
            }
            Heard::Node(node) => {
                if self.own.contains_key(&node.0.name) {
                    self.nodes.insert(node.0.name.clone(), *node);
                }
            }
            Heard::NodeGone(name) => drop(self.nodes.remove(&name)),
            // The kubelet's to know.
            Heard::Services(_) | Heard::Service(_) | Heard::ServiceGone(_) | Heard::Found(..) => {}
        }
    }

    /// Those count that are on a node of the lab, or on none yet.
    fn see(&mut self, pod: SeenPod, before: &Seen, now: Duration) {
        if pod.node().is_none_or(|node| self.own.contains_key(&node)) {
            let known = before.get(&pod.name()).filter(|(known, _)| known.uid() == pod.uid());
            let since = known.map_or(now, |(_, since)| *since);
            let life = (pod.name(), pod.uid().to_owned());
            if let Some(Wish::Status(told, _)) = self.wishes.borrow().get(&life)
                && says_ready(told).is_some_and(|is_ready| is_ready != pod.is_ready)
            {
                *self.changed.entry(life).or_default() += 1;
            }
            self.seen.insert(pod.name(), (pod, since));
        }
    }

    fn forget(&mut self, name: &PodName, uid: &str) {
        if self.seen.get(name).is_some_and(|(known, _)| known.uid() == uid) {
            self.seen.remove(name);
        }
    }

    /// Which pods must be made and ended now.
    pub(crate) fn settle(&mut self, now: Duration) -> Settled {
        let mut settled = Settled::default();
        let waiting = self.waiting.clone();
        let lives: BTreeSet<Life> =
            self.seen.values().map(|(pod, _)| (pod.name(), pod.uid().to_owned())).collect();
        self.over.retain(|life, _| lives.contains(life));
        self.bound.retain(|life, _| lives.contains(life));
        self.changed.retain(|life, _| lives.contains(life));
        self.end(&mut settled);
        self.begin(now, &mut settled);
        self.bind(now, &mut settled);
        settled.is_news |= self.waiting != waiting;
        settled
    }

    /// Ends what was deleted, and what has no object any longer.
    fn end(&mut self, settled: &mut Settled) {
        let mut unplaced = Vec::new();
        for observed in &mut self.pods {
            let name = name_of(observed);
            let life = life_of(observed);
            let seen = self.seen.get(&name).filter(|(pod, _)| pod.uid() == life.1);
            let grace = seen.map_or(Some(OBJECTLESS_GRACE), |(pod, _)| pod.deleted);
            let Some(grace) = grace else { continue };
            observed.terminating = true;
            if observed.addresses.is_empty() {
                unplaced.push(life);
            } else if self.told.get(&life).is_none_or(|told| grace < *told) {
                self.told.insert(life, grace);
                settled.steps.push(Step::End { pod: name, grace });
            }
        }
        for life in unplaced {
            self.pods.retain(|observed| life_of(observed) != life);
            self.over.insert(life, Wish::Over(None));
            settled.is_news = true;
        }
    }

    /// Begins what was given a node of the lab. One of the same name ends first.
    fn begin(&mut self, now: Duration, settled: &mut Settled) {
        let here: BTreeSet<PodName> = self.pods.iter().map(name_of).collect();
        let mut over = Vec::new();
        for (name, (seen, _)) in &self.seen {
            let Some(node) = seen.node().filter(|node| !self.down.contains(node)) else { continue };
            let life = (name.clone(), seen.uid().to_owned());
            if here.contains(name) || self.over.contains_key(&life) {
                continue;
            }
            if seen.deleted.is_some() {
                over.push(life);
            } else if !seen.is_final {
                let mut observed = ObservedPod::created(Arc::clone(&seen.pod), now);
                observed.node = Some(node);
                self.pods.push(observed);
            }
        }
        settled.is_news |= !over.is_empty();
        self.over.extend(over.into_iter().map(|life| (life, Wish::Over(None))));
        self.give_addresses(settled);
    }

    fn give_addresses(&mut self, settled: &mut Settled) {
        self.waiting.clear();
        for observed in self.pods.iter_mut().filter(|it| it.addresses.is_empty()) {
            let Some(node) = &observed.node else { continue };
            let addresses = if observed.pod.spec.host_network {
                self.own.get(node).cloned()
            } else {
                self.pod_addresses.get_mut(node).and_then(PodAddresses::allocate)
            };
            match addresses {
                Some(addresses) => {
                    observed.addresses = addresses;
                    settled.steps.push(Step::Start(name_of(observed)));
                }
                None => {
                    let why = format!("node {node} has no free pod address");
                    self.waiting.insert(name_of(observed), why);
                }
            }
        }
    }

    /// A pod's programs and network are gone.
    pub(crate) fn remove(&mut self, name: &PodName) {
        let Some(at) = self.pods.iter().position(|observed| name_of(observed) == *name) else {
            return;
        };
        let gone = self.pods.remove(at);
        let life = life_of(&gone);
        self.told.remove(&life);
        self.release(&gone);
        self.memories.remove(&life);
        if self.seen.get(name).is_some_and(|(pod, _)| pod.uid() == life.1) {
            let last = match self.wishes.borrow().get(&life) {
                Some(Wish::Status(last, _)) => Some(Arc::clone(last)),
                Some(Wish::Bind(_) | Wish::Over(_)) | None => None,
            };
            self.over.insert(life, Wish::Over(last));
        }
    }

    fn release(&mut self, gone: &ObservedPod) {
        let addresses = gone.node.as_ref().and_then(|node| self.pod_addresses.get_mut(node));
        if let Some(addresses) = addresses.filter(|_| !gone.pod.spec.host_network) {
            addresses.release(&gone.addresses);
        }
    }

    /// A node's kubelet falls silent, and what ran there is gone.
    pub(crate) fn lose(&mut self, node: &NodeName) {
        self.down.insert(node.clone());
        let is_there = |it: &ObservedPod| it.node.as_ref() == Some(node);
        let lost: Vec<ObservedPod> = self.pods.iter().filter(|it| is_there(it)).cloned().collect();
        self.pods.retain(|it| !is_there(it));
        for gone in lost {
            self.release(&gone);
            let life = life_of(&gone);
            self.told.remove(&life);
            self.memories.remove(&life);
        }
        self.tell_alive();
    }

    pub(crate) fn come_back(&mut self, node: &NodeName) {
        self.down.remove(node);
        self.tell_alive();
    }

    fn tell_alive(&self) {
        let alive = self.own.keys().filter(|node| !self.down.contains(*node)).cloned().collect();
        self.alive.send_replace(alive);
    }

    /// Lets the API server know of what has changed.
    pub(crate) fn publish(&mut self, kubelet: &Kubelet, now: Duration) {
        let mut wishes = Wishes::new();
        for (life, node) in &self.bound {
            let is_unbound = self.seen.get(&life.0).is_some_and(|(pod, _)| pod.node().is_none());
            if is_unbound {
                wishes.insert(life.clone(), Wish::Bind(node.to_string()));
            }
        }
        for (name, why) in &self.waiting {
            if let Some((seen, _)) = self.seen.get(name).filter(|(seen, _)| seen.node().is_none()) {
                let wish = Wish::Status(Arc::new(status::of_unschedulable(why)), 0);
                wishes.insert((name.clone(), seen.uid().to_owned()), wish);
            }
        }
        for observed in &self.pods {
            let (name, life) = (name_of(observed), life_of(observed));
            let run = kubelet.pods.get(&name).filter(|run| run.id.uid == life.1);
            let seen = self.seen.get(&name).filter(|(pod, _)| pod.uid() == life.1);
            let (Some(run), Some((seen, _))) = (run, seen) else { continue };
            let hosts = observed.node.as_ref().and_then(|node| self.own.get(node));
            let hosts = hosts.map(Vec::as_slice).unwrap_or_default();
            let (epoch, created) = (self.epoch, observed.created);
            let memory = self.memories.entry(life.clone());
            let memory = memory.or_insert_with(|| Memory::new(epoch, created));
            let status = status::of_run(run, hosts, &seen.gates, memory, now);
            let changed = self.changed.get(&life).copied().unwrap_or_default();
            wishes.insert(life, Wish::Status(Arc::new(status), changed));
        }
        wishes.extend(self.over.iter().map(|(life, wish)| (life.clone(), wish.clone())));
        let needed = kubelet.references();
        self.needed.send_if_modified(|known| {
            let differs = *known != needed;
            *known = needed;
            differs
        });
        self.wishes.send_if_modified(|known| {
            let differs = **known != wishes;
            if differs {
                *known = Arc::new(wishes);
            }
            differs
        });
    }
}

fn life_of(observed: &ObservedPod) -> Life {
    let uid = observed.pod.metadata.uid.clone().unwrap_or_default();
    (name_of(observed), uid)
}
