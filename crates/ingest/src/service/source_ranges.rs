//! Who may use the load balancer's addresses?

use ipnet::IpNet;
use model::{ServiceKind, SourceRanges};

use crate::address::parse_range;
use crate::api;
use crate::labels::SOURCE_RANGES;
use crate::report::Report;

/// Absent means everybody. A range that cannot be read admits nobody: a misspelt range must not
/// open what was meant to be closed.
pub(super) fn read(
    object: &api::Service,
    kind: &ServiceKind,
    report: &mut Report,
) -> Option<SourceRanges> {
    let written = written(object);
    let (field, _) = written.first()?;
    if *kind != ServiceKind::LoadBalancer {
        report.reject(field, "expected only where type is LoadBalancer; the list is ignored");
        return None;
    }
    let ranges: Vec<IpNet> = written
        .iter()
        .filter_map(|(field, text)| report.accept(parse_range(text), || field.clone()))
        .collect();
    let mut merged = SourceRanges::default();
    for range in IpNet::aggregate(&ranges) {
        merged.0.get_mut(model::Family::of(range.addr())).push(range);
    }
    merged.0.v4.sort();
    merged.0.v6.sort();
    Some(merged)
}

/// Each range with its field. The annotation is the older way to write the list and counts only
/// where the field is empty.
fn written(object: &api::Service) -> Vec<(String, &str)> {
    let ranges = &object.spec.load_balancer_source_ranges;
    if !ranges.is_empty() {
        let field = |index| format!("spec.loadBalancerSourceRanges[{index}]");
        return ranges.iter().enumerate().map(|(i, text)| (field(i), text.trim())).collect();
    }
    let annotation = object.metadata.annotations.get(SOURCE_RANGES).map(String::as_str);
    match annotation.unwrap_or_default().trim() {
        "" => Vec::new(),
        text => {
            let field = || format!("metadata.annotations[{SOURCE_RANGES}]");
            text.split(',').map(|text| (field(), text.trim())).collect()
        }
    }
}
