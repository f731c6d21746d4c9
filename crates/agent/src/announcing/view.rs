//! Which addresses are announced, who may answer for them, and can this node?

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use announce::{Contender, View, Vip, rank};
use model::{
    Advertising, Candidates, Family, Interfaces, Node, NodeName, Service, ServiceName,
    ServiceTable, Way,
};

use crate::config::Config;
use crate::published::Published;

/// Makes views, each from the one before: most changes are about something else.
#[derive(Debug)]
pub(super) struct Views {
    config: Arc<Config>,
    advertising: Advertising,
    /// Services whose rules were in the kernel.
    served: BTreeSet<ServiceName>,
    /// The order of each address, as long as its candidates stay the same.
    orders: BTreeMap<IpAddr, (Arc<Candidates>, Arc<[NodeName]>)>,
    last: Option<View>,
}

impl Views {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            advertising: Advertising::default(),
            served: BTreeSet::new(),
            orders: BTreeMap::new(),
            last: None,
        }
    }

    /// The next view, if it is another one; it does not know how new it is. Before everything has been
    /// read and programmed once there is none: then others answer.
    pub(super) fn next(&mut self, published: &Published) -> Option<View> {
        let status = &published.status;
        if !status.synced || status.applied.is_none() {
            return None;
        }
        let cluster = &published.table;
        if !self.advertising.is_of(cluster) {
            self.advertising = Advertising::new(cluster);
        }
        let is_whole =
            status.applied.is_some_and(|applied| applied.generation == status.generation);
        let failing: BTreeSet<&ServiceName> =
            status.failing.iter().map(|failing| &failing.service).collect();
        let mut vips = BTreeMap::new();
        let mut served = BTreeSet::new();
        for (name, service) in &cluster.services {
            if !self.is_ours(service) {
                continue;
            }
            // While the kernel takes nothing at all, it has what it had.
            let is_served = !failing.contains(name) && (is_whole || self.served.contains(name));
            if is_served {
                served.insert(name.clone());
            }
            for external in service.external.iter().filter(|external| external.load_balancer) {
                self.add(&mut vips, external.address, service, is_served);
            }
        }
        self.served = served;
        self.orders.retain(|address, _| vips.contains_key(address));
        let nodes = nodes(cluster, &self.config.node_name);
        let view = View { vips, nodes, revision: 0 };
        if self.last.as_ref() == Some(&view) {
            return None;
        }
        self.last = Some(view.clone());
        Some(view)
    }

    fn is_ours(&self, service: &Service) -> bool {
        let default = self.config.load_balancer.and_then(|it| it.default_way);
        service
            .load_balancer()
            .is_some_and(|asked| Way::of(asked.class.as_deref(), default) == Some(Way::Vip))
    }

    /// Of an address that several Services share, the first one says who may answer, and the node can
    /// only if it can for all.
    fn add(
        &mut self,
        vips: &mut BTreeMap<IpAddr, Vip>,
        address: IpAddr,
        service: &Service,
        is_served: bool,
    ) {
        let own = &self.config.node_name;
        let Some(announced) = self.advertising.announced(service, address, own) else { return };
        let candidates = self.order(address, &announced.candidates);
        match vips.entry(address) {
            Entry::Occupied(mut entry) => entry.get_mut().is_served &= is_served,
            Entry::Vacant(entry) => {
                let interfaces = match announced.interfaces {
                    Interfaces::All => None,
                    Interfaces::Named(names) => Some(names),
                };
                entry.insert(Vip { candidates, is_served, interfaces });
            }
        }
    }

    fn order(&mut self, address: IpAddr, candidates: &Arc<Candidates>) -> Arc<[NodeName]> {
        if let Some((known, order)) = self.orders.get(&address)
            && (Arc::ptr_eq(known, candidates) || known == candidates)
        {
            return Arc::clone(order);
        }
        let contenders = candidates
            .iter()
            .map(|(node, score)| Contender { node: node.clone(), score: i64::from(*score) });
        let order: Arc<[NodeName]> = rank(address, contenders).nodes().into();
        self.orders.insert(address, (Arc::clone(candidates), Arc::clone(&order)));
        order
    }
}

/// Where the agents of all nodes are reached: at the addresses that Nodes have inside the cluster, of
/// the families that this node has one of.
fn nodes(cluster: &ServiceTable, own: &NodeName) -> BTreeMap<NodeName, Vec<IpAddr>> {
    let internal = |node: &Node| {
        let all = &node.addresses;
        all.get(..node.internal).filter(|internal| !internal.is_empty()).unwrap_or(all).to_vec()
    };
    let families: BTreeSet<Family> = cluster
        .nodes
        .get(own)
        .map(|node| internal(node).into_iter().map(Family::of).collect())
        .unwrap_or_default();
    let is_common =
        |address: &IpAddr| families.is_empty() || families.contains(&Family::of(*address));
    cluster
        .nodes
        .iter()
        .map(|(name, node)| (name.clone(), internal(node).into_iter().filter(is_common).collect()))
        .collect()
}
