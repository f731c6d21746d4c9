//! Which programs are run for a container, and how is it asked?

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ::kubelet::{Log, LogWriter, Recorder, Stream};
use host::program::{Pipes, Program, ProgramError, Running};
use host::sandbox::Sandbox;
use workload::api::Container;
use workload::{Binding, Missing, ProbeKind};

use super::{PodRun, Surroundings};
use crate::kubelet::action::{Action, ActionKind};
use crate::kubelet::container::Input;

/// A program that was started for a container.
pub(super) struct Spawned {
    pub(super) running: Running,
    pub(super) input: Input,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) bindings: Vec<Binding>,
    /// Who reads its words, and how others read them; at an API server, whose users may.
    pub(super) recorded: Option<(Arc<Recorder>, Log)>,
}

/// Why no program was started for a container.
pub(super) enum NotStarted {
    /// What it is told is not known yet.
    Awaited,
    /// What it is told is not there.
    Unmade(String),
    Failed(String),
}

impl From<String> for NotStarted {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<Missing> for NotStarted {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Unread(_) => Self::Awaited,
            Missing::Absent(why) | Missing::Unreadable(why) => Self::Unmade(why),
        }
    }
}

impl PodRun {
    pub(super) fn spawn(&self, index: usize, around: &Surroundings) -> Result<Spawned, NotStarted> {
        let (Some(run), Some(place)) = (self.containers.get(index), &self.place) else {
            return Err("nowhere to run".to_owned().into());
        };
        let bindings = around.environment(&self.pod, &run.container, &self.fields, &self.known)?;
        let mounts = match around.settings.kubeconfig {
            Some(_) => self.volumes.mounts(&self.pod, &run.container, &bindings)?,
            None => Vec::new(),
        };
        let sandbox = Arc::new(place.sandbox(&mounts).map_err(|error| error.to_string())?);
        let (program, note) = around
            .program(&run.container, bindings.clone(), Arc::clone(&sandbox))
            .map_err(|error| format!("{error}; hint: {}", error.hint()))?;
        let log = std::fs::File::options().create(true).append(true).open(&run.log);
        let log = log.map_err(|error| format!("cannot write its log: {error}"))?;
        if let Some(note) = note.filter(|_| run.number == 0) {
            tracing::info!(pod = %self.id.pod, container = run.container.name, "{note}");
        }
        if around.settings.kubeconfig.is_none() {
            let running = program.spawn(&log).map_err(|error| error.to_string())?;
            let (input, recorded) = (Input::None, None);
            return Ok(Spawned { running, input, sandbox, bindings, recorded });
        }
        // Of three files two are those of its present or last run, and of the one before.
        let followed = run.log.with_extension(format!("{}.followed", run.recorded % 3));
        let unkept = |error| format!("cannot keep its words: {error}");
        let writer = LogWriter::create(&followed).map_err(unkept)?;
        let followed = writer.log();
        let started = start(&program, &run.container).map_err(|error| error.to_string())?;
        let (running, input, outputs) = started;
        let recorder = outputs
            .and_then(|outputs| Recorder::begin(outputs, writer, Some(log), host::clock::wall));
        match recorder {
            Ok(recorder) => {
                let recorded = Some((recorder, followed));
                Ok(Spawned { running, input, sandbox, bindings, recorded })
            }
            Err(error) => {
                self.abandon(running);
                Err(unkept(error).into())
            }
        }
    }

    /// Ends a program that nobody would follow.
    fn abandon(&self, mut running: Running) {
        if let Err(error) = running.kill().and_then(|()| running.wait()) {
            tracing::error!(pod = %self.id.pod, "cannot kill a container: {error}");
        }
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

    /// A program beside the container; none for an empty command, or when it does not run.
    pub(crate) fn exec(
        &self,
        index: usize,
        command: &[String],
        around: &Surroundings,
    ) -> Option<Program> {
        let life = self.containers.get(index)?.life()?;
        let (name, args) = command.split_first()?;
        let (bindings, sandbox) = (life.bindings.clone(), Arc::clone(&life.sandbox));
        Some(around.of(name.clone(), args.to_vec(), bindings, sandbox))
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

/// A terminal's output is not always to be had.
type Started = (Running, Input, io::Result<Vec<(OwnedFd, Stream)>>);

/// With the input that the container asks for.
fn start(program: &Program, container: &Container) -> Result<Started, ProgramError> {
    if container.tty {
        let (running, terminal) = program.spawn_on_terminal()?;
        let outputs = terminal.stream().map(|stream| vec![(stream, Stream::Stdout)]);
        return Ok((running, Input::Terminal(Arc::new(terminal)), outputs));
    }
    let (running, pipes) = program.spawn_with_pipes(container.stdin)?;
    let Pipes { stdin, stdout, stderr } = pipes;
    let outputs = [(stdout, Stream::Stdout), (stderr, Stream::Stderr)];
    let outputs = outputs.into_iter().filter_map(|(output, stream)| Some((output?, stream)));
    Ok((running, stdin.map_or(Input::None, Input::Pipe), Ok(outputs.collect())))
}
