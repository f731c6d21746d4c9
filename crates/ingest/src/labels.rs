//! Which labels and annotations of the API have a meaning here?

/// On a Service: another proxy serves it, whatever the value.
pub(crate) const SERVICE_PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";

/// On an EndpointSlice: it belongs to a headless Service, whatever the value.
pub(crate) const HEADLESS: &str = "service.kubernetes.io/headless";

/// On an EndpointSlice: the Service that it belongs to.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// On an EndpointSlice: the ServiceImport that it belongs to.
pub(crate) const IMPORT_NAME: &str = "multicluster.kubernetes.io/service-name";

/// On an EndpointSlice of a ServiceImport: the cluster that its endpoints are in.
pub(crate) const SOURCE_CLUSTER: &str = "multicluster.kubernetes.io/source-cluster";

/// On a Node.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// On a Node: load balancers leave it out, unless the value is `false`.
pub(crate) const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// A taint of a Node that is about to be removed.
pub(crate) const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// An annotation of an EndpointSlice: when what it shows happened.
pub(crate) const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// An annotation of a Service of the class `pogu.dev/node-port`: where the balancer outside listens,
/// with commas between.
pub(crate) const OUTSIDE_ADDRESSES: &str = "pogu.dev/outside-addresses";

/// Annotations of a Service that mean the same, each with the names that it had before.
type Annotations = &'static [&'static [&'static str]];

/// The load balancer addresses that it asks for, with commas between.
pub(crate) const ASKED_ADDRESSES: Annotations = &[
    &["pogu.dev/addresses"],
    &["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"],
    &["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"],
    &["kube-vip.io/loadbalancerIPs"],
];

/// The pool of load balancer addresses that it asks for.
pub(crate) const ASKED_POOL: Annotations =
    &[&["pogu.dev/address-pool"], &["metallb.io/address-pool", "metallb.universe.tf/address-pool"]];

/// Services with the same text may share a load balancer address.
pub(crate) const SHARING_KEY: Annotations = &[
    &["pogu.dev/sharing-key"],
    &["metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"],
    &["lbipam.cilium.io/sharing-key", "io.cilium/lb-ipam-sharing-key"],
];

/// The other namespaces whose Services it may share one with, with commas between, or `*`.
pub(crate) const SHARING_NAMESPACES: Annotations = &[
    &["pogu.dev/sharing-namespaces"],
    &["lbipam.cilium.io/sharing-cross-namespace", "io.cilium/lb-ipam-sharing-cross-namespace"],
];
