//! What must be known of a Service beyond what nodes program?

use std::collections::BTreeMap;

use ingest::api;
use model::ServiceName;

/// A Service with the selector that makes its EndpointSlices; nodes never look at that one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    pub object: api::Service,
    /// Empty means that nobody but the author makes EndpointSlices.
    pub selector: BTreeMap<String, String>,
}

impl Service {
    #[must_use]
    pub fn name(&self) -> ServiceName {
        let metadata = &self.object.metadata;
        ServiceName::new(metadata.namespace.as_str(), metadata.name.as_str())
    }

    #[must_use]
    pub fn is_headless(&self) -> bool {
        let spec = &self.object.spec;
        spec.cluster_ip.as_deref() == Some("None")
            || spec.cluster_ips.first().is_some_and(|first| first == "None")
    }

    #[must_use]
    pub fn is_external_name(&self) -> bool {
        self.object.spec.kind.as_deref() == Some("ExternalName")
    }
}
