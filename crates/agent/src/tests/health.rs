//! When is a node well, and when are its Services here?

use std::time::Duration;

use hyper::StatusCode;
use model::{NodeName, ServiceName};

use super::at;
use super::cluster::{SHOP, applied, published};
use crate::health::{Health, healthz, livez, service_health};
use crate::health_check::HealthCheck;
use crate::published::{Pending, Status};

const SYNC_PERIOD: Duration = Duration::from_secs(30);

fn health(manifests: &str, status: Status, node: &str) -> Health {
    let published = published(manifests, "192.168.0.1", status);
    Health::of(&published, &NodeName::new(node), SYNC_PERIOD, at(100))
}

fn pending(since: u64) -> Status {
    Status { pending: Pending { since: Some(at(since)), services: 1, endpoints: 0 }, ..applied() }
}

const WELL: Health = Health { applied: None, is_late: false, is_node_eligible: true };

#[test]
fn health_is_what_the_kernel_acknowledged() {
    let applied_well = Health { applied: Some(at(0)), ..WELL };
    assert_eq!(health(SHOP, Status::default(), "a"), WELL);
    assert_eq!(health(SHOP, applied(), "a"), applied_well);
    assert_eq!(health(SHOP, pending(41), "a"), applied_well);
    assert_eq!(health(SHOP, pending(40), "a"), Health { is_late: true, ..applied_well });
}

#[test]
fn a_node_is_eligible_unless_its_object_says_otherwise() {
    let nodes = "{apiVersion: v1, kind: Node, metadata: {name: a}}\n---\n\
                 {apiVersion: v1, kind: Node, metadata: {name: b}, \
                 spec: {taints: [{key: ToBeDeletedByClusterAutoscaler}]}}\n";
    let is_eligible =
        |manifests: &str, node: &str| health(manifests, applied(), node).is_node_eligible;
    let found = [is_eligible(SHOP, "c"), is_eligible(nodes, "a"), is_eligible(nodes, "b")];
    assert_eq!(found, [true, true, false]);
    assert!(!is_eligible(nodes, "c"), "others are known, and it is not");
}

#[test]
fn healthz_and_livez_say_why() {
    let ok = Health { applied: Some(at(0)), ..WELL };
    let leaving = Health { is_node_eligible: false, ..ok };
    let late = Health { is_late: true, ..ok };
    let family = |updated: &str, healthy: bool| {
        format!(
            "{{\"IPv4\":{{\"lastUpdated\":{updated},\"healthy\":{healthy}}},\
             \"IPv6\":{{\"lastUpdated\":{updated},\"healthy\":{healthy}}}}}"
        )
    };
    let (t0, t100) = ("\"2026-11-25T09:00:00Z\"", "\"2026-11-25T09:01:40Z\"");
    let expected =
        |status: StatusCode, updated: &str, eligible: bool, healthy: bool, of: String| {
            let body = format!(
                "{{\"lastUpdated\":{updated},\"currentTime\":{t100},\"nodeEligible\":{eligible},\
             \"healthy\":{healthy},\"status\":{of}}}"
            );
            (status, body)
        };
    let said = |health| {
        let answer = healthz(health, at(100));
        (answer.status, answer.body)
    };
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(said(ok), expected(StatusCode::OK, t100, true, true, family(t0, true)));
    assert_eq!(said(leaving), expected(unavailable, t0, false, false, family(t0, true)));
    assert_eq!(said(late), expected(unavailable, t0, true, false, family(t0, false)));
    assert_eq!(said(WELL), expected(unavailable, "null", true, false, family("null", false)));
    let alive = livez(leaving, at(100));
    assert_eq!(
        (alive.status, alive.body),
        (
            StatusCode::OK,
            format!(
                "{{\"lastUpdated\":{t100},\"currentTime\":{t100},\"healthy\":true,\
                 \"status\":{}}}",
                family(t0, true)
            )
        )
    );
}

#[test]
fn a_service_is_here_when_it_has_a_ready_endpoint_and_the_dataplane_is_well() {
    let service = ServiceName::new("ns", "n");
    let said = |local_endpoints: usize, is_well: bool| {
        let check = HealthCheck { port: 31_000.try_into().unwrap(), local_endpoints };
        service_health(&service, check, is_well).status
    };
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(
        [said(2, true), said(0, true), said(2, false)],
        [StatusCode::OK, unavailable, unavailable]
    );
}

#[test]
fn only_ready_endpoints_of_this_node_count() {
    let published = published(SHOP, "192.168.0.1", applied());
    let checks: Vec<_> = published
        .health_checks
        .iter()
        .map(|(service, check)| (service.to_string(), check.port.get(), check.local_endpoints))
        .collect();
    assert_eq!(checks, [("shop/web".to_owned(), 31_000, 1)]);
}
