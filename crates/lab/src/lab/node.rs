//! How do a node's own programs run, and what happens when the node crashes?

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::netns::Netns;
use host::program::Program;
use host::sandbox::Sandbox;
use ipnet::IpNet;
use model::NodeName;
use tokio::task::JoinHandle;
use workload::api::{HttpGet, Port};

use super::Lab;
use crate::event::{Event, Health};
use crate::joined;
use crate::kubelet::{Action, ActionKind, Surroundings};
use crate::network::{self, NetworkError};
use crate::plan::NodePlan;
use crate::settings::LOAD_BALANCER_FLAG;

const HEALTH_PORT: u16 = 10256;
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
pub(super) const ASK_STARTING_EVERY: Duration = Duration::from_millis(25);
const ASK_EVERY: Duration = Duration::from_secs(1);

impl Lab {
    pub(super) fn start_daemons(&mut self) {
        for node in self.around.plan.nodes.clone() {
            if let Err(error) = self.start_node(&node) {
                tracing::error!("cannot start the programs of {}: {error}", node.name);
            }
        }
        self.start_world();
    }

    fn start_node(&mut self, node: &NodePlan) -> Result<(), NetworkError> {
        let netns = Arc::new(self.around.node_netns(&node.name)?);
        if self.around.settings.has_agents {
            self.start_agent(node, &netns)?;
        }
        self.lead_to_api_server(node, &netns);
        Ok(())
    }

    fn start_agent(&mut self, node: &NodePlan, netns: &Arc<Netns>) -> Result<(), NetworkError> {
        let sandbox = sandbox(&self.around, netns, &node.name.0)?;
        let program = agent(&self.around, node, sandbox);
        let log = self.around.place.agent_log(&node.name.0);
        self.daemons.add(node.name.to_string(), program, log);
        let watcher = watch_health(&self.around, node.name.clone(), Arc::clone(netns));
        self.watchers.insert(node.name.clone(), watcher);
        Ok(())
    }

    /// An agent that cannot reach the API server goes on with what it knows, and says so itself.
    fn lead_to_api_server(&mut self, node: &NodePlan, netns: &Netns) {
        let Some(membership) = &self.membership else { return };
        let access = &membership.access;
        let path = self.around.place.node_kubeconfig(&node.name.0);
        if let Err(error) = joined::write_for_node(access, &path) {
            tracing::error!("cannot write {}: {error}", path.display());
        }
        match joined::relay(netns, joined::ON_NODES, &access.host, access.port) {
            Ok(relay) => drop(self.relays.insert(node.name.clone(), relay)),
            Err(error) => {
                tracing::error!("cannot lead {} to the API server: {error}", node.name);
            }
        }
    }

    pub(super) fn take_health(&mut self, node: NodeName, health: Health) {
        // What was on its way when the node crashed is of no meaning.
        if self.crashed.contains_key(&node) {
            return;
        }
        let mark = |nodes: &mut BTreeSet<NodeName>, is_so: bool| {
            if is_so {
                nodes.insert(node.clone())
            } else {
                nodes.remove(&node)
            };
        };
        mark(&mut self.healthy, health.is_well);
        mark(&mut self.answering, health.answers_dns);
    }

    /// An agent that has ended answers nobody: that need not be asked.
    pub(super) fn see_ended_agents(&mut self) {
        let daemons = &self.daemons;
        let runs = |node: &NodeName| daemons.state(&node.0).is_none_or(|(pid, _)| pid.is_some());
        self.healthy.retain(|node| runs(node));
        self.answering.retain(|node| runs(node));
    }

    /// Everything that the node had is gone at once; its pods' objects stay, as nobody can say what
    /// became of them.
    pub(super) fn crash(&mut self, name: &NodeName) -> Result<(), NetworkError> {
        let noticed = self.now() + self.around.settings.node_grace;
        self.crashed.insert(name.clone(), noticed);
        self.home.crash(name);
        self.healthy.remove(name);
        self.daemons.remove(&name.0);
        if let Some(watcher) = self.watchers.remove(name) {
            watcher.abort();
        }
        if let Some(relay) = self.relays.remove(name) {
            relay.abort();
        }
        let lost = self.kubelet.lose(name);
        let place = &self.around.place;
        network::unplug_node(place, &name.0)?;
        for pod in &lost {
            take_away(&place.pod_netns(pod))?;
        }
        take_away(&place.node_netns(&name.0))
    }

