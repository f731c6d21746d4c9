//! How can a cluster change?

use ipnet::IpNet;
use model::ServiceName;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{agent, endpoint, service, service_cidrs, service_name, universe, zone};
use crate::cluster::{AgentOptions, Cluster, ConditionsSpec, EndpointSpec, ServiceSpec};

/// One change. What it speaks of may not be there: then nothing changes.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A Service comes, or becomes another.
    Service(ServiceName, Box<ServiceSpec>),
    ServiceGone(Index),
    Endpoint(Index, EndpointSpec),
    EndpointGone(Index, Index),
    Conditions(Index, Index, Option<ConditionsSpec>),
    /// The commonest update: something of no meaning for packets.
    Label(Index),
    Zone(Index, Option<String>),
    /// A node takes a VIP on an interface of its own, or gives it up.
    Vip(Index),
    ServiceCidrs(Vec<Vec<IpNet>>),
    Agent(AgentOptions),
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        3 => (service_name(), service::service())
            .prop_map(|(name, spec)| Change::Service(name, Box::new(spec))),
        1 => index().prop_map(Change::ServiceGone),
        3 => (index(), endpoint::endpoint()).prop_map(|(at, spec)| Change::Endpoint(at, spec)),
        2 => (index(), index()).prop_map(|(at, which)| Change::EndpointGone(at, which)),
        4 => (index(), index(), endpoint::conditions())
            .prop_map(|(at, which, conditions)| Change::Conditions(at, which, conditions)),
        1 => index().prop_map(Change::Label),
        1 => (index(), zone()).prop_map(|(at, zone)| Change::Zone(at, zone)),
        1 => index().prop_map(Change::Vip),
        1 => service_cidrs().prop_map(Change::ServiceCidrs),
        1 => agent().prop_map(Change::Agent),
    ]
}

impl Change {
    pub(super) fn apply(&self, mut cluster: Cluster) -> Cluster {
        match self {
            Self::Service(name, spec) => {
                cluster.services.insert(name.clone(), ServiceSpec::clone(spec));
            }
            Self::ServiceGone(at) => {
                if let Some(name) = cluster.service_at(at) {
                    cluster.services.remove(&name);
                }
            }
            Self::Endpoint(at, spec) => {
                cluster.edit(at, |service| service.endpoints.push(spec.clone()));
            }
            Self::EndpointGone(at, which) => cluster.edit(at, |service| {
                if !service.endpoints.is_empty() {
                    service.endpoints.remove(which.index(service.endpoints.len()));
                }
            }),
            Self::Conditions(at, which, conditions) => cluster.edit(at, |service| {
                if !service.endpoints.is_empty() {
                    let which = which.index(service.endpoints.len());
                    service.endpoints[which].conditions = *conditions;
                }
            }),
            Self::Label(at) => cluster.edit(at, |service| {
                service.labels.insert("app".to_owned(), "web".to_owned());
            }),
            Self::Zone(at, zone) => {
                let at = at.index(cluster.nodes.len());
                if let Some(spec) = cluster.nodes.values_mut().nth(at) {
                    spec.zone.clone_from(zone);
                }
            }
            Self::Vip(at) => {
                let at = at.index(cluster.nodes.len());
                if let Some(spec) = cluster.nodes.values_mut().nth(at) {
                    let is_bearer = !spec.local.is_empty();
                    spec.local = if is_bearer { Vec::new() } else { universe::vip() };
                }
            }
            Self::ServiceCidrs(cidrs) => {
                cluster.service_cidrs = cidrs.iter().cloned().collect();
            }
            Self::Agent(agent) => cluster.agent = agent.clone(),
        }
        cluster
    }
}

impl Cluster {
    fn service_at(&self, at: &Index) -> Option<ServiceName> {
        let n_services = self.services.len();
        (n_services > 0).then(|| self.services.keys().nth(at.index(n_services)).cloned())?
    }

    fn edit(&mut self, at: &Index, edit: impl FnOnce(&mut ServiceSpec)) {
        if let Some(spec) = self.service_at(at).and_then(|name| self.services.get_mut(&name)) {
            edit(spec);
        }
    }
}
