//! Which EndpointSlices follow from a Service and the Pods that it selects?

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest::api::{Conditions, Endpoint, EndpointPort, EndpointSlice, Metadata, ObjectReference};
use model::{Family, NodeName};

use crate::api::{Pod, Service};
use crate::hints::{distribution, hints};
use crate::name_hash::{hash, suffix};
use crate::observed::ObservedPod;
use crate::slice_ports::slice_ports;

/// Endpoints of one slice; what is over goes to a next one.
const ENDPOINTS_PER_SLICE: usize = 100;

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// Where a node is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeTopology {
    pub zone: Option<String>,
}

/// The slices of a Service, sorted by name: a function of what there is now, so their names stay
/// while family, ports and number do. The Pods come in any order and from any namespace.
///
/// A Service without a selector, or an ExternalName, has none: its slices are its author's. A
/// Service that selects nothing has an empty slice for each family, as in Kubernetes.
#[must_use]
pub fn endpoint_slices(
    service: &Service,
    pods: &[ObservedPod],
    nodes: &BTreeMap<NodeName, NodeTopology>,
) -> Vec<EndpointSlice> {
    if service.selector.is_empty() || service.is_external_name() {
        return Vec::new();
    }
    let mut selected: Vec<&ObservedPod> =
        pods.iter().filter(|pod| is_endpoint(service, pod)).collect();
    selected.sort_by_key(|pod| (&pod.pod.metadata.name, pod.created));
    let mut slices = Vec::new();
    for family in families(service) {
        let mut by_ports: Vec<(Vec<EndpointPort>, Vec<Endpoint>)> = Vec::new();
        for observed in &selected {
            let Some(endpoint) = endpoint(service, observed, family, nodes) else { continue };
            let ports = slice_ports(service, &observed.pod);
            match by_ports.iter_mut().find(|(known, _)| *known == ports) {
                Some((_, endpoints)) => endpoints.push(endpoint),
                None => by_ports.push((ports, vec![endpoint])),
            }
        }
        if by_ports.is_empty() {
            slices.push(slice(service, family, &[], &[], 0));
        }
        for (ports, endpoints) in &by_ports {
            for (index, part) in endpoints.chunks(ENDPOINTS_PER_SLICE).enumerate() {
                slices.push(slice(service, family, ports, part, index));
            }
        }
    }
    slices.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    slices
}

fn is_endpoint(service: &Service, observed: &ObservedPod) -> bool {
    let metadata = &observed.pod.metadata;
    metadata.namespace == service.object.metadata.namespace
        && service.selector.iter().all(|(key, value)| metadata.labels.get(key) == Some(value))
        && !observed.phase.is_final()
}

/// As allocation filled them in; a Service that was not yet seen by it has those of its addresses.
fn families(service: &Service) -> Vec<Family> {
    let spec = &service.object.spec;
    let has = |family: Family| match spec.ip_families.is_empty() {
        false => spec.ip_families.iter().any(|written| written == family.as_str()),
        true => spec
            .cluster_ips
            .iter()
            .chain(&spec.cluster_ip)
            .filter_map(|text| text.parse().ok())
            .any(|address| Family::of(address) == family),
    };
    let found: Vec<Family> = Family::ALL.into_iter().filter(|family| has(*family)).collect();
    if found.is_empty() { vec![Family::V4] } else { found }
}

fn endpoint(
    service: &Service,
    observed: &ObservedPod,
    family: Family,
    nodes: &BTreeMap<NodeName, NodeTopology>,
) -> Option<Endpoint> {
    let address = observed.addresses.iter().find(|ip| Family::of(**ip) == family)?;
    let spec = &service.object.spec;
    let zone = observed.node.as_ref().and_then(|node| nodes.get(node)?.zone.clone());
    let (serving, terminating) = (observed.ready, observed.terminating);
    let published = spec.publish_not_ready_addresses == Some(true);
    let pod = &observed.pod;
    let mut endpoint = Endpoint {
        addresses: vec![address.to_string()],
        conditions: Conditions {
            ready: Some(published || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        },
        hostname: hostname(service, pod),
        node_name: observed.node.as_ref().map(ToString::to_string),
        zone,
        hints: None,
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: Some(pod.metadata.namespace.clone()),
            name: Some(pod.metadata.name.clone()),
            uid: pod.metadata.uid.clone(),
        }),
    };
    let distribution = distribution(spec.traffic_distribution.as_deref());
    endpoint.hints = distribution.and_then(|distribution| hints(&endpoint, distribution));
    Some(endpoint)
}

/// Only a Pod that names itself and this Service has a name below the Service's.
fn hostname(service: &Service, pod: &Arc<Pod>) -> Option<String> {
    let is_below = pod.spec.subdomain.as_ref() == Some(&service.object.metadata.name);
    pod.spec.hostname.clone().filter(|hostname| is_below && !hostname.is_empty())
}

fn slice(
    service: &Service,
    family: Family,
    ports: &[EndpointPort],
    endpoints: &[Endpoint],
    index: usize,
) -> EndpointSlice {
    let metadata = &service.object.metadata;
    let mut labels = metadata.labels.clone();
    labels.remove(HEADLESS);
    labels.insert(SERVICE_NAME.to_owned(), metadata.name.clone());
    labels.insert(MANAGED_BY.to_owned(), "workload.pogu.dev".to_owned());
    if service.is_headless() {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    let text = serde_json::to_string(ports).expect("ports have text keys only");
    let hash = hash(&[family.as_str(), &text, &index.to_string()]);
    EndpointSlice {
        metadata: Metadata {
            name: format!("{}-{}", metadata.name, suffix(hash, 7)),
            namespace: metadata.namespace.clone(),
            labels,
            ..Metadata::default()
        },
        address_type: family.as_str().to_owned(),
        endpoints: endpoints.to_vec(),
        ports: ports.to_vec(),
    }
}
