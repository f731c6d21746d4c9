//! Does a cluster change its proxy and its DNS, and change back, without a connection or a question
//! lost? By the steps that `docs/replace.md` tells.

use std::net::{IpAddr, SocketAddr};

use rustix::process::{Signal, kill_process};
use serde_json::json;

use super::text;
use crate::control_plane::get;
use crate::rig::{Lab, fresh_name};
use crate::traffic::{Client, Traffic, Way, under};

mod cluster;
mod look;

use cluster::{Cluster, PROGRAM, control_plane};

const PAGE: &str = include_str!("../../../../../docs/replace.md");

/// Where pods ask, and are told of by the Service that the cluster's own DNS has.
const DNS: [&str; 2] = ["10.96.0.10", "fd00:10:96::a"];

const NAME: &str = "web.default.svc.cluster.local";

const NODES: [&str; 2] = ["node-1", "node-2"];

#[test]
fn a_cluster_of_kube_proxy_by_nftables_is_taken_over_and_given_back() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = control_plane() else { return };
    let lab = Lab::named(fresh_name());
    let cluster = Cluster::before(&lab, &control_plane, "nftables");
    let old = ["ip kube-proxy", "ip6 kube-proxy"];
    under(&lab, clients(), |traffic| {
        cluster.prepare(traffic);
        for node in NODES {
            cluster.take_over(node, &old, traffic);
            let cleanup = [PROGRAM, "agent", "cleanup", "--kube-proxy"].join(" ");
            let said = cluster.exec_in_agent(node, &cleanup);
            assert_eq!(said, "removed table ip kube-proxy\nremoved table ip6 kube-proxy\n");
            cluster.leads_alone(node, traffic);
        }
        cluster.answer_names_by_agents(traffic);
        cluster.answer_names_by_the_old(traffic);
        for node in NODES {
            cluster.give_back(node, &old, traffic);
        }
        cluster.leave_nothing(&old, traffic);
    });
}

#[test]
fn a_cluster_of_kube_proxy_by_iptables_is_taken_over_and_given_back() {
    if host::skip::without_root() {
        return;
    }
    let Some(control_plane) = control_plane() else { return };
    let lab = Lab::named(fresh_name());
    let cluster = Cluster::before(&lab, &control_plane, "iptables");
    let old = ["iptables", "ip6tables"];
    under(&lab, clients(), |traffic| {
        cluster.prepare(traffic);
        for (node, is_slow) in NODES.into_iter().zip([true, false]) {
            if is_slow {
                cluster.label_while_kube_proxy_stays(node, traffic);
            }
            cluster.take_over(node, &old, traffic);
            let program = control_plane.program().with_file_name("kube-proxy");
            cluster.debug(node, &format!("{} --cleanup", program.display()));
            cluster.leads_alone(node, traffic);
        }
        for node in NODES {
            cluster.give_back(node, &old, traffic);
        }
        cluster.leave_nothing(&old, traffic);
    });
}

/// From pods of both nodes to ClusterIPs and names, from outside to node ports of both, and from a node.
fn clients() -> Vec<Client> {
    let client = |from: &str, address: &str, port: u16, way: Way| {
        let target = SocketAddr::new(address.parse::<IpAddr>().unwrap(), port);
        Client { from: from.to_owned(), target, way }
    };
    let mut all = Vec::new();
    for way in [Way::NewTcp, Way::LastingTcp, Way::NewUdp, Way::LastingUdp] {
        for pod in ["pod.default.client-1", "pod.default.client-2"] {
            all.extend(["10.96.0.80", "fd00:10:96::80"].map(|ip| client(pod, ip, 80, way)));
        }
        for node in ["172.30.0.11", "fd00:30::11", "172.30.0.12", "fd00:30::12"] {
            all.push(client("outside", node, 30080, way));
        }
        all.push(client("node.node-1", "10.96.0.80", 80, way));
    }
    for way in [Way::Name(NAME), Way::LastingName(NAME)] {
        for pod in ["pod.default.client-1", "pod.default.client-2"] {
            all.extend(DNS.map(|ip| client(pod, ip, 53, way)));
        }
    }
    all
}

/// The patch that the page has the reader make of an object, the `nth` of them.
fn patch_of(object: &str, nth: usize) -> String {
    let begin = format!("kubectl -n kube-system patch {object} --type merge -p ");
    let (_, rest) = PAGE.match_indices(&begin).nth(nth).map(|(at, _)| PAGE.split_at(at)).unwrap();
    let patch = rest.split('\'').nth(1).unwrap();
    patch.lines().map(str::trim).collect()
}

