//! Which health check node ports does this node answer on, and with which numbers?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;

use imbl::OrdMap;
use model::{ByFamily, Family, NodeName, Service, ServiceChange, ServiceName, TrafficPolicy};

/// The health check node ports of all Services. Persistent: a copy is one pointer, and keeping it
/// current costs what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthChecks(OrdMap<ServiceName, HealthCheck>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    pub port: NonZeroU16,
    /// Distinct addresses of ready endpoints on this node, over all ports; absent for a family that the
    /// Service has not, on whose addresses nobody answers.
    pub local_endpoints: ByFamily<Option<usize>>,
}

impl HealthChecks {
    /// Follows what `NodeTable::advance` says has changed.
    pub fn advance(&mut self, node: &NodeName, changes: &[ServiceChange]) {
        for change in changes {
            let check = change.new.as_ref().and_then(|new| health_check(&new.service, node));
            match check {
                Some(check) => self.0.insert(change.name.clone(), check),
                None => self.0.remove(&change.name),
            };
        }
    }

    #[must_use]
    pub fn of(&self, service: &ServiceName) -> Option<HealthCheck> {
        self.0.get(service).copied()
    }

    /// Whether both are the same value, found without looking into them.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }

    /// In the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceName, HealthCheck)> {
        self.0.iter().map(|(name, check)| (name, *check))
    }
}

/// Only a load balancer that must know where the endpoints are asks for it.
fn health_check(service: &Service, node: &NodeName) -> Option<HealthCheck> {
    let port = service.health_check_node_port?;
    let asks = service.kind.is_load_balancer() && service.external_policy == TrafficPolicy::Local;
    let local = |family: Family| {
        service.cluster_ip(family)?;
        let endpoints = service.ports.iter().flat_map(|port| port.endpoints.get(family).iter());
        let here = endpoints.filter(|endpoint| endpoint.ready && endpoint.is_on(node));
        let addresses: BTreeSet<IpAddr> = here.map(|endpoint| endpoint.address.ip()).collect();
        Some(addresses.len())
    };
    let local_endpoints = ByFamily { v4: local(Family::V4), v6: local(Family::V6) };
    asks.then_some(HealthCheck { port, local_endpoints })
}
