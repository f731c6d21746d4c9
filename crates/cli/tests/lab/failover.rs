//! Does another node answer for an address, and how soon, when the one that did so cannot?
//!
//! What is measured is what a client outside gets back of a thousand datagrams a second. It has one
//! neighbour entry for the address, as any host, and nobody tells it anything but frames.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use announce::{Contender, rank};
use host::netns::Netns;
use model::NodeName;

use crate::rig::{Lab, PATIENCE};

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
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1}
"#;

/// How long a client may be without an answer, where that is measured.
const GAP_MOST: Duration = Duration::from_millis(500);

/// The same where other tests run beside this one: it is about whether, and not how soon.
const GAP_BESIDE_OTHERS: Duration = Duration::from_secs(5);

/// Datagrams of a drain that those others may have swallowed.
const LOST_BESIDE_OTHERS: usize = 100;

/// How late an answer may come and still be one.
const LATE: Duration = Duration::from_millis(100);

/// How long the stream goes on after something went wrong.
const AFTER: Duration = Duration::from_millis(1500);

/// How long the stream pauses between datagrams.
const BETWEEN: Duration = Duration::from_millis(1);

struct Rig {
    lab: Lab,
    outside: Netns,
    vips: [IpAddr; 2],
    /// In the order of both addresses; the only endpoint is on the last.
    nodes: Vec<String>,
}

