//! What does a scenario's cluster look like, and which API objects is that?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU16;

use ingest::api::{Object, ObjectKey};
use ipnet::IpNet;
use model::{NodeName, PodName, Protocol, Rejection, ServiceName, TrafficPolicy};

mod context;
mod dns;
mod import;
mod manifest;
mod namespace;
mod node;
mod pod;
mod service;
mod slice;

pub(crate) use context::primary;
pub use dns::{Dns, PodRecords, UpstreamReply};
pub(crate) use manifest::MANIFEST_PATH;

use crate::scenario::Problem;
use slice::Origin;

/// Everything that exists at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    pub agent: AgentOptions,
    pub dns: Dns,
    /// Labels of each.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    pub nodes: BTreeMap<NodeName, NodeSpec>,
    pub services: BTreeMap<ServiceName, ServiceSpec>,
    /// Services of the cluster set.
    pub imports: BTreeMap<ServiceName, ImportSpec>,
    pub pods: BTreeMap<PodName, PodSpec>,
    /// Each list is one ServiceCIDR object.
    pub service_cidrs: BTreeSet<Vec<IpNet>>,
    /// Objects that stand in the file as manifests.
    pub manifests: BTreeMap<ObjectKey, Object>,
    /// What of the manifests could not even be read.
    pub unreadable: Vec<Rejection>,
}

/// How the agent of every node is started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentOptions {
    pub detect_local: DetectLocalMode,
    /// Absent: the pod CIDRs of all nodes of the file.
    pub cluster_cidrs: Option<Vec<IpNet>>,
    pub masquerade_all: bool,
    /// Absent: only the primary address of each family.
    pub node_port_addresses: Option<Vec<IpNet>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DetectLocalMode {
    #[default]
    ClusterCidr,
    NodeCidr,
    Bridge(String),
    Prefix(String),
    Never,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeSpec {
    pub zone: Option<String>,
    /// InternalIP addresses, in order.
    pub addresses: Vec<IpAddr>,
    /// Addresses that its kernel has and its Node object does not tell.
    pub local: Vec<IpAddr>,
    pub pod_cidrs: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceSpec {
    pub kind: Option<String>,
    pub cluster_ips: ClusterIps,
    pub load_balancer_ips: Vec<IpAddr>,
    pub load_balancer_mode: Option<String>,
    pub load_balancer_host: Option<String>,
    pub external_ips: Vec<IpAddr>,
    pub external_name: Option<String>,
    pub internal: Option<TrafficPolicy>,
    pub external: Option<TrafficPolicy>,
    pub affinity: Option<AffinitySpec>,
    pub source_ranges: Vec<IpNet>,
    pub health_check_node_port: Option<NonZeroU16>,
    /// RFC 3339.
    pub created: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub ports: Vec<PortSpec>,
    pub endpoints: Vec<EndpointSpec>,
}

/// A Service of the cluster set, as this cluster sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSpec {
    /// `ClusterSetIP` or `Headless`.
    pub kind: Option<String>,
    pub ips: Vec<IpAddr>,
    pub ports: Vec<PortSpec>,
    pub endpoints: Vec<EndpointSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodSpec {
    pub addresses: Vec<IpAddr>,
    pub node: Option<NodeName>,
    pub host_network: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClusterIps {
    #[default]
    Absent,
    /// The Service is headless.
    None,
    Addresses(Vec<IpAddr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AffinitySpec {
    /// `sessionAffinity: ClientIP` without a configuration.
    Unconfigured,
    Seconds(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec {
    /// Empty for the only port of a Service.
    pub name: String,
    pub port: NonZeroU16,
    pub protocol: Protocol,
    pub target: Target,
    pub node_port: Option<NonZeroU16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Number(NonZeroU16),
    /// The number stands at each endpoint.
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointSpec {
    /// One endpoint in the slice of each address's family.
    pub addresses: Vec<IpAddr>,
    pub node: Option<NodeName>,
    /// Absent: the EndpointSlice says nothing of conditions.
    pub conditions: Option<ConditionsSpec>,
    pub zones: Vec<String>,
    pub nodes: Vec<NodeName>,
    /// Only these Service ports, with another number where one is given; absent means all.
    pub ports: Option<BTreeMap<String, Option<NonZeroU16>>>,
    /// Keeps it in a slice of its own name.
    pub slice: String,
    pub hostname: Option<String>,
    /// The Pod of the same namespace that it stands for.
    pub pod: Option<String>,
    /// The topology zone that it is in.
    pub zone: Option<String>,
    /// The cluster of the set that an import's endpoint comes from.
    pub cluster: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionsSpec {
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
}

impl Cluster {
    /// The objects that an API server would hold. Manifests replace what the lines made.
    ///
    /// # Errors
    /// An endpoint for a named target port without a number.
    pub fn objects(&self) -> Result<BTreeMap<ObjectKey, Object>, Problem> {
        let mut objects = Vec::new();
        objects.extend(self.nodes.iter().map(|(name, spec)| spec.object(name)));
        objects.extend(self.service_cidrs.iter().map(|cidrs| node::service_cidr(cidrs)));
        for (name, spec) in &self.services {
            objects.push(spec.object(name));
            objects.extend(slice::slices(name, &spec.ports, &spec.endpoints, Origin::Cluster)?);
        }
        objects.extend(self.namespaces.iter().map(|it| namespace::namespace(it.0, it.1)));
        for (name, spec) in &self.imports {
            objects.push(spec.object(name));
            objects.extend(slice::slices(name, &spec.ports, &spec.endpoints, Origin::ClusterSet)?);
        }
        objects.extend(self.pods.iter().map(|(name, spec)| spec.object(name)));
        let mut keyed: BTreeMap<ObjectKey, Object> =
            objects.into_iter().map(|object| (object.key(), object)).collect();
        keyed.extend(self.manifests.iter().map(|(key, object)| (key.clone(), object.clone())));
        Ok(keyed)
    }
}
