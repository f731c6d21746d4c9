//! How does an object become an advertisement of pools?

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Advertisement, AdvertisementName, LabelSelector, PoolName, PreferredNodes, Rejection};

use crate::api::{self, IntOrString, Kind, ObjectKey};
use crate::label_selector;
use crate::names::Names;
use crate::number::parse_number;
use crate::report::{Report, quoted};

/// The kernel's names of interfaces are shorter than this.
const INTERFACE_NAME_SIZE: usize = 16;

/// A selector that cannot be read selects nothing, and a list of which nothing can be read stays a
/// restriction.
pub(crate) fn read(
    object: &api::L2Advertisement,
    names: &mut Names,
) -> (Advertisement, Vec<Rejection>) {
    let metadata = &object.metadata;
    let mut report = Report::new(ObjectKey::of(Kind::L2Advertisement, metadata).to_origin());
    let spec = &object.spec;
    let mut selectors = |list: &[api::LabelSelector], name: &str| -> Vec<LabelSelector> {
        let all = list.iter().enumerate();
        all.map(|(index, selector)| {
            label_selector::read(selector, &format!("spec.{name}[{index}]"), &mut report)
        })
        .collect()
    };
    let pool_selectors = selectors(&spec.ip_address_pool_selectors, "ipAddressPoolSelectors");
    let node_selectors = selectors(&spec.node_selectors, "nodeSelectors");
    let service_selectors = selectors(&spec.service_selectors, "serviceSelectors");
    let advertisement = Advertisement {
        name: AdvertisementName {
            namespace: names.text(&metadata.namespace),
            name: names.text(&metadata.name),
        },
        pools: spec.ip_address_pools.iter().map(|name| PoolName::new(name.as_str())).collect(),
        pool_selectors,
        node_selectors,
        service_selectors,
        interfaces: interfaces(&spec.interfaces, names, &mut report),
        preferred_nodes: preferred_nodes(&spec.preferred_node_selectors, &mut report),
    };
    (advertisement, report.finish())
}

/// A name that no interface can have stays in the list: without it the list might mean all.
fn interfaces(texts: &[String], names: &mut Names, report: &mut Report) -> BTreeSet<Arc<str>> {
    for (index, text) in texts.iter().enumerate() {
        let is_name = |it: char| !it.is_whitespace() && it != '/';
        if text.is_empty() || text.len() >= INTERFACE_NAME_SIZE || !text.chars().all(is_name) {
            let found = quoted(text);
            report.reject(
                format!("spec.interfaces[{index}]"),
                format!("expected the name of an interface, found {found}; none is called so"),
            );
        }
    }
    texts.iter().map(|text| names.text(text)).collect()
}

fn preferred_nodes(
    list: &[api::PreferredNodeSelector],
    report: &mut Report,
) -> Vec<PreferredNodes> {
    let mut all = Vec::with_capacity(list.len());
    for (index, written) in list.iter().enumerate() {
        let field = format!("spec.preferredNodeSelectors[{index}]");
        // Without one it is zero, which is none of these.
        let weight = written.weight.clone().unwrap_or(IntOrString::Int(0));
        let weight = report.accept(parse_number(&weight, 1..=100), || format!("{field}.weight"));
        let selector =
            label_selector::read(&written.preference, &format!("{field}.preference"), report);
        all.extend(weight.map(|weight| PreferredNodes { weight, selector }));
    }
    all
}
