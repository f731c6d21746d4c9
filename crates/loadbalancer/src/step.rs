//! What is to be done next, so that a Service has its addresses and nobody else has them too?

use std::net::IpAddr;

use ingest::api::Ingress;
use model::ServiceName;

use crate::event::Event;
use crate::seen::Seen;
use crate::wanted::{RELEASED, Status, Wanted};

/// One thing to be written of a Service. The next one follows from what the Service says then, so a
/// process that ends in between loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is not to go before we gave up its addresses.
    AddFinalizer,
    Status {
        status: Status,
        events: Vec<Event>,
    },
    /// We have nothing to do with it any more.
    RemoveFinalizer,
}

/// A finalizer comes before the first address, and goes after the last one. Our condition stays until
/// the very end: by it we know that a finalizer is ours that stood there before us.
pub(crate) fn next(seen: &Seen, wanted: &Wanted) -> Option<Step> {
    if seen.is_active() && !wanted.ingress.is_empty() && !seen.has_finalizer {
        return Some(Step::AddFinalizer);
    }
    if let Some(status) = wanted.differing(seen) {
        // What stands in the status of one that is not ours, and has no condition of ours, others wrote.
        let is_known = seen.condition.is_some() || (seen.way.is_some() && !seen.ingress.is_empty());
        // One that goes before it had anything.
        if wanted.reason != RELEASED || is_known {
            return Some(Step::Status { status, events: wanted.news(seen) });
        }
    }
    if wanted.reason != RELEASED {
        return None;
    }
    if seen.has_finalizer {
        return Some(Step::RemoveFinalizer);
    }
    let is_left = seen.condition.is_some() && !seen.is_being_deleted;
    is_left.then(|| Step::Status { status: Status::default(), events: Vec::new() })
}

/// What is written until others have given up the addresses that the step gives: no more than the
/// Service has already. Absent where that stands.
pub(crate) fn meanwhile(
    seen: &Seen,
    step: &Step,
    waits: &[(IpAddr, &ServiceName)],
) -> Option<Step> {
    let Step::Status { status, .. } = step else { return None };
    let is_waited_for = |it: &Ingress| {
        let address = it.ip.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        waits.iter().any(|(awaited, _)| Some(*awaited) == address)
    };
    let left = status.ingress.iter().filter(|it| !is_waited_for(it) && seen.ingress.contains(it));
    let texts = waits.iter().map(|(address, other)| format!("{address} is still {other}'s"));
    let wanted = Wanted {
        ingress: left.cloned().collect(),
        is_true: false,
        reason: "Waiting",
        message: texts.collect::<Vec<_>>().join("; "),
        events: Vec::new(),
    };
    let status = wanted.differing(seen)?;
    Some(Step::Status { status, events: Vec::new() })
}
