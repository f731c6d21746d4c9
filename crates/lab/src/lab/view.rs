//! What does the lab say of itself?

use std::net::IpAddr;

use ipnet::IpNet;

use super::Lab;
use crate::cluster::name_of;
use crate::home::Home;
use crate::kubelet::State;
use crate::plan::{NodePlan, SITE};
use crate::status::{DeploymentView, NodeStatus, PodStatus, Site, Status};

impl Lab {
    pub(super) fn status(&self) -> Status {
        let plan = &self.around.plan;
        Status {
            name: self.around.settings.name.to_string(),
            pid: std::process::id(),
            has_been_ready: self.on_ready.is_none(),
            cluster_domain: self.around.settings.cluster_domain.clone(),
            outside: plan.outside.iter().map(IpNet::addr).collect(),
            site: Site { name: SITE.to_owned(), addresses: plan.site.clone() },
            nodes: plan.nodes.iter().map(|node| self.node_status(node)).collect(),
            deployments: self.deployments(),
            pods: self.home.pods().iter().map(|observed| self.pod_status(observed)).collect(),
        }
    }

    fn node_status(&self, node: &NodePlan) -> NodeStatus {
        let (agent_pid, agent_restarts) = self.daemons.state(&node.name.0).unwrap_or((None, 0));
        let state = if self.crashed.contains_key(&node.name) {
            "Crashed"
        } else if self.healthy.contains(&node.name) || !self.around.settings.has_agents {
            "Ready"
        } else {
            "Starting"
        };
        let addresses: Vec<IpAddr> = node.ips();
        NodeStatus {
            name: node.name.to_string(),
            zone: node.zone.clone(),
            addresses,
            pod_ranges: node.pod_ranges.iter().map(IpNet::to_string).collect(),
            state: state.to_owned(),
            agent_pid,
            agent_restarts,
            agent_socket: self.around.place.agent_socket(&node.name.0).display().to_string(),
        }
    }

    fn deployments(&self) -> Vec<DeploymentView> {
        // Those of an API server are its own to tell.
        let Home::Files(files) = &self.home else { return Vec::new() };
        let of = |name: &crate::who::PodName| {
            let status = files.cluster.statuses.get(name).copied().unwrap_or_default();
            DeploymentView {
                name: name.clone(),
                desired: status.desired,
                total: status.total,
                updated: status.updated,
                ready: status.ready,
                available: status.available,
            }
        };
        files.cluster.deployments.keys().map(of).collect()
    }

    fn pod_status(&self, observed: &workload::ObservedPod) -> PodStatus {
        let name = name_of(observed);
        let run = self.kubelet.pods.get(&name);
        let containers = run.map(|run| run.containers.as_slice()).unwrap_or_default();
        let lasting = || {
            let of = |it: &&crate::kubelet::ContainerRun| it.role != crate::kubelet::Role::Init;
            containers.iter().filter(of)
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let is_crashing = containers.iter().any(|it| matches!(it.state, State::Restarting { .. }));
        let state = if observed.terminating {
            "Terminating"
        } else if is_crashing {
            "CrashLoopBackOff"
        } else {
            observed.phase.as_str()
        };
        let is_lost = observed.node.as_ref().is_some_and(|node| self.crashed.contains_key(node));
        let why = if is_lost {
            Some("its node has crashed".to_owned())
        } else {
            let waiting = self.home.waiting(&name).cloned();
            waiting.or_else(|| run.and_then(|run| run.why_unready()))
        };
        PodStatus {
            owner: observed.pod.owner.clone(),
            state: state.to_owned(),
            ready: observed.ready,
            containers: count(lasting().count().max(observed.pod.spec.containers.len())),
            ready_containers: count(lasting().filter(|it| it.is_ready()).count()),
            restarts: run.map_or(0, |run| run.restarts()),
            node: observed.node.as_ref().map(ToString::to_string),
            host_network: observed.pod.spec.host_network,
            addresses: observed.addresses.clone(),
            why: why.filter(|_| !observed.ready),
            name,
        }
    }
}
