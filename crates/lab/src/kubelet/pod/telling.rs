//! What are people told of a pod, in a kubelet's words?

use std::time::Duration;

use workload::ProbeKind;

use super::{PodRun, Role, State, Surroundings};
use crate::kubelet::note::Note;

impl PodRun {
    pub(super) fn tell_started(&self, index: usize, around: &Surroundings) {
        let Some(run) = self.containers.get(index) else { return };
        let (name, image) = (&run.container.name, &run.container.image);
        let pulled = format!("Container image {image:?} already present on machine");
        self.tell(index, "Pulled", pulled, around);
        self.tell(index, "Created", format!("Created container: {name}"), around);
        self.tell(index, "Started", format!("Started container {name}"), around);
    }

    fn tell(&self, index: usize, reason: &'static str, text: String, around: &Surroundings) {
        around.note(Note { is_warning: false, ..self.noted(Some(index), reason, text) });
    }

    pub(super) fn warn(
        &self,
        index: Option<usize>,
        reason: &'static str,
        text: String,
        around: &Surroundings,
    ) {
        around.note(self.noted(index, reason, text));
    }

    fn noted(&self, index: Option<usize>, reason: &'static str, text: String) -> Note {
        let run = index.and_then(|index| self.containers.get(index));
        let field = run.map(|run| {
            let list = if run.role == Role::Main { "containers" } else { "initContainers" };
            format!("spec.{list}{{{}}}", run.container.name)
        });
        Note {
            pod: self.id.clone(),
            node: self.node.clone(),
            field: field.unwrap_or_default(),
            is_warning: true,
            reason,
            text,
        }
    }

    /// It has no place.
    pub(crate) fn fail(&mut self, why: String, around: &Surroundings) {
        self.warn(None, "FailedCreatePodSandBox", why.clone(), around);
        self.trouble = Some(why);
    }

    /// Of a container that ends, or is ended to be restarted.
    pub(super) fn tell_killed(&self, index: usize, around: &Surroundings) {
        let Some(run) = self.containers.get(index) else { return };
        let name = &run.container.name;
        let text = match self.stop_at {
            Some(_) => format!("Stopping container {name}"),
            None => format!("Container {name} failed liveness probe, will be restarted"),
        };
        self.tell(index, "Killing", text, around);
    }

    /// Of a container that has ended and has to wait before it is started again.
    pub(super) fn tell_ended(&self, index: usize, now: Duration, around: &Surroundings) {
        let Some(run) = self.containers.get(index) else { return };
        if !matches!(&run.state, State::Restarting { at, .. } if *at > now) {
            return;
        }
        let (name, uid) = (&run.container.name, &self.id.uid);
        let (namespace, pod) = (&self.id.pod.namespace, &self.id.pod.name);
        let text =
            format!("Back-off restarting failed container {name} in pod {pod}_{namespace}({uid})");
        self.warn(Some(index), "BackOff", text, around);
    }

    pub(super) fn tell_unhealthy(
        &self,
        index: usize,
        kind: ProbeKind,
        why: &str,
        around: &Surroundings,
    ) {
        let text = format!("{} failed: {why}", words(kind));
        self.warn(Some(index), "Unhealthy", text, around);
    }
}

/// As people read it.
const fn words(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Startup => "Startup probe",
        ProbeKind::Liveness => "Liveness probe",
        ProbeKind::Readiness => "Readiness probe",
    }
}
