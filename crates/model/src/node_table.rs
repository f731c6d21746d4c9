//! What must one node do with each packet?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;
use ipnet::IpNet;

use crate::address::{Family, Frontend, FrontendKind};
use crate::claims::{Claim, Claims};
use crate::decide::{NodeFrontend, NodePort, NodeService, decide, frontends};
use crate::name::ServiceName;
use crate::node::NodeContext;
use crate::origin::Object;
use crate::rejection::Rejection;
use crate::service::Service;
use crate::table::ServiceTable;

/// All decisions of one node. Like the `ServiceTable` it never changes; a newer one shares what
/// stayed the same.
#[derive(Debug, Clone)]
pub struct NodeTable {
    pub node: Arc<NodeContext>,
    pub services: OrdMap<ServiceName, Arc<NodeService>>,
    pub service_cidrs: Arc<[IpNet]>,
    claims: Claims,
    /// Every ClusterIP, with how many Services have it (one, but for a broken cluster).
    cluster_ips: OrdMap<IpAddr, usize>,
    /// Frontends that a port of a Service asked for and does not hold.
    refused: OrdMap<Refused, FrontendKind>,
    /// The cluster's view that this was made from, to find what changed next time.
    source: ServiceTable,
}

/// How one Service's decisions differ between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceChange {
    pub name: ServiceName,
    pub old: Option<Arc<NodeService>>,
    pub new: Option<Arc<NodeService>>,
}

impl NodeTable {
    /// A table for a node that knows of no Service yet.
    #[must_use]
    pub fn empty(node: Arc<NodeContext>) -> Self {
        Self {
            node,
            services: OrdMap::new(),
            service_cidrs: Arc::default(),
            claims: Claims::default(),
            cluster_ips: OrdMap::new(),
            refused: OrdMap::new(),
            source: ServiceTable::default(),
        }
    }

    /// The table for what the cluster says now.
    #[must_use]
    pub fn new(node: Arc<NodeContext>, table: &ServiceTable) -> Self {
        Self::empty(node).advance(table).0
    }

    /// The next table, and the Services whose decisions differ, by name. Costs what changed.
    #[must_use]
    pub fn advance(&self, table: &ServiceTable) -> (Self, Vec<ServiceChange>) {
        let changed = self.source.changed_services(table);
        let mut next = self.clone();
        next.service_cidrs = Arc::clone(&table.service_cidrs);
        next.source = table.clone();
        let changes = next.decide_again(self, changed.into_iter().collect());
        (next, changes)
    }

    /// The same cluster seen from a changed node: every Service is decided again.
    #[must_use]
    pub fn with_node(&self, node: Arc<NodeContext>) -> (Self, Vec<ServiceChange>) {
        let mut next = Self::empty(node);
        next.service_cidrs = Arc::clone(&self.service_cidrs);
        next.source = self.source.clone();
        let names = next.source.services.keys().cloned().collect();
        let changes = next.decide_again(self, names);
        (next, changes)
    }

    /// Replaces the claims of `names`, then decides them and all whose frontends moved.
    fn decide_again(&mut self, old: &Self, names: BTreeSet<ServiceName>) -> Vec<ServiceChange> {
        let mut dirty = names.clone();
        let claims_differ = |name: &&ServiceName| {
            let before = self.services.get(*name).map(|known| &known.service);
            let after = self.source.services.get(*name);
            match (before, after) {
                (Some(before), Some(after)) => !claims_the_same(before, after),
                _ => true,
            }
        };
        let moved: Vec<ServiceName> = names.iter().filter(claims_differ).cloned().collect();
        for name in &moved {
            self.withdraw_claims(name, old, &mut dirty);
        }
        for name in &moved {
            if let Some(service) = self.proxied(name) {
                self.enter_claims(&service, &mut dirty);
            }
        }
        dirty.into_iter().filter_map(|name| self.decide_one(old, name)).collect()
    }

    fn proxied(&self, name: &ServiceName) -> Option<Arc<Service>> {
        self.source.services.get(name).filter(|service| service.is_proxied()).cloned()
    }

    fn withdraw_claims(
        &mut self,
        name: &ServiceName,
        old: &Self,
        dirty: &mut BTreeSet<ServiceName>,
    ) {
        let Some(known) = self.services.get(name).cloned() else { return };
        for (frontend, _, port) in all_frontends(&known.service, &old.node) {
            let others = self.claims.all(&frontend).iter().map(|claim| claim.service.clone());
            dirty.extend(others);
            self.claims.remove(&frontend, name);
            self.refused.remove(&(name.clone(), frontend, port));
        }
        for ip in &known.service.cluster_ips {
            let count = self.cluster_ips.get(ip).copied().unwrap_or(0);
            if count > 1 {
                self.cluster_ips.insert(*ip, count - 1);
            } else {
                self.cluster_ips.remove(ip);
            }
        }
    }

    fn enter_claims(&mut self, service: &Service, dirty: &mut BTreeSet<ServiceName>) {
        for (frontend, kind, port) in all_frontends(service, &self.node) {
            let others = self.claims.all(&frontend).iter().map(|claim| claim.service.clone());
            dirty.extend(others);
            let claim =
                Claim { created_s: service.created_s, service: service.name.clone(), kind, port };
            self.claims.insert(frontend, claim);
        }
        for ip in &service.cluster_ips {
            let count = self.cluster_ips.get(ip).copied().unwrap_or(0);
            self.cluster_ips.insert(*ip, count + 1);
        }
    }

