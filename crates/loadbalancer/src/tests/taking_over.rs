//! Does a cluster that had another allocator keep what it has, and what is written then?

use std::collections::BTreeMap;

use super::Cluster;

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
