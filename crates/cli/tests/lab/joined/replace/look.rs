//! What is there now: pods, endpoints, and rules of a node?

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Pid;
use serde_json::Value;

use super::cluster::Cluster;
use crate::control_plane::{get, names};
use crate::joined::text;
use crate::rig::ask_tcp;

impl Cluster<'_> {
    /// Runs a command on a node by a pod of its own; what that says.
    pub(super) fn debug(&self, node: &str, command: &str) -> String {
        let debug = format!("debug node/{node} --profile=sysadmin --image=registry.example/pogu");
        let said = self.kubectl(&format!("{debug} -- {command}"));
        // Creating debugging pod node-debugger-node-1-abcde with container debugger on node node-1.
        let pod = said.split(' ').find(|word| word.starts_with("node-debugger-")).unwrap();
        let succeeded = "--for=jsonpath={.status.phase}=Succeeded";
        self.kubectl(&format!("wait {succeeded} pod/{pod} --timeout=60s"));
        let said = self.kubectl(&format!("logs {pod}"));
        self.kubectl(&format!("delete pod {pod}"));
        said
    }

    pub(super) fn await_dns_endpoints(&self, expected: &[&str]) {
        let mut expected: Vec<String> = expected.iter().map(|it| (*it).to_owned()).collect();
        expected.sort();
        self.lab.await_that("the DNS Service has other endpoints", |_| {
            let slices = "endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns";
            let all = get(self.control_plane, slices)["items"].as_array().unwrap().clone();
            let v4 = all.iter().filter(|it| it["addressType"] == "IPv4");
            let endpoints =
                v4.flat_map(|it| it["endpoints"].as_array().cloned().unwrap_or_default());
            let ready = endpoints.filter(|it| it["conditions"]["ready"] == true);
            let mut found: Vec<String> = ready.map(|it| text(&it["addresses"][0])).collect();
            found.sort();
            found == expected
        });
    }

    /// The pods with a label on a node.
    pub(super) fn pods(&self, label: &str, node: &str) -> Vec<Value> {
        let words = format!("pods -n kube-system -l {label} --field-selector spec.nodeName={node}");
        get(self.control_plane, &words)["items"].as_array().unwrap().clone()
    }

    pub(super) fn await_pod(&self, label: &str, node: &str) {
        self.lab.await_that("there is no pod that is ready", |_| {
            let pods = self.pods(label, node);
            let conditions = pods
                .iter()
                .flat_map(|it| it["status"]["conditions"].as_array().cloned().unwrap_or_default());
            let mut ready = conditions.filter(|it| it["type"] == "Ready");
            ready.any(|it| it["status"] == "True")
        });
    }

    /// All of them are ready, and one acts.
    pub(super) fn await_controller(&self) {
        self.kubectl("-n kube-system rollout status deployment/pogu-controller --timeout=60s");
        let list =
            |words: &str| get(self.control_plane, words)["items"].as_array().unwrap().clone();
        self.lab.await_that("no controller acts", |_| {
            let named = "--field-selector metadata.name=pogu-controller";
            let leases = list(&format!("leases -n kube-system {named}"));
            let holder = leases.iter().find_map(|it| it["spec"]["holderIdentity"].as_str());
            let label = "app.kubernetes.io/component=controller";
            let pods = list(&format!("pods -n kube-system -l {label}"));
            let mut names = pods.iter().map(|it| text(&it["metadata"]["name"]));
            names.any(|name| holder.is_some_and(|holder| holder.starts_with(&name)))
        });
    }

    /// Those that the chart made, and what these made.
    pub(super) fn objects_of_pogu(&self) -> Vec<String> {
        let kinds = "daemonsets,deployments,pods,serviceaccounts,poddisruptionbudgets,roles,\
                     rolebindings,clusterroles,clusterrolebindings";
        names(self.control_plane, &format!("{kinds} -A -l app.kubernetes.io/name=pogu"))
    }

    pub(super) fn exec_in_agent(&self, node: &str, command: &str) -> String {
        let pods = self.pods("app.kubernetes.io/component=agent", node);
        let name = text(&pods[0]["metadata"]["name"]);
        self.kubectl(&format!("-n kube-system exec {name} -- {command}"))
    }

    /// The program of that name in a node's network.
    pub(super) fn process_of(&self, program: &str, node: &str) -> Pid {
        let all = self.lab.netns(&format!("node.{node}")).processes().unwrap();
        let is_it = |pid: &&u32| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            Path::new(words.split('\0').next().unwrap()).ends_with(program)
        };
        let found: Vec<&u32> = all.iter().filter(is_it).collect();
        let [pid] = found[..] else { panic!("not one {program} on {node}: {found:?}") };
        Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap()
    }

    /// Whose rules a node has: the tables of nftables, and whether iptables has a proxy's. The chain
    /// `KUBE-FIREWALL`, which is also the kubelet's, leads no Service, and stays.
    pub(super) fn leavings(&self, node: &str) -> Vec<String> {
        let who = format!("node/{node}");
        let says =
            |command: &[&str]| self.lab.says(&[&["lab", "exec", &who, "--"], command].concat());
        let tables = says(&["nft", "list", "tables"]);
        let tables = tables.lines().filter_map(|it| it.strip_prefix("table "));
        let of_iptables = ["filter", "mangle", "nat"];
        let own = tables.filter(|it| !of_iptables.iter().any(|name| it.ends_with(name)));
        let mut all: Vec<String> = own.map(str::to_owned).collect();
        all.sort();
        for program in ["iptables", "ip6tables"] {
            let rules = says(&[&format!("{program}-save")]);
            if rules.lines().any(|line| line.starts_with(":KUBE-SERVICES ")) {
                all.push(program.to_owned());
            }
        }
        all
    }

    /// Whoever leads Services now does so from what is new.
    pub(super) fn follows_news(&self, node: &str) {
        self.kubectl("expose service web --name=news --port=8080 --target-port=80");
        let address = text(&get(self.control_plane, "service news")["spec"]["clusterIP"]);
        let target = SocketAddr::new(address.parse().unwrap(), 8080);
        let netns = self.lab.netns(&format!("pod.default.{}", node.replace("node", "client")));
        self.lab.await_that("news are not followed", |_| ask_tcp(&netns, target).is_ok());
        self.kubectl("delete service news");
    }
}
