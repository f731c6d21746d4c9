//! What is written of Services that get addresses, or do not?

use super::{Cluster, POOL, service, with};

#[test]
fn a_finalizer_comes_before_the_first_address_and_nothing_is_written_twice() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    assert_eq!(
        cluster.settle(),
        [
            "web: AddFinalizer",
            "web: [192.0.2.1] True Allocated: 192.0.2.1 of pool a \
             | Normal IPAllocated: 192.0.2.1 of pool a",
        ]
    );
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
}

#[test]
fn who_gets_nothing_hears_why_and_gets_what_is_given_up() {
    let all = ["a", "b", "c"].map(service);
    let mut cluster = Cluster::new(&[POOL, &all[0], &all[1], &all[2]]);
    cluster.settle();
    let why =
        "pool a: no IPv4 address is left (2 of 2 are in use); hint: add addresses to the pool a";
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.apply(&[&with("c", "loadBalancerIP: 192.0.2.9")]);
    let pools = "192.0.2.9 is in no pool; hint: ask for one of a pool, or add it to one";
    assert_eq!(
        cluster.settle(),
        [format!("c: [] False AddressNotInPool: {pools} | Warning AllocationFailed: {pools}")]
    );
    cluster.apply(&[&service("c")]);
    assert_eq!(
        cluster.settle(),
        [format!("c: [] False OutOfAddresses: {why} | Warning AllocationFailed: {why}")]
    );
    cluster.delete("a");
    assert_eq!(
        cluster.settle(),
        [
            "a: [] False Released: it has no address of ours any more \
             | Normal DeletedLoadBalancer: gave up 192.0.2.1",
            "a: RemoveFinalizer",
            "a is gone",
            "c: AddFinalizer",
            "c: [192.0.2.1] True Allocated: 192.0.2.1 of pool a \
             | Normal IPAllocated: 192.0.2.1 of pool a",
        ]
    );
}

#[test]
fn nobody_is_given_what_another_still_says_that_it_has() {
    let mut cluster = Cluster::new(&[POOL, &service("z"), &with("a", "loadBalancerIP: 192.0.2.2")]);
    cluster.settle();
    assert_eq!(
        (cluster.addresses("z"), cluster.addresses("a")),
        ("192.0.2.1".into(), "192.0.2.2".into())
    );
    // They change places.
    cluster
        .apply(&[&with("z", "loadBalancerIP: 192.0.2.2"), &with("a", "loadBalancerIP: 192.0.2.1")]);
    let mut log = Vec::new();
    while cluster.write_one() {
        log.push((cluster.addresses("a"), cluster.addresses("z")));
        let (a, z) = log.last().expect("one was pushed");
        assert!(a != z || a.is_empty(), "both have {a}");
    }
    assert_eq!(
        (cluster.addresses("z"), cluster.addresses("a")),
        ("192.0.2.2".into(), "192.0.2.1".into())
    );
}

#[test]
fn half_of_what_is_preferred_is_told_and_the_other_half_comes_later() {
    let v4 = "{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: p}, \
              spec: {addresses: [192.0.2.7]}}";
    let both = "{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: p}, \
                spec: {addresses: [192.0.2.7, 'fd00::7']}}";
    let dual = "clusterIPs: [10.96.0.1, 'fd96::1'], ipFamilyPolicy: PreferDualStack";
    let mut cluster = Cluster::new(&[v4, &with("web", dual)]);
    let why = "pool p: has no IPv6 addresses; hint: add IPv6 addresses to the pool p";
    assert_eq!(
        cluster.settle(),
        [
            "web: AddFinalizer".to_owned(),
            format!(
                "web: [192.0.2.7] True PartlyAllocated: 192.0.2.7 of pool p; {why} \
                 | Normal IPAllocated: 192.0.2.7 of pool p | Warning AdditionalAssignFailed: {why}"
            ),
        ]
    );
    cluster.apply(&[both]);
    let got = "192.0.2.7 of pool p, fd00::7 of pool p";
    assert_eq!(
        cluster.settle(),
        [format!("web: [192.0.2.7 fd00::7] True Allocated: {got} | Normal IPAllocated: {got}")]
    );
}

#[test]
fn addresses_that_others_gave_are_not_given_again() {
    let foreign = "{apiVersion: v1, kind: Service, metadata: {name: theirs, namespace: shop},
        spec: {type: LoadBalancer, clusterIP: 10.96.0.2, loadBalancerClass: example.com/x, ports: [{port: 80}]},
        status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}";
    let mut cluster = Cluster::new(&[POOL, foreign, &service("web")]);
    cluster.settle();
    assert_eq!(
        (cluster.addresses("theirs"), cluster.addresses("web")),
        ("192.0.2.1".into(), "192.0.2.2".into())
    );
}

#[test]
fn who_has_no_cluster_ip_yet_is_not_spoken_of() {
    let unborn = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop},
        spec: {type: LoadBalancer, ports: [{port: 80}]}}";
    let mut cluster = Cluster::new(&[POOL, unborn]);
    assert_eq!(cluster.settle(), [""; 0]);
}

#[test]
fn a_condition_tells_which_generation_it_is_true_of() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    cluster.edit("web", |service| service.metadata.generation = Some(1));
    cluster.settle();
    cluster.edit("web", |service| service.metadata.generation = Some(2));
    assert_eq!(cluster.settle(), ["web: [192.0.2.1] True Allocated: 192.0.2.1 of pool a"]);
    assert_eq!(cluster.settle(), [""; 0]);
}
