//! Which objects of the API are read, and by which requests?

use ingest::api::Kind;
use model::NodeName;

use super::follower::Request;
use super::form::{JSON, PROTOBUF_OR_JSON};

/// Objects in one page of a list.
pub(super) const PAGE_OBJECTS: u32 = 500;

/// A watch is ended by the server after so long and at most twice that: requests that all begin when
/// a server comes back do not all begin anew at one moment.
const WATCH_SECONDS: u32 = 300;

/// What a program is for, and so what it has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish that depends on no other")]
pub struct Wanted {
    /// It programs a dataplane: ranges of ClusterIPs matter.
    pub dataplane: bool,
    /// It answers the cluster DNS: headless Services, Namespaces, ServiceImports and the DNS's
    /// ConfigMaps matter.
    pub names: bool,
    /// The node that it is on: its Node, and its Pods.
    pub node: Option<NodeName>,
    /// The Pods of all nodes, since names are made of them.
    pub all_pods: bool,
    /// It gives addresses to Services, or answers for them: pools, advertisements and all Nodes matter.
    pub addresses: bool,
}

/// Objects of one kind that are read by one list and one watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    namespace: Option<&'static str>,
    label_selector: &'static str,
    field_selector: String,
    /// The Node that ought to be among them.
    own_node: Option<NodeName>,
}

impl Wanted {
    /// The collections to read.
    ///
    /// kube-proxy leaves out Services of other proxies and headless ones, and the slices of the
    /// latter, by selectors. The DNS answers for all of these, so only a program without it may: what
    /// another proxy serves is then left to it by `ingest`, which reads the same label.
    pub(crate) fn collections(&self) -> Vec<Collection> {
        let mut wanted = vec![
            Collection {
                label_selector: if self.names {
                    ""
                } else {
                    "!service.kubernetes.io/service-proxy-name"
                },
                field_selector: if self.names { "" } else { "spec.clusterIP!=None" }.to_owned(),
                ..Collection::all(Kind::Service)
            },
            Collection {
                label_selector: if self.names { "" } else { "!service.kubernetes.io/headless" },
                ..Collection::all(Kind::EndpointSlice)
            },
        ];
        wanted.extend(self.nodes());
        if self.dataplane {
            wanted.push(Collection::all(Kind::ServiceCidr));
        }
        wanted.extend(self.pods());
        if self.names {
            wanted.push(Collection::all(Kind::Namespace));
            wanted.push(Collection::all(Kind::ServiceImport));
            // No selector names several objects, and whoever may read these need not read others.
            wanted.extend(ingest::DNS_CONFIG_MAPS.map(|name| Collection {
                namespace: Some(ingest::DNS_NAMESPACE),
                field_selector: format!("metadata.name={name}"),
                ..Collection::all(Kind::ConfigMap)
            }));
        }
        if self.addresses {
            let kinds = [Kind::AddressPool, Kind::IpAddressPool, Kind::L2Advertisement];
            wanted.extend(kinds.map(Collection::all));
        }
        wanted
    }

    /// Which Nodes are read.
    fn nodes(&self) -> Option<Collection> {
        let own_node = self.node.clone();
        let field_selector = match &self.node {
            _ if self.addresses => String::new(),
            Some(node) => format!("metadata.name={}", node.0),
            None => return None,
        };
        Some(Collection { field_selector, own_node, ..Collection::all(Kind::Node) })
    }

    /// Which Pods are read.
    pub(crate) fn pods(&self) -> Option<Collection> {
        let field_selector = match &self.node {
            // A Pod that has ended has no address any more.
            _ if self.all_pods => "status.phase!=Failed,status.phase!=Succeeded".to_owned(),
            Some(node) => format!("spec.nodeName={}", node.0),
            // A DNS alone. No Pod has this name: nobody's, until those of all nodes are wanted.
            None if self.names && !self.dataplane => "metadata.name=-".to_owned(),
            // What is for all nodes alike needs none.
            None => return None,
        };
        Some(Collection { field_selector, ..Collection::all(Kind::Pod) })
    }
}