    /// Decides one Service; the change, if what comes out differs from the old table.
    fn decide_one(&mut self, old: &Self, name: ServiceName) -> Option<ServiceChange> {
        let before = old.services.get(&name).cloned();
        let after = self.proxied(&name).map(|service| {
            let holds = |frontend: &Frontend, kind: FrontendKind, port: &str| {
                self.claims.holder(frontend).is_some_and(|claim| {
                    claim.service == name && claim.kind == kind && *claim.port == *port
                })
            };
            let decided = decide(&service, &self.node, &|frontend, kind, port| {
                holds(frontend, kind, &port.name)
            });
            for (frontend, kind, port) in all_frontends(&service, &self.node) {
                let is_held = holds(&frontend, kind, &port);
                let key = (name.clone(), frontend, port);
                // Written only where it differs: what is unchanged is known by being the same map.
                match (is_held, self.refused.get(&key)) {
                    (true, Some(_)) => drop(self.refused.remove(&key)),
                    (false, known) if known != Some(&kind) => {
                        self.refused.insert(key, kind);
                    }
                    (true, None) | (false, Some(_) | None) => {}
                }
            }
            Arc::new(decided)
        });
        match &after {
            Some(decided) => self.services.insert(name.clone(), Arc::clone(decided)),
            None => self.services.remove(&name),
        };
        (before != after).then_some(ServiceChange { name, old: before, new: after })
    }

    /// What the cluster says, of which this is the view of one node.
    #[must_use]
    pub const fn cluster(&self) -> &ServiceTable {
        &self.source
    }

    /// The decision for a frontend: its Service, port and the frontend itself.
    #[must_use]
    pub fn frontend(
        &self,
        frontend: &Frontend,
    ) -> Option<(&Arc<NodeService>, &NodePort, &NodeFrontend)> {
        let service = self.services.get(&self.claims.holder(frontend)?.service)?;
        service.ports.iter().find_map(|port| {
            let found = port.frontends.iter().find(|known| known.frontend == *frontend)?;
            Some((service, port, found))
        })
    }

    /// Every Service that asks for the frontend, with the kind by which it does; the first holds it.
    pub fn claims(
        &self,
        frontend: &Frontend,
    ) -> impl Iterator<Item = (&ServiceName, FrontendKind)> + use<'_> {
        self.claims.all(frontend).iter().map(|claim| (&claim.service, claim.kind))
    }

    /// Whether any proxied Service has the address as its ClusterIP.
    #[must_use]
    pub fn is_cluster_ip(&self, address: IpAddr) -> bool {
        self.cluster_ips.contains_key(&address)
    }

    /// Whether the address is in a ServiceCIDR.
    #[must_use]
    pub fn is_in_service_cidr(&self, address: IpAddr) -> bool {
        self.service_cidrs.iter().any(|net| net.contains(&address))
    }

    /// Whether both reject the same, found without looking into them: false when nobody can tell.
    #[must_use]
    pub fn rejects_the_same(&self, other: &Self) -> bool {
        let is_empty = self.refused.is_empty() && other.refused.is_empty();
        is_empty || (self.refused.ptr_eq(&other.refused) && self.claims.is_same(&other.claims))
    }

    /// The frontends that Services ask for and do not hold here, because another does.
    #[must_use]
    pub fn rejections(&self) -> Vec<Rejection> {
        self.refused
            .iter()
            .filter_map(|((name, frontend, _), kind)| {
                let holder = self.claims.holder(frontend)?;
                let reason = format!(
                    "{frontend} is already claimed by Service {} ({}); \
                     give one of the two another address or port",
                    holder.service, holder.kind
                );
                Some(Rejection::new(Object::Service(name.clone()), kind.field(), reason))
            })
            .collect()
    }
}

/// The port of a Service, by its name, that does not hold a frontend.
type Refused = (ServiceName, Frontend, Arc<str>);

/// Whether two states of a Service ask for the same frontends with the same right: nearly always, when
/// only its endpoints changed.
fn claims_the_same(before: &Service, after: &Service) -> bool {
    let ports = |service: &Service| -> Vec<_> {
        let ports = service.ports.iter();
        ports
            .map(|port| (Arc::clone(&port.name), port.protocol, port.port, port.node_port))
            .collect()
    };
    before.is_proxied() == after.is_proxied()
        && before.created_s == after.created_s
        && before.cluster_ips == after.cluster_ips
        && before.external == after.external
        && ports(before) == ports(after)
}

fn all_frontends(service: &Service, node: &NodeContext) -> Vec<(Frontend, FrontendKind, Arc<str>)> {
    let mut all = Vec::with_capacity(service.ports.len());
    for family in Family::ALL {
        if service.cluster_ip(family).is_some() {
            for port in &service.ports {
                let frontends = frontends(service, port, family, node).into_iter();
                all.extend(frontends.map(|(it, kind)| (it, kind, Arc::clone(&port.name))));
            }
        }
    }
    all
}
