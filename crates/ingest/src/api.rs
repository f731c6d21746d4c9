//! How does the Kubernetes API write the objects that we read?
//!
//! Only the fields that matter here; others are ignored. A value that validation judges has the
//! widest type that the wire allows, so that one bad value costs its field and not its object.

use std::fmt;

use model::{NodeName, ServiceName};
use serde::Serialize;
use serde::ser::Serializer;

mod address_pool;
mod answer;
mod config_map;
mod endpoint_slice;
mod l2_advertisement;
mod label_selector;
mod lenient;
mod metadata;
mod namespace;
mod node;
mod pod;
mod service;
mod service_cidr;
mod service_import;

pub use address_pool::{
    AddressPool, AddressPoolSpec, IpAddressPool, IpAddressPoolSpec, ServiceAllocation,
};
pub use answer::{ListMetadata, Status};
pub use config_map::ConfigMap;
pub use endpoint_slice::{Conditions, Endpoint, EndpointPort, EndpointSlice, ForName, Hints};
pub use l2_advertisement::{L2Advertisement, L2AdvertisementSpec, PreferredNodeSelector};
pub use label_selector::{LabelSelector, LabelSelectorRequirement};
pub use lenient::IntOrString;
pub(crate) use lenient::LAST_APPLIED;
pub use metadata::{Metadata, ObjectReference};
pub use namespace::Namespace;
pub use node::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, Taint};
pub use pod::{Pod, PodCondition, PodIp, PodSpec, PodStatus};
pub use service::{
    ClientIpConfig, Condition, Ingress, IngressPort, LoadBalancerStatus, Service, ServicePort,
    ServiceSpec, ServiceStatus, SessionAffinityConfig,
};
pub use service_cidr::{ServiceCidr, ServiceCidrSpec};
pub use service_import::{ServiceImport, ServiceImportSpec};

/// The kinds of object that become part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Service,
    EndpointSlice,
    Node,
    ServiceCidr,
    Pod,
    Namespace,
    ServiceImport,
    ConfigMap,
    AddressPool,
    /// A pool as MetalLB has it.
    IpAddressPool,
    /// Which pools are announced, as MetalLB has it.
    L2Advertisement,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Service,
        Self::EndpointSlice,
        Self::Node,
        Self::ServiceCidr,
        Self::Pod,
        Self::Namespace,
        Self::ServiceImport,
        Self::ConfigMap,
        Self::AddressPool,
        Self::IpAddressPool,
        Self::L2Advertisement,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Node => "Node",
            Self::ServiceCidr => "ServiceCIDR",
            Self::Pod => "Pod",
            Self::Namespace => "Namespace",
            Self::ServiceImport => "ServiceImport",
            Self::ConfigMap => "ConfigMap",
            Self::AddressPool => "AddressPool",
            Self::IpAddressPool => "IPAddressPool",
            Self::L2Advertisement => "L2Advertisement",
        }
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Service | Self::Node | Self::Pod | Self::Namespace | Self::ConfigMap => "",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::ServiceCidr => "networking.k8s.io",
            Self::ServiceImport => "multicluster.x-k8s.io",
            Self::AddressPool => "pogu.dev",
            Self::IpAddressPool | Self::L2Advertisement => "metallb.io",
        }
    }

    /// What `apiVersion` says where an object is written.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::Service | Self::Node | Self::Pod | Self::Namespace | Self::ConfigMap => "v1",
            Self::EndpointSlice => "discovery.k8s.io/v1",
            Self::ServiceCidr => "networking.k8s.io/v1",
            Self::ServiceImport => "multicluster.x-k8s.io/v1beta1",
            Self::AddressPool => "pogu.dev/v1alpha1",
            Self::IpAddressPool | Self::L2Advertisement => "metallb.io/v1beta1",
        }
    }

    /// An older `apiVersion` under which the same fields are read.
    #[must_use]
    pub const fn older_api_version(self) -> Option<&'static str> {
        match self {
            Self::ServiceImport => Some("multicluster.x-k8s.io/v1alpha1"),
            Self::Service
            | Self::EndpointSlice
            | Self::Node
            | Self::ServiceCidr
            | Self::Pod
            | Self::Namespace
            | Self::ConfigMap
            | Self::AddressPool
            | Self::IpAddressPool
            | Self::L2Advertisement => None,
        }
    }

    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        match self {
            Self::Service
            | Self::EndpointSlice
            | Self::Pod
            | Self::ServiceImport
            | Self::ConfigMap
            | Self::IpAddressPool
            | Self::L2Advertisement => true,
            Self::Node | Self::ServiceCidr | Self::Namespace | Self::AddressPool => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which object; the order is by kind, then namespace, then name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub kind: Kind,
    /// Empty for kinds that have no namespace.
    pub namespace: String,
    pub name: String,
}

