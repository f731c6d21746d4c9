//! A lab with one address of each family, on three nodes in the same order, and ways to break the first.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use announce::{Contender, rank};
use host::netns::Netns;
use model::NodeName;

use crate::rig::Lab;

const CLUSTER: &str = r#"
apiVersion: pogu.dev/v1alpha1
kind: AddressPool
metadata: {name: segment}
spec: {addresses: [172.30.0.200-172.30.0.239, "fd00:30::200-fd00:30::23f"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: pogu.dev/echo
        args: [--http=8080, --udp=9000, --tcp=9000]
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 3}
"#;

pub(super) struct Rig {
    pub(super) lab: Lab,
    pub(super) outside: Netns,
    pub(super) vips: [IpAddr; 2],
    /// In the order of both addresses; the only endpoint is on the last.
    pub(super) nodes: Vec<String>,
}

impl Rig {
    /// Two addresses, one of each family, with the same order of nodes.
    pub(super) fn up() -> Self {
        let lab = Lab::up(CLUSTER, &["--nodes", "3", "--agent-flag=--load-balancer"]);
        let last = lab.pods()[0]["node"].as_str().unwrap().to_owned();
        let order = |vip: &IpAddr| -> Vec<String> {
            let contender = |n| Contender { node: NodeName::new(format!("node-{n}")), score: 0 };
            let ranking = rank(*vip, (1..=3).map(contender));
            ranking.nodes().iter().map(|node| node.to_string()).collect()
        };
        let all = |prefix: &str| -> Vec<IpAddr> {
            (0..0x40)
                .map(|n| {
                    let text = if prefix.contains(':') {
                        format!("{prefix}{:x}", 0x200 + n)
                    } else {
                        format!("{prefix}{}", 200 + n)
                    };
                    text.parse().unwrap()
                })
                .take(40)
                .collect()
        };
        let v4 = all("172.30.0.").into_iter().find(|vip| order(vip)[2] == last).unwrap();
        let nodes = order(&v4);
        let v6 = all("fd00:30::").into_iter().find(|vip| order(vip) == nodes).unwrap();
        lab.write(
            "service.yaml",
            &format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop, annotations: \
                 {{metallb.io/loadBalancerIPs: \"{v4},{v6}\"}}}}\nspec: {{type: LoadBalancer, \
                 ipFamilyPolicy: RequireDualStack, selector: {{app: web}}, ports: [{{name: udp, port: 90, \
                 targetPort: 9000, protocol: UDP}}, {{name: tcp, port: 90, targetPort: 9000}}]}}\n"
            ),
        );
        let outside = lab.netns("outside");
        let rig = Self { lab, outside, vips: [v4, v6], nodes };
        rig.await_owner(0);
        rig
    }

    pub(super) fn mac(&self, node: &str) -> String {
        let line = self.ip_in(&format!("node.{node}"), &["-br", "link", "show", "dev", "eth0"]);
        line.split_whitespace().nth(2).unwrap().to_owned()
    }

    pub(super) fn ip_in(&self, role: &str, args: &[&str]) -> String {
        let netns = self.lab.netns(role);
        netns
            .run(|| host::process::stdout_of("ip", args, "", Duration::from_secs(20)).unwrap())
            .unwrap()
    }

    /// Who answers on the wire: each MAC once.
    pub(super) fn answering(&self) -> [Vec<String>; 2] {
        self.answering_for(self.vips)
    }

    pub(super) fn answering_for(&self, addresses: [IpAddr; 2]) -> [Vec<String>; 2] {
        let run = |program: &str, args: &[&str]| {
            let run = || host::process::run(program, args, "", Duration::from_secs(20)).unwrap();
            self.outside.run(run).unwrap().stdout
        };
        let [v4, v6] = addresses.map(|address| address.to_string());
        let of = |text: String| {
            let mut macs: Vec<String> = text.lines().map(str::to_lowercase).collect();
            macs.sort();
            macs.dedup();
            macs
        };
        [
            of(run("arping", &["-r", "-c", "1", "-w", "0.1", "-i", "eth0", &v4])),
            of(run("ndisc6", &["-q", "-m", "-r", "1", "-w", "100", &v6, "eth0"])),
        ]
    }

    /// Waits until the candidate of this rank, and no other, answers for both.
    pub(super) fn await_owner(&self, rank: usize) {
        let expected = [vec![self.mac(&self.nodes[rank])], vec![self.mac(&self.nodes[rank])]];
        self.lab.await_that(&format!("{} is not the owner", self.nodes[rank]), |_| {
            self.answering() == expected
        });
    }

    pub(super) fn agent(&self, rank: usize) -> String {
        self.node(rank)["agentPid"].as_u64().unwrap().to_string()
    }

    /// What the lab tells of the candidate of this rank.
    pub(super) fn node(&self, rank: usize) -> serde_json::Value {
        let status = self.lab.status();
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["name"] == *self.nodes[rank]).unwrap().clone()
    }

    #[expect(clippy::disallowed_methods, reason = "does what an administrator does")]
    pub(super) fn signal(&self, signal: &str, pid: &str) {
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// What the agents have logged.
    pub(super) fn told(&self) -> String {
        let status = self.lab.status();
        let nodes = status["nodes"].as_array().unwrap().clone();
        let log = |node: &serde_json::Value| {
            let log = std::path::Path::new(node["agentSocket"].as_str().unwrap());
            let log = std::fs::read_to_string(log.with_file_name("agent.log")).unwrap();
            format!("-- {}\n{log}", node["name"])
        };
        nodes.iter().map(log).collect()
    }

    pub(super) fn on_the_fabric(&self, program: &str, args: &[&str], stdin: &str) {
        let run = || host::process::run(program, args, stdin, Duration::from_secs(20)).unwrap();
        let output = self.lab.netns("fabric").run(run).unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Nothing passes a port of the fabric in these directions.
    pub(super) fn close(&self, node: &str, hooks: &[&str]) {
        let chains: String = hooks
            .iter()
            .map(|hook| {
                format!(
                    "chain {hook} {{ type filter hook {hook} device {node} priority 0; policy drop; }}\n"
                )
            })
            .collect();
        self.on_the_fabric("nft", &["-f", "-"], &format!("table netdev cut {{ {chains} }}\n"));
    }

    pub(super) fn open(&self) {
        self.on_the_fabric("nft", &["delete", "table", "netdev", "cut"], "");
    }
}
