//! Do several ports of a Service lead each to its own port of each pod?

use serde_json::json;

use super::Case;
use super::cluster::Transport::Tcp;
use super::cluster::{Server, Site, tcp};

pub(super) const CASES: [Case; 3] = [
    ("multiport_endpoints", multiport_endpoints),
    ("ports_added_and_deleted", ports_added_and_deleted),
    ("named_target_port_differs", named_target_port_differs),
];

/// "should serve multiport endpoints from pods": each pod has but one of the ports, and that by name.
fn multiport_endpoints(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: multi}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: multi}
  ports:
  - {name: portname1, port: 80, targetPort: svc1}
  - {name: portname2, port: 81, targetPort: svc2}
",
    );
    let ips = site.cluster_ips("multi");
    let (first, second) = (tcp(ips.clone(), 80), tcp(ips, 81));
    site.await_refused(&first);
    site.await_refused(&second);
    let ports = &[("svc1", Tcp, 100)];
    site.server(&Server { name: "one", node: "node-1", app: "multi", ports });
    site.await_pods(&first, &["one"]);
    site.await_refused(&second);
    let ports = &[("svc2", Tcp, 101)];
    site.server(&Server { name: "two", node: "node-2", app: "multi", ports });
    site.await_pods(&second, &["two"]);
    site.await_pods(&first, &["one"]);
    site.delete("pod one");
    site.await_refused(&first);
    site.await_pods(&second, &["two"]);
    site.delete("pod two");
    site.await_refused(&second);
}

/// "should be updated after adding or deleting ports".
fn ports_added_and_deleted(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{name: first, port: 80}]
",
    );
    let ports = &[("first", Tcp, 80), ("second", Tcp, 8080)];
    site.server(&Server { name: "one", node: "node-2", app: "web", ports });
    let ips = site.cluster_ips("web");
    let (first, second) = (tcp(ips.clone(), 80), tcp(ips, 81));
    site.await_pods(&first, &["one"]);
    site.await_refused(&second);
    let (http, more) = (
        json!({"name": "first", "port": 80, "targetPort": 80}),
        json!({"name": "second", "port": 81, "targetPort": 8080}),
    );
    site.patch("service web", &json!({"spec": {"ports": [http, more]}}));
    site.await_pods(&second, &["one"]);
    site.await_pods(&first, &["one"]);
    site.patch("service web", &json!({"spec": {"ports": [more]}}));
    site.await_refused(&first);
    site.await_pods(&second, &["one"]);
}

/// "should support named targetPorts that resolve to different ports on different endpoints".
fn named_target_port_differs(site: &Site<'_>) {
    site.apply(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
",
    );
    let ports = &[("http", Tcp, 8080)];
    site.server(&Server { name: "one", node: "node-1", app: "web", ports });
    let ports = &[("http", Tcp, 9090)];
    site.server(&Server { name: "two", node: "node-2", app: "web", ports });
    site.await_pods(&tcp(site.cluster_ips("web"), 80), &["one", "two"]);
}