impl Cluster<'_> {
    fn prepare(&self, traffic: &Traffic<'_>) {
        self.patch("daemonset kube-proxy", &patch_of("daemonset kube-proxy", 0));
        self.kubectl("-n kube-system rollout status daemonset/kube-proxy --timeout=60s");
        traffic.goes_on("kube-proxy started anew");
        self.install();
        self.await_controller();
    }

    fn take_over(&self, node: &str, old: &[&str], traffic: &Traffic<'_>) {
        self.kubectl(&format!("label node {node} pogu=yes --overwrite"));
        self.await_pod("app.kubernetes.io/component=agent", node);
        traffic.goes_on(&format!("pogu took {node} over"));
        assert_eq!(self.leavings(node), [&["inet pogu", "inet pogu-dns"], old].concat());
    }

    /// Until kube-proxy has ended, its port is not the agent's.
    fn label_while_kube_proxy_stays(&self, node: &str, traffic: &Traffic<'_>) {
        let kube_proxy = self.process_of("kube-proxy", node);
        kill_process(kube_proxy, Signal::STOP).unwrap();
        self.kubectl(&format!("label node {node} pogu=yes"));
        self.lab.await_that("the agent was not started again", |_| {
            let pods = self.pods("app.kubernetes.io/component=agent", node);
            let restarts = pods.iter().map(|it| &it["status"]["containerStatuses"][0]);
            restarts.filter_map(|it| it["restartCount"].as_u64()).sum::<u64>() > 0
        });
        traffic.goes_on("the agent has found kube-proxy");
        kill_process(kube_proxy, Signal::CONT).unwrap();
    }

    fn leads_alone(&self, node: &str, traffic: &Traffic<'_>) {
        traffic.goes_on("kube-proxy's rules went");
        assert_eq!(self.leavings(node), ["inet pogu", "inet pogu-dns"]);
        self.follows_news(node);
    }

    fn give_back(&self, node: &str, old: &[&str], traffic: &Traffic<'_>) {
        self.kubectl(&format!("label node {node} pogu-"));
        self.await_pod("k8s-app=kube-proxy", node);
        self.lab.await_that("the agent goes on", |_| {
            self.pods("app.kubernetes.io/component=agent", node).is_empty()
        });
        // Its health says nothing of that: it is well before it has programmed both families.
        let both = [&["inet pogu"], old].concat();
        self.lab.await_that("kube-proxy has no rules", |_| self.leavings(node) == both);
        traffic.goes_on(&format!("kube-proxy took {node} back"));
        let said = self.debug(node, &format!("{PROGRAM} agent cleanup"));
        assert_eq!(said, "removed table inet pogu\nremoved link pogu-dns\n");
        traffic.goes_on("pogu's rules went");
        assert_eq!(self.leavings(node), old);
        self.follows_news(node);
    }

    fn leave_nothing(&self, old: &[&str], traffic: &Traffic<'_>) {
        self.uninstall();
        self.lab.await_that("something of pogu stays", |_| self.objects_of_pogu().is_empty());
        self.kubectl("-n kube-system delete lease pogu-controller");
        self.patch("daemonset kube-proxy", &patch_of("daemonset kube-proxy", 1));
        self.kubectl("-n kube-system rollout status daemonset/kube-proxy --timeout=60s");
        traffic.goes_on("pogu was uninstalled");
        for node in NODES {
            assert_eq!(self.leavings(node), old);
            self.follows_news(node);
        }
    }

    fn answer_names_by_agents(&self, traffic: &Traffic<'_>) {
        self.patch("service kube-dns", &patch_of("service kube-dns", 0));
        self.await_dns_endpoints(&["172.30.0.11", "172.30.0.12"]);
        self.kubectl("-n kube-system scale deployment coredns --replicas 0");
        self.lab.await_that("the old DNS goes on", |_| {
            get(self.control_plane, "pods -n kube-system -l k8s-app=kube-dns")["items"] == json!([])
        });
        traffic.goes_on("the agents alone answer names");
    }

    fn answer_names_by_the_old(&self, traffic: &Traffic<'_>) {
        self.kubectl("-n kube-system scale deployment coredns --replicas 2");
        self.kubectl("-n kube-system rollout status deployment/coredns --timeout=60s");
        self.patch("service kube-dns", &patch_of("service kube-dns", 1));
        let pods = get(self.control_plane, "pods -n kube-system -l k8s-app=kube-dns");
        let addresses = pods["items"].as_array().unwrap().iter();
        let addresses: Vec<String> = addresses.map(|it| text(&it["status"]["podIP"])).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        self.await_dns_endpoints(&addresses);
        traffic.goes_on("the old DNS answers again");
    }
}
