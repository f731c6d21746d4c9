//! Who removes the flows that lead to endpoints that are gone?

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::mpsc::Receiver;

use host::conntrack::{Conntrack, ConntrackError, Deleted, Entry, Filter};
use model::{Family, Frontend, Protocol};
use reconcile::StaleFlows;

use crate::recorder::Recorder;

/// Up to so many frontends are asked for one by one; for more, one walk over all flows is cheaper.
const APART_MAX: usize = 8;

/// Removes flows until the core ends. The newest word on a frontend counts: what waits is taken
/// together.
pub(super) fn forget(
    mut conntrack: Conntrack,
    stale: &Receiver<Vec<StaleFlows>>,
    recorder: &Recorder,
) {
    while let Ok(first) = stale.recv() {
        let mut all: BTreeMap<Frontend, BTreeSet<SocketAddr>> = BTreeMap::new();
        for flows in first.into_iter().chain(stale.try_iter().flatten()) {
            all.insert(flows.frontend, flows.keep);
        }
        for family in Family::ALL {
            all_of(family, &all, &mut conntrack, recorder);
        }
    }
}

fn all_of(
    family: Family,
    all: &BTreeMap<Frontend, BTreeSet<SocketAddr>>,
    conntrack: &mut Conntrack,
    recorder: &Recorder,
) {
    let began = host::clock::monotonic();
    let (mut deleted, mut is_asked) = (0, false);
    for protocol in [Protocol::Udp, Protocol::Sctp] {
        let frontends: Vec<(&Frontend, &BTreeSet<SocketAddr>)> = all
            .iter()
            .filter(|(known, _)| known.family() == family && known.protocol == protocol)
            .collect();
        if frontends.is_empty() {
            continue;
        }
        is_asked = true;
        let outcome = if frontends.len() > APART_MAX {
            let is_stale = |entry: &Entry| {
                let known = frontend(entry).and_then(|frontend| all.get(&frontend));
                known.is_some_and(|keep| !keep.contains(&entry.reply.source))
            };
            conntrack.delete_matching(&Filter::protocol(family, protocol), &is_stale)
        } else {
            apart(&frontends, conntrack)
        };
        match outcome {
            Ok(removed) => deleted += removed.deleted,
            Err(error) => tracing::warn!(%error, %protocol, "cannot remove stale flows"),
        }
    }
    if is_asked {
        let deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
        recorder.conntrack_cleaned(family, began.elapsed(), deleted);
    }
}

/// What the client of a flow called.
fn frontend(entry: &Entry) -> Option<Frontend> {
    let called = entry.original.destination;
    let port = NonZeroU16::new(called.port())?;
    Some(Frontend { address: called.ip(), protocol: entry.original.protocol, port })
}

fn apart(
    frontends: &[(&Frontend, &BTreeSet<SocketAddr>)],
    conntrack: &mut Conntrack,
) -> Result<Deleted, ConntrackError> {
    let mut all = Deleted::default();
    for (frontend, keep) in frontends {
        let one = conntrack.delete_stale(frontend, &|endpoint| keep.contains(&endpoint))?;
        all.matched += one.matched;
        all.deleted += one.deleted;
        all.sends += one.sends;
    }
    Ok(all)
}
