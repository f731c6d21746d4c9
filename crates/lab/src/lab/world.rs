//! What is there beyond the cluster? A web site, and a name server that knows it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use host::netns::Netns;
use host::sandbox::Sandbox;

use super::Lab;
use super::node::{ASK_STARTING_EVERY, ask, sandbox};
use crate::event::Event;
use crate::kubelet::Surroundings;
use crate::network::NetworkError;
use crate::plan::{SITE, SITE_ALIAS};

const DNS_PORT: u16 = 53;
const DNS_HEALTH_PORT: u16 = 8181;

/// Whether names of the world beyond the cluster are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorldDns {
    Starting,
    Answering,
}

impl Lab {
    pub(super) fn start_world(&mut self) {
        if let Err(error) = self.start_programs_outside() {
            tracing::error!("cannot start the world beyond the cluster: {error}");
        }
    }

    fn start_programs_outside(&mut self) -> Result<(), NetworkError> {
        let netns = Arc::new(Netns::open(&self.around.place.outside_netns())?);
        let sandbox = Arc::new(sandbox(&self.around, &netns, "outside")?);
        self.start_site(Arc::clone(&sandbox));
        self.start_dns(sandbox).map_err(NetworkError::Sandbox)?;
        watch_dns(&self.around, netns);
        Ok(())
    }

    /// The site answers on port 80, whatever its name.
    fn start_site(&mut self, sandbox: Arc<Sandbox>) {
        let mut env = self.around.base();
        env.insert("POD_NAME".to_owned(), SITE.to_owned());
        env.insert("HOSTNAME".to_owned(), SITE.to_owned());
        let args = ["--http=80", "--tcp=7", "--udp=7"].map(str::to_owned).to_vec();
        let program = self.around.echo(args, env.into_iter().collect(), sandbox);
        let log = self.around.place.outside().join("site.log");
        self.daemons.add("outside".to_owned(), program, log);
    }

    /// All that it knows is in a file, and what is not there does not exist.
    fn start_dns(&mut self, sandbox: Arc<Sandbox>) -> io::Result<()> {
        let around = &self.around;
        let folder = around.place.outside();
        let (hosts, corefile) = (folder.join("hosts"), folder.join("Corefile"));
        let objects = folder.join("objects");
        fs::create_dir_all(&objects)?;
        fs::write(&hosts, hosts_text(around))?;
        fs::write(&corefile, format!(".:53 {{\n    hosts {}\n}}\n", hosts.display()))?;
        let outside = around.plan.outside.iter().map(|it| SocketAddr::new(it.addr(), DNS_PORT));
        let listen: Vec<String> = outside.map(|address| address.to_string()).collect();
        let args = vec![
            "dns".to_owned(),
            format!("--manifests={}", objects.display()),
            format!("--listen={}", listen.join(",")),
            format!("--corefile={}", corefile.display()),
            format!("--http-bind-address=127.0.0.1:{DNS_HEALTH_PORT}"),
            format!("--socket={}", folder.join("dns.sock").display()),
        ];
        let program = around.settings.program.display().to_string();
        let program = around.of(program, args, around.base().into_iter().collect(), sandbox);
        self.daemons.add("world-dns".to_owned(), program, around.place.world_dns_log());
        Ok(())
    }
}

/// The site's names come first.
fn hosts_text(around: &Surroundings) -> String {
    let mut text = String::new();
    for address in &around.plan.site {
        let _infallible = writeln!(text, "{address} {SITE} {SITE_ALIAS}");
    }
    text + &around.settings.world_hosts
}

/// Tells once that it answers.
fn watch_dns(around: &Arc<Surroundings>, netns: Arc<Netns>) {
    let events = around.events.clone();
    tokio::spawn(async move {
        while ask(&netns, DNS_HEALTH_PORT, "/ready").await.is_err() {
            tokio::time::sleep(ASK_STARTING_EVERY).await;
        }
        drop(events.send(Event::WorldReady).await);
    });
}
