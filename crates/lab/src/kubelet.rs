//! Which pods run here? The nodes' kubelets, all in one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use ingest::api::Service;
use model::NodeName;
use workload::api::Pod;
use workload::{Content, Known, Missing, ProbeKind, Reference};

use crate::event::{ContainerRunId, Event, PodRunId};
use crate::network::{self, NetworkError};
use crate::who::PodName;

mod action;
mod container;
mod host_path;
mod host_port;
mod note;
mod pod;
mod spot;
mod surroundings;
mod tls;
mod volumes;

pub(crate) use action::{Action, ActionKind};
pub(crate) use container::{ContainerRun, Ended, Input, Role, State};
use host_port::HostPorts;
pub(crate) use note::{NOTES_MAX, Note};
pub(crate) use pod::PodRun;
pub(crate) use spot::FILES;
use spot::Spot;
pub(crate) use surroundings::Surroundings;

/// What an object holds, or why there is none.
pub(crate) type Found = Result<Arc<Content>, Missing>;

/// By namespace and name.
pub(crate) type Services = BTreeMap<(String, String), Arc<Service>>;

#[derive(Debug)]
pub(crate) struct Kubelet {
    around: Arc<Surroundings>,
    pub(crate) pods: BTreeMap<PodName, PodRun>,
    nodes: BTreeMap<NodeName, Arc<Netns>>,
    cables: u64,
    /// What the API server says of other objects.
    known: Arc<Known>,
}

impl Kubelet {
    pub(crate) fn new(around: Arc<Surroundings>) -> Self {
        let is_joined = around.settings.kubeconfig.is_some();
        let known = Arc::new(if is_joined { Known::default() } else { Known::nothing() });
        Self { around, pods: BTreeMap::new(), nodes: BTreeMap::new(), cables: 0, known }
    }

