//! What becomes of what was written when a Service is no longer ours?

use ingest::api::{Condition, Ingress};

use super::{ALLOCATED, Cluster, FINALIZER, POOL, service, with};

const RELEASED: &str = "web: [] False Released: it has no address of ours any more";

#[test]
fn a_service_of_another_type_gives_up_all_that_was_ours() {
    let mut cluster = Cluster::new(&[POOL, &service("web"), &service("x")]);
    cluster.settle();
    cluster.edit("web", |service| service.spec.kind = Some("ClusterIP".to_owned()));
    assert_eq!(
        cluster.settle(),
        [
            &format!("{RELEASED} | Normal DeletedLoadBalancer: gave up 192.0.2.1"),
            "web: RemoveFinalizer",
            "web: [] no condition",
        ]
    );
    // Its address is another's now, and it gets another one when it comes back later.
    cluster.apply(&[&with("y", "loadBalancerIP: 192.0.2.1")]);
    cluster.settle();
    assert_eq!(cluster.addresses("y"), "192.0.2.1");
}

#[test]
fn each_step_of_the_end_can_be_the_last_of_a_process() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    cluster.settle();
    cluster.edit("web", |service| service.spec.kind = Some("ClusterIP".to_owned()));
    let mut steps = 0;
    while cluster.write_one() {
        cluster.restart();
        steps += 1;
    }
    let left = &cluster.services[&model::ServiceName::new("shop", "web")];
    assert_eq!((steps, &left.metadata.finalizers, &left.status), (3, &vec![], &Default::default()));
}

#[test]
fn whoever_goes_before_it_got_anything_is_let_go_at_once() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    assert!(cluster.write_one());
    cluster.log.clear();
    cluster.delete("web");
    assert_eq!(cluster.settle(), ["web: RemoveFinalizer", "web is gone"]);
}

#[test]
fn a_service_of_another_class_is_not_touched() {
    let other = with("web", "loadBalancerClass: example.com/other");
    let mut cluster = Cluster::new(&[POOL, &other]);
    cluster.edit("web", |service| service.metadata.finalizers.push(FINALIZER.to_owned()));
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.delete("web");
    assert_eq!(cluster.settle(), [""; 0]);
    // One that was ours, when the default class was another.
    let ours = Condition { kind: ALLOCATED.to_owned(), ..Condition::default() };
    cluster.edit("web", |service| service.status.conditions.push(ours));
    assert_eq!(cluster.settle(), [RELEASED, "web: RemoveFinalizer", "web is gone"]);
}

#[test]
fn a_finalizer_of_ours_goes_also_where_nothing_else_was_written() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    assert!(cluster.write_one());
    assert_eq!(cluster.log, ["web: AddFinalizer"]);
    // The process ends here, and another begins after the type was changed.
    cluster.edit("web", |service| service.spec.kind = Some("ClusterIP".to_owned()));
    cluster.restart();
    assert_eq!(cluster.settle(), ["web: RemoveFinalizer"]);
    let left = &cluster.services[&model::ServiceName::new("shop", "web")];
    assert_eq!((&left.metadata.finalizers, left.metadata.annotations.len()), (&vec![], 0));
}

#[test]
fn what_somebody_else_gave_is_not_told_as_ours_when_only_the_finalizer_was() {
    let mut cluster = Cluster::new(&[POOL, &service("web")]);
    assert!(cluster.write_one());
    cluster.edit("web", |service| {
        service.spec.load_balancer_class = Some("example.com/other".to_owned());
        let theirs = Ingress { ip: Some("198.51.100.1".to_owned()), ..Ingress::default() };
        service.status.load_balancer.ingress.push(theirs);
    });
    cluster.restart();
    assert_eq!(cluster.settle(), ["web: RemoveFinalizer"]);
    assert_eq!(cluster.addresses("web"), "198.51.100.1");
}
