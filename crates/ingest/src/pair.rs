//! Which endpoints has each port of a Service?

use std::sync::Arc;

use model::limits::ENDPOINTS_PER_POOL_MAX;
use model::{
    Endpoint, EndpointSlice, Family, Object, Rejection, Service, ServiceKind, ServicePort,
};

use crate::merge::{Contradiction, Entry, by_address, has_each_once};
use crate::report::Report;

/// Gives each port the endpoints that the slices have under its name and protocol; its number plays
/// no part, and each slice may have another one.
///
/// A list that one slice alone makes up is that slice's; a list as in `old` stays that one.
pub(crate) fn pair(
    mut service: Service,
    slices: &[Arc<EndpointSlice>],
    old: Option<&Service>,
) -> (Service, Vec<Rejection>) {
    let slices = if matches!(service.kind, ServiceKind::ExternalName(_)) { &[] } else { slices };
    service.slices = keep(slices, old.map(|old| &old.slices));
    let mut report = Report::new(Object::Service(service.name.clone()));
    let mut contradictions = Vec::new();
    let mut ports = std::mem::take(&mut service.ports);
    for (index, port) in ports.iter_mut().enumerate() {
        let old = old.and_then(|old| old.ports.iter().find(|old| old.name == port.name));
        for family in Family::ALL {
            let slices = lists(&service, port, family, slices);
            let old = old.map(|old| old.endpoints.get(family));
            let (endpoints, found) = join(&slices, old, |count| {
                report.reject(
                    format!("spec.ports[{index}]"),
                    format!(
                        "expected at most {ENDPOINTS_PER_POOL_MAX} {family} endpoints, found \
                         {count}; those with the lowest addresses are used"
                    ),
                );
            });
            *port.endpoints.get_mut(family) = endpoints;
            contradictions.extend(found.into_iter().map(|it| rejection(&service, &slices, &it)));
        }
    }
    service.ports = ports;
    let mut rejections = report.finish();
    contradictions.sort();
    contradictions.dedup();
    contradictions.truncate(CONTRADICTIONS_MAX);
    rejections.append(&mut contradictions);
    (service, rejections)
}

/// The slices as a list, which is that of `old` where they are the same.
pub(crate) fn keep(
    slices: &[Arc<EndpointSlice>],
    old: Option<&Arc<[Arc<EndpointSlice>]>>,
) -> Arc<[Arc<EndpointSlice>]> {
    match old {
        Some(old) if **old == *slices => Arc::clone(old),
        _ => slices.into(),
    }
}

/// Contradictions between the slices of one Service that are told.
const CONTRADICTIONS_MAX: usize = 32;

/// What one slice has for a port.
type NamedList<'a> = (&'a Arc<str>, &'a Arc<[Endpoint]>);

fn lists<'a>(
    service: &Service,
    port: &ServicePort,
    family: Family,
    slices: &'a [Arc<EndpointSlice>],
) -> Vec<NamedList<'a>> {
    let has_address = !service.cluster_ips.is_empty();
    slices
        .iter()
        .filter(|slice| slice.family == family && !(has_address && slice.is_headless))
        .filter_map(|slice| {
            let mut ports = slice.ports.iter();
            let same = ports.find(|it| it.name == port.name && it.protocol == port.protocol)?;
            Some((&slice.name, &same.endpoints))
        })
        .collect()
}

fn join(
    lists: &[NamedList<'_>],
    old: Option<&Arc<[Endpoint]>>,
    mut too_many: impl FnMut(usize),
) -> (Arc<[Endpoint]>, Vec<Contradiction>) {
    let (merged, mut contradictions) = match lists {
        [] => (Arc::default(), Vec::new()),
        [(_, only)] if has_each_once(only) => (Arc::clone(only), Vec::new()),
        several => by_address(
            several
                .iter()
                .enumerate()
                .flat_map(|(place, (_, list))| {
                    list.iter().map(move |endpoint| Entry { endpoint: endpoint.clone(), place })
                })
                .collect(),
        ),
    };
    let merged = match merged.get(..ENDPOINTS_PER_POOL_MAX) {
        Some(first) if merged.len() > ENDPOINTS_PER_POOL_MAX => {
            too_many(merged.len());
            let is_usable = |endpoint: &&Endpoint| endpoint.ready || endpoint.serving;
            let (usable, others): (Vec<_>, Vec<_>) = merged.iter().partition(is_usable);
            let mut kept: Vec<Endpoint> =
                usable.into_iter().chain(others).take(first.len()).cloned().collect();
            kept.sort_by_key(|endpoint| endpoint.address);
            kept.into()
        }
        _ => merged,
    };
    // What the slice says of itself is told when it is read.
    contradictions.retain(|it| it.kept.place != it.lost.place);
    let is_shared = matches!(lists, [(_, only)] if Arc::ptr_eq(only, &merged));
    match old {
        Some(old) if !is_shared && *old == merged => (Arc::clone(old), contradictions),
        _ => (merged, contradictions),
    }
}

fn rejection(service: &Service, lists: &[NamedList<'_>], it: &Contradiction) -> Rejection {
    let name_at = |place: usize| {
        let list = lists.get(place);
        list.map(|(name, _)| Arc::clone(name)).expect("the place is an index of these lists")
    };
    let namespace = &service.name.namespace;
    let object =
        Object::EndpointSlice { namespace: Arc::clone(namespace), name: name_at(it.lost.place) };
    Rejection::new(
        object,
        "endpoints[].nodeName",
        format!(
            "expected {} for {} as in EndpointSlice {namespace}/{}, found {}",
            it.kept.node,
            it.address.ip(),
            name_at(it.kept.place),
            it.lost.node
        ),
    )
}
