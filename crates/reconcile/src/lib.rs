#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod backoff;
mod dataplane;
mod feature;
mod kernel;
mod local_dns;
mod memory;
mod netlink;
mod stale;

pub use backoff::Backoff;
pub use dataplane::{Dataplane, ReadBack, Report, Waiting};
pub use feature::{Feature, missing_features};
pub use kernel::{Kernel, ReadError, Refused, Taken, TransactError};
pub use local_dns::{LOCAL_DNS_LINK, LocalDns, LocalDnsError};
pub use memory::{Fault, MemoryKernel};
pub use netlink::{Counted, Netlink};
pub use stale::{StaleFlows, stale_flows};
#[cfg(test)]
mod tests;
