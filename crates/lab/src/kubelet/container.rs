//! How does one container live?

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use ::kubelet::{Log, Recorder};
use host::program::Running;
use host::sandbox::Sandbox;
use host::terminal::Terminal;
use workload::api::{Container, RestartPolicy};
use workload::{Binding, Health, RestartBackoff, RestartDelays};

use crate::event::ContainerRunId;

/// When a container's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Before all others, alone.
    Init,
    /// An init container that goes on beside the others.
    Sidecar,
    Main,
}

#[derive(Debug)]
pub(crate) struct ContainerRun {
    pub(crate) container: Container,
    pub(crate) role: Role,
    pub(crate) state: State,
    /// Runs so far: an event of an earlier one has no meaning.
    pub(crate) number: u32,
    pub(crate) backoff: RestartBackoff,
    pub(crate) log: PathBuf,
    /// What the last probe that failed said, with its name.
    pub(crate) complaint: Option<String>,
    /// Why it cannot even be made: something that it is told is absent.
    pub(crate) unmade: Option<String>,
    /// What its present or last run writes, and what the one before wrote, for those who follow it.
    pub(crate) log_now: Option<Log>,
    pub(crate) log_before: Option<Log>,
    /// Runs whose words were kept so far: a start that failed is none.
    pub(crate) recorded: u32,
    /// How its last run came to its end; none when it has not run, or could not start.
    pub(crate) ended: Option<Ended>,
}

/// How a run of a container came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// As a shell tells it: 128 and more is a signal.
    pub(crate) exit_code: i32,
    pub(crate) began: Duration,
    pub(crate) at: Duration,
    pub(crate) why: String,
}

#[derive(Debug)]
pub(crate) enum State {
    /// It is not its turn yet.
    Waiting,
    Running(Box<Life>),
    /// It ended, or could not start, and is started again at that time.
    Restarting {
        at: Duration,
        why: String,
    },
    Done {
        success: bool,
        why: String,
    },
}

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) running: Running,
    /// Reads what it writes, where somebody may follow that.
    pub(crate) recorder: Option<Arc<Recorder>>,
    pub(crate) input: Input,
    /// Where it runs, and with which variables: what runs beside it has the same.
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) since: Duration,
    pub(crate) health: Health,
    pub(crate) ending: Ending,
}

/// Where a container reads what who is attached to it says.
#[derive(Debug)]
pub(crate) enum Input {
    /// It reads an end.
    None,
    Pipe(OwnedFd),
    Terminal(Arc<Terminal>),
    /// It was for one who was attached, and closed after that.
    Spent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    No,
    /// Until then it may end by itself.
    At(Duration),
    Killed,
}

impl Life {
    pub(crate) fn tell_to_end(&self, id: &ContainerRunId) {
        if let Err(error) = self.running.terminate() {
            tracing::error!(pod = %id.pod.pod, "cannot end a container: {error}");
        }
    }
}

impl ContainerRun {
    pub(crate) fn new(container: Container, is_init: bool, log: PathBuf) -> Self {
        let role = match (is_init, container.is_sidecar()) {
            (false, _) => Role::Main,
            (true, false) => Role::Init,
            (true, true) => Role::Sidecar,
        };
        Self {
            container,
            role,
            state: State::Waiting,
            number: 0,
            backoff: RestartBackoff::new(RestartDelays::default()),
            log,
            complaint: None,
            unmade: None,
            log_now: None,
            log_before: None,
            recorded: 0,
            ended: None,
        }
    }

    pub(crate) fn life(&self) -> Option<&Life> {
        match &self.state {
            State::Running(life) => Some(life),
            State::Waiting | State::Restarting { .. } | State::Done { .. } => None,
        }
    }

    pub(crate) fn life_mut(&mut self) -> Option<&mut Life> {
        match &mut self.state {
            State::Running(life) => Some(life),
            State::Waiting | State::Restarting { .. } | State::Done { .. } => None,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self.role {
            Role::Init => matches!(self.state, State::Done { success: true, .. }),
            Role::Sidecar | Role::Main => self.life().is_some_and(|life| life.health.is_ready()),
        }
    }

    /// The containers after it may start.
    pub(crate) fn lets_others_start(&self) -> bool {
        match self.role {
            Role::Main => true,
            Role::Init => matches!(self.state, State::Done { success: true, .. }),
            Role::Sidecar => self.life().is_some_and(|life| life.health.is_started()),
        }
    }

    /// It is over, at `now`: what comes next by the policy, unless its pod ends too.
    pub(crate) fn over(
        &mut self,
        outcome: Result<ExitStatus, String>,
        now: Duration,
        policy: RestartPolicy,
        is_stopping: bool,
    ) {
        let since = self.life().map_or(now, |life| life.since);
        let success = outcome.as_ref().is_ok_and(ExitStatus::success);
        let exit_code = outcome.as_ref().map_or(128, exit_code);
        let has_run = self.life().is_some();
        let why = match outcome {
            Ok(status) if status.success() => "completed".to_owned(),
            Ok(status) => self.with_last_words(&status.to_string()),
            Err(why) => why,
        };
        let ended = || Ended { exit_code, began: since, at: now, why: why.clone() };
        self.ended = has_run.then(ended);
        let again = match (self.role, policy) {
            (Role::Sidecar, _) | (Role::Main, RestartPolicy::Always) => true,
            (Role::Init, RestartPolicy::Never) | (Role::Main, RestartPolicy::Never) => false,
            (Role::Init, _) | (Role::Main, RestartPolicy::OnFailure) => !success,
        };
        self.state = if again && !is_stopping {
            State::Restarting { at: self.backoff.ended(since, now), why }
        } else {
            State::Done { success, why }
        };
    }

    /// The last line of its log says best why it failed.
    fn with_last_words(&self, status: &str) -> String {
        match last_line(&self.log) {
            Some(line) => format!("{status}: {line}"),
            None => status.to_owned(),
        }
    }

    /// Why it is not ready, for people.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.is_ready() {
            return None;
        }
        let name = &self.container.name;
        if let Some(why) = &self.unmade {
            return Some(format!("container {name} cannot be made: {why}"));
        }
        let text = match &self.state {
            State::Waiting => format!("container {name} waits for those before it"),
            State::Restarting { why, .. } => format!("container {name} does not run: {why}"),
            State::Done { why, .. } => format!("container {name} has ended: {why}"),
            State::Running(life) => match &self.complaint {
                Some(complaint) => format!("{complaint} of container {name}"),
                None if self.role == Role::Init => format!("container {name} runs first"),
                None if !life.health.is_started() => {
                    format!("startupProbe of container {name} has not succeeded yet")
                }
                None => format!("readinessProbe of container {name} has not succeeded yet"),
            },
        };
        Some(text)
    }
}

/// As a shell tells it.
fn exit_code(status: &ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(128)
}

/// The last line of a file that says something, shortened.
fn last_line(path: &std::path::Path) -> Option<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const TAIL_BYTES: u64 = 2048;
    const SHOWN_CHARS: usize = 200;
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // A hint says what to do, and not what is wrong.
    let says_why = |line: &&str| !line.is_empty() && !line.starts_with("hint:");
    let line = text.lines().rev().map(str::trim).find(says_why)?;
    Some(line.chars().filter(|it| !it.is_control()).take(SHOWN_CHARS).collect())
}
