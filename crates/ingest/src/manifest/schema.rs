//! Which fields may an object of a file have, and of what type?
//!
//! All fields of the API stand here, also those that do not concern us, so that only what the API
//! would refuse is told.

use crate::api::Kind;

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    /// A number; text is let through, for validation to judge.
    Number,
    Flag,
    /// Names and texts.
    Texts,
    List(&'static Self),
    Struct(&'static [(&'static str, Self)]),
    /// Fields that matter here, among others that are not looked into.
    Part(&'static [(&'static str, Self)]),
    /// Not looked into.
    Any,
}

use Shape::{Any, Flag, List, Number, Part, Struct, Text, Texts};

/// The whole object of a kind.
pub(super) const fn of(kind: Kind) -> Shape {
    match kind {
        Kind::Service => SERVICE,
        Kind::EndpointSlice => ENDPOINT_SLICE,
        Kind::Node => NODE,
        Kind::ServiceCidr => SERVICE_CIDR,
        Kind::Pod => POD,
        Kind::Namespace => NAMESPACE,
        Kind::ServiceImport => SERVICE_IMPORT,
        Kind::ConfigMap => CONFIG_MAP,
        Kind::AddressPool => ADDRESS_POOL,
        Kind::IpAddressPool => IP_ADDRESS_POOL,
        Kind::L2Advertisement => L2_ADVERTISEMENT,
    }
}

const METADATA: Shape = Struct(&[
    ("annotations", Texts),
    ("creationTimestamp", Text),
    ("deletionGracePeriodSeconds", Any),
    ("deletionTimestamp", Text),
    ("finalizers", Any),
    ("generateName", Any),
    ("generation", Any),
    ("labels", Texts),
    ("managedFields", Any),
    ("name", Text),
    ("namespace", Text),
    ("ownerReferences", Any),
    ("resourceVersion", Any),
    ("selfLink", Any),
    ("uid", Text),
]);

const REFERENCE: Shape = Struct(&[
    ("apiVersion", Any),
    ("fieldPath", Any),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("resourceVersion", Any),
    ("uid", Text),
]);

const SERVICE: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", SERVICE_SPEC),
    ("status", SERVICE_STATUS),
]);

const SERVICE_SPEC: Shape = Struct(&[
    ("allocateLoadBalancerNodePorts", Flag),
    ("clusterIP", Text),
    ("clusterIPs", List(&Text)),
    ("externalIPs", List(&Text)),
    ("externalName", Text),
    ("externalTrafficPolicy", Text),
    ("healthCheckNodePort", Number),
    ("internalTrafficPolicy", Text),
    ("ipFamilies", List(&Text)),
    ("ipFamilyPolicy", Text),
    ("loadBalancerClass", Text),
    ("loadBalancerIP", Text),
    ("loadBalancerSourceRanges", List(&Text)),
    ("ports", List(&SERVICE_PORT)),
    ("publishNotReadyAddresses", Flag),
    ("selector", Texts),
    ("sessionAffinity", Text),
    ("sessionAffinityConfig", Struct(&[("clientIP", Struct(&[("timeoutSeconds", Number)]))])),
    ("trafficDistribution", Text),
    ("type", Text),
]);

const SERVICE_PORT: Shape = Struct(&[
    ("appProtocol", Text),
    ("name", Text),
    ("nodePort", Number),
    ("port", Number),
    ("protocol", Text),
    ("targetPort", Number),
]);

const SERVICE_STATUS: Shape =
    Struct(&[("conditions", Any), ("loadBalancer", Struct(&[("ingress", List(&INGRESS))]))]);

const INGRESS: Shape = Struct(&[
    ("hostname", Text),
    ("ip", Text),
    ("ipMode", Text),
    ("ports", List(&Struct(&[("error", Text), ("port", Number), ("protocol", Text)]))),
]);

const ENDPOINT_SLICE: Shape = Struct(&[
    ("addressType", Text),
    ("apiVersion", Text),
    ("endpoints", List(&ENDPOINT)),
    ("kind", Text),
    ("metadata", METADATA),
    ("ports", List(&ENDPOINT_PORT)),
]);

const ENDPOINT: Shape = Struct(&[
    ("addresses", List(&Text)),
    ("conditions", Struct(&[("ready", Flag), ("serving", Flag), ("terminating", Flag)])),
    ("deprecatedTopology", Any),
    ("hints", Struct(&[("forNodes", List(&FOR_NAME)), ("forZones", List(&FOR_NAME))])),
    ("hostname", Text),
    ("nodeName", Text),
    ("targetRef", REFERENCE),
    ("zone", Text),
]);

const FOR_NAME: Shape = Struct(&[("name", Text)]);

const ENDPOINT_PORT: Shape =
    Struct(&[("appProtocol", Text), ("name", Text), ("port", Number), ("protocol", Text)]);

