//! Which addresses of Services does the fabric lead clients outside to?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ingest::api::Service;

use crate::kubelet::Surroundings;
use crate::network;

/// Those that are led to now.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    led: BTreeSet<IpAddr>,
    /// Why some are not, or are still, as it was told.
    failed: BTreeMap<IpAddr, String>,
}

impl Routes {
    /// Leads to external IPs and addresses of load balancers that no node has as its own and answers
    /// for, and to no others any longer.
    pub(crate) fn lead<'a>(
        &mut self,
        services: impl Iterator<Item = &'a Service>,
        around: &Surroundings,
    ) {
        let own: BTreeSet<IpAddr> = around.plan.nodes.iter().flat_map(|it| it.ips()).collect();
        let mut wanted = external_addresses(services, &own);
        if around.settings.announces() {
            let fabric = &around.settings.node_cidrs;
            wanted.retain(|address| !fabric.iter().any(|net| net.contains(address)));
        }
        let mut failed = BTreeMap::new();
        for address in wanted.symmetric_difference(&self.led).copied().collect::<Vec<_>>() {
            let is_wanted = wanted.contains(&address);
            match network::route_to_cluster(&around.place, &around.plan, address, is_wanted) {
                Ok(()) if is_wanted => drop(self.led.insert(address)),
                Ok(()) => drop(self.led.remove(&address)),
                // Tried again with the next news.
                Err(error) => drop(failed.insert(address, error.to_string())),
            }
        }
        for (address, why) in &failed {
            if self.failed.get(address) != Some(why) {
                tracing::error!("cannot change how clients outside reach {address}: {why}");
            }
        }
        self.failed = failed;
    }
}

/// Addresses that clients outside use, and that are none of these.
pub(crate) fn external_addresses<'a>(
    services: impl Iterator<Item = &'a Service>,
    own: &BTreeSet<IpAddr>,
) -> BTreeSet<IpAddr> {
    let texts = services.flat_map(|service| {
        let ingress = service.status.load_balancer.ingress.iter();
        let ingress = ingress.filter(|it| it.ip_mode.as_deref() != Some("Proxy"));
        let ingress = ingress.filter_map(|it| it.ip.as_ref());
        service.spec.external_ips.iter().chain(ingress)
    });
    texts.filter_map(|text| text.parse().ok()).filter(|it| !own.contains(it)).collect()
}
