//! How does the real control plane run, and what does it tell of those who asked it?

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use host::clock::{monotonic, pause};
use host::netns::Netns;
use host::process;
use host::program::Running;
use serde_json::Value;

use super::lifeline;
use super::site::{API_SERVER, enter};
use crate::cluster::SERVICES;

/// Where `cargo xtask bench` puts the path of the program.
const PATH_VARIABLE: &str = "POGU_CONTROL_PLANE";
const READY: &str = "ready";
const START_DEADLINE: Duration = Duration::from_secs(120);
const DEADLINE: Duration = Duration::from_secs(30);

/// Ends with the value.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    program: PathBuf,
    state: PathBuf,
    running: Running,
}

impl ControlPlane {
    pub(crate) fn start(netns: &Netns, folder: &Path) -> Result<Self> {
        let program = std::env::var_os(PATH_VARIABLE).map(PathBuf::from).with_context(|| {
            format!(
                "{PATH_VARIABLE} names no control plane; `cargo xtask bench kubernetes` builds it"
            )
        })?;
        let state = folder.join("control-plane");
        let [state_text, program_text] = [text(&state)?, text(&program)?];
        let (advertise, services) = (API_SERVER.to_string(), SERVICES.to_string());
        let mut command = enter(netns).to_vec();
        command.extend(
            [
                [program_text, "up"],
                ["--state", state_text],
                ["--bind", "0.0.0.0"],
                ["--advertise", &advertise],
                ["--service-cidrs", &services],
                ["--pod-cidrs", super::site::ENDPOINTS],
            ]
            .concat()
            .into_iter()
            .map(str::to_owned),
        );
        let log = folder.join("control-plane.log");
        let running = lifeline(&command, &log)?;
        let control_plane = Self { program, state, running };
        let start = monotonic();
        while !fs::read_to_string(&log)?.lines().any(|line| line == READY) {
            if control_plane.running.has_ended()? || start.elapsed() > START_DEADLINE {
                bail!("the control plane does not start; it says:\n{}", fs::read_to_string(&log)?);
            }
            pause(Duration::from_millis(20));
        }
        Ok(control_plane)
    }

    /// The kubeconfig of somebody who may do everything.
    pub(crate) fn user(&self, name: &str) -> Result<PathBuf> {
        let args = ["kubeconfig", "--state", text(&self.state)?, "--user", name];
        let args = [&args[..], &["--group", "system:masters"]].concat();
        let kubeconfig = process::stdout_of(text(&self.program)?, &args, "", DEADLINE)?;
        let path = self.state.join(format!("{name}.kubeconfig"));
        fs::write(&path, kubeconfig).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// Starts the API server anew, over a storage that has forgotten everything but what is there now.
    pub(crate) fn forget_the_past(&self) -> Result<()> {
        let state = text(&self.state)?;
        let api_server = ["kube-apiserver"];
        for (verb, of) in [("kill", &api_server[..]), ("compact", &[]), ("start", &api_server)] {
            let args = [&[verb, "--state", state], of].concat();
            process::stdout_of(text(&self.program)?, &args, "", START_DEADLINE)?;
        }
        Ok(())
    }

    /// How far the record of requests goes.
    pub(crate) fn mark(&self) -> Result<u64> {
        Ok(fs::metadata(self.audit_log())?.len())
    }

    /// How often this user asked for what since then.
    pub(crate) fn requests(&self, user: &str, mark: u64) -> Result<BTreeMap<String, usize>> {
        let mut log = File::open(self.audit_log())?;
        log.seek(SeekFrom::Start(mark))?;
        let mut counts = BTreeMap::new();
        for line in BufReader::new(log).lines() {
            let line = line?;
            // The last line may be half written.
            let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
            // A watch has a second line, at its end.
            let is_first = event["verb"] != "watch" || event["stage"] == "ResponseStarted";
            if event["user"]["username"] == user && is_first {
                let [verb, resource] = [&event["verb"], &event["objectRef"]["resource"]]
                    .map(|it| it.as_str().unwrap_or_default());
                *counts.entry(format!("{verb} {resource}")).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn audit_log(&self) -> PathBuf {
        self.state.join("audit.log")
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Its components end with it. If it is gone, they are as well.
        if self.running.terminate().is_ok() {
            let _status = self.running.wait();
        }
    }
}

pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
