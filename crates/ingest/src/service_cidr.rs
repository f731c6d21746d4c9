//! How does a ServiceCIDR object become ranges?

use ipnet::IpNet;
use model::Rejection;

use crate::address::parse_range;
use crate::api;
use crate::report::Report;

pub(crate) fn read(object: &api::ServiceCidr) -> (Vec<IpNet>, Vec<Rejection>) {
    let key = api::ObjectKey::of(api::Kind::ServiceCidr, &object.metadata);
    let mut report = Report::new(key.to_origin());
    let mut ranges = Vec::with_capacity(object.spec.cidrs.len());
    for (index, text) in object.spec.cidrs.iter().enumerate() {
        ranges.extend(report.accept(parse_range(text), || format!("spec.cidrs[{index}]")));
    }
    (ranges, report.finish())
}
