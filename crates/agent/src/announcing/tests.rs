//! Does a node answer only for what it may and can?

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use announce::{View, Vip};
use model::{NodeName, ServiceName};

use super::view::Views;
use crate::published::{Failing, Status};
use crate::tests::answers::config;
use crate::tests::cluster::{applied, ip, published};

const POOL: &str = "
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: segment}
spec: {addresses: [203.0.113.0/24]}
---
apiVersion: v1
kind: Node
metadata: {name: a}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}, {type: ExternalIP, address: 198.51.100.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: b}
status: {addresses: [{type: InternalIP, address: 'fd00::2'}, {type: InternalIP, address: 192.0.2.2}]}
---
apiVersion: v1
kind: Node
metadata: {name: c, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}
status: {addresses: [{type: InternalIP, address: 192.0.2.3}]}
";

/// A Service with this address in its status, and one line more of its spec.
fn service(name: &str, address: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  type: \
         LoadBalancer\n  ports: [{{port: 80}}]\n  {spec}\nstatus: {{loadBalancer: {{ingress: [{{ip: \
         {address}}}]}}}}\n"
    )
}

fn views() -> Views {
    Views::new(Arc::new(config("--load-balancer")))
}

fn next(views: &mut Views, services: &[String], status: Status) -> Option<View> {
    let manifests = [&[POOL.to_owned()], services].concat().concat();
    views.next(&published(&manifests, "127.0.0.1", status))
}

fn served(view: &View) -> Vec<(IpAddr, bool)> {
    view.vips.iter().map(|(address, vip)| (*address, vip.is_served)).collect()
}

#[test]
fn a_view_has_our_addresses_their_candidates_and_where_nodes_are_reached() {
    let services = [
        service("web", "203.0.113.7", ""),
        service("other", "203.0.113.8", "loadBalancerClass: example.com/other"),
        service("elsewhere", "198.51.100.9", ""),
    ];
    let mut views = views();
    let view = next(&mut views, &services, applied()).unwrap();
    // By hashlib: b comes before a.
    let candidates = ["b", "a"].map(NodeName::new);
    let vip = Vip { candidates: candidates.into(), is_served: true, interfaces: None };
    let nodes = [("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "192.0.2.3")];
    let expected = View {
        vips: [(ip("203.0.113.7"), vip)].into(),
        nodes: nodes.map(|(node, address)| (NodeName::new(node), vec![ip(address)])).into(),
        revision: 0,
    };
    assert_eq!(view, expected);
    assert_eq!(next(&mut views, &services, applied()), None);
}

#[test]
fn nothing_is_announced_before_everything_was_read_and_programmed() {
    let services = [service("web", "203.0.113.7", "")];
    let unread = Status { synced: false, ..applied() };
    let unprogrammed = Status { applied: None, ..applied() };
    let found = [unread, unprogrammed].map(|status| next(&mut views(), &services, status));
    assert_eq!(found, [None, None]);
}

#[test]
fn what_the_kernel_refuses_is_not_answered_for() {
    let services = [service("new", "203.0.113.8", ""), service("web", "203.0.113.7", "")];
    let mut views = views();
    let first = next(&mut views, &services[1..], applied()).unwrap();
    assert_eq!(served(&first), [(ip("203.0.113.7"), true)]);
    // It takes nothing more: what it has, it has.
    let behind = Status { generation: 4, ..applied() };
    let second = next(&mut views, &services, behind).unwrap();
    assert_eq!(served(&second), [(ip("203.0.113.7"), true), (ip("203.0.113.8"), false)]);
    let failing = Failing {
        service: ServiceName::new("shop", "web"),
        error: "no space".to_owned(),
        since: SystemTime::UNIX_EPOCH,
        attempts: 1,
    };
    let refused = Status { failing: [failing].into(), ..applied() };
    let third = next(&mut views, &services, refused).unwrap();
    assert_eq!(served(&third), [(ip("203.0.113.7"), false), (ip("203.0.113.8"), true)]);
}
