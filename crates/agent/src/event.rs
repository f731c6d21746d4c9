//! What can happen to the core?

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::{Rejection, ServiceName};
use nft::Element;
use reconcile::ReadBack;
use tokio::sync::oneshot;

use crate::measurement::Measurement;

/// How many events may wait for the core. Senders on threads wait at the bound; a scrape gives up.
pub const EVENTS_MAX: usize = 256;

/// Everything that the core reacts to. It owns all state and takes these one by one.
#[derive(Debug)]
pub enum Event {
    /// A batch of the source of objects: one change, however many objects it touches.
    Objects(Vec<watch::Event>),
    Addresses(OwnAddresses),
    /// Somebody else changed our table in the kernel.
    Drift,
    /// From now on it is told when somebody does; what was before was not.
    Watched,
    /// What the kernel says of something cannot be heard: why; or it can be again.
    Deaf {
        to: News,
        reason: Option<String>,
    },
    /// Health check ports that cannot be opened. The list replaces the one before.
    HealthCheckPorts(Vec<Rejection>),
    /// A scrape wants to know what the kernel counted.
    Measure(MeasureRequest),
    /// Counters in the kernel that are nobody's.
    Uncounted(Vec<Element>),
    /// Somebody wants to know whether the kernel holds what is planned for a Service.
    ReadBack(ReadBackRequest),
    Shutdown,
}

/// What of the kernel's is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Changes of our table by others.
    Table,
    /// Changes of the node's own addresses.
    Addresses,
}

/// The addresses of this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnAddresses {
    /// All that the kernel takes as its own, loopback included.
    pub all: BTreeSet<IpAddr>,
    /// Of each family, the one that the host speaks to the world with, if it does.
    pub primary: Vec<IpAddr>,
}

/// Whoever asked waits for a moment only; an answer that comes later is thrown away.
#[derive(Debug)]
pub struct MeasureRequest(pub(crate) oneshot::Sender<Measurement>);

impl MeasureRequest {
    pub fn answer(self, measurement: Measurement) {
        // The one who asked may have gone: then nobody needs the answer.
        drop(self.0.send(measurement));
    }
}

/// Answered with nothing when the kernel cannot be read now.
#[derive(Debug)]
pub struct ReadBackRequest {
    pub(crate) service: ServiceName,
    pub(crate) sender: oneshot::Sender<Option<ReadBack>>,
}

impl ReadBackRequest {
    pub fn answer(self, read: Option<ReadBack>) {
        // The one who asked may have gone: then nobody needs the answer.
        drop(self.sender.send(read));
    }
}
