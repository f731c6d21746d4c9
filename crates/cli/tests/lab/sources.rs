//! Which source address do pods see? Every cell of the masquerade table, in both families, by TCP and
//! UDP.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use host::link::Links;

use crate::rig::{Answer, Lab, ask_tcp, ask_udp, many};

/// An endpoint on each of two nodes, and a pod on the first that is no endpoint.
const APP: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: here, namespace: shop, labels: {app: web}}
spec:
  nodeName: node-1
  containers: [{name: web, image: pogu.dev/echo, args: [--tcp=80, --udp=80]}]
---
apiVersion: v1
kind: Pod
metadata: {name: there, namespace: shop, labels: {app: web}}
spec:
  nodeName: node-2
  containers: [{name: web, image: pogu.dev/echo, args: [--tcp=80, --udp=80]}]
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec:
  nodeName: node-1
  containers: [{name: client, image: pogu.dev/echo}]
---
apiVersion: v1
kind: Service
metadata: {name: all, namespace: shop}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  clusterIPs: [10.96.0.100, "fd00:10:96::100"]
  externalIPs: [203.0.113.1, "2001:db8:1::1"]
  selector: {app: web}
  ports:
  - {name: tcp, port: 80, nodePort: 30001}
  - {name: udp, port: 80, protocol: UDP, nodePort: 30001}
status: {loadBalancer: {ingress: [{ip: 203.0.113.2}, {ip: "2001:db8:1::2"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: local, namespace: shop}
spec:
  type: LoadBalancer
  internalTrafficPolicy: Local
  externalTrafficPolicy: Local
  ipFamilyPolicy: RequireDualStack
  clusterIPs: [10.96.0.101, "fd00:10:96::101"]
  externalIPs: [203.0.113.3, "2001:db8:1::3"]
  selector: {app: web}
  ports:
  - {name: tcp, port: 80, nodePort: 30002}
  - {name: udp, port: 80, protocol: UDP, nodePort: 30002}
status: {loadBalancer: {ingress: [{ip: 203.0.113.4}, {ip: "2001:db8:1::4"}]}}
"#;

/// What a cell says: which endpoints answer, and whether the client's address is rewritten.
#[derive(Debug, Clone, Copy)]
enum Cell {
    All,
    AllRewritten,
    Here,
    HereRewritten,
}

/// From \ to: a ClusterIP; one of internal policy Local; a node port, external IP and load balancer's
/// address of external policy Cluster; of policy Local.
const TABLE: [(&str, [Cell; 4]); 3] = [
    ("pod.shop.client", [Cell::All, Cell::Here, Cell::AllRewritten, Cell::All]),
    (
        "node.node-1",
        [Cell::AllRewritten, Cell::HereRewritten, Cell::AllRewritten, Cell::AllRewritten],
    ),
    ("outside", [Cell::AllRewritten, Cell::HereRewritten, Cell::AllRewritten, Cell::Here]),
];

#[test]
fn pods_see_the_addresses_of_the_masquerade_table() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(APP, &["--nodes", "2"]);
    reach_cluster_ips_from_outside(&lab);
    let mut wrong = Vec::new();
    for (from, cells) in TABLE {
        let netns = lab.netns(from);
        for (column, cell) in cells.into_iter().enumerate() {
            for target in targets(column) {
                let expected = expected(&lab, from, cell, target.is_ipv4());
                for (protocol, found) in [
                    ("tcp", many(|| ask_tcp(&netns, target))),
                    ("udp", many(|| ask_udp(&netns, target))),
                ] {
                    if found != expected {
                        wrong.push(format!(
                            "{from} -> {target}/{protocol}: {found:#?}, not {expected:#?}"
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_pod_that_asks_its_own_service_gets_to_itself_and_sees_its_node() {
    if host::skip::without_root() {
        return;
    }
    let lab = Lab::up(APP, &["--nodes", "2"]);
    let netns = lab.netns("pod.shop.here");
    for (target, own, node) in [
        ("10.96.0.101:80", "10.244.1.2", "172.30.0.11"),
        ("[fd00:10:96::101]:80", "fd00:10:244:1::2", "fd00:30::11"),
    ] {
        let target: SocketAddr = target.parse().unwrap();
        let answer = Answer { pod: "here".to_owned(), client: node.parse().unwrap() };
        assert_eq!(ask_tcp(&netns, target), Ok(answer.clone()), "{own}");
        assert_eq!(ask_udp(&netns, target), Ok(answer), "{own}");
    }
}

/// As a router may, that was told of the ClusterIPs.
fn reach_cluster_ips_from_outside(lab: &Lab) {
    let route = || {
        let mut links = Links::open().unwrap();
        for (range, node) in [("10.96.0.0/16", "172.30.0.11"), ("fd00:10:96::/112", "fd00:30::11")]
        {
            links.add_route(range.parse().unwrap(), node.parse().unwrap()).unwrap();
        }
    };
    lab.netns("outside").run(route).unwrap();
}

fn targets(column: usize) -> Vec<SocketAddr> {
    let texts: &[&str] = match column {
        0 => &["10.96.0.100:80", "[fd00:10:96::100]:80"],
        1 => &["10.96.0.101:80", "[fd00:10:96::101]:80"],
        2 => &[
            "172.30.0.11:30001",
            "203.0.113.1:80",
            "203.0.113.2:80",
            "[fd00:30::11]:30001",
            "[2001:db8:1::1]:80",
            "[2001:db8:1::2]:80",
        ],
        _ => &[
            "172.30.0.11:30002",
            "203.0.113.3:80",
            "203.0.113.4:80",
            "[fd00:30::11]:30002",
            "[2001:db8:1::3]:80",
            "[2001:db8:1::4]:80",
        ],
    };
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn expected(lab: &Lab, from: &str, cell: Cell, is_v4: bool) -> BTreeSet<Result<Answer, String>> {
    let node: IpAddr = if is_v4 { "172.30.0.11" } else { "fd00:30::11" }.parse().unwrap();
    let client = match from {
        "pod.shop.client" => pod_address(lab, "client", is_v4),
        "outside" => if is_v4 { "172.30.0.1" } else { "fd00:30::1" }.parse().unwrap(),
        _ => node,
    };
    let (pods, client) = match cell {
        Cell::All => (&["here", "there"][..], client),
        Cell::AllRewritten => (&["here", "there"][..], node),
        Cell::Here => (&["here"][..], client),
        Cell::HereRewritten => (&["here"][..], node),
    };
    pods.iter().map(|&pod| Ok(Answer { pod: pod.to_owned(), client })).collect()
}

fn pod_address(lab: &Lab, name: &str, is_v4: bool) -> IpAddr {
    let pods = lab.pods();
    let pod = pods.iter().find(|pod| pod["name"] == name).unwrap();
    let addresses = pod["addresses"].as_array().unwrap().iter();
    let mut addresses = addresses.map(|it| it.as_str().unwrap().parse::<IpAddr>().unwrap());
    addresses.find(|it| it.is_ipv4() == is_v4).unwrap()
}
