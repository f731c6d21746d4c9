//! How is each name server set up, started and ended?

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use host::clock::{monotonic, pause};
use host::program::{Running, in_background};
use serde::Serialize;

use super::closed::Target;
use super::probe::is_answered;
use super::records::{Objects, unbound_zone};
use crate::lab;

/// Where the upstream of all of them answers.
pub(crate) const UPSTREAM: SocketAddr = local(5300);
/// Where the objects can be read.
pub(crate) const API_SERVER: SocketAddr = local(5310);
/// Where pogu tells what it counted.
pub(crate) const METRICS: SocketAddr = local(5311);
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Ends the program that it becomes when the one that started it is gone, however it went.
const LIFELINE: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// Which name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Software {
    Pogu,
    Unbound,
    #[value(name = "coredns")]
    CoreDns,
}

impl Software {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Pogu => "pogu",
            Self::Unbound => "unbound",
            Self::CoreDns => "CoreDNS",
        }
    }

    /// All of them are in one namespace.
    pub(crate) const fn address(self) -> SocketAddr {
        local(match self {
            Self::Pogu => 5301,
            Self::Unbound => 5302,
            Self::CoreDns => 5303,
        })
    }
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What the name servers are to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster<'a> {
    pub(crate) services: usize,
    pub(crate) objects: &'a Objects,
    pub(crate) processors: usize,
    /// Where CoreDNS's program is.
    pub(crate) coredns: Option<&'a Path>,
    /// For files; the caller removes it.
    pub(crate) directory: &'a Path,
}

/// A name server that answers. It is ended with the value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) software: Software,
    running: Running,
    /// From its start to its first right answer.
    pub(crate) ready_s: f64,
}

impl Server {
    /// Starts it and waits for its first right answer.
    pub(crate) fn start(
        software: Software,
        cluster: Cluster<'_>,
        target: Target<'_>,
    ) -> Result<Self> {
        let command = match software {
            Software::Pogu => pogu(cluster)?,
            Software::Unbound => unbound(cluster)?,
            Software::CoreDns => coredns(cluster)?,
        };
        let log = cluster.directory.join(format!("{}.log", software.title()));
        let [program, lifeline @ ..] = LIFELINE;
        let args: Vec<String> = lifeline.iter().map(|it| (*it).to_owned()).chain(command).collect();
        let start = monotonic();
        let running = in_background(Path::new(program), &args, &log)?;
        let mut server = Self { software, running, ready_s: 0.0 };
        while !is_answered(target, 0)? {
            let has_ended = server.running.has_ended()?;
            if has_ended || start.elapsed() > START_DEADLINE {
                let how = if has_ended { "ended" } else { "does not answer rightly" };
                let log = fs::read_to_string(&log)?;
                bail!("{} {how}; it says:\n{}", software.title(), log.trim_end());
            }
            pause(Duration::from_millis(5));
        }
        server.ready_s = start.elapsed().as_secs_f64();
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It was started by us and its status was not taken. If it is gone, that is as well.
        if self.running.kill().is_ok() {
            let _status = self.running.wait();
        }
    }
}

/// Writes a file for it: its path.
fn write(cluster: Cluster<'_>, name: &str, text: &str) -> Result<String> {
    let path: PathBuf = cluster.directory.join(name);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    path.into_os_string()
        .into_string()
        .map_err(|path| anyhow::anyhow!("a path that is no text: {}", Path::new(&path).display()))
}

/// The folder that pogu follows.
pub(crate) fn manifests(directory: &Path) -> PathBuf {
    directory.join("manifests")
}

/// With a socket of its own, so that it does not meet one that runs on this machine.
fn pogu(cluster: Cluster<'_>) -> Result<Vec<String>> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no text");
    let folder = manifests(cluster.directory);
    fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    write(cluster, "manifests/all.yaml", &cluster.objects.manifests())?;
    let (program, folder) = (text(&lab::program()?)?, text(&folder)?);
    let socket = text(&cluster.directory.join("pogu.sock"))?;
    let (listen, upstream) = (Software::Pogu.address().to_string(), UPSTREAM.to_string());
    let metrics = METRICS.to_string();
    let command = [
        [&program, "dns"],
        ["--manifests", &folder],
        ["--listen", &listen],
        ["--upstream", &upstream],
        ["--cluster-domain", "cluster.local"],
        ["--pods", "insecure"],
        ["--http-bind-address", &metrics],
        ["--socket", &socket],
    ];
    Ok(command.concat().into_iter().map(str::to_owned).collect())
}

/// As many threads as processors, each with a socket of its own, and nothing that it could spare: no
/// validation, no log, no control.
fn unbound(cluster: Cluster<'_>) -> Result<Vec<String>> {
    let address = Software::Unbound.address();
    let text = format!(
        "server:\n\
         interface: {ip}@{port}\n\
         port: {port}\n\
         do-ip6: no\n\
         num-threads: {threads}\n\
         so-reuseport: yes\n\
         incoming-num-tcp: 64\n\
         outgoing-range: 4096\n\
         num-queries-per-thread: 2048\n\
         msg-cache-slabs: 4\n\
         rrset-cache-slabs: 4\n\
         infra-cache-slabs: 4\n\
         module-config: \"iterator\"\n\
         do-not-query-localhost: no\n\
         username: \"\"\n\
         chroot: \"\"\n\
         directory: \"{directory}\"\n\
         pidfile: \"\"\n\
         use-syslog: no\n\
         logfile: \"\"\n\
         verbosity: 0\n\
         {zone}\
         forward-zone:\n\
         name: \".\"\n\
         forward-addr: {upstream_ip}@{upstream_port}\n\
         remote-control:\n\
         control-enable: no\n",
        ip = address.ip(),
        port = address.port(),
        threads = cluster.processors,
        directory = cluster.directory.display(),
        zone = unbound_zone(cluster.services),
        upstream_ip = UPSTREAM.ip(),
        upstream_port = UPSTREAM.port(),
    );
    let path = write(cluster, "unbound.conf", &text)?;
    Ok(["/usr/sbin/unbound", "-d", "-c", &path].map(str::to_owned).to_vec())
}

/// As in a cluster, but for what costs something and answers nothing: no log, no metrics, no cache
/// before its own zone.
fn coredns(cluster: Cluster<'_>) -> Result<Vec<String>> {
    let program = cluster.coredns.context("where is CoreDNS?\nhint: set COREDNS to its path")?;
    let (address, api_server, upstream) = (Software::CoreDns.address(), API_SERVER, UPSTREAM);
    let (ip, port) = (address.ip(), address.port());
    let text = format!(
        "cluster.local:{port} {{\n\
             bind {ip}\n\
             kubernetes cluster.local {{\n\
                 endpoint http://{api_server}\n\
                 pods insecure\n\
                 ttl 30\n\
             }}\n\
             loadbalance\n\
         }}\n\
         .:{port} {{\n\
             bind {ip}\n\
             cache 3600\n\
             forward . {upstream}\n\
             loadbalance\n\
         }}\n"
    );
    let path = write(cluster, "Corefile", &text)?;
    let program = program.to_str().context("a path that is no text")?;
    Ok([program, "-conf", &path].map(str::to_owned).to_vec())
}