    /// The node comes back; its pods are made anew.
    pub(super) fn boot(&mut self, name: &NodeName) -> Result<(), NetworkError> {
        let Some(node) = self.around.plan.node(name).cloned() else { return Ok(()) };
        network::rebuild_node(&self.around.place, &self.around.plan, &node)?;
        self.crashed.remove(name);
        self.home.boot(name);
        self.start_node(&node)
    }
}

/// A node and the client outside have their own name, ask the world's DNS, and have the host's files
/// else.
pub(super) fn sandbox(
    around: &Surroundings,
    netns: &Netns,
    name: &str,
) -> Result<Sandbox, NetworkError> {
    let resolv_conf = around.place.resolv_conf();
    let stand_ins = [(&*resolv_conf, Path::new("/etc/resolv.conf"))];
    Sandbox::new(netns.as_fd(), name, &stand_ins).map_err(NetworkError::Sandbox)
}

fn agent(around: &Surroundings, node: &NodePlan, sandbox: Sandbox) -> Program {
    let list = |cidrs: &[IpNet]| cidrs.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",");
    let place = &around.place;
    let domain = &around.settings.cluster_domain;
    let source = match around.settings.kubeconfig {
        None => format!("--manifests={}", place.objects().display()),
        Some(_) => format!("--kubeconfig={}", place.node_kubeconfig(&node.name.0).display()),
    };
    let args = [
        "agent".to_owned(),
        source,
        format!("--node-name={}", node.name),
        format!("--cluster-cidr={}", list(&around.settings.pod_cidrs)),
        format!("--service-cidr={}", list(&around.settings.service_cidrs)),
        format!("--socket={}", place.agent_socket(&node.name.0).display()),
        format!("--cluster-domain={domain}"),
        format!("--resolv-conf={}", place.resolv_conf().display()),
    ];
    let settings = &around.settings;
    let is_asked = settings.agent_flags.iter().any(|flag| flag == LOAD_BALANCER_FLAG);
    let announces = (settings.announces() && !is_asked).then(|| LOAD_BALANCER_FLAG.to_owned());
    let flags = announces.into_iter().chain(settings.agent_flags.iter().cloned());
    let args = args.into_iter().chain(flags).collect();
    let env = around.base().into_iter().collect();
    around.of(around.settings.program.display().to_string(), args, env, Arc::new(sandbox))
}

/// Asks an agent how it is, until it is aborted.
fn watch_health(around: &Arc<Surroundings>, node: NodeName, netns: Arc<Netns>) -> JoinHandle<()> {
    let around = Arc::clone(around);
    tokio::spawn(async move {
        loop {
            let health = ask_health(&netns).await;
            let event = Event::Health { node: node.clone(), health };
            if around.events.send(event).await.is_err() {
                return;
            }
            let wait = if health.is_well { ASK_EVERY } else { ASK_STARTING_EVERY };
            tokio::time::sleep(wait).await;
        }
    })
}

async fn ask_health(netns: &Arc<Netns>) -> Health {
    let healthz = ask(netns, HEALTH_PORT, "/healthz").await;
    let ready = ask(netns, HEALTH_PORT, "/ready").await;
    // An agent that was told to serve no DNS has no such page.
    let has_none = ready.as_ref().is_err_and(|why| why.ends_with("HTTP 404"));
    let answers_dns = ready.is_ok();
    Health { is_well: healthz.is_ok() && (answers_dns || has_none), answers_dns }
}

/// Asks a program of the lab how it is, from where it runs.
pub(super) async fn ask(netns: &Arc<Netns>, port: u16, path: &str) -> Result<(), String> {
    let port = NonZeroU16::new(port).ok_or("no port")?;
    let get = HttpGet {
        path: path.to_owned(),
        port: Port::Number(port),
        host: None,
        scheme: workload::api::Scheme::Http,
        http_headers: Vec::new(),
    };
    let kind = ActionKind::Http { get, port };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Action { kind, node: Arc::clone(netns), address }.run(HEALTH_TIMEOUT).await
}

fn take_away(netns: &str) -> Result<(), NetworkError> {
    Netns::open(netns)?.kill_all()?;
    Ok(Netns::delete(netns)?)
}
