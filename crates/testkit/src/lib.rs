#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cluster;
pub mod control_plane;
pub mod dns;
mod engine;
mod files;
pub mod generate;
pub mod rig;
mod run;
mod scenario;
mod tables;

pub use cluster::{
    AffinitySpec, AgentOptions, Cluster, ClusterIps, ConditionsSpec, DetectLocalMode, Dns,
    EndpointSpec, ImportSpec, NodeSpec, PodRecords, PodSpec, PortSpec, ServiceSpec, Target,
    UpstreamReply,
};
pub use engine::{Dissent, Engine, Oracle};
pub use files::{check_all, scenario_files, scenario_root};
pub use run::{Checked, DEFAULT_INTERFACE, Disagreement, Failure, run, run_scenario};
pub use scenario::{ExpectedRejection, PacketLine, ParseError, Problem, Scenario, Source, Step};
pub use tables::{OnAdvance, Tables};

#[cfg(test)]
mod tests;
