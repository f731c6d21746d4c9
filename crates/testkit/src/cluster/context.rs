//! What does the agent of a node know besides the Services?

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::{DetectLocal, Family, Node, NodeContext, NodePortAddresses, ServiceTable};

use super::{AgentOptions, Cluster, DetectLocalMode};

impl Cluster {
    /// The context of a node of the table, under this cluster's agent options.
    #[must_use]
    pub fn context(&self, node: &Node, table: &ServiceTable) -> NodeContext {
        let mut local_addresses: BTreeSet<IpAddr> = node.addresses.iter().copied().collect();
        local_addresses.extend(self.nodes.get(&node.name).into_iter().flat_map(|it| &it.local));
        local_addresses.insert(IpAddr::V4(Ipv4Addr::LOCALHOST));
        local_addresses.insert(IpAddr::V6(Ipv6Addr::LOCALHOST));
        let accepting = match &self.agent.node_port_addresses {
            None => NodePortAddresses::Primary,
            Some(within) => NodePortAddresses::Within(within.clone()),
        };
        NodeContext {
            name: node.name.clone(),
            zone: node.zone.clone(),
            primary_addresses: primary(&node.addresses),
            node_port_addresses: accepting.resolve(&primary(&node.addresses), &local_addresses),
            local_addresses,
            detect_local: self.agent.detect_local(node, table),
            masquerade_all: self.agent.masquerade_all,
        }
    }
}

/// The first address of each family.
pub(crate) fn primary(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first =
        |family: Family| addresses.iter().copied().find(|address| Family::of(*address) == family);
    Family::ALL.into_iter().filter_map(first).collect()
}

impl AgentOptions {
    fn detect_local(&self, node: &Node, table: &ServiceTable) -> DetectLocal {
        match &self.detect_local {
            DetectLocalMode::ClusterCidr => {
                let all_pods = || -> Vec<IpNet> {
                    table.nodes.values().flat_map(|node| node.pod_cidrs.clone()).collect()
                };
                DetectLocal::Cidrs(self.cluster_cidrs.clone().unwrap_or_else(all_pods))
            }
            DetectLocalMode::NodeCidr => DetectLocal::Cidrs(node.pod_cidrs.clone()),
            DetectLocalMode::Bridge(name) => DetectLocal::Bridge(name.as_str().into()),
            DetectLocalMode::Prefix(name) => DetectLocal::InterfacePrefix(name.as_str().into()),
            DetectLocalMode::Never => DetectLocal::Never,
        }
    }
}