impl ObjectKey {
    pub(crate) fn of(kind: Kind, metadata: &Metadata) -> Self {
        let namespace =
            if kind.is_namespaced() { metadata.namespace.clone() } else { String::new() };
        Self { kind, namespace, name: metadata.name.clone() }
    }

    /// The same object in the words of decisions and rejections.
    #[must_use]
    pub fn to_origin(&self) -> model::Object {
        let (namespace, name) = (self.namespace.as_str(), self.name.as_str());
        match self.kind {
            Kind::Service => model::Object::Service(ServiceName::new(namespace, name)),
            Kind::EndpointSlice => {
                model::Object::EndpointSlice { namespace: namespace.into(), name: name.into() }
            }
            Kind::Node => model::Object::Node(NodeName::new(name)),
            Kind::ServiceCidr => model::Object::ServiceCidr(name.into()),
            Kind::Pod
            | Kind::ServiceImport
            | Kind::ConfigMap
            | Kind::IpAddressPool
            | Kind::L2Advertisement => model::Object::Other {
                kind: self.kind.as_str().into(),
                name: format!("{namespace}/{name}").into(),
            },
            Kind::Namespace | Kind::AddressPool => {
                model::Object::Other { kind: self.kind.as_str().into(), name: name.into() }
            }
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_origin().fmt(f)
    }
}

/// An object of one of the kinds that become part of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Service(Box<Service>),
    EndpointSlice(EndpointSlice),
    Node(Node),
    ServiceCidr(ServiceCidr),
    Pod(Pod),
    Namespace(Namespace),
    ServiceImport(ServiceImport),
    ConfigMap(ConfigMap),
    AddressPool(AddressPool),
    IpAddressPool(IpAddressPool),
    L2Advertisement(L2Advertisement),
}

impl Object {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Node(_) => Kind::Node,
            Self::ServiceCidr(_) => Kind::ServiceCidr,
            Self::Pod(_) => Kind::Pod,
            Self::Namespace(_) => Kind::Namespace,
            Self::ServiceImport(_) => Kind::ServiceImport,
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::AddressPool(_) => Kind::AddressPool,
            Self::IpAddressPool(_) => Kind::IpAddressPool,
            Self::L2Advertisement(_) => Kind::L2Advertisement,
        }
    }

    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        match self {
            Self::Service(object) => &object.metadata,
            Self::EndpointSlice(object) => &object.metadata,
            Self::Node(object) => &object.metadata,
            Self::ServiceCidr(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
            Self::Namespace(object) => &object.metadata,
            Self::ServiceImport(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
            Self::AddressPool(object) => &object.metadata,
            Self::IpAddressPool(object) => &object.metadata,
            Self::L2Advertisement(object) => &object.metadata,
        }
    }

    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey::of(self.kind(), self.metadata())
    }
}

/// Written with `apiVersion` and `kind`, as a manifest.
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Typed<'a, T> {
            api_version: &'static str,
            kind: &'static str,
            #[serde(flatten)]
            object: &'a T,
        }
        fn typed<S: Serializer, T: Serialize>(
            kind: Kind,
            object: &T,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            Typed { api_version: kind.api_version(), kind: kind.as_str(), object }
                .serialize(serializer)
        }
        match self {
            Self::Service(object) => typed(Kind::Service, object, serializer),
            Self::EndpointSlice(object) => typed(Kind::EndpointSlice, object, serializer),
            Self::Node(object) => typed(Kind::Node, object, serializer),
            Self::ServiceCidr(object) => typed(Kind::ServiceCidr, object, serializer),
            Self::Pod(object) => typed(Kind::Pod, object, serializer),
            Self::Namespace(object) => typed(Kind::Namespace, object, serializer),
            Self::ServiceImport(object) => typed(Kind::ServiceImport, object, serializer),
            Self::ConfigMap(object) => typed(Kind::ConfigMap, object, serializer),
            Self::AddressPool(object) => typed(Kind::AddressPool, object, serializer),
            Self::IpAddressPool(object) => typed(Kind::IpAddressPool, object, serializer),
            Self::L2Advertisement(object) => typed(Kind::L2Advertisement, object, serializer),
        }
    }
}

/// Used by all structs of the API: only what is set is written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
