#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod config;
mod event;
mod health_check;
mod measurement;
mod published;
mod recorder;
#[cfg(test)]
mod tests;

pub use event::{EVENTS_MAX, Event, MeasureRequest};
pub use health_check::{HealthCheck, HealthChecks};
pub use measurement::{
    Conntrack, Count, EndpointConnections, EndpointTraffic, Measurement, Refusal, RefusedPackets,
    ServiceTraffic, Source, Traffic,
};
pub use published::{Applied, Drift, Failing, Pending, Published, Publisher, Status};
pub use recorder::{Apply, Recorder};
