#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod allocate;
pub mod api;
mod backoff;
mod defaults;
mod deployment;
mod dns_text;
mod environment;
mod health;
mod hints;
mod hosts_text;
mod known;
mod known_fields;
pub mod manifest;
mod name_hash;
mod node_ports;
mod observed;
mod pod_address;
mod quantity;
mod rollout;
mod schedule;
mod service_addresses;
mod service_variables;
mod slice_ports;
mod slices;
#[cfg(test)]
mod tests;
mod validate;
mod volume;

pub use allocate::{Allocator, NODE_PORTS_DEFAULT};
pub use backoff::{RestartBackoff, RestartDelays};
pub use defaults::with_defaults;
pub use deployment::{Action, DeploymentStatus, Reconciled, reconcile};
pub use dns_text::{ClusterDns, HostResolver, resolv_conf};
pub use environment::{Binding, PodFields, command_line, environment};
pub use health::{Health, HealthEvent, ProbeKind, RunProbe};
pub use hosts_text::{hosts, pod_domain, pod_hostname};
pub use known::{Content, Known, Missing, Reference, TOKEN_KEY, references};
pub use observed::{ObservedPod, Phase};
pub use pod_address::PodAddresses;
pub use schedule::{SchedulableNode, Unschedulable, schedule};
pub use service_addresses::nth_address;
pub use slices::{NodeTopology, endpoint_slices};
pub use volume::{Source, VolumeFile, VolumeKind, sub_path, volume_files};
