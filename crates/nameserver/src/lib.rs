#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod failure;
mod failures;
mod forwarder;
mod options;
mod published;
mod running;
mod server;
mod sockets;
mod stats;
mod streams;
#[cfg(test)]
mod tests;
mod worker;

pub use failure::Failure;
pub use failures::{CLIENTS_MAX, ClientFailures, FAILURES_MAX, RecentFailure};
pub use options::{DATAGRAM_SIZE_MAX, Listen, Options, StreamBounds};
pub use running::Running;
pub use server::start;
pub use stats::{Buckets, Connections, DURATION_BOUNDS_US, Drops, SIZE_BOUNDS, Stats, Transport};
