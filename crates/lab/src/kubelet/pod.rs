//! How does one pod live, from its first container to its last?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::NodeName;
use workload::api::Pod;
use workload::{Health, HealthEvent, Known, Phase, PodFields, ProbeKind, Reference};

use super::container::{ContainerRun, Ending, Life, Role, State};
use super::host_port::HostPorts;
use super::spot::Spot;
use super::surroundings::Surroundings;
use super::volumes::Volumes;
use crate::event::{ContainerRunId, Event, PodRunId};

mod ending;
mod mounting;
mod program;
mod telling;

use program::{NotStarted, Spawned};

#[derive(Debug)]
pub(crate) struct PodRun {
    pub(crate) id: PodRunId,
    pub(crate) pod: Arc<Pod>,
    pub(crate) node: NodeName,
    pub(crate) addresses: Vec<IpAddr>,
    /// The cable's name on the node; none on the node's own network.
    pub(crate) port: Option<String>,
    pub(crate) place: Option<Spot>,
    pub(crate) host_ports: HostPorts,
    pub(crate) containers: Vec<ContainerRun>,
    /// When its grace period is over, once it was told to end.
    pub(crate) stop_at: Option<Duration>,
    pub(crate) is_unwiring: bool,
    /// What could not be done for the pod as a whole.
    pub(crate) trouble: Option<String>,
    /// What it needs of the API server beside itself, and what is known of that and more.
    pub(crate) references: BTreeSet<Reference>,
    known: Arc<Known>,
    fields: PodFields,
    volumes: Volumes,
    is_mounted: bool,
    /// Why its volumes are not there.
    unmounted: Option<String>,
}

impl PodRun {
    pub(crate) fn new(
        id: PodRunId,
        pod: Arc<Pod>,
        node: NodeName,
        addresses: Vec<IpAddr>,
        around: &Surroundings,
        known: Arc<Known>,
    ) -> Self {
        let is_known = around.settings.kubeconfig.is_some();
        let all = |containers: &[workload::api::Container], is_init: bool| {
            let with_log = |container: &workload::api::Container| {
                let log = around.place.container_log(&id.pod, &container.name);
                ContainerRun::new(container.clone(), is_init, log)
            };
            containers.iter().map(with_log).collect::<Vec<_>>()
        };
        let mut containers = all(&pod.spec.init_containers, true);
        containers.extend(all(&pod.spec.containers, false));
        let folder = around.place.volumes(&id.pod);
        Self {
            references: if is_known { workload::references(&pod) } else { BTreeSet::new() },
            fields: around.fields(&pod, &node, &addresses),
            volumes: Volumes::new(folder, around.place.host_paths(&node.0)),
            // Where manifests are all that there is, volumes have no meaning.
            is_mounted: !is_known,
            unmounted: None,
            known,
            id,
            pod,
            node,
            addresses,
            port: None,
            place: None,
            host_ports: HostPorts::default(),
            containers,
            stop_at: None,
            is_unwiring: false,
            trouble: None,
        }
    }

    /// Starts whose turn it is, probes what is due, kills whose time is over.
    pub(crate) fn advance(&mut self, now: Duration, around: &Arc<Surroundings>) {
        if self.place.is_none() {
            return;
        }
        if self.stop_at.is_none() {
            self.open_host_ports(now, around);
            if self.mount(around) {
                self.start_due(now, around);
            }
        }
        for index in 0..self.containers.len() {
            self.probe_due(index, now, around);
            self.kill_due(index, now);
        }
    }

    /// One that somebody else has is told, and becomes the pod's when it is free.
    fn open_host_ports(&mut self, now: Duration, around: &Surroundings) {
        let Some(place) = &self.place else { return };
        for why in self.host_ports.open(&place.node, now) {
            tracing::warn!(pod = %self.id.pod, "{why}");
            self.warn(None, "FailedHostPort", why, around);
        }
    }

    fn start_due(&mut self, now: Duration, around: &Arc<Surroundings>) {
        for index in 0..self.containers.len() {
            let Some(run) = self.containers.get(index) else { break };
            let is_due = match &run.state {
                State::Waiting => true,
                State::Restarting { at, .. } => *at <= now,
                State::Running(_) | State::Done { .. } => false,
            };
            if is_due {
                self.start(index, now, around);
            }
            if !self.containers.get(index).is_some_and(ContainerRun::lets_others_start) {
                break;
            }
        }
    }

