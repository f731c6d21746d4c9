//! What is written of a node: its Node, its Lease, its heartbeats?

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::endpoint::Doors;
use crate::capacity::Capacity;
use crate::plan::NodePlan;
use crate::settings::LabName;

pub(crate) const NODES: &str = "/api/v1/nodes";
pub(crate) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// Whose Node it is.
pub(crate) const LAB_LABEL: &str = "lab.pogu.dev/lab";

/// After so long without a renewal the node counts as lost.
const LEASE_SECONDS: u32 = 40;

/// What is the same for all nodes of a lab.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) lab: LabName,
    /// `v1.36.0`, of the API server: a node is never newer.
    pub(crate) version: String,
    pub(crate) kernel: String,
    pub(crate) capacity: Capacity,
    /// Where the nodes answer the API server.
    pub(crate) doors: Arc<Doors>,
}

impl Machine {
    pub(crate) fn here(lab: LabName, version: String, doors: Arc<Doors>) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            lab,
            version,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            capacity: Capacity::here(),
            doors,
        }
    }

    /// A new Node, ready.
    pub(crate) fn node(&self, node: &NodePlan, now: SystemTime) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.name.0.as_ref() as &str, "labels": self.labels(node)},
            "status": self.status(node, now),
        })
    }

    pub(crate) fn labels(&self, node: &NodePlan) -> Value {
        let name: &str = node.name.0.as_ref();
        json!({
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture(),
            "topology.kubernetes.io/zone": node.zone,
            LAB_LABEL: self.lab.as_str(),
        })
    }

    pub(crate) fn status(&self, node: &NodePlan, now: SystemTime) -> Value {
        let name: &str = node.name.0.as_ref();
        let resources = self.capacity.resources();
        json!({
            "capacity": resources,
            "allocatable": resources,
            "addresses": addresses(self.doors.address(), &node.ips()),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.doors.ports.get(&node.name)}},
            "conditions": conditions(now),
            "nodeInfo": {
                "machineID": name,
                "systemUUID": name,
                "bootID": name,
                "kernelVersion": self.kernel,
                "osImage": "pogu lab",
                "containerRuntimeVersion": concat!("pogu://", env!("CARGO_PKG_VERSION")),
                "kubeletVersion": self.version,
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": architecture(),
            },
        })
    }
}

/// As Go spells it.
const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// An API server asks a node for a pod's logs at its host name, else at its internal name, and only
/// then at its address, which leads nowhere outside of the lab.
fn addresses(door: IpAddr, ips: &[IpAddr]) -> Value {
    let of = |kind: &str, ip: &IpAddr| json!({"type": kind, "address": ip.to_string()});
    let own = ips.iter().map(|ip| of("InternalIP", ip));
    std::iter::once(of("InternalDNS", &door)).chain(own).collect()
}

/// A strategic merge patch replaces each by its type.
fn conditions(now: SystemTime) -> Value {
    let at = host::rfc3339::format(to_the_second(now));
    let of = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": at,
            "lastTransitionTime": at,
        })
    };
    json!([
        of("MemoryPressure", "False", "KubeletHasSufficientMemory", "the lab does not look"),
        of("DiskPressure", "False", "KubeletHasNoDiskPressure", "the lab does not look"),
        of("PIDPressure", "False", "KubeletHasSufficientPID", "the lab does not look"),
        of("Ready", "True", "KubeletReady", "the lab runs this node"),
    ])
}

/// Of the node of that name and identity.
pub(crate) fn lease(node: &NodePlan, uid: &str, now: SystemTime) -> Value {
    let name: &str = node.name.0.as_ref();
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": "kube-node-lease",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}],
        },
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": host::rfc3339::micros(now),
        },
    })
}

pub(crate) fn renewal(now: SystemTime) -> Value {
    json!({"spec": {"renewTime": host::rfc3339::micros(now)}})
}

/// As the API writes moments.
pub(crate) fn to_the_second(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_has_six_digits_below_the_second() {
        let at = |nanos| renewal(SystemTime::UNIX_EPOCH + Duration::new(951_782_400, nanos));
        let expected = |digits: &str| json!({"spec": {"renewTime": digits}});
        assert_eq!(at(0), expected("2000-02-29T00:00:00.000000Z"));
        assert_eq!(at(1_200_999), expected("2000-02-29T00:00:00.001200Z"));
    }
}
