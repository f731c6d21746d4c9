//! What must one node do for one Service?

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use ipnet::IpNet;

use crate::address::{Family, Frontend, FrontendKind, Protocol};
use crate::endpoint::Endpoint;
use crate::name::ServiceName;
use crate::node::NodeContext;
use crate::reason::{DropReason, RejectReason};
use crate::select::{Selection, Wants, select};
use crate::service::{Affinity, Service, ServicePort, TrafficPolicy};

/// A Service on one node: policies, topology and fallbacks are resolved, planners only encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeService {
    pub service: Arc<Service>,
    /// One for each port and each family that the Service has a ClusterIP of.
    pub ports: Vec<NodePort>,
}

impl NodeService {
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.service.name
    }
}

/// One port of a Service in one family, on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePort {
    pub name: Arc<str>,
    pub family: Family,
    pub protocol: Protocol,
    pub selection: Selection,
    pub affinity: Option<Affinity>,
    pub frontends: Vec<NodeFrontend>,
}

impl NodePort {
    #[must_use]
    pub fn pool(&self, kind: PoolKind) -> &Arc<[Endpoint]> {
        match kind {
            PoolKind::Cluster => &self.selection.cluster,
            PoolKind::Local => &self.selection.local,
        }
    }
}

/// A frontend that this node serves, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFrontend {
    pub frontend: Frontend,
    pub kind: FrontendKind,
    pub decision: Decision,
    /// The only sources that may use it; absent means all. Empty means none.
    pub allowed: Option<Arc<[IpNet]>>,
}

/// What happens to packets for a frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// For packets from inside the node: its pods and itself.
    pub inside: Route,
    /// For all others. Differs from `inside` only where the external policy is Local.
    pub outside: Route,
    pub masquerade: MasqueradeRule,
}

/// Where a packet for a frontend goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// To one of a pool's endpoints, each equally likely. The pool is not empty.
    Pool(PoolKind),
    Drop(DropReason),
    Reject(RejectReason),
}

/// The two sets of endpoints that a Service port can have on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolKind {
    Cluster,
    Local,
}

impl PoolKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Local => "local",
        }
    }
}

/// Whose source address is rewritten to the node's own. (A hairpin always is, whatever stands here.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MasqueradeRule {
    Never,
    Always,
    /// All but local pods.
    NotLocalPod,
    /// Only what the node itself sends.
    OwnOnly,
}

/// Whether a port of the Service holds the frontend that it asks for.
pub(crate) type Accepts<'a> = &'a dyn Fn(&Frontend, FrontendKind, &ServicePort) -> bool;

/// Resolves a Service for a node. `accepts` tells which frontends a port holds: another Service may
/// have an older claim.
pub(crate) fn decide(
    service: &Arc<Service>,
    node: &NodeContext,
    accepts: Accepts<'_>,
) -> NodeService {
    let mut ports = Vec::with_capacity(service.ports.len());
    for family in Family::ALL {
        for port in &service.ports {
            if let Some(cluster_ip) = service.cluster_ip(family) {
                ports.push(decide_port(service, port, cluster_ip, node, accepts));
            }
        }
    }
    NodeService { service: Arc::clone(service), ports }
}

fn decide_port(
    service: &Service,
    port: &ServicePort,
    cluster_ip: IpAddr,
    node: &NodeContext,
    accepts: Accepts<'_>,
) -> NodePort {
    let family = Family::of(cluster_ip);
    let is_external = !service.external.is_empty() || port.node_port.is_some();
    let wants = Wants {
        cluster: service.internal_policy == TrafficPolicy::Cluster || is_external,
        local: service.internal_policy == TrafficPolicy::Local
            || (is_external && service.external_policy == TrafficPolicy::Local),
    };
    let selection = select(port.endpoints.get(family), wants, &node.name, node.zone.as_deref());
    let internal = internal_decision(service.internal_policy, &selection, node, family);
    let external = external_decision(service.external_policy, &selection);
    let frontends = frontends(service, port, family, node)
        .into_iter()
        .filter(|(frontend, kind)| accepts(frontend, *kind, port))
        .map(|(frontend, kind)| NodeFrontend {
            frontend,
            kind,
            decision: if kind.is_internal() { internal } else { external },
            allowed: allowed(service, kind, frontend.address, node),
        })
        .collect();
    NodePort {
        name: Arc::clone(&port.name),
        family,
        protocol: port.protocol,
        selection,
        affinity: service.affinity,
        frontends,
    }
}