    fn start(&mut self, index: usize, now: Duration, around: &Arc<Surroundings>) {
        let policy = self.pod.spec.restart_policy;
        let outcome = self.spawn(index, around);
        let id = self.id.clone();
        let Some(run) = self.containers.get_mut(index) else { return };
        let outcome = match outcome {
            Err(NotStarted::Awaited) => return,
            Err(NotStarted::Unmade(why)) => {
                if run.unmade.as_ref() != Some(&why) {
                    tracing::warn!(pod = %id.pod, container = run.container.name, "{why}");
                    run.unmade = Some(why.clone());
                    self.warn(Some(index), "Failed", format!("Error: {why}"), around);
                }
                return;
            }
            Err(NotStarted::Failed(why)) => Err(why),
            Ok(spawned) => Ok(spawned),
        };
        run.number += 1;
        (run.complaint, run.unmade) = (None, None);
        match outcome {
            Ok(Spawned { running, input, sandbox, bindings, recorded }) => {
                let (recorder, log) = recorded.unzip();
                run.recorded += u32::from(log.is_some());
                run.log_before = std::mem::replace(&mut run.log_now, log);
                let health = Health::new(&run.container, now);
                let ending = Ending::No;
                let life = Life {
                    running,
                    recorder,
                    input,
                    sandbox,
                    bindings,
                    since: now,
                    health,
                    ending,
                };
                run.state = State::Running(Box::new(life));
                self.tell_started(index, around);
            }
            Err(why) => {
                tracing::warn!(pod = %id.pod, container = run.container.name, "cannot start: {why}");
                run.over(Err(why.clone()), now, policy, false);
                self.warn(Some(index), "Failed", format!("Error: {why}"), around);
            }
        }
    }

    fn probe_due(&mut self, index: usize, now: Duration, around: &Arc<Surroundings>) {
        let Some(run) = self.containers.get_mut(index) else { return };
        let due = run.life_mut().map(|life| life.health.poll(now)).unwrap_or_default();
        for probe in due {
            let action = self.probe_action(index, probe.kind, around);
            let Some(run) = self.containers.get(index) else { return };
            let id = ContainerRunId { pod: self.id.clone(), index, number: run.number };
            let (events, kind) = (around.events.clone(), probe.kind);
            tokio::spawn(async move {
                let outcome = match action {
                    Ok(action) => action.run(probe.timeout).await,
                    Err(why) => Err(why),
                };
                // The loop may have ended meanwhile.
                drop(events.send(Event::Probed { run: id, kind, outcome }).await);
            });
        }
    }

    fn kill_due(&mut self, index: usize, now: Duration) {
        let life = self.containers.get_mut(index).and_then(ContainerRun::life_mut);
        let is_due =
            |life: &&mut Life| matches!(life.ending, Ending::At(deadline) if deadline <= now);
        if let Some(life) = life.filter(is_due) {
            life.ending = Ending::Killed;
            if let Err(error) = life.running.kill() {
                tracing::error!(pod = %self.id.pod, "cannot kill a container: {error}");
            }
        }
    }

    /// The container of an event, if the event is of its present run.
    pub(crate) fn current(&mut self, id: &ContainerRunId) -> Option<&mut ContainerRun> {
        self.containers.get_mut(id.index).filter(|run| run.number == id.number)
    }

    /// Sees which containers have ended.
    pub(crate) fn reap(&mut self, now: Duration, around: &Surroundings) {
        for index in 0..self.containers.len() {
            let has_ended =
                self.containers.get(index).and_then(ContainerRun::life).is_some_and(|life| {
                    // A child that cannot be looked at is none any longer.
                    life.running.has_ended().unwrap_or(true)
                });
            if has_ended {
                self.container_ended(index, now, around);
            }
        }
    }

