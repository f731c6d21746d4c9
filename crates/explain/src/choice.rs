//! How is one endpoint chosen among those that may be used?

use std::fmt::{self, Write as _};

use model::{Affinity, PoolKind, Route, Topology};

use crate::decision::Held;
use crate::name::count;
use crate::scene::{Scene, field_of};
use crate::trace::{Hop, Object, Origin, Stage};
use crate::verdict::{Endpoint, State};

pub(crate) fn chosen(
    scene: &Scene<'_>,
    held: Held<'_>,
    endpoints: &[Endpoint],
    affinity: Option<Affinity>,
) -> Hop {
    let mut says = match endpoints {
        [only] => format!("{} is the only one", only.address),
        all => format!("one of {}, each equally likely", count(all.len(), "endpoint")),
    };
    let mut origins = Vec::new();
    if let Some(hints) = hints(scene, held) {
        append(&mut says, format_args!("; hints keep it in the same {}", hints.what));
        origins.push(hints.origin);
    }
    if let Some(Affinity { timeout_s }) = affinity {
        append(
            &mut says,
            format_args!(
                "; a client that came within {timeout_s} s stays with the endpoint that it had"
            ),
        );
        origins.push(field_of(held.service, "spec.sessionAffinity", "ClientIP"));
    }
    if endpoints.iter().any(|endpoint| endpoint.state == State::Draining) {
        says.push_str("; it terminates and still serves, as nothing is ready");
        origins.push(Origin::new(Object::endpoint_slice(), "endpoints[].conditions.serving", true));
    }
    scene.hop(Stage::Choose, says, origins)
}

pub(crate) struct UsedHints {
    pub(crate) what: &'static str,
    pub(crate) origin: Origin,
}

/// The topology hints that narrowed the choice, if any did.
pub(crate) fn hints(scene: &Scene<'_>, held: Held<'_>) -> Option<UsedHints> {
    let decision = &held.frontend.decision;
    let is_inside = scene.table.node.is_inside(scene.packet);
    let route = if is_inside { decision.inside } else { decision.outside };
    let selection = &held.port.selection;
    let is_hinted =
        route == Route::Pool(PoolKind::Cluster) && selection.cluster.iter().all(|it| it.ready);
    let (what, field, place) = match selection.topology {
        Topology::Ignored => return None,
        Topology::SameZone => {
            ("zone", "endpoints[].hints.forZones", scene.table.node.zone.as_deref()?)
        }
        Topology::SameNode => ("node", "endpoints[].hints.forNodes", &*scene.node().0),
    };
    let origin = Origin::new(Object::endpoint_slice(), field, place);
    is_hinted.then_some(UsedHints { what, origin })
}

fn append(text: &mut String, more: fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes everything");
}
