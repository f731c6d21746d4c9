//! How many bytes are held for an endpoint, and does a change cost the same in a large cluster?
//!
//! Counted by an allocator, not timed: the numbers are the same on every machine.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use ingest::Objects;
use ingest::api::{
    Endpoint, EndpointPort, EndpointSlice, Object, ObjectReference, Service, ServicePort,
};

const ENDPOINTS_PER_SERVICE: usize = 10;

/// Bytes held for each endpoint, with all that is held of its Service, slice and table.
const BYTES_PER_ENDPOINT_MAX: usize = 310;

/// Allocations for one endpoint's change, with the next table.
const ALLOCATIONS_PER_CHANGE_MAX: usize = 36;

static HELD: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be counted in no other way")]
// SAFETY: every call goes on to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn service(index: usize) -> Object {
    let mut service = Box::<Service>::default();
    service.metadata.namespace = format!("team-{}", index % 20);
    service.metadata.name = format!("service-{index}");
    service.spec.cluster_ip = Some(format!("10.96.{}.{}", index / 256, index % 256));
    let port = ServicePort { port: Some(80.into()), ..ServicePort::default() };
    service.spec.ports = vec![ServicePort { name: Some("http".to_owned()), ..port }];
    Object::Service(service)
}

/// The slice of a Service; `version` is part of the last endpoint's address.
fn slice(index: usize, version: usize) -> Object {
    let mut slice = EndpointSlice { address_type: "IPv4".to_owned(), ..EndpointSlice::default() };
    slice.metadata.namespace = format!("team-{}", index % 20);
    slice.metadata.name = format!("service-{index}-x7x2p");
    let label = "kubernetes.io/service-name".to_owned();
    slice.metadata.labels.insert(label, format!("service-{index}"));
    slice.endpoints = (0..ENDPOINTS_PER_SERVICE)
        .map(|member| {
            let last = if member + 1 == ENDPOINTS_PER_SERVICE { version } else { 0 };
            let number = index * ENDPOINTS_PER_SERVICE + member;
            let (high, low) = (last * 16 + number / 65_536, number % 65_536);
            Endpoint {
                addresses: vec![format!("10.{high}.{}.{}", low / 256, low % 256)],
                node_name: Some(format!("node-{}", number % 100)),
                target_ref: Some(pod(index, number)),
                ..Endpoint::default()
            }
        })
        .collect();
    slice.ports = vec![EndpointPort {
        name: Some("http".to_owned()),
        protocol: Some("TCP".to_owned()),
        port: Some(8080.into()),
        app_protocol: None,
    }];
    Object::EndpointSlice(slice)
}

/// As a Deployment names them.
fn pod(service: usize, number: usize) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        name: Some(format!("service-{service}-7d9c{number:06}")),
        ..ObjectReference::default()
    }
}

struct Cost {
    bytes_held: usize,
    allocations_per_change: usize,
}

fn measure(services: usize) -> Cost {
    let before = HELD.load(Ordering::Relaxed);
    let mut objects = Objects::new();
    for index in 0..services {
        objects.apply(service(index));
        objects.apply(slice(index, 0));
    }
    let table = objects.table();
    assert_eq!((table.services.len(), table.rejections.len()), (services, 0));
    let bytes_held = HELD.load(Ordering::Relaxed) - before;

    let change = slice(services / 2, 1);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    objects.apply(change);
    let next = objects.table();
    let allocations_per_change = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(table.changed_services(&next).len(), 1);
    Cost { bytes_held, allocations_per_change }
}

#[test]
#[expect(clippy::print_stdout, reason = "the numbers are what the test is for")]
fn bytes_held_and_allocations_per_change_are_bounded() {
    for services in [100, 1_000, 5_000, 20_000] {
        let cost = measure(services);
        let per_endpoint = cost.bytes_held / (services * ENDPOINTS_PER_SERVICE);
        println!(
            "{services} Services x {ENDPOINTS_PER_SERVICE}: {} bytes held, {per_endpoint} for each \
             endpoint; {} allocations for one endpoint's change",
            cost.bytes_held, cost.allocations_per_change
        );
        assert!(per_endpoint <= BYTES_PER_ENDPOINT_MAX);
        assert!(cost.allocations_per_change <= ALLOCATIONS_PER_CHANGE_MAX);
    }
}
