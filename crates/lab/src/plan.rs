//! Which addresses does everything have?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::{Family, NodeName};
use workload::nth_address;

use crate::settings::Settings;

/// Bits of the pod CIDRs that tell nodes apart.
const NODE_BITS: u8 = 8;

/// The ClusterIP of the cluster DNS, counted from the beginning of the service CIDR.
const DNS_OFFSET: u128 = 10;

/// What the world beyond the cluster consists of: one web site, at addresses for documentation.
pub(crate) const SITE: &str = "www.naver.com";
/// Another name of it.
pub(crate) const SITE_ALIAS: &str = "www.example.com";
const SITE_ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 80)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x80)),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<NodePlan>,
    /// Of the client outside, which is also the router of the fabric; with the prefix's length.
    pub(crate) outside: Vec<IpNet>,
    /// Of the web site that the client outside serves.
    pub(crate) site: Vec<IpAddr>,
    /// The ClusterIPs of the cluster DNS.
    pub(crate) dns: Vec<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodePlan {
    pub(crate) name: NodeName,
    /// With the length of the fabric's prefix.
    pub(crate) addresses: Vec<IpNet>,
    pub(crate) pod_ranges: Vec<IpNet>,
    pub(crate) zone: String,
}

impl Plan {
    pub(crate) fn new(settings: &Settings) -> Self {
        let families: Vec<Family> =
            settings.node_cidrs.iter().map(|cidr| Family::of(cidr.addr())).collect();
        let site = SITE_ADDRESSES.into_iter().filter(|it| families.contains(&Family::of(*it)));
        Self {
            nodes: (1..=settings.nodes).map(|number| NodePlan::new(settings, number)).collect(),
            outside: settings.node_cidrs.iter().map(|cidr| on_fabric(*cidr, 1)).collect(),
            site: site.collect(),
            dns: settings.service_cidrs.iter().map(|it| nth_address(*it, DNS_OFFSET)).collect(),
        }
    }

    pub(crate) fn node(&self, name: &NodeName) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == *name)
    }
}

impl NodePlan {
    fn new(settings: &Settings, number: u8) -> Self {
        let address = |cidr: &IpNet| {
            // So that the first node ends in 11, as people write it.
            let first = if cidr.addr().is_ipv4() { 10 } else { 0x10 };
            on_fabric(*cidr, first + u128::from(number))
        };
        let zone = char::from(b'a' + (number - 1) % 3);
        Self {
            name: NodeName::new(format!("node-{number}")),
            addresses: settings.node_cidrs.iter().map(address).collect(),
            pod_ranges: settings.pod_cidrs.iter().map(|it| pod_range(*it, number)).collect(),
            zone: format!("zone-{zone}"),
        }
    }

    pub(crate) fn ips(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(IpNet::addr).collect()
    }
}

fn on_fabric(cidr: IpNet, offset: u128) -> IpNet {
    IpNet::new_assert(nth_address(cidr.trunc(), offset), cidr.prefix_len())
}

fn pod_range(cidr: IpNet, number: u8) -> IpNet {
    let length = cidr.prefix_len() + NODE_BITS;
    let size = 1_u128 << (cidr.max_prefix_len() - length);
    IpNet::new_assert(nth_address(cidr.trunc(), u128::from(number) * size), length)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::settings::LabName;

    #[test]
    fn addresses_are_easy_to_tell_apart() {
        let settings = Settings::new(LabName::new("default").unwrap(), PathBuf::from("pogu"));
        let plan = Plan::new(&settings);
        let second = plan.nodes.get(1).expect("there are three nodes");
        let nets = |texts: [&str; 2]| texts.map(|text| text.parse::<IpNet>().unwrap()).to_vec();
        let expected = NodePlan {
            name: NodeName::new("node-2"),
            addresses: nets(["172.30.0.12/24", "fd00:30::12/64"]),
            pod_ranges: nets(["10.244.2.0/24", "fd00:10:244:2::/64"]),
            zone: "zone-b".to_owned(),
        };
        assert_eq!(*second, expected);
        assert_eq!(plan.outside, nets(["172.30.0.1/24", "fd00:30::1/64"]));
        let dns = ["10.96.0.10", "fd00:10:96::a"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(plan.dns, dns);
    }
}
