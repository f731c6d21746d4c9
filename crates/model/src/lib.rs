#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod address_pool;
mod address_range;
mod address_request;
mod advertisement;
mod advertising;
mod claims;
mod config_map;
mod decide;
mod endpoint;
mod endpoint_slice;
mod label_selector;
pub mod limits;
mod load_balancer;
mod lookup;
mod mac;
mod name;
mod namespace;
mod node;
mod node_table;
mod origin;
mod pod;
mod reason;
mod rejection;
mod select;
mod service;
mod service_import;
mod table;

pub use address::{ByFamily, Family, Frontend, FrontendKind, Protocol};
pub use address_pool::{AddressPool, Announcing, PoolName, PoolSelectors};
pub use address_range::{AddressRange, InvalidRange};
pub use address_request::{AddressRequest, FamilyPolicy, Sharing, SharingScope};
pub use advertisement::{Advertisement, AdvertisementName, PreferredNodes};
pub use advertising::{Advertising, Announced, Candidates, Exclusion, Interfaces};
pub use config_map::{ConfigMap, ConfigMapName};
pub use decide::{Decision, MasqueradeRule, NodeFrontend, NodePort, NodeService, PoolKind, Route};
pub use endpoint::{Endpoint, Hints};
pub use endpoint_slice::{EndpointSlice, SlicePort};
pub use label_selector::{LabelSelector, Labels, Operator, Requirement};
pub use load_balancer::{LoadBalancer, Way};
pub use lookup::{Delivery, Explained, Packet, Verdict, can_hairpin};
pub use mac::Mac;
pub use name::{InvalidName, NodeName, ServiceName, ServicePortName};
pub use namespace::Namespace;
pub use node::{DetectLocal, Node, NodeContext, NodePortAddresses};
pub use node_table::{NodeTable, ServiceChange};
pub use origin::{Object, Origin};
pub use pod::{Pod, PodName, Readiness};
pub use reason::{DropReason, RejectReason};
pub use rejection::Rejection;
pub use select::{Selection, Topology, Wants, select};
pub use service::{
    Affinity, ExternalAddress, Service, ServiceKind, ServicePort, SourceRanges, TrafficPolicy,
};
pub use service_import::{ImportKind, ImportPort, ServiceImport};
pub use table::ServiceTable;
