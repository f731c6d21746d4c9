//! What is a Pod's status, as a kubelet writes it?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use workload::Phase;

use super::node::to_the_second;
use crate::kubelet::{ContainerRun, Ended, PodRun, Role, State};

/// When the lab's own time began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(pub(crate) SystemTime);

impl Epoch {
    fn at(self, time: Duration) -> String {
        host::rfc3339::format(to_the_second(self.0 + time))
    }
}

/// What of a Pod's status outlasts one look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) epoch: Epoch,
    pub(crate) started: Duration,
    /// Of each condition: whether it holds, and since when it is so.
    conditions: BTreeMap<&'static str, (bool, Duration)>,
}

impl Memory {
    pub(crate) const fn new(epoch: Epoch, started: Duration) -> Self {
        Self { epoch, started, conditions: BTreeMap::new() }
    }

    fn condition(
        &mut self,
        kind: &'static str,
        why: Result<(), (&str, String)>,
        now: Duration,
    ) -> Value {
        let holds = why.is_ok();
        let known = self.conditions.entry(kind).or_insert((holds, now));
        if known.0 != holds {
            *known = (holds, now);
        }
        let (reason, message) = why.err().unwrap_or_default();
        let since = self.epoch.at(known.1);
        let status = if holds { "True" } else { "False" };
        // What no longer holds has to be taken away by name.
        let word = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        json!({
            "type": kind,
            "status": status,
            "reason": word(reason),
            "message": word(&message),
            "lastProbeTime": null,
            "lastTransitionTime": since,
        })
    }
}

/// The status of a Pod that runs here; `gates` are conditions of others that it waits for.
pub(crate) fn of_run(
    run: &PodRun,
    host_ips: &[IpAddr],
    gates: &BTreeMap<String, bool>,
    memory: &mut Memory,
    now: Duration,
) -> Value {
    let phase = phase(run);
    // Those of an earlier life on the node do not stay.
    let list = |ips: &[IpAddr]| -> Value {
        let all = ips.iter().map(|ip| json!({"ip": ip.to_string()}));
        std::iter::once(json!({"$patch": "replace"})).chain(all).collect()
    };
    let containers = |is_init: bool| -> Value {
        let all = run.containers.iter().filter(|it| (it.role == Role::Main) != is_init);
        all.map(|it| container(run, it, memory.epoch)).collect()
    };
    let (init, main) = (containers(true), containers(false));
    // Until there is a network the addresses are only meant.
    let ips = if run.place.is_some() { run.addresses.as_slice() } else { &[] };
    let mut status = json!({
        "phase": phase.as_str(),
        "hostIP": host_ips.first().map(IpAddr::to_string),
        "hostIPs": list(host_ips),
        "startTime": memory.epoch.at(memory.started),
        "conditions": conditions(run, phase, gates, memory, now),
        "containerStatuses": main,
        "initContainerStatuses": init,
    });
    if let Some(fields) = status.as_object_mut().filter(|_| !ips.is_empty()) {
        fields.insert("podIP".to_owned(), json!(ips.first().map(IpAddr::to_string)));
        fields.insert("podIPs".to_owned(), list(ips));
    }
    status
}

/// That there is no node for a Pod yet.
pub(crate) fn of_unschedulable(why: &str) -> Value {
    json!({"conditions": [{
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": why,
    }]})
}

/// A Pod that was told to end, and has, is over for good.
fn phase(run: &PodRun) -> Phase {
    if !run.is_over() {
        return run.phase();
    }
    let mains = run.containers.iter().filter(|it| it.role == Role::Main);
    let is_failed = |it: &ContainerRun| !matches!(it.state, State::Done { success: true, .. });
    if mains.into_iter().any(is_failed) { Phase::Failed } else { Phase::Succeeded }
}

fn conditions(
    run: &PodRun,
    phase: Phase,
    gates: &BTreeMap<String, bool>,
    memory: &mut Memory,
    now: Duration,
) -> Value {
    let is_init = |it: &&ContainerRun| it.role != Role::Main;
    let are_begun = run.containers.iter().filter(is_init).all(ContainerRun::lets_others_start);
    let initialized = if are_begun || phase.is_final() {
        Ok(())
    } else {
        Err(("ContainersNotInitialized", "init containers have not completed".to_owned()))
    };
    let ready = match phase {
        Phase::Succeeded => Err(("PodCompleted", String::new())),
        Phase::Failed => Err(("PodFailed", String::new())),
        Phase::Pending | Phase::Running if run.is_ready() => Ok(()),
        Phase::Pending | Phase::Running => {
            Err(("ContainersNotReady", run.why_unready().unwrap_or_default()))
        }
    };
    let missing: Vec<&str> =
        gates.iter().filter(|(_, holds)| !**holds).map(|(gate, _)| gate.as_str()).collect();
    let gated = || {
        let message = format!("the conditions do not hold: {}", missing.join(", "));
        Err(("ReadinessGatesNotReady", message))
    };
    let whole = if ready.is_ok() && !missing.is_empty() { gated() } else { ready.clone() };
    let wired = match &run.place {
        Some(_) => Ok(()),
        None => Err(("NetworkNotReady", run.trouble.clone().unwrap_or_default())),
    };
    json!([
        memory.condition("PodReadyToStartContainers", wired, now),
        memory.condition("Initialized", initialized, now),
        memory.condition("ContainersReady", ready, now),
        memory.condition("Ready", whole, now),
    ])
}

fn container(run: &PodRun, container: &ContainerRun, epoch: Epoch) -> Value {
    let id = |number: u32| format!("pogu://{}-{}-{number}", run.id.uid, container.container.name);
    let ended = |ended: &Ended, number: u32| {
        json!({"terminated": {
            "exitCode": ended.exit_code,
            "reason": if ended.exit_code == 0 { "Completed" } else { "Error" },
            "message": ended.why,
            "startedAt": epoch.at(ended.began),
            "finishedAt": epoch.at(ended.at),
            "containerID": id(number),
        }})
    };
    let waits =
        |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let last = container.ended.as_ref();
    let (state, earlier) = match &container.state {
        State::Waiting | State::Restarting { .. } if container.unmade.is_some() => {
            let why = container.unmade.as_deref().unwrap_or_default();
            let earlier = last.map(|it| ended(it, container.number));
            (waits("CreateContainerConfigError", why), earlier)
        }
        State::Waiting if run.pod.spec.init_containers.is_empty() => {
            let why = run.why_not_begun().unwrap_or_default();
            (waits("ContainerCreating", why), None)
        }
        State::Waiting => (waits("PodInitializing", ""), None),
        State::Running(life) => {
            let state = json!({"running": {"startedAt": epoch.at(life.since)}});
            (state, last.map(|it| ended(it, container.number.saturating_sub(1))))
        }
        State::Restarting { why, .. } => match last {
            Some(last) => (waits("CrashLoopBackOff", why), Some(ended(last, container.number))),
            None => (waits("CreateContainerError", why), None),
        },
        State::Done { why, .. } => match last {
            Some(last) => (ended(last, container.number), None),
            None => (waits("ContainerCannotRun", why), None),
        },
    };
    let life = container.life();
    let image = &container.container.image;
    json!({
        "name": container.container.name,
        "image": image,
        "imageID": image,
        "containerID": if container.number == 0 { String::new() } else { id(container.number) },
        "ready": container.is_ready(),
        "started": life.is_some_and(|life| life.health.is_started()),
        "restartCount": container.number.saturating_sub(1),
        "state": state,
        "lastState": earlier.unwrap_or_else(|| json!({})),
    })
}