    /// Begins a pod that has a node and addresses; a namespace of its own is made beside the loop.
    pub(crate) fn start(
        &mut self,
        name: PodName,
        pod: Arc<Pod>,
        node: NodeName,
        addresses: Vec<IpAddr>,
        now: Duration,
    ) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let id = PodRunId { pod: name.clone(), uid };
        self.take_volumes_away(&name);
        let known = Arc::clone(&self.known);
        let mut run = PodRun::new(id.clone(), pod, node, addresses, &self.around, known);
        if run.pod.spec.host_network {
            match self.node(&run.node) {
                Ok(netns) => self.settle_in(&mut run, netns),
                Err(error) => run.trouble = Some(error.to_string()),
            }
            run.advance(now, &self.around);
        } else {
            self.cables += 1;
            let port = format!("pod{}", self.cables);
            run.port = Some(port.clone());
            let (around, node) = (Arc::clone(&self.around), run.node.clone());
            let addresses = run.addresses.clone();
            tokio::task::spawn_blocking(move || {
                let outcome = network::wire_pod(&around.place, &id.pod, &node.0, &port, &addresses);
                drop(around.events.blocking_send(Event::Wired { run: id, outcome }));
            });
        }
        self.pods.insert(name, run);
    }

    fn node(&mut self, name: &NodeName) -> Result<Arc<Netns>, NetworkError> {
        if let Some(known) = self.nodes.get(name) {
            return Ok(Arc::clone(known));
        }
        let netns = Arc::new(self.around.node_netns(name)?);
        self.nodes.insert(name.clone(), Arc::clone(&netns));
        Ok(netns)
    }

    /// Gives a pod its place: the namespace is there.
    fn settle_in(&mut self, run: &mut PodRun, netns: Arc<Netns>) {
        let name = &run.id.pod;
        let hostname = self.around.write_files(&run.pod, name, &run.node, &run.addresses);
        let folder = self.around.place.pod(name);
        let place = self
            .node(&run.node)
            .map_err(io::Error::other)
            .and_then(|node| Ok(Spot { netns, node, hostname: hostname?, folder }));
        match place {
            Ok(place) => {
                run.host_ports = HostPorts::new(&run.pod, &run.addresses);
                run.place = Some(place);
            }
            Err(error) => run.fail(format!("cannot make a place for it: {error}"), &self.around),
        }
    }

    pub(crate) fn wired(
        &mut self,
        id: &PodRunId,
        outcome: Result<Netns, NetworkError>,
        now: Duration,
    ) {
        let Some(mut run) = self.take(id) else { return };
        match outcome {
            Ok(netns) => self.settle_in(&mut run, Arc::new(netns)),
            Err(error) => {
                tracing::error!(pod = %id.pod, "cannot wire it: {error}");
                run.fail(error.to_string(), &self.around);
            }
        }
        run.advance(now, &self.around);
        self.pods.insert(id.pod.clone(), run);
    }

    fn take(&mut self, id: &PodRunId) -> Option<PodRun> {
        let is_it = self.pods.get(&id.pod).is_some_and(|run| run.id == *id);
        if is_it { self.pods.remove(&id.pod) } else { None }
    }

    fn run_mut(&mut self, id: &PodRunId) -> Option<&mut PodRun> {
        self.pods.get_mut(&id.pod).filter(|run| run.id == *id)
    }

    /// Some program of ours has ended.
    pub(crate) fn reap(&mut self, now: Duration) {
        for run in self.pods.values_mut() {
            run.reap(now, &self.around);
        }
    }

    pub(crate) fn probed(
        &mut self,
        id: &ContainerRunId,
        kind: ProbeKind,
        outcome: Result<(), String>,
        now: Duration,
    ) {
        let around = Arc::clone(&self.around);
        if let Some(run) = self.run_mut(&id.pod) {
            run.probed(id, kind, outcome, now, &around);
        }
    }

    pub(crate) fn hook_done(&mut self, id: &ContainerRunId, outcome: Result<(), String>) {
        let around = Arc::clone(&self.around);
        if let Some(run) = self.run_mut(&id.pod) {
            run.hook_done(id, outcome, &around);
        }
    }

    /// Within the grace period of its own manifest.
    pub(crate) fn stop(&mut self, name: &PodName, now: Duration) {
        let run = self.pods.get(name);
        if let Some(grace) = run.map(|run| run.pod.spec.termination_grace_period()) {
            self.stop_within(name, grace, now);
        }
    }

    pub(crate) fn stop_within(&mut self, name: &PodName, grace: Duration, now: Duration) {
        let around = Arc::clone(&self.around);
        if let Some(run) = self.pods.get_mut(name) {
            run.stop(grace, now, &around);
        }
    }

    /// Does what is due everywhere; the pods that are over, and gone from the machine.
    pub(crate) fn advance(&mut self, now: Duration) -> Vec<PodName> {
        let around = Arc::clone(&self.around);
        let mut gone = Vec::new();
        for (name, run) in &mut self.pods {
            run.advance(now, &around);
            if !run.is_over() || run.is_unwiring {
                continue;
            }
            match (&run.port, &run.place) {
                (None, _) => gone.push(name.clone()),
                // It is still being wired: that ends first.
                (Some(_), None) if run.trouble.is_none() => {}
                (Some(port), _) => {
                    run.is_unwiring = true;
                    unwire(&around, run.id.clone(), run.node.clone(), port.clone());
                }
            }
        }
        for name in &gone {
            self.pods.remove(name);
            self.take_volumes_away(name);
        }
        gone
    }

    /// Whether the pod is gone now.
    pub(crate) fn unwired(&mut self, id: &PodRunId, outcome: Result<(), NetworkError>) -> bool {
        if let Err(error) = outcome {
            tracing::warn!(pod = %id.pod, "cannot take its network away: {error}");
        }
        let is_gone = self.take(id).is_some();
        if is_gone {
            self.take_volumes_away(&id.pod);
        }
        is_gone
    }

    fn take_volumes_away(&self, pod: &PodName) {
        match fs::remove_dir_all(self.around.place.volumes(pod)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%pod, "its volumes stay on the disk: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Takes in what the API server says of an object that pods need; none when nobody looks at it any
    /// longer.
    pub(crate) fn learn(&mut self, reference: Reference, found: Option<Found>) {
        let contents = &mut Arc::make_mut(&mut self.known).contents;
        match found {
            Some(found) => drop(contents.insert(reference.clone(), found)),
            None => drop(contents.remove(&reference)),
        }
        self.spread(Some(&reference));
    }

    /// Takes in what Services there are.
    pub(crate) fn learn_services(&mut self, change: impl FnOnce(&mut Services)) {
        change(Arc::make_mut(&mut self.known).services.get_or_insert_default());
        self.spread(None);
    }

    fn spread(&mut self, of: Option<&Reference>) {
        for run in self.pods.values_mut() {
            run.learn(&self.known, of, &self.around);
        }
    }

    /// The Services of the API server, as far as they are known.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        self.known.services.iter().flat_map(BTreeMap::values).map(|service| &**service)
    }

    /// All that pods need of the API server beside themselves.
    pub(crate) fn references(&self) -> BTreeSet<Reference> {
        self.pods.values().flat_map(|run| run.references.iter().cloned()).collect()
    }

    /// Tells every program to end, without its grace period.
    pub(crate) fn terminate_all(&self) {
        for life in self.lives() {
            // One that is gone already is no trouble.
            drop(life.running.terminate());
        }
    }

    pub(crate) fn is_any_running(&self) -> bool {
        self.lives().next().is_some()
    }

    fn lives(&self) -> impl Iterator<Item = &container::Life> {
        self.pods.values().flat_map(|run| run.containers.iter().filter_map(|it| it.life()))
    }

    /// Forgets a crashed node's namespace, and its pods with all that ran in them.
    pub(crate) fn lose(&mut self, node: &NodeName) -> Vec<PodName> {
        self.nodes.remove(node);
        let lost: Vec<PodName> = self
            .pods
            .iter()
            .filter(|(_, run)| run.node == *node)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &lost {
            self.pods.remove(name);
            self.take_volumes_away(name);
        }
        lost
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.pods.values().filter_map(PodRun::next_due).min()
    }
}

fn unwire(around: &Arc<Surroundings>, id: PodRunId, node: NodeName, port: String) {
    let around = Arc::clone(around);
    tokio::task::spawn_blocking(move || {
        let outcome = network::unwire_pod(&around.place, &id.pod, &node.0, &port);
        drop(around.events.blocking_send(Event::Unwired { run: id, outcome }));
    });
}
