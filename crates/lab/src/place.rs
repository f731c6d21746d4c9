//! Where on this machine does a lab keep what?

use std::path::PathBuf;

use crate::settings::LabName;
use crate::who::PodName;

/// All labs of this machine are below; gone with a reboot, as the labs are.
const ROOT: &str = "/run/pogu/lab";

/// All paths and names of one lab. Names of namespaces have dots between their parts, which no part
/// but the last may have, so one lab's never begin as another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    name: LabName,
}

impl Place {
    pub(crate) const fn new(name: LabName) -> Self {
        Self { name }
    }

    pub(crate) fn labs() -> PathBuf {
        PathBuf::from(ROOT)
    }

    pub(crate) const fn name(&self) -> &LabName {
        &self.name
    }

    pub(crate) fn root(&self) -> PathBuf {
        Self::labs().join(self.name.as_str())
    }

    /// Held for as long as the lab runs. Not in the lab's folder, which comes and goes.
    pub(crate) fn lock(&self) -> PathBuf {
        Self::labs().join(format!("{}.lock", self.name))
    }

    /// What the lab itself writes, if nobody sees it.
    pub(crate) fn log(&self) -> PathBuf {
        Self::labs().join(format!("{}.log", self.name))
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.root().join("control.sock")
    }

    /// The folder that all agents read.
    pub(crate) fn objects(&self) -> PathBuf {
        self.root().join("objects")
    }

    pub(crate) fn node(&self, name: &str) -> PathBuf {
        self.root().join("nodes").join(name)
    }

    pub(crate) fn agent_socket(&self, node: &str) -> PathBuf {
        self.node(node).join("agent.sock")
    }

    pub(crate) fn agent_log(&self, node: &str) -> PathBuf {
        self.node(node).join("agent.log")
    }

    /// By which a node's programs speak to the API server.
    pub(crate) fn node_kubeconfig(&self, node: &str) -> PathBuf {
        self.node(node).join("kubeconfig")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.root().join("outside")
    }

    /// Of the nodes and the client outside: the world's name servers.
    pub(crate) fn resolv_conf(&self) -> PathBuf {
        self.root().join("resolv.conf")
    }

    pub(crate) fn world_dns_log(&self) -> PathBuf {
        self.outside().join("dns.log")
    }

    pub(crate) fn pod(&self, pod: &PodName) -> PathBuf {
        self.root().join("pods").join(&pod.namespace).join(&pod.name)
    }

    pub(crate) fn volumes(&self, pod: &PodName) -> PathBuf {
        self.pod(pod).join("volumes")
    }

    /// What a node has at paths that the host has not.
    pub(crate) fn host_paths(&self, node: &str) -> PathBuf {
        self.node(node).join("host-paths")
    }

    pub(crate) fn container_log(&self, pod: &PodName, container: &str) -> PathBuf {
        self.pod(pod).join(format!("{container}.log"))
    }

    /// How the names of all of the lab's namespaces begin.
    pub(crate) fn netns_prefix(&self) -> String {
        format!("pogu.{}.", self.name)
    }

    pub(crate) fn fabric_netns(&self) -> String {
        self.netns_prefix() + "fabric"
    }

    pub(crate) fn outside_netns(&self) -> String {
        self.netns_prefix() + "outside"
    }

    pub(crate) fn node_netns(&self, name: &str) -> String {
        format!("{}node.{name}", self.netns_prefix())
    }

    pub(crate) fn pod_netns(&self, pod: &PodName) -> String {
        format!("{}pod.{}.{}", self.netns_prefix(), pod.namespace, pod.name)
    }
}
