//! Which zones are the cluster's own, when several blocks and flags say so?

use std::sync::Arc;

use super::super::corefile::Corefile;
use super::super::kubernetes::Kubernetes;
use super::super::notice::{Origin, Setting};
use super::Merge;

impl Merge<'_> {
    /// The first block's settings hold, for the zones of all.
    pub(super) fn kubernetes(&mut self, corefile: &Corefile) -> Option<Kubernetes> {
        let port = self.port;
        let served = corefile
            .blocks
            .iter()
            .filter(|block| block.addresses.iter().any(|address| address.port == port));
        let mut merged: Option<Kubernetes> = None;
        for other in served.filter_map(|block| block.kubernetes.as_ref()) {
            let Some(first) = &mut merged else {
                merged = Some(other.clone());
                continue;
            };
            if !has_same_settings(first, other) {
                let message = format!(
                    "kubernetes: the settings of {} hold for all zones of the cluster",
                    first.zones.origin
                );
                self.notices.add(&other.zones.origin, message);
            }
            for zone in &other.zones.value {
                if !first.zones.value.contains(zone) {
                    first.zones.value.push(Arc::clone(zone));
                }
            }
        }
        self.cluster_flags(merged)
    }

    fn cluster_flags(&mut self, merged: Option<Kubernetes>) -> Option<Kubernetes> {
        let flags = self.sources.flags;
        let mut kubernetes = match (merged, &flags.cluster_zones) {
            (Some(merged), _) => merged,
            (None, Some(zones)) => Kubernetes::new(zones.clone(), &Origin::new("default")),
            (None, None) => {
                let message =
                    "no block has the plugin kubernetes: no name of the cluster is answered";
                self.notices.add(&Origin::new("Corefile"), message);
                return None;
            }
        };
        if let Some(zones) = &flags.cluster_zones {
            self.set_cluster_zones(zones);
            kubernetes.zones.clone_from(zones);
        }
        if let Some(pods) = &flags.pods {
            kubernetes.pods.clone_from(pods);
        }
        if let Some(ttl) = &flags.ttl {
            kubernetes.ttl.clone_from(ttl);
        }
        Some(kubernetes)
    }

    /// Blocks that answer for the cluster do so for these zones; if none does, the root's will.
    fn set_cluster_zones(&mut self, zones: &Setting<Vec<Arc<str>>>) {
        let is_asked = self.zones.values().any(|config| !config.cluster_zones.is_empty());
        for (zone, config) in &mut self.zones {
            if !config.cluster_zones.is_empty() || (!is_asked && zone.is_empty()) {
                Arc::make_mut(config).cluster_zones.clone_from(&zones.value);
            }
        }
    }
}

/// Whether two blocks want the same, wherever each of them says so.
fn has_same_settings(left: &Kubernetes, right: &Kubernetes) -> bool {
    left.pods.value == right.pods.value
        && left.ttl.value == right.ttl.value
        && left.endpoint_pod_names.value == right.endpoint_pod_names.value
        && left.namespaces.value == right.namespaces.value
        && left.namespace_labels.value == right.namespace_labels.value
        && left.ignores_empty_services.value == right.ignores_empty_services.value
        && left.serves_endpoints.value == right.serves_endpoints.value
        && left.fallthrough.value == right.fallthrough.value
}
