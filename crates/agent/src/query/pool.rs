//! Which pools of load balancer addresses are there, and how full are they?

use std::collections::BTreeMap;

use model::{AddressPool, Announcing, Family, ServiceTable};
use serde::{Deserialize, Serialize};

/// A pool, and what Services have of it by their statuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    pub name: String,
    /// What it is written as: `AddressPool office`.
    pub object: String,
    pub addresses: Vec<String>,
    /// By family, `IPv4` and `IPv6`; only those that the pool has.
    pub fill: BTreeMap<String, Fill>,
    pub is_auto_assigned: bool,
    pub is_disabled: bool,
    /// Whether nodes answer for its addresses at all.
    pub is_announced: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Different addresses.
    pub used: u64,
    /// What the ranges hold, with reserved addresses; at most 2^64 - 1.
    pub size: u64,
}

/// All of them, by name. Where several name an address it counts for the older one.
pub(super) fn list(cluster: &ServiceTable) -> Vec<Pool> {
    let mut used: BTreeMap<(&str, Family), u64> = BTreeMap::new();
    for address in cluster.load_balancer_addresses().into_keys() {
        if let Some(pool) = cluster.pool_of(address) {
            *used.entry((&pool.name.0, Family::of(address))).or_default() += 1;
        }
    }
    let shown = |pool: &AddressPool| {
        let mut fill: BTreeMap<String, Fill> = BTreeMap::new();
        for range in &pool.ranges {
            let family = Family::of(range.first());
            let of = fill.entry(family.to_string()).or_default();
            of.size = of.size.saturating_add(u64::try_from(range.size()).unwrap_or(u64::MAX));
            of.used = used.get(&(&*pool.name.0, family)).copied().unwrap_or_default();
        }
        Pool {
            name: pool.name.to_string(),
            object: pool.object.to_string(),
            addresses: pool.ranges.iter().map(ToString::to_string).collect(),
            fill,
            is_auto_assigned: pool.auto_assign,
            is_disabled: pool.disabled,
            is_announced: pool.announcing != Announcing::Never,
        }
    };
    cluster.address_pools.values().map(|pool| shown(pool)).collect()
}

#[cfg(test)]
mod tests {
    use ingest::Objects;
    use ingest::manifest::{Manifest, parse};

    use super::*;

    const CLUSTER: &str = "
{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: a},
 spec: {addresses: [192.0.2.1-192.0.2.3, 192.0.2.8/31, 'fd00::/64'], announce: false}}
---
{apiVersion: v1, kind: Service, metadata: {name: x, namespace: shop},
 spec: {type: LoadBalancer, clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, 'fd00:10::1'], ports: [{port: 80}]},
 status: {loadBalancer: {ingress: [{ip: 192.0.2.8}, {ip: 'fd00::1'}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: y, namespace: shop},
 spec: {type: LoadBalancer, clusterIP: 10.96.0.2, ports: [{port: 81}]},
 status: {loadBalancer: {ingress: [{ip: 192.0.2.8}, {ip: 203.0.113.1}]}}}
";

    #[test]
    fn a_shared_address_counts_once_and_one_of_no_pool_not_at_all() {
        let mut objects = Objects::new();
        for manifest in parse("m.yaml", CLUSTER).0 {
            let Manifest::Object(object) = manifest else { panic!("{manifest:?}") };
            objects.apply(object);
        }
        let fill = |used, size| Fill { used, size };
        let expected = Pool {
            name: "a".to_owned(),
            object: "AddressPool a".to_owned(),
            addresses: ["192.0.2.1-192.0.2.3", "192.0.2.8/31", "fd00::/64"]
                .map(str::to_owned)
                .to_vec(),
            fill: [("IPv4".to_owned(), fill(1, 5)), ("IPv6".to_owned(), fill(1, u64::MAX))].into(),
            is_auto_assigned: true,
            is_disabled: false,
            is_announced: false,
        };
        assert_eq!(list(&objects.table()), [expected]);
    }
}
