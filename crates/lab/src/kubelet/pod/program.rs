//! Which programs are run for a container, and how is it asked?

use std::sync::Arc;

use ::kubelet::Log;
use host::program::{Program, Running};
use workload::ProbeKind;

use super::{PodRun, Surroundings};
use crate::kubelet::action::{Action, ActionKind};
use crate::kubelet::recorder::Recorder;

/// A program that was started for a container.
pub(super) struct Spawned {
    pub(super) running: Running,
    /// Who reads its words, and how others read them; at an API server, whose users may.
    pub(super) recorded: Option<(Arc<Recorder>, Log)>,
}

impl PodRun {
    pub(super) fn spawn(&self, index: usize, around: &Surroundings) -> Result<Spawned, String> {
        let (Some(run), Some(place)) = (self.containers.get(index), &self.place) else {
            return Err("nowhere to run".to_owned());
        };
        let env = around.environment(&self.pod, &run.container, &self.node, &self.addresses);
        let (program, note) = around
            .program(&run.container, env, Arc::clone(&place.sandbox))
            .map_err(|error| format!("{error}; hint: {}", error.hint()))?;
        let log = std::fs::File::options().create(true).append(true).open(&run.log);
        let log = log.map_err(|error| format!("cannot write its log: {error}"))?;
        if let Some(note) = note.filter(|_| run.number == 0) {
            tracing::info!(pod = %self.id.pod, container = run.container.name, "{note}");
        }
        if around.settings.kubeconfig.is_none() {
            let running = program.spawn(&log).map_err(|error| error.to_string())?;
            return Ok(Spawned { running, recorded: None });
        }
        let (running, pipes) = program.spawn_with_pipes(false).map_err(|it| it.to_string())?;
        // Of two files one is of the run before.
        let followed = run.log.with_extension(format!("{}.followed", run.number % 2));
        let recorded = Recorder::begin(pipes, log, &followed);
        let recorded = recorded.map_err(|error| format!("cannot keep its words: {error}"))?;
        Ok(Spawned { running, recorded: Some(recorded) })
    }

    pub(super) fn probe_action(
        &self,
        index: usize,
        kind: ProbeKind,
        around: &Surroundings,
    ) -> Result<Action, String> {
        let run = self.containers.get(index).ok_or("no such container")?;
        let container = &run.container;
        let probe = match kind {
            ProbeKind::Startup => &container.startup_probe,
            ProbeKind::Liveness => &container.liveness_probe,
            ProbeKind::Readiness => &container.readiness_probe,
        };
        let probe = probe.as_ref().ok_or("no such probe")?;
        let exec = |command: &[String]| self.exec(index, command, around);
        self.action(ActionKind::of_probe(probe, container, exec)?)
    }

    /// A program beside the container; none for an empty command.
    pub(crate) fn exec(
        &self,
        index: usize,
        command: &[String],
        around: &Surroundings,
    ) -> Option<Program> {
        let (run, place) = (self.containers.get(index)?, self.place.as_ref()?);
        let (name, args) = command.split_first()?;
        let env = around.environment(&self.pod, &run.container, &self.node, &self.addresses);
        Some(around.of(name.clone(), args.to_vec(), env, Arc::clone(&place.sandbox)))
    }

    fn action(&self, kind: ActionKind) -> Result<Action, String> {
        let place = self.place.as_ref().ok_or("the pod has no place yet")?;
        let address = self.addresses.first().copied().ok_or("the pod has no address")?;
        Ok(Action { kind, node: Arc::clone(&place.node), address })
    }

    pub(super) fn hook(
        &self,
        index: usize,
        around: &Surroundings,
    ) -> Option<Result<Action, String>> {
        let container = &self.containers.get(index)?.container;
        let stop = container.lifecycle.pre_stop.as_ref()?;
        let exec = |command: &[String]| self.exec(index, command, around);
        Some(ActionKind::of_stop(stop, container, exec).and_then(|kind| self.action(kind)))
    }
}
