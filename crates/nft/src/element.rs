//! Which elements does one Service have in the table?

use std::sync::Arc;

use ipnet::IpNet;
use model::{
    Affinity, DropReason, Family, FrontendKind, MasqueradeRule, NodeContext, NodeFrontend,
    NodePort, NodeService, PoolKind, Route, can_hairpin,
};

use crate::name::{ChainId, SetId};
use crate::pool::{Pool, members};
use crate::program::{Bytes, Data, Element};
use crate::set::{address_key, endpoint_value, frontend_key, number, with_address};
use crate::step::KIND_BITS;

/// What the elements of a Service depend on, besides the Service.
pub(crate) struct Surroundings<'a> {
    pub(crate) node: &'a NodeContext,
    /// The number of the chain that picks.
    pub(crate) kind_of: &'a dyn Fn(ChainId) -> Option<u32>,
}

/// Sets whose elements several Services may have in common.
pub(crate) const fn is_shared(set: SetId) -> bool {
    matches!(set, SetId::ClusterIps(_) | SetId::Hairpin(_))
}

/// The chain that picks from a pool.
pub(crate) fn picking_chain_of(pool: &Pool, affinity: Option<Affinity>) -> ChainId {
    let n = u32::try_from(pool.slots.len()).unwrap_or(u32::MAX);
    match affinity {
        None => ChainId::Pick { n },
        Some(Affinity { timeout_s }) => ChainId::Sticky { n, timeout_s },
    }
}

/// The pools that a port's frontends lead to.
pub(crate) fn pools_in_use(port: &NodePort) -> Vec<PoolKind> {
    [PoolKind::Cluster, PoolKind::Local]
        .into_iter()
        .filter(|kind| {
            port.frontends.iter().any(|frontend| {
                let decision = &frontend.decision;
                [decision.inside, decision.outside].contains(&Route::Pool(*kind))
            })
        })
        .collect()
}

/// All elements of a Service, sorted, each once.
pub(crate) fn elements(
    service: &NodeService,
    pools: &[Pool],
    surroundings: &Surroundings<'_>,
) -> Vec<Element> {
    let mut writer = Writer { elements: Vec::new(), surroundings };
    for address in &service.service.cluster_ips {
        writer.add(SetId::ClusterIps(Family::of(*address)), address_key(*address), Data::None);
    }
    for port in &service.ports {
        let of_port = |kind: PoolKind| {
            pools.iter().find(|pool| {
                pool.name.kind == kind
                    && pool.name.family == port.family
                    && pool.name.protocol == port.protocol
                    && pool.name.port == port.name
            })
        };
        for kind in pools_in_use(port) {
            if let Some(pool) = of_port(kind) {
                writer.pool(port, pool);
                writer.endpoints(port, kind);
            }
        }
        for frontend in &port.frontends {
            let value = |kind| {
                let pool = of_port(kind)?;
                let kind = (surroundings.kind_of)(picking_chain_of(pool, port.affinity))?;
                Some(pool.number << KIND_BITS | kind)
            };
            writer.frontend(frontend, &value);
        }
    }
    writer.elements.sort_unstable();
    writer.elements.dedup();
    writer.elements
}

struct Writer<'a> {
    elements: Vec<Element>,
    surroundings: &'a Surroundings<'a>,
}

impl Writer<'_> {
    fn add(&mut self, set: SetId, key: Bytes, data: Data) {
        self.elements.push(Element { set, key, data });
    }

    fn pool(&mut self, port: &NodePort, pool: &Pool) {
        let family = port.family;
        let class = number(pool.number << KIND_BITS);
        let slots = (0_u32..).zip(&pool.slots);
        if port.affinity.is_none() {
            for (slot, address) in slots {
                let key = class.with(&slot.to_ne_bytes());
                self.add(SetId::Endpoints(family), key, Data::Value(endpoint_value(*address)));
            }
            return;
        }
        for ((slot, address), member) in slots.zip(members(&pool.slots)) {
            let key = class.with(&slot.to_ne_bytes());
            self.add(SetId::Slots(family), key, Data::Value(address_key(member)));
            let key = with_address(class, member);
            self.add(SetId::Members(family), key, Data::Value(endpoint_value(*address)));
        }
    }

    fn endpoints(&mut self, port: &NodePort, kind: PoolKind) {
        for endpoint in port.pool(kind).iter() {
            let address = endpoint.address.ip();
            if can_hairpin(self.surroundings.node, endpoint) {
                let key = with_address(address_key(address), address);
                self.add(SetId::Hairpin(port.family), key, Data::None);
            }
        }
    }

    fn frontend(&mut self, frontend: &NodeFrontend, value: &dyn Fn(PoolKind) -> Option<u32>) {
        let family = frontend.frontend.family();
        let key = frontend_key(&frontend.frontend);
        let decision = &frontend.decision;
        if decision.inside == decision.outside {
            self.route(key, decision.outside, SetId::Services(family), value);
        } else {
            self.add(SetId::LocalPolicy(family), key, Data::None);
            self.route(key, decision.inside, SetId::Inside(family), value);
            self.route(key, decision.outside, SetId::Outside(family), value);
        }
        if let Some(allowed) = &frontend.allowed {
            self.restriction(key, family, allowed);
        }
        let is_served =
            [decision.inside, decision.outside].iter().any(|route| matches!(route, Route::Pool(_)));
        if !is_served {
            return;
        }
        if frontend.kind != FrontendKind::ClusterIp && decision.masquerade == MasqueradeRule::Always
        {
            self.add(SetId::External(family), key, Data::None);
        }
    }

    fn route(
        &mut self,
        key: Bytes,
        route: Route,
        map: SetId,
        value: &dyn Fn(PoolKind) -> Option<u32>,
    ) {
        let family = map.family().unwrap_or(Family::V4);
        match route {
            Route::Pool(kind) => {
                if let Some(value) = value(kind) {
                    self.add(map, key, Data::Value(number(value)));
                }
            }
            Route::Reject(_) => self.add(SetId::Rejected(family), key, Data::None),
            Route::Drop(DropReason::NoLocalEndpointInternal) => {
                self.add(SetId::DroppedInternal(family), key, Data::None);
            }
            Route::Drop(_) => self.add(SetId::DroppedExternal(family), key, Data::None),
        }
    }

    fn restriction(&mut self, key: Bytes, family: Family, allowed: &Arc<[IpNet]>) {
        self.add(SetId::Restricted(family), key, Data::None);
        for net in allowed.iter() {
            let first = with_address(key, net.network());
            let last = with_address(key, net.broadcast());
            self.add(SetId::Allowed(family), first, Data::RangeEnd(last));
        }
    }
}
