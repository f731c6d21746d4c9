//! How do the lab's own programs run: the nodes' agents, and the web site outside?

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use host::program::{Program, Running};
use workload::{RestartBackoff, RestartDelays};

/// An agent that crashes is wanted back soon.
const DELAYS: RestartDelays = RestartDelays {
    base: Duration::from_millis(500),
    max: Duration::from_secs(10),
    reset_after: Duration::from_secs(30),
};

#[derive(Debug)]
pub(crate) struct Daemon {
    program: Program,
    log: PathBuf,
    backoff: RestartBackoff,
    running: Option<Running>,
    since: Duration,
    start_at: Option<Duration>,
}

/// By name: `node-1`, `outside`.
#[derive(Debug, Default)]
pub(crate) struct Daemons {
    all: BTreeMap<String, Daemon>,
}

impl Daemons {
    pub(crate) fn add(&mut self, name: String, program: Program, log: PathBuf) {
        let daemon = Daemon {
            program,
            log,
            backoff: RestartBackoff::new(DELAYS),
            running: None,
            since: Duration::ZERO,
            start_at: Some(Duration::ZERO),
        };
        self.all.insert(name, daemon);
    }

    /// Ends one for good, at once.
    pub(crate) fn remove(&mut self, name: &str) {
        let Some(daemon) = self.all.remove(name) else { return };
        if let Some(running) = daemon.running {
            drop(running.kill());
        }
    }

    /// Starts those whose time has come.
    pub(crate) fn advance(&mut self, now: Duration) {
        for (name, daemon) in &mut self.all {
            if daemon.start_at.is_none_or(|at| at > now) {
                continue;
            }
            daemon.start_at = None;
            daemon.since = now;
            match daemon.start() {
                Ok(running) => daemon.running = Some(running),
                Err(why) => {
                    let at = daemon.backoff.ended(now, now).max(now + DELAYS.base);
                    daemon.start_at = Some(at);
                    tracing::error!("cannot start {name}: {why}");
                }
            }
        }
    }

    /// Sees which have ended, and lets them start again.
    pub(crate) fn reap(&mut self, now: Duration) {
        for (name, daemon) in &mut self.all {
            let Some(running) = &mut daemon.running else { continue };
            let status = match running.status() {
                Ok(Some(status)) => status.to_string(),
                Ok(None) => continue,
                Err(error) => error.to_string(),
            };
            daemon.running = None;
            daemon.start_at = Some(daemon.backoff.ended(daemon.since, now));
            let log = daemon.log.display();
            tracing::warn!("{name} ended ({status}) and is started again; its log: {log}");
        }
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.all.values().filter_map(|daemon| daemon.start_at).min()
    }

    /// The process, while there is one, and how often it was started again.
    pub(crate) fn state(&self, name: &str) -> Option<(Option<u32>, u32)> {
        let daemon = self.all.get(name)?;
        Some((daemon.running.as_ref().map(Running::pid), daemon.backoff.restarts()))
    }
}

impl Daemon {
    fn start(&self) -> Result<Running, String> {
        let log = std::fs::File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| format!("cannot write its log: {error}"))?;
        self.program.spawn(&log).map_err(|error| error.to_string())
    }
}
