//! How is the lab? For people as a table, for programs as JSON.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::who::PodName;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub name: String,
    pub pid: u32,
    /// Everything that was asked for at the beginning has been there, and the agents knew it.
    pub has_been_ready: bool,
    pub cluster_domain: String,
    pub outside: Vec<IpAddr>,
    /// A web site beyond the cluster: its name and addresses.
    pub site: Site,
    pub nodes: Vec<NodeStatus>,
    pub deployments: Vec<DeploymentView>,
    pub pods: Vec<PodStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    pub addresses: Vec<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    pub name: String,
    pub zone: String,
    pub addresses: Vec<IpAddr>,
    /// `10.244.1.0/24`
    pub pod_ranges: Vec<String>,
    /// `Ready`, `Starting` or `Crashed`. Without an agent it is never starting.
    pub state: String,
    pub agent_pid: Option<u32>,
    pub agent_restarts: u32,
    pub agent_socket: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentView {
    #[serde(flatten)]
    pub name: PodName,
    pub desired: u32,
    pub total: u32,
    pub updated: u32,
    pub ready: u32,
    pub available: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    #[serde(flatten)]
    pub name: PodName,
    /// The Deployment that made it.
    pub owner: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Terminating`.
    pub state: String,
    pub ready: bool,
    pub containers: u32,
    pub ready_containers: u32,
    pub restarts: u32,
    pub node: Option<String>,
    pub host_network: bool,
    pub addresses: Vec<IpAddr>,
    /// Why it is not ready.
    pub why: Option<String>,
}

impl Status {
    /// Pods and Deployments that are not ready and have not completed, with the reason.
    pub fn unready(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let pods = self.pods.iter().filter(|pod| !pod.ready && pod.state != "Succeeded");
        let pods = pods.map(|pod| {
            let why = pod.why.clone().unwrap_or_else(|| pod.state.clone());
            (format!("pod {}", pod.name), why)
        });
        let deployments = self.deployments.iter().filter(|it| it.total < it.desired);
        let deployments = deployments.map(|it| {
            (format!("deployment {}", it.name), format!("{} of {} pods", it.total, it.desired))
        });
        pods.chain(deployments)
    }
}
