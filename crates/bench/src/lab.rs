//! How long does a lab take to come and to go, and how much memory does it need?

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use host::netns::Netns;

use crate::usage::proportional_of;

/// Pods of each Deployment, which has a Service.
const PODS_PER_SERVICE: usize = 10;

const PATIENCE: Duration = Duration::from_secs(120);

/// Of one lab.
#[derive(Debug, Clone, Copy)]
struct Measured {
    up_s: f64,
    down_s: f64,
    memory: Memory,
}

/// Bytes, each page shared out among those who have it.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    lab: u64,
    agents: u64,
    pods: u64,
}

/// A line for each size: the median of the times, and the memory of the last lab.
pub(crate) fn run(sizes: &[String], rounds: usize) -> Result<String> {
    ensure!(rounds > 0, "no rounds");
    let mut text = String::new();
    let head = ["nodes", "pods", "up, s", "down, s", "lab, MiB", "agents, MiB", "pods, MiB"];
    line(&mut text, &head.map(str::to_owned))?;
    for size in sizes {
        let (nodes, pods) = size.split_once(':').context("write a size as NODES:PODS")?;
        let pods_n: usize = pods.parse().context("not a number of pods")?;
        let all: Result<Vec<Measured>> = (0..rounds).map(|_| measure(nodes, pods_n)).collect();
        let all = all?;
        let last = all.last().context("no rounds")?.memory;
        let [up, down] = [|it: &Measured| it.up_s, |it: &Measured| it.down_s].map(|time| {
            let mut times: Vec<f64> = all.iter().map(time).collect();
            times.sort_by(f64::total_cmp);
            format!("{:.2}", times.get(times.len() / 2).copied().unwrap_or_default())
        });
        let [lab, agents, servers] = [last.lab, last.agents, last.pods].map(mib);
        line(&mut text, &[nodes.to_owned(), pods.to_owned(), up, down, lab, agents, servers])?;
    }
    Ok(text)
}

fn line(text: &mut String, cells: &[String; 7]) -> Result<()> {
    for cell in cells {
        write!(text, "{cell:>12}")?;
    }
    writeln!(text)?;
    Ok(())
}

fn mib(bytes: u64) -> String {
    format!("{}", bytes.div_ceil(1 << 20))
}

fn measure(nodes: &str, pods: usize) -> Result<Measured> {
    let name = format!("bench-{}", std::process::id());
    let manifests = std::env::temp_dir().join(format!("pogu-{name}.yaml"));
    fs::write(&manifests, self::manifests(pods))?;
    let outcome = measure_one(&name, nodes, &manifests);
    fs::remove_file(&manifests)?;
    outcome
}

fn measure_one(name: &str, nodes: &str, manifests: &Path) -> Result<Measured> {
    let pogu = program()?;
    let pogu = pogu.to_str().context("a path that is no text")?;
    let path = manifests.to_str().context("a path that is no text")?;
    let began = host::clock::monotonic();
    let up = ["lab", "up", "--detach", "--name", name, "--nodes", nodes, "-f", path];
    host::process::stdout_of(pogu, &up, "", PATIENCE)?;
    let up_s = began.elapsed().as_secs_f64();
    let memory = memory(name);
    let began = host::clock::monotonic();
    host::process::stdout_of(pogu, &["lab", "down", "--name", name], "", PATIENCE)?;
    Ok(Measured { up_s, down_s: began.elapsed().as_secs_f64(), memory: memory? })
}

/// Built beside this program.
pub(crate) fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.parent().context("no folder")?.join("pogu");
    ensure!(path.exists(), "not built: {}; `cargo xtask bench` builds it", path.display());
    Ok(path)
}

fn memory(name: &str) -> Result<Memory> {
    let mut memory = Memory::default();
    for netns in Netns::names(&format!("pogu.{name}."))? {
        let held: Result<u64> =
            Netns::open(&netns)?.processes()?.into_iter().map(proportional_of).sum();
        if netns.contains(".node.") {
            memory.agents += held?;
        } else if netns.contains(".pod.") {
            memory.pods += held?;
        }
    }
    let status = ["lab", "status", "--name", name, "-o", "json"];
    let pogu = program()?;
    let pogu = pogu.to_str().context("a path that is no text")?;
    let status = host::process::stdout_of(pogu, &status, "", PATIENCE)?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    let pid = status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    memory.lab = proportional_of(pid.context("no pid")?)?;
    Ok(memory)
}

fn manifests(pods: usize) -> String {
    let of = |number: usize| {
        let replicas = PODS_PER_SERVICE.min(pods - number * PODS_PER_SERVICE);
        format!(
            "apiVersion: apps/v1\n\
             kind: Deployment\n\
             metadata: {{name: web-{number}}}\n\
             spec:\n  \
               replicas: {replicas}\n  \
               selector: {{matchLabels: {{app: web-{number}}}}}\n  \
               template:\n    \
                 metadata: {{labels: {{app: web-{number}}}}}\n    \
                 spec: {{containers: [{{name: web, image: pogu.dev/echo}}]}}\n\
             ---\n\
             apiVersion: v1\n\
             kind: Service\n\
             metadata: {{name: web-{number}}}\n\
             spec: {{selector: {{app: web-{number}}}, ports: [{{port: 80, targetPort: 8080}}]}}\n\
             ---\n"
        )
    };
    (0..pods.div_ceil(PODS_PER_SERVICE)).map(of).collect()
}