const NODE: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", NODE_SPEC),
    ("status", NODE_STATUS),
]);

const NODE_SPEC: Shape = Struct(&[
    ("configSource", Any),
    ("externalID", Any),
    ("podCIDR", Text),
    ("podCIDRs", List(&Text)),
    ("providerID", Any),
    ("taints", List(&TAINT)),
    ("unschedulable", Any),
]);

const TAINT: Shape =
    Struct(&[("effect", Text), ("key", Text), ("timeAdded", Any), ("value", Text)]);

const NODE_STATUS: Shape = Struct(&[
    ("addresses", List(&Struct(&[("address", Text), ("type", Text)]))),
    ("allocatable", Any),
    ("capacity", Any),
    ("conditions", List(&NODE_CONDITION)),
    ("config", Any),
    ("daemonEndpoints", Any),
    ("declaredFeatures", Any),
    ("features", Any),
    ("images", Any),
    ("nodeInfo", Any),
    ("phase", Any),
    ("runtimeHandlers", Any),
    ("volumesAttached", Any),
    ("volumesInUse", Any),
]);

/// Part of it: the API has times and texts beside.
const NODE_CONDITION: Shape = Part(&[("status", Text), ("type", Text)]);

const SERVICE_CIDR: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", Struct(&[("cidrs", List(&Text))])),
    ("status", Any),
]);

/// Of a Pod, only what a node's agent can tell of: whoever runs Pods judges the rest.
const POD: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", Part(&[("hostNetwork", Flag), ("nodeName", Text)])),
    (
        "status",
        Part(&[
            ("conditions", List(&POD_CONDITION)),
            ("phase", Text),
            ("podIP", Text),
            ("podIPs", List(&Struct(&[("ip", Text)]))),
        ]),
    ),
]);

/// Of a Namespace, only what stands in its metadata: others judge the rest.
const NAMESPACE: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", Any),
    ("status", Any),
]);

const SERVICE_IMPORT: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    (
        "spec",
        Struct(&[
            ("internalTrafficPolicy", Any),
            ("ipFamilies", Any),
            ("ips", List(&Text)),
            ("ports", List(&IMPORT_PORT)),
            ("sessionAffinity", Any),
            ("sessionAffinityConfig", Any),
            ("trafficDistribution", Any),
            ("type", Text),
        ]),
    ),
    ("status", Any),
]);

const IMPORT_PORT: Shape =
    Struct(&[("appProtocol", Text), ("name", Text), ("port", Number), ("protocol", Text)]);

const CONFIG_MAP: Shape = Struct(&[
    ("apiVersion", Text),
    ("binaryData", Any),
    ("data", Texts),
    ("immutable", Any),
    ("kind", Text),
    ("metadata", METADATA),
]);

const ADDRESS_POOL: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    (
        "spec",
        Struct(&[
            ("addresses", List(&Text)),
            ("announce", Flag),
            ("autoAssign", Flag),
            ("avoidEdges", Flag),
            ("disabled", Flag),
            ("namespaceSelectors", List(&LABEL_SELECTOR)),
            ("namespaces", List(&Text)),
            ("priority", Number),
            ("reserved", List(&Text)),
            ("serviceSelectors", List(&LABEL_SELECTOR)),
        ]),
    ),
    ("status", Any),
]);

const LABEL_SELECTOR: Shape = Struct(&[
    (
        "matchExpressions",
        List(&Struct(&[("key", Text), ("operator", Text), ("values", List(&Text))])),
    ),
    ("matchLabels", Texts),
]);

const IP_ADDRESS_POOL: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    (
        "spec",
        Struct(&[
            ("addresses", List(&Text)),
            ("autoAssign", Flag),
            ("avoidBuggyIPs", Flag),
            (
                "serviceAllocation",
                Struct(&[
                    ("namespaceSelectors", List(&LABEL_SELECTOR)),
                    ("namespaces", List(&Text)),
                    ("priority", Number),
                    ("serviceSelectors", List(&LABEL_SELECTOR)),
                ]),
            ),
        ]),
    ),
    ("status", Any),
]);

const L2_ADVERTISEMENT: Shape = Struct(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    (
        "spec",
        Struct(&[
            ("interfaces", List(&Text)),
            ("ipAddressPoolSelectors", List(&LABEL_SELECTOR)),
            ("ipAddressPools", List(&Text)),
            ("nodeSelectors", List(&LABEL_SELECTOR)),
            (
                "preferredNodeSelectors",
                List(&Struct(&[("preference", LABEL_SELECTOR), ("weight", Number)])),
            ),
            ("serviceSelectors", List(&LABEL_SELECTOR)),
        ]),
    ),
    ("status", Any),
]);

const POD_CONDITION: Shape =
    Part(&[("message", Text), ("reason", Text), ("status", Text), ("type", Text)]);
