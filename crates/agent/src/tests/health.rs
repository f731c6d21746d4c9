//! When is a node well, and when are its Services here?

use std::time::Duration;

use hyper::StatusCode;
use model::{ByFamily, NodeName, ServiceName};

use super::at;
use super::cluster::{SHOP, applied, published};
use crate::health::{Health, healthz, livez, service_health};
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
        service_health(&service, local_endpoints, is_well).status
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
    let local_endpoints = ByFamily { v4: Some(1), v6: None };
    assert_eq!(checks, [("shop/web".to_owned(), 31_000, local_endpoints)]);
}

#[test]
fn each_family_counts_its_own_endpoints() {
    let both = SHOP
        .replace("clusterIP: 10.96.0.10", "clusterIPs: [10.96.0.10, 'fd96::10']")
        .replace("addressType: IPv4", "addressType: IPv6")
        .replace("10.1.0.5", "fd01::5")
        .replace("10.2.0.5", "fd02::5");
    let six = both.split("---\n").nth(1).unwrap().replace("name: web-1,", "name: web-6,");
    let text = format!(
        "{}---\n{six}",
        SHOP.replace("clusterIP: 10.96.0.10", "clusterIPs: [10.96.0.10, 'fd96::10']",)
    );
    let published = published(&text, "192.168.0.1", applied());
    let check = published.health_checks.of(&ServiceName::new("shop", "web")).unwrap();
    assert_eq!(check.local_endpoints, ByFamily { v4: Some(1), v6: Some(1) });
}
