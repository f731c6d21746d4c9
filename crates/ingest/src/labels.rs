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

/// A taint of a Node that is about to be removed.
pub(crate) const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// An annotation of an EndpointSlice: when what it shows happened.
pub(crate) const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";
