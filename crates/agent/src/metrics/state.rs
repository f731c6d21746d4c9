//! Which figures does the published value give?

use std::fmt;

use model::{DropReason, Family, NodePort, NodeTable, Object, Route};

use super::scrape::Page;
use crate::published::Published;

/// What is in an answer of this kind: what the objects say, how far the kernel is, what is left out.
pub(super) fn write(page: &mut Page<'_>, published: &Published) -> fmt::Result {
    write_sizes(page, &published.node)?;
    write_progress(page, published)?;
    write_rejections(page, published)?;
    write_no_local_endpoints(page, &published.node)
}

fn ports(node: &NodeTable) -> impl Iterator<Item = &NodePort> {
    node.services.values().flat_map(|service| &service.ports)
}

fn write_sizes(page: &mut Page<'_>, node: &NodeTable) -> fmt::Result {
    page.gauge("pogu_services", "Services that this node serves", node.services.len() as u64)?;
    let frontends: usize = ports(node).map(|port| port.frontends.len()).sum();
    page.gauge("pogu_frontends", "Frontends that this node serves", frontends as u64)?;
    let endpoints: usize = node
        .services
        .values()
        .flat_map(|service| &service.service.ports)
        .map(|port| port.endpoints.v4.len() + port.endpoints.v6.len())
        .sum();
    page.gauge("pogu_endpoints", "Endpoints of all Service ports", endpoints as u64)
}

fn write_progress(page: &mut Page<'_>, published: &Published) -> fmt::Result {
    let status = &published.status;
    page.gauge("pogu_synced", "Whether every source has been read once", u64::from(status.synced))?;
    page.gauge("pogu_generation", "The newest table", status.generation)?;
    let applied = status.applied.map_or(0, |applied| applied.generation);
    page.gauge("pogu_applied_generation", "The table that the kernel acknowledged", applied)?;
    page.gauge(
        "pogu_failing_services",
        "Services that the kernel refuses; they are tried again",
        status.failing.len() as u64,
    )?;
    let by_family = |value: u64| Family::ALL.map(|family| (ip_family(family), value)).into_iter();
    page.gauges(
        "kubeproxy_sync_proxy_rules_service_changes_pending",
        "Services whose change the kernel has not acknowledged",
        by_family(status.pending.services),
    )?;
    page.gauges(
        "kubeproxy_sync_proxy_rules_endpoint_changes_pending",
        "Services whose endpoints the kernel has not acknowledged",
        by_family(status.pending.endpoints),
    )
}

fn ip_family(family: Family) -> [(&'static str, &'static str); 1] {
    [("ip_family", family.as_str())]
}

fn write_rejections(page: &mut Page<'_>, published: &Published) -> fmt::Result {
    const KINDS: [&str; 7] =
        ["Service", "EndpointSlice", "Node", "ServiceCIDR", "File", "Other", "Agent"];
    let mut counts = [0_u64; KINDS.len()];
    for rejection in published.rejections() {
        let index = match rejection.object {
            Object::Service(_) => 0,
            Object::EndpointSlice { .. } => 1,
            Object::Node(_) => 2,
            Object::ServiceCidr(_) => 3,
            Object::File(_) => 4,
            Object::Other { .. } => 5,
            Object::Agent => 6,
        };
        counts[index] += 1;
    }
    let figures = KINDS.into_iter().zip(counts).map(|(kind, count)| ([("kind", kind)], count));
    page.gauges("pogu_rejections", "Parts of objects that are left out", figures)
}

/// kube-proxy's name, though the figure falls too.
fn write_no_local_endpoints(page: &mut Page<'_>, node: &NodeTable) -> fmt::Result {
    let policies = [
        ("internal", DropReason::NoLocalEndpointInternal),
        ("external", DropReason::NoLocalEndpointExternal),
    ];
    let count = |family: Family, reason: DropReason| {
        let drops = |port: &&NodePort| {
            port.family == family
                && port
                    .frontends
                    .iter()
                    .any(|frontend| frontend.decision.outside == Route::Drop(reason))
        };
        ports(node).filter(drops).count() as u64
    };
    let figures = Family::ALL.into_iter().flat_map(|family| {
        policies.map(|(policy, reason)| {
            let labels = [("ip_family", family.as_str()), ("traffic_policy", policy)];
            (labels, count(family, reason))
        })
    });
    page.gauges(
        "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
        "Service ports whose policy is Local and that have no endpoint on this node",
        figures,
    )
}
