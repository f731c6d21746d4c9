//! How does an object become a pool of load balancer addresses?

use std::net::IpAddr;
use std::sync::Arc;

use model::{AddressPool, AddressRange, Announcing, PoolName, PoolSelectors};

use crate::address::{InvalidAddress, parse_address, parse_range, parse_reachable};
use crate::address_pools::PoolAndRejections;
use crate::api::{self, Kind, ObjectKey};
use crate::label_selector;
use crate::number::parse_number;
use crate::report::{Report, quoted};
use crate::time::parse_time;

/// Entries of one list of addresses; more are rejected.
const RANGES_MAX: usize = 1_024;

pub(crate) fn read(object: &api::AddressPool) -> PoolAndRejections {
    let spec = &object.spec;
    let flags = Flags {
        avoid_edges: spec.avoid_edges.unwrap_or_default(),
        auto_assign: spec.auto_assign.unwrap_or(true),
        disabled: spec.disabled.unwrap_or_default(),
        announcing: match spec.announce {
            None | Some(true) => Announcing::Always,
            Some(false) => Announcing::Never,
        },
    };
    let lists = (spec.addresses.as_slice(), spec.reserved.as_slice());
    read_pool(Kind::AddressPool, &object.metadata, lists, flags, ("spec", &spec.admits))
}

pub(crate) fn read_metallb(object: &api::IpAddressPool) -> PoolAndRejections {
    let spec = &object.spec;
    let flags = Flags {
        avoid_edges: spec.avoid_buggy_ips.unwrap_or_default(),
        auto_assign: spec.auto_assign.unwrap_or(true),
        disabled: false,
        announcing: Announcing::Unsaid,
    };
    let admits = ("spec.serviceAllocation", &spec.service_allocation);
    read_pool(Kind::IpAddressPool, &object.metadata, (&spec.addresses, &[]), flags, admits)
}

#[derive(Clone, Copy)]
struct Flags {
    avoid_edges: bool,
    auto_assign: bool,
    disabled: bool,
    announcing: Announcing,
}

fn read_pool(
    kind: Kind,
    metadata: &api::Metadata,
    (addresses, reserved): (&[String], &[String]),
    flags: Flags,
    (field, admits): (&str, &api::ServiceAllocation),
) -> PoolAndRejections {
    let object = ObjectKey::of(kind, metadata).to_origin();
    let mut report = Report::new(object.clone());
    if addresses.is_empty() {
        report.reject("spec.addresses", "expected at least one address, found none");
    }
    let Flags { avoid_edges, auto_assign, disabled, announcing } = flags;
    let labels = metadata.labels.iter();
    let created = metadata.creation_timestamp.as_deref().map(parse_time);
    let created = created
        .map(|time| report.accept(time, || "metadata.creationTimestamp".to_owned()))
        .map(|time| time.map_or(i64::MAX, |(seconds, _)| seconds));
    let pool = AddressPool {
        name: PoolName::new(metadata.name.as_str()),
        object,
        created_s: created.unwrap_or_default(),
        labels: labels.map(|(it, value)| (it.as_str().into(), value.as_str().into())).collect(),
        ranges: ranges("spec.addresses", addresses, &mut report),
        reserved: ranges("spec.reserved", reserved, &mut report),
        avoid_edges,
        auto_assign,
        disabled,
        priority: priority(field, admits, &mut report),
        admits: selectors(field, admits, &mut report),
        announcing,
    };
    (Arc::new(pool), report.finish())
}

fn ranges(field: &str, texts: &[String], report: &mut Report) -> Vec<AddressRange> {
    if texts.len() > RANGES_MAX {
        let found = texts.len();
        let reason = format!("expected at most {RANGES_MAX}, found {found}; the first are used");
        report.reject(field, reason);
    }
    let texts = texts.iter().take(RANGES_MAX).enumerate();
    texts
        .filter_map(|(index, text)| report.accept(range(text), || format!("{field}[{index}]")))
        .collect()
}

/// Reads an address, a CIDR, or two addresses with a dash between.
fn range(text: &str) -> Result<AddressRange, String> {
    let address = |text: &str| parse_reachable(text).map_err(|error| error.to_string());
    let range = if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (address(first.trim())?, address(last.trim())?);
        AddressRange::new(first, last).map_err(|error| error.to_string())?
    } else if text.contains('/') {
        AddressRange::from(parse_range(text).map_err(|error| error.to_string())?)
    } else {
        match parse_address(text) {
            Err(InvalidAddress::Malformed(_)) => {
                let found = quoted(text);
                return Err(format!(
                    "expected an address, a range such as 192.0.2.0/24, or 192.0.2.1-192.0.2.9, found {found}"
                ));
            }
            _ => AddressRange::from(address(text)?),
        }
    };
    for end in [range.first(), range.last()] {
        reachable(end)?;
    }
    Ok(range)
}

fn reachable(address: IpAddr) -> Result<(), String> {
    parse_reachable(&address.to_string()).map(drop).map_err(|error| error.to_string())
}

/// Zero is what MetalLB writes for none.
fn priority(field: &str, admits: &api::ServiceAllocation, report: &mut Report) -> Option<u32> {
    let number = parse_number(admits.priority.as_ref()?, 0..=i32::MAX.unsigned_abs());
    report.accept(number, || format!("{field}.priority")).filter(|number| *number != 0)
}

fn selectors(field: &str, admits: &api::ServiceAllocation, report: &mut Report) -> PoolSelectors {
    let mut read = |list: &[api::LabelSelector], name: &str| {
        let all = list.iter().enumerate();
        all.map(|(index, selector)| {
            label_selector::read(selector, &format!("{field}.{name}[{index}]"), report)
        })
        .collect()
    };
    PoolSelectors {
        namespaces: admits.namespaces.iter().map(|name| name.as_str().into()).collect(),
        namespace_selectors: read(&admits.namespace_selectors, "namespaceSelectors"),
        service_selectors: read(&admits.service_selectors, "serviceSelectors"),
    }
}