impl Rig {
    /// Two addresses, one of each family, with the same order of nodes.
    fn up() -> Self {
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

    fn mac(&self, node: &str) -> String {
        let line = self.ip_in(&format!("node.{node}"), &["-br", "link", "show", "dev", "eth0"]);
        line.split_whitespace().nth(2).unwrap().to_owned()
    }

    fn ip_in(&self, role: &str, args: &[&str]) -> String {
        let netns = self.lab.netns(role);
        netns
            .run(|| host::process::stdout_of("ip", args, "", Duration::from_secs(20)).unwrap())
            .unwrap()
    }

    /// Who answers on the wire: each MAC once.
    fn answering(&self) -> [Vec<String>; 2] {
        let run = |program: &str, args: &[&str]| {
            let run = || host::process::run(program, args, "", Duration::from_secs(20)).unwrap();
            self.outside.run(run).unwrap().stdout
        };
        let [v4, v6] = self.vips.map(|vip| vip.to_string());
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
    fn await_owner(&self, rank: usize) {
        let expected = [vec![self.mac(&self.nodes[rank])], vec![self.mac(&self.nodes[rank])]];
        self.lab.await_that(&format!("{} is not the owner", self.nodes[rank]), |_| {
            self.answering() == expected
        });
    }

    fn agent(&self, rank: usize) -> String {
        let status = self.lab.status();
        let nodes = status["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["name"] == *self.nodes[rank]).unwrap();
        node["agentPid"].as_u64().unwrap().to_string()
    }

    #[expect(clippy::disallowed_methods, reason = "does what an administrator does")]
    fn signal(&self, signal: &str, pid: &str) {
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// What clients of both families see when something goes wrong; and that the second candidate, and
    /// no other, answers a second later.
    fn measure(&self, fault: impl FnOnce()) -> [Seen; 2] {
        let is_over = AtomicBool::new(false);
        let (begin, begun) = (Barrier::new(3), Barrier::new(3));
        thread::scope(|scope| {
            let streams = self.vips.map(|vip| {
                let (is_over, begin, begun) = (&is_over, &begin, &begun);
                scope.spawn(move || {
                    let stream = || {
                        let mut stream = Stream::open(SocketAddr::new(vip, 90));
                        stream.await_answer();
                        begin.wait();
                        begun.wait();
                        stream.run(is_over)
                    };
                    self.outside.run(stream).unwrap()
                })
            });
            begin.wait();
            begun.wait();
            fault();
            let second = || [vec![self.mac(&self.nodes[1])], vec![self.mac(&self.nodes[1])]];
            if runs().is_none() {
                self.await_owner(1);
            }
            host::clock::pause(Duration::from_secs(1));
            let (found, expected) = (self.answering(), second());
            host::clock::pause(AFTER.saturating_sub(Duration::from_secs(1)));
            is_over.store(true, Ordering::Relaxed);
            let seen = streams.map(|stream| stream.join().unwrap());
            assert!(runs().is_none() || found == expected, "{found:?}, not {expected:?}");
            seen
        })
    }

    /// What the agents have logged.
    fn told(&self) -> String {
        let status = self.lab.status();
        let nodes = status["nodes"].as_array().unwrap().clone();
        let log = |node: &serde_json::Value| {
            let log = std::path::Path::new(node["agentSocket"].as_str().unwrap());
            let log = std::fs::read_to_string(log.with_file_name("agent.log")).unwrap();
            format!("-- {}\n{log}", node["name"])
        };
        nodes.iter().map(log).collect()
    }

    fn on_the_fabric(&self, program: &str, args: &[&str], stdin: &str) {
        let run = || host::process::run(program, args, stdin, Duration::from_secs(20)).unwrap();
        let output = self.lab.netns("fabric").run(run).unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Nothing passes a port of the fabric in these directions.
    fn close(&self, node: &str, hooks: &[&str]) {
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

    fn open(&self) {
        self.on_the_fabric("nft", &["delete", "table", "netdev", "cut"], "");
    }
}

/// What a client saw.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The longest time without an answer.
    gap: Duration,
    /// Datagrams without one.
    lost: usize,
}

/// A client that sends a datagram each millisecond.
struct Stream {
    socket: UdpSocket,
    sent: usize,
    answered: usize,
    last: Instant,
    longest: Duration,
}

impl Stream {
    fn open(target: SocketAddr) -> Self {
        let any: SocketAddr =
            if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(target).unwrap();
        socket.set_nonblocking(true).unwrap();
        let last = host::clock::monotonic();
        Self { socket, sent: 0, answered: 0, last, longest: Duration::ZERO }
    }

    fn send(&mut self) {
        // Refused where an ICMP message came: the next one is sent all the same.
        self.sent += usize::from(self.socket.send(b"ahoy").is_ok());
    }

    fn hear(&mut self) {
        while self.socket.recv(&mut [0; 2048]).is_ok() {
            self.longest = self.longest.max(self.last.elapsed());
            self.last = host::clock::monotonic();
            self.answered += 1;
        }
    }

    /// The first one finds its way: neighbours are asked for, and the flow begins.
    fn await_answer(&mut self) {
        let start = host::clock::monotonic();
        while self.answered == 0 {
            assert!(start.elapsed() < PATIENCE, "no answer at all");
            self.send();
            host::clock::pause(BETWEEN);
            self.hear();
        }
        host::clock::pause(LATE);
        self.hear();
        (self.sent, self.answered, self.longest) = (0, 0, Duration::ZERO);
        self.last = host::clock::monotonic();
    }

    fn run(mut self, is_over: &AtomicBool) -> Seen {
        while !is_over.load(Ordering::Relaxed) {
            self.send();
            self.hear();
            host::clock::pause(BETWEEN);
        }
        let gap = self.longest.max(self.last.elapsed());
        host::clock::pause(LATE);
        self.hear();
        Seen { gap, lost: self.sent.saturating_sub(self.answered) }
    }
}

/// How many times each fault is tried where that is measured.
fn runs() -> Option<usize> {
    std::env::var("POGU_FAILOVER_RUNS").ok().and_then(|text| text.parse().ok())
}

/// Tries a fault, puts it right, and waits until the first has its addresses again.
/// Both are told the process of the first node's agent. Gives how many datagrams a stream lost, at most.
#[expect(clippy::print_stdout, reason = "a measurement is to be read")]
fn attempt(rig: &Rig, what: &str, fault: impl Fn(&str), mend: impl Fn(&str)) -> usize {
    let mut seen = Vec::new();
    if std::env::var("POGU_FAILOVER_ONLY").is_ok_and(|only| only != what) {
        return 0;
    }
    for _ in 0..runs().unwrap_or(1) {
        let agent = rig.agent(0);
        let one = rig.measure(|| fault(&agent));
        if one.iter().any(|seen| seen.gap > Duration::from_millis(300)) {
            println!(
                "{what} at {:?}: {one:?}",
                host::clock::wall().duration_since(std::time::UNIX_EPOCH)
            );
        }
        seen.extend(one);
        mend(&agent);
        rig.await_owner(0);
    }
    let mut gaps: Vec<u128> = seen.iter().map(|seen| seen.gap.as_millis()).collect();
    gaps.sort_unstable();
    let at = |permille: usize| gaps[(gaps.len() - 1) * permille / 1000];
    let lost = seen.iter().map(|seen| seen.lost).max().unwrap();
    println!(
        "{what}: gap of {} streams: median {} ms, p99 {} ms, most {} ms; lost at most {lost}",
        gaps.len(),
        at(500),
        at(990),
        at(1000)
    );
    let most = if runs().is_some() { GAP_MOST } else { GAP_BESIDE_OTHERS };
    assert!(at(1000) <= most.as_millis(), "{what}: {gaps:?}\n{}", rig.told());
    lost
}

#[test]
fn the_next_node_answers_in_time_whatever_becomes_of_the_first() {
    if host::skip::without_root() {
        return;
    }
    let rig = Rig::up();
    let owner = rig.nodes[0].clone();
    let (both, nothing) = (["ingress", "egress"], |_: &str| ());
    let open = |_: &str| rig.open();

    // With all that is on it, as when the power fails.
    let kill = |agent: &str| {
        rig.close(&owner, &both);
        rig.signal("-KILL", agent);
    };
    attempt(&rig, "killed", kill, open);
    // Its kernel goes on.
    let stop = |agent: &str| rig.signal("-STOP", agent);
    attempt(&rig, "frozen", stop, |agent| rig.signal("-CONT", agent));
    let link = |state: &str| rig.on_the_fabric("ip", &["link", "set", &owner, state], "");
    attempt(&rig, "link down", |_| link("down"), |_| link("up"));
    attempt(&rig, "cut", |_| rig.close(&owner, &both), open);
    attempt(&rig, "mute", |_| rig.close(&owner, &["ingress"]), open);
    attempt(&rig, "deaf", |_| rig.close(&owner, &["egress"]), open);
    let lost = attempt(&rig, "drained", |agent| rig.signal("-TERM", agent), nothing);
    let most = if runs().is_some() { 0 } else { LOST_BESIDE_OTHERS };
    assert!(lost <= most, "{lost} lost");
}
