//! Does a cluster that had another allocator keep what it has, and what is written then?

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Cluster, POOL, service};

/// What somebody has who uses MetalLB, as the API server has it.
const METALLB: &str = include_str!("../../../ipam/src/tests/metallb.yaml");

#[test]
fn no_address_of_metallb_is_written_anew() {
    let mut cluster = Cluster::new(&[METALLB]);
    let ingress = |cluster: &Cluster| -> BTreeMap<_, _> {
        let services = cluster.services.iter();
        let all = services.map(|(name, it)| (name.clone(), it.status.load_balancer.clone()));
        let mut all: BTreeMap<_, _> = all.collect();
        for status in all.values_mut() {
            // What the API server fills in.
            status.ingress.iter_mut().for_each(|it| it.ip_mode = Some("VIP".to_owned()));
        }
        all
    };
    let before = ingress(&cluster);
    let log = cluster.settle();
    let finalizers = log.iter().filter(|it| it.ends_with(": AddFinalizer")).count();
    let services = cluster.services.len();
    // Each gets its finalizer and its condition, and no Event.
    assert_eq!((finalizers, log.len()), (services, 2 * services), "{log:#?}");
    assert_eq!(log.iter().filter(|it| it.contains(" | ")).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(ingress(&cluster), before);
}

#[test]
fn whoever_begins_before_pools_are_known_takes_nothing_back() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    cluster.settle();
    // An API server that has just started says that there is no such kind.
    let pool = ingest::api::ObjectKey {
        kind: ingest::api::Kind::AddressPool,
        namespace: String::new(),
        name: "a".to_owned(),
    };
    cluster.objects.delete(&pool);
    cluster.restart();
    cluster.apply(&[&service("other")]);
    assert_eq!(cluster.settle(), [""; 0]);
    assert_eq!(cluster.balancers.next_due(), Some(Duration::from_secs(61)));
    // When it is known after all, nothing has happened.
    cluster.apply(&[POOL]);
    cluster.settle();
    let addresses = ["web", "other"].map(|name| cluster.addresses(name));
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.2"]);
    // The same while it acts.
    cluster.objects.delete(&pool);
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.apply(&[POOL]);
    assert_eq!(cluster.settle(), [""; 0]);
    // Somebody has taken the pool away while nobody acted.
    cluster.objects.delete(&pool);
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.now = Duration::from_secs(61);
    cluster.settle();
    assert_eq!(["web", "other"].map(|name| cluster.addresses(name)), ["", ""]);
}
