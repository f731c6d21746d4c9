//! What becomes of a lab whose API server is away, and how soon after its return is all as the objects
//! say?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::control_plane::ControlPlane;

use super::checks::{Check, checks, none_of, times};
use super::{SHOP, answering, await_service, cluster_ips, joined, pods};
use crate::control_plane::get;
use crate::traffic::{Client, Traffic, Way, under};

/// So long the API server of the nodes is away.
const AWAY: Duration = Duration::from_secs(60);

/// So soon after its return all must be as the objects say.
const SOON: Duration = Duration::from_secs(2);

/// What `kept` serves is asked all the time. The rest is there to be changed: `gone` is deleted, `fewer`
/// loses pods, `more` gets some, and whoever keeps the slices of `pinned` names another pod.
const CLUSTER: &str = include_str!("away.yaml");

const FRESH: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: fresh}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: kept}
  ports:
  - {name: tcp, port: 80}
  - {name: udp, port: 80, protocol: UDP}
"#;

#[test]
fn what_runs_goes_on_while_the_api_server_is_away() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = ControlPlane::up() else { return };
    let lab = joined(&control_plane);
    control_plane.apply(SHOP);
    control_plane.kubectl("wait --for=condition=Ready pod/client --timeout=30s");
    control_plane.kubectl("rollout status deployment/web --timeout=30s");
    await_service(&lab, &control_plane);
    let (targets, before) = (cluster_ips(&control_plane), pods(&control_plane));
    control_plane.order("kill", &["kube-apiserver"]);
    // One of them crashes meanwhile, and is restarted without anybody's being asked.
    let pod = before.iter().find_map(|it| it.clone().ok()).unwrap();
    lab.netns(&format!("pod.default.{pod}")).kill_all().unwrap();
    lab.await_that("it was not restarted", |lab| {
        let all = lab.pods();
        let found = all.iter().find(|it| it["name"] == json!(pod)).unwrap();
        found["restarts"] != json!(0) && found["ready"] == json!(true)
    });
    for target in targets {
        assert_eq!(answering(&lab, target), before);
    }
    control_plane.order("start", &["kube-apiserver"]);
    lab.await_that("the API server was not told", |lab| {
        let status = get(&control_plane, &format!("pod {pod}"))["status"].clone();
        let restarts = &status["containerStatuses"][0]["restartCount"];
        lab.pods().iter().any(|it| it["name"] == json!(pod) && it["restarts"] == *restarts)
            && *restarts != json!(0)
    });
    // Whoever watches over nodes says that pods of a silent one are unready, and leaves the rest to
    // the kubelet.
    let unready = r#"{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    control_plane.kubectl(&format!("patch pod {pod} --subresource=status -p {unready}"));
    let ready = "--for=condition=Ready";
    control_plane.kubectl(&format!("wait {ready} pod/{pod} --timeout=30s"));
    control_plane.kubectl("delete deployment/web --wait=false");
    control_plane.kubectl("wait --for=delete pod -l app=web --timeout=30s");
}

#[test]
fn two_seconds_after_an_api_server_is_back_all_is_as_the_objects_say() {
    if host::skip::without_root() {
        return;
    }
    // The cluster goes on at the other server, where nobody is to hold it against the nodes that they
    // cannot say that they are alive.
    let patient = ["--with", "kube-controller-manager:--node-monitor-grace-period=5m"];
    let Some(control_plane) = ControlPlane::up_with(2, &patient) else { return };
    let lab = joined(&control_plane);
    control_plane.apply(CLUSTER);
    for name in ["daemonset/kept", "deployment/fewer", "deployment/more"] {
        control_plane.kubectl(&format!("rollout status {name} --timeout=60s"));
    }
    control_plane.kubectl("wait --for=condition=Ready pod/client-1 pod/client-2 --timeout=30s");
    pin(&control_plane, 0);
    let before = ["kept", "gone", "fewer", "fewer-headless", "more", "pinned"];
    let before = checks(&control_plane, &before);
    drop(times(&lab, &before));
    under(&lab, clients(&control_plane), |traffic| {
        control_plane.order("kill", &["kube-apiserver"]);
        change(&control_plane, traffic);
        let mut after = none_of(&before, "gone");
        after.extend(checks(
            &control_plane,
            &["kept", "fresh", "fewer", "fewer-headless", "pinned"],
        ));
        // Nobody has told the nodes yet.
        let fresh = after.iter().filter(|it| it.service == "fresh");
        assert_eq!(fresh.filter(|it| it.is_so(&lab)).count(), 0);
        control_plane.order("start", &["kube-apiserver"]);
        let times = times(&lab, &after);
        let late = times.into_iter().zip(&after).filter(|(time, _)| *time > SOON);
        let late: Vec<(Duration, &Check)> = late.collect();
        assert_eq!(late, []);
        // Pods that wait for a node and for their kubelet take longer.
        control_plane.kubectl("rollout status deployment/more --timeout=60s");
        after.extend(checks(&control_plane, &["more"]));
        control_plane.kubectl("delete service fresh");
        let none = none_of(&after, "fresh");
        after.retain(|it| it.service != "fresh");
        after.extend(none);
        drop(self::times(&lab, &after));
    });
}