impl Collection {
    fn all(kind: Kind) -> Self {
        Self {
            kind,
            namespace: None,
            label_selector: "",
            field_selector: String::new(),
            own_node: None,
        }
    }

    /// The name of the collection in paths and in rules of RBAC.
    pub(crate) const fn resource(&self) -> &'static str {
        match self.kind {
            Kind::Service => "services",
            Kind::EndpointSlice => "endpointslices",
            Kind::Node => "nodes",
            Kind::ServiceCidr => "servicecidrs",
            Kind::Pod => "pods",
            Kind::Namespace => "namespaces",
            Kind::ServiceImport => "serviceimports",
            Kind::ConfigMap => "configmaps",
            Kind::AddressPool => "addresspools",
            Kind::IpAddressPool => "ipaddresspools",
            Kind::L2Advertisement => "l2advertisements",
        }
    }

    /// For people and metrics: the resource, and which object where it is a single one.
    pub(crate) fn name(&self) -> String {
        let single = self.field_selector.strip_prefix("metadata.name=");
        match single.filter(|_| self.kind != Kind::Pod) {
            Some(name) => format!("{}/{name}", self.resource()),
            None => self.resource().to_owned(),
        }
    }

    /// The Node that whoever reads is on.
    pub(crate) fn own_node(&self) -> Option<&str> {
        self.own_node.as_ref().map(|node| &*node.0)
    }

    /// Whether the API may lack the kind: a CRD that nobody has installed.
    pub(crate) const fn is_optional(&self) -> bool {
        match self.kind {
            Kind::ServiceImport
            | Kind::AddressPool
            | Kind::IpAddressPool
            | Kind::L2Advertisement => true,
            Kind::Service
            | Kind::EndpointSlice
            | Kind::Node
            | Kind::ServiceCidr
            | Kind::Pod
            | Kind::Namespace
            | Kind::ConfigMap => false,
        }
    }

    /// In which forms it is asked for. Of a CRD's objects the server has no shorter one.
    pub(crate) const fn accept(&self) -> &'static str {
        if self.is_optional() { JSON } else { PROTOBUF_OR_JSON }
    }

    /// Path and query of a request. `spread` below 1 spreads the ends of watches.
    pub(crate) fn target(&self, request: &Request, older: bool, spread: f64) -> String {
        let older = self.kind.older_api_version().filter(|_| older);
        let api_version = older.unwrap_or_else(|| self.kind.api_version());
        let root = if self.kind.group().is_empty() { "api" } else { "apis" };
        let namespace = self.namespace.map(|it| format!("namespaces/{it}/")).unwrap_or_default();
        let mut target = format!("/{root}/{api_version}/{namespace}{}?", self.resource());
        for (name, selector) in
            [("labelSelector", self.label_selector), ("fieldSelector", &self.field_selector)]
        {
            if !selector.is_empty() {
                target.extend([name, "=", &encoded(selector), "&"]);
            }
        }
        let seconds = watch_seconds(spread);
        let watch = format!("watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}");
        let rest = match request {
            Request::Page { after, limit } => {
                let after = after.as_deref().map(|it| format!("&continue={}", encoded(it)));
                format!("limit={limit}{}", after.unwrap_or_default())
            }
            Request::Stream => {
                format!("{watch}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
            }
            Request::Watch { resource_version } => {
                format!("{watch}&resourceVersion={}", encoded(resource_version))
            }
        };
        target.push_str(&rest);
        target
    }
}

fn watch_seconds(spread: f64) -> u32 {
    let more = std::time::Duration::from_secs(WATCH_SECONDS.into()).mul_f64(spread.clamp(0.0, 1.0));
    WATCH_SECONDS + u32::try_from(more.as_secs()).unwrap_or(WATCH_SECONDS)
}

/// Percent-encoded for a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                encoded.extend(char::from_digit(half.into(), 16).map(|it| it.to_ascii_uppercase()));
            }
        }
    }
    encoded
}