fn internal_decision(
    policy: TrafficPolicy,
    selection: &Selection,
    node: &NodeContext,
    family: Family,
) -> Decision {
    let route = route(policy, selection, DropReason::NoLocalEndpointInternal);
    let masquerade = match (node.masquerade_all, node.detect_local.is_possible(family)) {
        (true, _) => MasqueradeRule::Always,
        (false, true) => MasqueradeRule::NotLocalPod,
        (false, false) => MasqueradeRule::Never,
    };
    Decision { inside: route, outside: route, masquerade }
}

fn external_decision(policy: TrafficPolicy, selection: &Selection) -> Decision {
    Decision {
        inside: route(TrafficPolicy::Cluster, selection, DropReason::NoLocalEndpointExternal),
        outside: route(policy, selection, DropReason::NoLocalEndpointExternal),
        masquerade: match policy {
            TrafficPolicy::Cluster => MasqueradeRule::Always,
            TrafficPolicy::Local => MasqueradeRule::OwnOnly,
        },
    }
}

fn route(policy: TrafficPolicy, selection: &Selection, not_here: DropReason) -> Route {
    let (pool, kind) = match policy {
        TrafficPolicy::Cluster => (&selection.cluster, PoolKind::Cluster),
        TrafficPolicy::Local => (&selection.local, PoolKind::Local),
    };
    if !pool.is_empty() {
        Route::Pool(kind)
    } else if selection.any {
        Route::Drop(not_here)
    } else {
        Route::Reject(RejectReason::NoEndpoint)
    }
}

/// The sources that may use a load balancer address.
///
/// The node's own packets to such an address carry it as their source too when it stands on one of
/// the node's interfaces; they are let through where the node's address is.
fn allowed(
    service: &Service,
    kind: FrontendKind,
    address: IpAddr,
    node: &NodeContext,
) -> Option<Arc<[IpNet]>> {
    let family = Family::of(address);
    let ranges = service.source_ranges.as_ref()?;
    if kind != FrontendKind::LoadBalancer || ranges.is_open(family) {
        return None;
    }
    let mut allowed = ranges.0.get(family).clone();
    let has_node = node.primary_addresses.iter().any(|own| ranges.contains(*own));
    if has_node && !ranges.contains(address) {
        allowed.push(IpNet::from(address));
    }
    Some(allowed.into())
}

/// The frontends that a port asks for on a node, each once, the stronger kind kept.
pub(crate) fn frontends(
    service: &Service,
    port: &ServicePort,
    family: Family,
    node: &NodeContext,
) -> Vec<(Frontend, FrontendKind)> {
    let mut frontends = Vec::with_capacity(1);
    let mut add = |address: IpAddr, number: NonZeroU16, kind: FrontendKind| {
        let frontend = Frontend { address, protocol: port.protocol, port: number };
        let is_new = frontends.iter().all(|(known, _)| *known != frontend);
        if Family::of(address) == family && is_new {
            frontends.push((frontend, kind));
        }
    };
    for &address in &service.cluster_ips {
        add(address, port.port, FrontendKind::ClusterIp);
    }
    for kind in [FrontendKind::LoadBalancer, FrontendKind::ExternalIp] {
        for external in &service.external {
            if external.load_balancer == (kind == FrontendKind::LoadBalancer) {
                add(external.address, port.port, kind);
            }
        }
    }
    if let Some(number) = port.node_port {
        for &address in &node.node_port_addresses {
            add(address, number, FrontendKind::NodePort);
        }
    }
    frontends
}
