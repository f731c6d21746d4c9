//! Does a cluster keep its addresses when it changes over from another allocator?

use std::net::IpAddr;

use ingest::api::Object;
use ingest::manifest::{Manifest, parse};
use ingest::{Objects, address_request};

use super::{HOUR, told};
use crate::{Allocator, Settings, Surroundings};

/// What somebody has who uses MetalLB: pools for teams and for all, one that is only asked for, and
/// Services in every way in which they can have got their addresses, as the API server has them.
const METALLB: &str = include_str!("metallb.yaml");

struct Cluster {
    allocator: Allocator,
    /// Each Service, with the addresses of its status.
    had: Vec<(String, Vec<IpAddr>)>,
}

fn cluster(text: &str, settle_each: bool) -> Cluster {
    let (manifests, rejections) = parse("metallb.yaml", text);
    assert_eq!(rejections, []);
    let mut objects = Objects::new();
    let mut cluster = Cluster { allocator: Allocator::new(Settings::default()), had: Vec::new() };
    let mut requests = Vec::new();
    for manifest in manifests {
        let Manifest::Object(object) = manifest else { continue };
        if let Object::Service(service) = &object {
            let request = address_request(service).expect("it asks for addresses");
            cluster.had.push((request.service.to_string(), request.held.clone()));
            requests.push(request);
        }
        objects.apply(object);
    }
    let table = objects.table();
    assert_eq!(table.rejections.to_vec(), []);
    for (name, namespace) in &table.namespaces {
        cluster.allocator.set_namespace(name, namespace.labels.clone());
    }
    cluster.allocator.set_surroundings(Surroundings::of(&table));
    for pool in table.address_pools.values() {
        cluster.allocator.apply_pool(model::AddressPool::clone(pool));
    }
    for request in requests {
        cluster.allocator.apply(request);
        if settle_each {
            cluster.allocator.settle(HOUR);
        }
    }
    cluster.allocator.settle(HOUR);
    cluster
}

#[test]
fn every_service_of_metallb_keeps_every_address() {
    // Even those whose turn comes last, when all others have been served.
    for settle_each in [false, true] {
        let Cluster { allocator, had } = cluster(METALLB, settle_each);
        assert_eq!(had.len(), 9);
        for (service, had) in had {
            let outcome = allocator.outcome(&super::name(&service)).expect("it asks");
            let has: Vec<IpAddr> = outcome.addresses.iter().map(|(address, _)| *address).collect();
            assert_eq!((has, &outcome.refusal), (had, &None), "{service}");
        }
        let problems = allocator.problems().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            problems,
            [
                "IPAddressPool metallb-system/public spec.addresses: 192.0.2.10 is in use for Node n1; it \
              is not given"
            ]
        );
    }
}

#[test]
fn the_same_services_without_a_status_get_what_they_ask_for() {
    let (before, _) = METALLB.split_once("---\n# Services").expect("the Services come last");
    let services = METALLB.strip_prefix(before).expect("it is split there");
    let without: Vec<&str> = services.lines().filter(|line| !line.starts_with("status:")).collect();
    let Cluster { allocator, had } = cluster(&format!("{before}{}", without.join("\n")), false);
    assert!(had.iter().all(|(_, had)| had.is_empty()));
    let services =
        ["shop/asked", "shop/asked-pair", "shop/manual", "shop/udp", "shop/tcp", "team/own"];
    assert_eq!(
        super::all_told(&allocator, services),
        [
            "192.0.2.77 of public",
            "192.0.2.78 of public | 2001:db8::78 of public",
            "198.51.100.1 of manual",
            "192.0.2.53 of public",
            "192.0.2.53 of public",
            "203.0.113.0 of team",
        ]
    );
    assert_eq!(told(&allocator, "shop/plain"), "192.0.2.5 of public");
}
