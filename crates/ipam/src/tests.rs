//! How do tests write pools and Services, and how do they read what came of them?

use std::net::IpAddr;
use std::time::Duration;

use model::{
    AddressPool, AddressRange, AddressRequest, Announcing, Family, FamilyPolicy, LabelSelector,
    Labels, Object, Operator, PoolName, PoolSelectors, Protocol, Requirement, ServiceName, Sharing,
    SharingScope,
};

use crate::{Allocator, Settings};

mod changing_pools;
mod cost;
mod dual_stack;
mod histories;
mod holding_down;
mod keeping;
mod order_of_pools;
mod refusals;
mod requests;
mod sharing;
mod sizes;
mod taking_over;

const HOUR: Duration = Duration::from_hours(1);

fn ranges(text: &str) -> Vec<AddressRange> {
    text.split_whitespace().map(|range| range.parse().expect("a range")).collect()
}

/// A pool for everybody, of ranges with spaces between.
fn pool(name: &str, addresses: &str) -> AddressPool {
    AddressPool {
        name: PoolName::new(name),
        object: Object::Other { kind: "AddressPool".into(), name: name.into() },
        created_s: 0,
        ranges: ranges(addresses),
        reserved: Vec::new(),
        avoid_edges: false,
        auto_assign: true,
        disabled: false,
        priority: None,
        admits: PoolSelectors::default(),
        labels: Labels::new(),
        announcing: Announcing::Always,
    }
}

/// `team=a` and the like.
fn selector(text: &str) -> LabelSelector {
    let (label, value) = text.split_once('=').expect("label=value");
    let operator = Operator::In([value.into()].into());
    LabelSelector(vec![Requirement { label: label.into(), operator }])
}

fn for_namespace(name: &str) -> PoolSelectors {
    PoolSelectors { namespaces: [name.into()].into(), ..PoolSelectors::default() }
}

fn name(text: &str) -> ServiceName {
    text.parse().expect("namespace/name")
}

/// A Service of one family with TCP port 80, that asks for nothing more.
fn service(text: &str) -> AddressRequest {
    AddressRequest {
        service: name(text),
        created_s: 0,
        class: None,
        labels: [].into(),
        families: vec![Family::V4],
        family_policy: FamilyPolicy::SingleStack,
        addresses: Vec::new(),
        pool: None,
        unclear: None,
        sharing: None,
        ports: [(Protocol::Tcp, 80.try_into().expect("not zero"))].into(),
        local_selector: None,
        held: Vec::new(),
    }
}

fn addresses(text: &str) -> Vec<IpAddr> {
    text.split_whitespace().map(|it| it.parse().expect("an address")).collect()
}

fn asking_for(service: AddressRequest, text: &str) -> AddressRequest {
    AddressRequest { addresses: addresses(text), ..service }
}

fn holding(service: AddressRequest, text: &str) -> AddressRequest {
    AddressRequest { held: addresses(text), ..service }
}

fn in_pool(service: AddressRequest, pool: &str) -> AddressRequest {
    AddressRequest { pool: Some(PoolName::new(pool)), ..service }
}

fn dual(service: AddressRequest, family_policy: FamilyPolicy) -> AddressRequest {
    AddressRequest { families: vec![Family::V4, Family::V6], family_policy, ..service }
}

/// A Service that shares by a key and has a port of its own.
fn sharing(text: &str, key: &str, port: u16) -> AddressRequest {
    AddressRequest {
        sharing: Some(Sharing { key: key.into(), with: SharingScope::AnyNamespace }),
        ports: [(Protocol::Tcp, port.try_into().expect("not zero"))].into(),
        ..service(text)
    }
}

/// One that knows these pools and Services, and has settled.
fn allocator<const P: usize, const S: usize>(
    pools: [AddressPool; P],
    services: [AddressRequest; S],
) -> Allocator {
    let mut allocator = Allocator::new(Settings::default());
    pools.into_iter().for_each(|pool| allocator.apply_pool(pool));
    services.into_iter().for_each(|service| allocator.apply(service));
    allocator.settle(Duration::ZERO);
    allocator
}

/// The addresses of a Service, and why there are not more.
fn told(allocator: &Allocator, service: &str) -> String {
    let Some(outcome) = allocator.outcome(&name(service)) else { return "unknown".to_owned() };
    let addresses = outcome.addresses.iter().map(|(address, pool)| format!("{address} of {pool}"));
    addresses.chain(outcome.refusal.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" | ")
}

fn all_told<const N: usize>(allocator: &Allocator, services: [&str; N]) -> [String; N] {
    services.map(|service| told(allocator, service))
}

fn problems(allocator: &Allocator) -> Vec<String> {
    allocator.problems().iter().map(ToString::to_string).collect()
}