    fn container_ended(&mut self, index: usize, now: Duration, around: &Surroundings) {
        let (policy, is_stopping) = (self.pod.spec.restart_policy, self.stop_at.is_some());
        let Some(run) = self.containers.get_mut(index) else { return };
        let Some(life) = run.life_mut() else { return };
        // What it left running in its group ends with it.
        let killed = life.running.kill();
        if let Some(recorder) = &life.recorder {
            recorder.finish();
        }
        let outcome = match (killed, life.running.status()) {
            (Ok(()), Ok(Some(status))) => Ok(status),
            (Ok(()), Ok(None)) => return,
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        };
        run.over(outcome, now, policy, is_stopping);
        if let State::Restarting { why, .. } | State::Done { success: false, why } = &run.state
            && !is_stopping
        {
            let name = &run.container.name;
            tracing::warn!(pod = %self.id.pod, container = name, "ended: {why}");
        }
        if !is_stopping {
            self.tell_ended(index, now, around);
        }
    }

    /// Takes a probe's answer in.
    pub(crate) fn probed(
        &mut self,
        id: &ContainerRunId,
        kind: ProbeKind,
        outcome: Result<(), String>,
        now: Duration,
        around: &Arc<Surroundings>,
    ) {
        let grace = self.pod.spec.termination_grace_period();
        let Some(run) = self.current(id) else { return };
        let Some(life) = run.life_mut() else { return };
        let happened = life.health.report(kind, outcome.is_ok(), now);
        let name = run.container.name.clone();
        let unhealthy = outcome.as_ref().err().cloned();
        match outcome {
            Ok(()) => run.complaint = None,
            Err(why) => run.complaint = Some(format!("{} failed ({why})", kind.field())),
        }
        let complaint = run.complaint.clone().unwrap_or_default();
        if let Some(why) = unhealthy {
            self.tell_unhealthy(id.index, kind, &why, around);
        }
        for event in happened {
            match event {
                HealthEvent::Started => {}
                HealthEvent::Ready => {
                    tracing::info!(pod = %id.pod.pod, container = name, "ready");
                }
                HealthEvent::Unready => {
                    tracing::warn!(pod = %id.pod.pod, container = name, "not ready: {complaint}");
                }
                HealthEvent::Kill { grace: own, .. } => {
                    tracing::warn!(pod = %id.pod.pod, container = name, "is restarted: {complaint}");
                    if self.stop_at.is_none() {
                        self.end(id.index, now, own.unwrap_or(grace), around);
                    }
                }
            }
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.place.is_some() && self.containers.iter().all(ContainerRun::is_ready)
    }

    pub(crate) fn phase(&self) -> Phase {
        let mains = || self.containers.iter().filter(|run| run.role == Role::Main);
        let is_done = |run: &ContainerRun| matches!(run.state, State::Done { .. });
        let is_failed =
            |run: &ContainerRun| matches!(run.state, State::Done { success: false, .. });
        let init_failed =
            self.containers.iter().any(|run| run.role == Role::Init && is_failed(run));
        if self.stop_at.is_none() && init_failed {
            return Phase::Failed;
        }
        if self.stop_at.is_none() && mains().all(is_done) {
            return if mains().any(is_failed) { Phase::Failed } else { Phase::Succeeded };
        }
        let is_begun = mains().any(|run| !matches!(run.state, State::Waiting));
        if is_begun { Phase::Running } else { Phase::Pending }
    }

    /// Nothing of it runs any longer, after it was told to end.
    pub(crate) fn is_over(&self) -> bool {
        self.stop_at.is_some() && self.containers.iter().all(|run| run.life().is_none())
    }

    /// When it must be looked at again.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let times = self.containers.iter().flat_map(|run| match &run.state {
            State::Restarting { at, .. } => [Some(*at), None],
            State::Running(life) => {
                let kill = match life.ending {
                    Ending::At(deadline) => Some(deadline),
                    Ending::No | Ending::Killed => None,
                };
                [life.health.next_due(), kill]
            }
            State::Waiting | State::Done { .. } => [None, None],
        });
        let ports = self.host_ports.next_due().filter(|_| self.stop_at.is_none());
        times.flatten().chain(ports).min()
    }

    /// Why none of its containers can begin.
    pub(crate) fn why_not_begun(&self) -> Option<&str> {
        self.trouble.as_deref().or(self.unmounted.as_deref())
    }

    /// Why it is not ready: the first of its containers that is not.
    pub(crate) fn why_unready(&self) -> Option<String> {
        let trouble = self.why_not_begun().map(str::to_owned);
        trouble.or_else(|| self.containers.iter().find_map(ContainerRun::trouble))
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.containers.iter().map(|run| run.backoff.restarts()).sum()
    }
}
