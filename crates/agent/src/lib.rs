#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod announcing;
mod cleanup;
mod cluster_dns;
pub mod config;
mod core;
mod event;
mod failure;
mod health;
mod health_check;
mod health_check_ports;
mod heard;
mod measurement;
mod metrics;
mod names_core;
mod privilege;
mod published;
pub mod query;
mod recorder;
mod run;
mod servers;
mod site;
mod socket;
mod source;
mod start;
#[cfg(test)]
mod tests;
mod tune;

pub use announcing::{AddressShown, AnnouncedState, NodeShown};
pub use cleanup::{Leavings, Removed, cleanup};
pub use event::{EVENTS_MAX, Event, MeasureRequest, News, OwnAddresses, ReadBackRequest};
pub use failure::Failure;
pub use health_check::{HealthCheck, HealthChecks};
pub use heard::{Heard, Recent};
pub use measurement::{
    Conntrack, Count, EndpointConnections, EndpointTraffic, Measurement, Refusal, RefusedPackets,
    ServiceTraffic, Source, Traffic,
};
pub use nft::wire::TableName;
pub use privilege::check as check_privilege;
pub use published::{Applied, Drift, Failing, Pending, Published, Publisher, Status};
pub use recorder::{Apply, Recorder};
pub use run::{CoreSide, run_with};
pub use start::{run, run_dns};
