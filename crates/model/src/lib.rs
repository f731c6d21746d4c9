#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod claims;
mod decide;
mod endpoint;
pub mod limits;
mod lookup;
mod name;
mod node;
mod node_table;
mod origin;
mod pod;
mod reason;
mod rejection;
mod select;
mod service;
mod table;

pub use address::{ByFamily, Family, Frontend, FrontendKind, Protocol};
pub use decide::{Decision, MasqueradeRule, NodeFrontend, NodePort, NodeService, PoolKind, Route};
pub use endpoint::{Endpoint, Hints};
pub use lookup::{Delivery, Explained, Packet, Verdict, can_hairpin};
pub use name::{InvalidName, NodeName, ServiceName, ServicePortName};
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
pub use table::ServiceTable;
