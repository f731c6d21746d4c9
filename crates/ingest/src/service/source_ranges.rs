//! Who may use the load balancer's addresses?

use ipnet::IpNet;
use model::{ServiceKind, SourceRanges};

use crate::address::parse_range;
use crate::api;
use crate::report::Report;

/// Absent means everybody. The annotation that was once the way to write the list is for the cloud that
/// makes the load balancer, and not for nodes. A range that cannot be read admits nobody: a misspelt range must not
/// open what was meant to be closed.
pub(super) fn read(
    object: &api::Service,
    kind: &ServiceKind,
    report: &mut Report,
) -> Option<SourceRanges> {
    let written = &object.spec.load_balancer_source_ranges;
    if written.is_empty() {
        return None;
    }
    if !kind.is_load_balancer() {
        let reason = "expected only where type is LoadBalancer; the list is ignored";
        report.reject("spec.loadBalancerSourceRanges", reason);
        return None;
    }
    let field = |index| move || format!("spec.loadBalancerSourceRanges[{index}]");
    let ranges: Vec<IpNet> = written
        .iter()
        .enumerate()
        .filter_map(|(index, text)| report.accept(parse_range(text.trim()), field(index)))
        .collect();
    let mut merged = SourceRanges::default();
    for range in IpNet::aggregate(&ranges) {
        merged.0.get_mut(model::Family::of(range.addr())).push(range);
    }
    merged.0.v4.sort();
    merged.0.v6.sort();
    Some(merged)
}
