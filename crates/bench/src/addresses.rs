//! What does it take to give many Services their addresses, and what to begin again?

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use host::clock::{monotonic, pause};
use host::program::{Running, in_background};
use serde::Serialize;
use serde_json::Value;
use testkit::control_plane::ControlPlane;

use crate::usage::{processor_time_of, resident_of};
use crate::{Output, lab};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Services of type LoadBalancer
    #[arg(long, default_value_t = 2000)]
    services: usize,
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    services: usize,
    first: Phase,
    /// Another controller begins, and gives one more Service its address.
    again: Phase,
}

#[derive(Debug, Clone, Serialize)]
struct Phase {
    /// Since the controller's start, until the last address stood in a status.
    s: f64,
    processor_s: f64,
    resident_mib: f64,
    /// What it wrote of Services, by verb and part.
    writes: BTreeMap<String, usize>,
}

const POOL: &str = "
{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: bench},
 spec: {addresses: [10.200.0.0/16]}}
";
const DEADLINE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(50);
const USER_AGENT: &str = "pogu/";
/// Services in one call of kubectl.
const AT_ONCE: usize = 500;

pub(crate) fn run(options: &Options) -> Result<Measured> {
    let server = ControlPlane::up().context("no control plane: `cargo xtask bench` builds it")?;
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/chart");
    server.apply(&server.chart(&chart, &["loadBalancer.enabled=true"]));
    server.kubectl("wait --for=condition=Established crd/addresspools.pogu.dev --timeout=60s");
    server.apply(POOL);
    let all: Vec<String> = (0..options.services).map(|n| service(&format!("s{n}"))).collect();
    for part in all.chunks(AT_ONCE) {
        server.apply(&part.concat());
    }
    let mut log = AuditLog::new(&server);
    log.read()?;
    log.counts.clear();
    let start = monotonic();
    let mut controller = Controller::start(&server, "one")?;
    log.await_statuses(&controller, options.services)?;
    let first = controller.phase(start.elapsed(), &mut log)?;
    controller.end()?;

    let start = monotonic();
    let controller = Controller::start(&server, "two")?;
    controller.await_acting()?;
    server.apply(&service("last"));
    log.await_statuses(&controller, 1)?;
    let again = controller.phase(start.elapsed(), &mut log)?;
    Ok(Measured { services: options.services, first, again })
}

fn service(name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, \
         spec: {{type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{{port: 80}}]}}}}\n---\n"
    )
}

pub(crate) fn text(measured: &Measured) -> String {
    let writes = |phase: &Phase| {
        let all = phase.writes.iter().map(|(what, count)| format!("{count} {what}"));
        all.collect::<Vec<_>>().join(", ")
    };
    let phase = |phase: &Phase| {
        format!(
            "{:>7.2} s, processor time {:.2} s, {:.0} MiB; writes: {}",
            phase.s,
            phase.processor_s,
            phase.resident_mib,
            writes(phase)
        )
    };
    format!(
        "{} Services of type LoadBalancer\nfrom nothing        {}\nagain, and one more {}\n",
        measured.services,
        phase(&measured.first),
        phase(&measured.again),
    )
}

/// Ends with the value.
struct Controller {
    running: Running,
    log: PathBuf,
}

impl Controller {
    fn start(server: &ControlPlane, name: &str) -> Result<Self> {
        let log = server.state().join(format!("{name}.log"));
        let kubeconfig = server.admin().display().to_string();
        let words = ["controller", "--http-bind-address", "none", "--load-balancer", "--identity"];
        let args = [&words[..], &[name, "--kubeconfig", &kubeconfig]].concat();
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        Ok(Self { running: in_background(&lab::program()?, &args, &log)?, log })
    }

    fn is_alive(&self) -> Result<()> {
        if self.running.has_ended()? {
            bail!("the controller ended; it says:\n{}", fs::read_to_string(&self.log)?);
        }
        Ok(())
    }

    fn await_acting(&self) -> Result<()> {
        let start = monotonic();
        while !fs::read_to_string(&self.log)?.contains("acting for the cluster") {
            self.is_alive()?;
            if start.elapsed() > DEADLINE {
                bail!("no second controller acts");
            }
            pause(LOOK);
        }
        Ok(())
    }

    fn phase(&self, time: Duration, log: &mut AuditLog) -> Result<Phase> {
        let pid = self.running.pid();
        // Each unit is well below what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "a program's memory")]
        let resident_mib = (resident_of(pid, "VmRSS")? >> 10) as f64 / 1024.0;
        Ok(Phase {
            s: time.as_secs_f64(),
            processor_s: processor_time_of(pid)?.as_secs_f64(),
            resident_mib,
            writes: std::mem::take(&mut log.counts),
        })
    }

    fn end(&mut self) -> Result<()> {
        self.running.terminate()?;
        self.running.wait()?;
        Ok(())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // If it is gone, that is as well.
        if self.running.kill().is_ok() {
            let _status = self.running.wait();
        }
    }
}

/// The API server's own record of what was written of Services.
struct AuditLog {
    path: PathBuf,
    read: u64,
    counts: BTreeMap<String, usize>,
}

const STATUS: &str = "patch services/status";

impl AuditLog {
    fn new(server: &ControlPlane) -> Self {
        Self { path: server.state().join("audit.log"), read: 0, counts: BTreeMap::new() }
    }

    /// Takes in what came since the last look.
    fn read(&mut self) -> Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        loop {
            line.clear();
            let length = reader.read_line(&mut line)?;
            // The last line may be half written.
            if !line.ends_with('\n') {
                return Ok(());
            }
            self.read += u64::try_from(length)?;
            let event: Value = serde_json::from_str(&line)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (verb, of) = (text(&event["verb"]), &event["objectRef"]);
            let is_ours = text(&event["userAgent"]).starts_with(USER_AGENT)
                && event["stage"] == "ResponseComplete"
                && of["resource"] == "services";
            if is_ours && !matches!(verb.as_str(), "get" | "list" | "watch") {
                let part = text(&of["subresource"]);
                let slash = if part.is_empty() { "" } else { "/" };
                *self.counts.entry(format!("{verb} services{slash}{part}")).or_default() += 1;
            }
        }
    }

    fn await_statuses(&mut self, controller: &Controller, services: usize) -> Result<()> {
        let start = monotonic();
        loop {
            self.read()?;
            if self.counts.get(STATUS).is_some_and(|count| *count >= services) {
                return Ok(());
            }
            controller.is_alive()?;
            if start.elapsed() > DEADLINE {
                bail!("{:?} writes after {} s", self.counts, DEADLINE.as_secs());
            }
            pause(LOOK);
        }
    }
}