/// For a minute, by the other server.
fn change(control_plane: &ControlPlane, traffic: &Traffic<'_>) {
    let until = host::clock::monotonic() + AWAY;
    control_plane.kubectl("delete service gone");
    control_plane.kubectl("scale deployment/fewer --replicas=1");
    control_plane.kubectl("scale deployment/more --replicas=3");
    control_plane.apply(FRESH);
    traffic.goes_on("the first changes");
    let mut number = 0;
    while host::clock::monotonic() < until {
        number += 1;
        let passing = format!("passing-{number}");
        control_plane.kubectl(&format!("create service clusterip {passing} --tcp=80"));
        pin(control_plane, number);
        traffic.goes_on(&passing);
        if number % 2 == 0 {
            control_plane.kubectl(&format!("delete service {passing}"));
        }
    }
    // Another one than before.
    pin(control_plane, 1);
}

/// Makes one of the pods of `kept` the only endpoint of `pinned`.
fn pin(control_plane: &ControlPlane, number: usize) {
    let pods = get(control_plane, "pods -l app=kept --sort-by=.spec.nodeName");
    let pod = &pods["items"][number % 2];
    let ips = pod["status"]["podIPs"].as_array().unwrap().iter();
    let slices = ips.map(|ip| {
        let ip: IpAddr = ip["ip"].as_str().unwrap().parse().unwrap();
        let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("pinned-{}", family.to_lowercase()),
                "labels": {"kubernetes.io/service-name": "pinned"},
            },
            "addressType": family,
            "endpoints": [{
                "addresses": [ip],
                "conditions": {"ready": true},
                "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
            }],
            "ports": [
                {"name": "tcp", "port": 80, "protocol": "TCP"},
                {"name": "udp", "port": 80, "protocol": "UDP"},
            ],
        })
    });
    let slices: Vec<Value> = slices.collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": slices});
    control_plane.apply(&list.to_string());
}

/// Who asks `kept`: pods of both nodes, and the client outside by both nodes' ports.
fn clients(control_plane: &ControlPlane) -> Vec<Client> {
    let service = get(control_plane, "service kept");
    let cluster_ips: Vec<IpAddr> =
        serde_json::from_value(service["spec"]["clusterIPs"].clone()).unwrap();
    let dns = get(control_plane, "service -n kube-system kube-dns");
    let dns: Vec<IpAddr> = serde_json::from_value(dns["spec"]["clusterIPs"].clone()).unwrap();
    let client = |from: &str, ip: IpAddr, port, way| Client {
        from: from.to_owned(),
        target: SocketAddr::new(ip, port),
        way,
    };
    let mut all = Vec::new();
    for from in ["pod.default.client-1", "pod.default.client-2"] {
        for way in [Way::NewTcp, Way::LastingTcp, Way::NewUdp, Way::LastingUdp] {
            all.extend(cluster_ips.iter().map(|ip| client(from, *ip, 80, way)));
        }
        let way = Way::Name("kept.default.svc.cluster.local");
        all.extend(dns.iter().map(|ip| client(from, *ip, 53, way)));
    }
    for node in ["172.30.0.11", "fd00:30::11", "172.30.0.12", "fd00:30::12"] {
        let ways = [Way::NewTcp, Way::LastingUdp];
        all.extend(ways.map(|way| client("outside", node.parse().unwrap(), 30080, way)));
    }
    all
}
