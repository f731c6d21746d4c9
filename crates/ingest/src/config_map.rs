//! Which ConfigMaps say how the cluster DNS works, and what do they say?

use std::collections::BTreeMap;

use model::{ConfigMap, ConfigMapName, Rejection};

use crate::api;
use crate::names::Names;
use crate::report::Report;

/// Where the cluster DNS is set up.
pub const DNS_NAMESPACE: &str = "kube-system";

/// Of kube-dns, of CoreDNS, and what people add to CoreDNS where their provider owns the former.
pub const DNS_CONFIG_MAPS: [&str; 3] = ["kube-dns", "coredns", "coredns-custom"];

/// Bytes of all keys and texts: the API server's own bound. More are rejected.
const BYTES_MAX: usize = 1 << 20;

/// Whether a ConfigMap is one of those that are kept.
pub(crate) fn configures_dns(namespace: &str, name: &str) -> bool {
    namespace == DNS_NAMESPACE && DNS_CONFIG_MAPS.contains(&name)
}

/// Reads a ConfigMap, whichever it is.
pub(crate) fn read(object: &api::ConfigMap, names: &mut Names) -> (ConfigMap, Vec<Rejection>) {
    let metadata = &object.metadata;
    let key = api::ObjectKey::of(api::Kind::ConfigMap, metadata);
    let mut report = Report::new(key.to_origin());
    let bytes: usize = object.data.iter().map(|(key, text)| key.len() + text.len()).sum();
    let data = if bytes > BYTES_MAX {
        let reason = format!("expected at most {BYTES_MAX} bytes, found {bytes}; none is used");
        report.reject("data", reason);
        BTreeMap::new()
    } else {
        let texts = object.data.iter();
        texts.map(|(key, text)| (key.as_str().into(), text.as_str().into())).collect()
    };
    let name = ConfigMapName {
        namespace: names.text(&metadata.namespace),
        name: names.text(&metadata.name),
    };
    (ConfigMap { name, data }, report.finish())
}
