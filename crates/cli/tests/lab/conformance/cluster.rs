//! What do the cases do with a cluster?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use host::netns::Netns;
use serde_json::Value;
use testkit::control_plane::ControlPlane;

use crate::control_plane::get;
use crate::rig::{Answer, Lab, PATIENCE, ask_tcp, ask_udp, fresh_name, many};

/// Two nodes of a real control plane.
pub(super) struct Cluster {
    // Before the control plane ends, its nodes leave it.
    lab: Lab,
    control_plane: ControlPlane,
}

/// A namespace of it, with a client on each node.
pub(super) struct Site<'a> {
    cluster: &'a Cluster,
    namespace: String,
}

/// Who answers: pods by name; an error is told as it is.
pub(super) type Answering = BTreeSet<Result<String, String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

use Transport::{Tcp, Udp};

pub(super) const NODES: [&str; 2] = ["node-1", "node-2"];

const REFUSED: &str = "Connection refused (os error 111)";
const NOT_SENT: &str = "Operation not permitted (os error 1)";

impl Cluster {
    pub(super) fn up() -> Option<Self> {
        let control_plane = ControlPlane::up()?;
        let lab = Lab::named(fresh_name());
        let kubeconfig = control_plane.admin().display().to_string();
        lab.says(&["lab", "up", "--detach", "--nodes", "2", "--kubeconfig", &kubeconfig]);
        Some(Self { lab, control_plane })
    }

    pub(super) fn site(&self, case: &str) -> Site<'_> {
        let namespace = case.replace('_', "-");
        self.control_plane.kubectl(&format!("create namespace {namespace}"));
        let account = format!("wait --for=create serviceaccount/default -n {namespace}");
        self.control_plane.kubectl(&account);
        let site = Site { cluster: self, namespace };
        let clients = NODES.map(|node| {
            format!(
                "
apiVersion: v1
kind: Pod
metadata: {{name: client-{node}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 0
  containers: [{{name: c, image: x, command: [sleep, '1000']}}]
---"
            )
        });
        site.apply(&clients.concat());
        site.await_ready("pod/client-node-1 pod/client-node-2");
        site
    }
}

impl Site<'_> {
    pub(super) fn apply(&self, manifests: &str) {
        self.cluster.control_plane.apply_in(&self.namespace, manifests);
    }

    pub(super) fn kubectl(&self, words: &str) -> String {
        self.cluster.control_plane.kubectl(&format!("-n {} {words}", self.namespace))
    }

    /// Ends without waiting for what is deleted: whoever is to notice, must.
    pub(super) fn delete(&self, what: &str) {
        self.kubectl(&format!("delete {what} --wait=false"));
    }

    pub(super) fn patch(&self, what: &str, patch: &Value) {
        // Without blanks, which part words.
        self.kubectl(&format!("patch {what} --type=merge -p {patch}"));
    }

    pub(super) fn await_ready(&self, what: &str) {
        self.kubectl(&format!("wait --for=condition=Ready {what} --timeout=30s"));
    }

    pub(super) fn object(&self, what: &str) -> Value {
        get(&self.cluster.control_plane, &format!("-n {} {what}", self.namespace))
    }

    /// A pod that answers as itself, and waits until it does.
    pub(super) fn server(&self, server: &Server<'_>) {
        self.apply(&server.manifest());
        self.await_ready(&format!("pod/{}", server.name));
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A program of this machine, run in a client; what it says on standard output.
    pub(super) fn run(&self, node: &str, command: &[&str]) -> String {
        let who = format!("pod/{}/client-{node}", self.namespace);
        let mut args = vec!["lab", "exec", &who, "--"];
        args.extend(command);
        self.cluster.lab.says(&args)
    }

    fn addresses(&self, pointer: &str, what: &str) -> Vec<IpAddr> {
        let object = self.object(what);
        let all = object.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |it: &Value| it.as_str().or_else(|| it["ip"].as_str()).map(str::to_owned);
        all.iter().filter_map(text).map(|ip| ip.parse().unwrap()).collect()
    }

    /// The Service's own addresses, of both families.
    pub(super) fn cluster_ips(&self, service: &str) -> Vec<IpAddr> {
        let all = self.addresses("/spec/clusterIPs", &format!("service {service}"));
        assert_eq!(all.len(), 2, "{all:?}");
        all
    }

    pub(super) fn pod_ips(&self, pod: &str) -> Vec<IpAddr> {
        let all = self.addresses("/status/podIPs", &format!("pod {pod}"));
        assert_eq!(all.len(), 2, "{all:?}");
        all
    }

    /// The port of each node that leads to a Service's only port.
    pub(super) fn node_port(&self, service: &str) -> u16 {
        let object = self.object(&format!("service {service}"));
        u16::try_from(object["spec"]["ports"][0]["nodePort"].as_u64().unwrap()).unwrap()
    }

    /// The addresses of each node, of both families.
    pub(super) fn node_ips(&self) -> Vec<IpAddr> {
        let object = |node: &str| get(&self.cluster.control_plane, &format!("node {node}"));
        let all = NODES.map(|node| object(node)["status"]["addresses"].as_array().unwrap().clone());
        let internal = |it: &&Value| it["type"] == "InternalIP";
        let ip = |it: &Value| it["address"].as_str().unwrap().parse().unwrap();
        let all: Vec<IpAddr> = all.iter().flatten().filter(internal).map(ip).collect();
        assert_eq!(all.len(), 4, "{all:?}");
        all
    }

    fn netns(&self, from: &str) -> Netns {
        match from.strip_prefix("client-") {
            Some(_) => self.cluster.lab.netns(&format!("pod.{}.{from}", self.namespace)),
            None => self.cluster.lab.netns(from),
        }
    }

    pub(super) fn ask(&self, from: &str, transport: Transport, target: SocketAddr) -> Asked {
        let netns = self.netns(from);
        match transport {
            Tcp => ask_tcp(&netns, target),
            Udp => ask_udp(&netns, target),
        }
    }

    pub(super) fn answering(&self, from: &str, transport: Transport, to: SocketAddr) -> Answering {
        let found = many(|| self.ask(from, transport, to));
        found.into_iter().map(|it| it.map(|Answer { pod, .. }| pod)).collect()
    }

    /// Waits until it is these pods that answer, at all of the targets and to all that ask.
    pub(super) fn await_pods(&self, at: &Targets<'_>, pods: &[&str]) {
        let expected = pods.iter().map(|&pod| Ok(pod.to_owned())).collect();
        self.await_answering(at, &expected);
    }

    /// Waits until clients are told at once that there is nothing. Each is asked once: a kernel sends
    /// few such answers to datagrams in a second. A node's own does not even take the datagram.
    pub(super) fn await_refused(&self, at: &Targets<'_>) {
        for &from in at.from {
            let is_own = at.transport == Udp && from.starts_with("node.");
            let expected = if is_own { NOT_SENT } else { REFUSED };
            let at = Targets { from: &[from], ips: at.ips.clone(), ..*at };
            self.await_each(&at, &[Err(expected.to_owned())].into(), |from, target| {
                [self.ask(from, at.transport, target).map(|it| it.pod)].into()
            });
        }
    }

    fn await_answering(&self, at: &Targets<'_>, expected: &Answering) {
        self.await_each(at, expected, |from, target| self.answering(from, at.transport, target));
    }

    fn await_each(
        &self,
        at: &Targets<'_>,
        expected: &Answering,
        ask: impl Fn(&str, SocketAddr) -> Answering,
    ) {
        for &from in at.from {
            for &ip in &at.ips {
                let target = SocketAddr::new(ip, at.port);
                let what = format!("{from} to {target} by {:?}", at.transport);
                self.await_value(&what, expected, || ask(from, target));
            }
        }
    }

    /// Waits until something has a value.
    #[expect(clippy::disallowed_methods, reason = "a deadline for what must come")]
    pub(super) fn await_value<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        expected: &T,
        mut look: impl FnMut() -> T,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = look();
            if found == *expected {
                return;
            }
            if Instant::now() >= deadline {
                assert_eq!(found, *expected, "{}: {what}", self.namespace);
            }
            host::clock::pause(Duration::from_millis(20));
        }
    }

    /// Waits for anything else.
    pub(super) fn await_that(&self, what: &str, mut holds: impl FnMut() -> bool) {
        self.cluster.lab.await_that(&format!("{}: {what}", self.namespace), |_| holds());
    }
}

pub(super) type Asked = Result<Answer, String>;

/// Who asks whom.
pub(super) struct Targets<'a> {
    pub(super) from: &'a [&'a str],
    pub(super) transport: Transport,
    pub(super) ips: Vec<IpAddr>,
    pub(super) port: u16,
}

/// Pods of both nodes, and a node itself.
pub(super) const INSIDE: [&str; 3] = ["client-node-1", "client-node-2", "node.node-1"];

/// Everybody.
pub(super) const EVERYWHERE: [&str; 4] =
    ["client-node-1", "client-node-2", "node.node-1", "outside"];

pub(super) fn tcp(ips: Vec<IpAddr>, port: u16) -> Targets<'static> {
    Targets { from: &INSIDE, transport: Tcp, ips, port }
}

pub(super) fn udp(ips: Vec<IpAddr>, port: u16) -> Targets<'static> {
    Targets { from: &INSIDE, transport: Udp, ips, port }
}

/// A pod that answers.
pub(super) struct Server<'a> {
    pub(super) name: &'a str,
    pub(super) node: &'a str,
    /// What Services select.
    pub(super) app: &'a str,
    /// Ports by the names that Services may call them by.
    pub(super) ports: &'a [(&'a str, Transport, u16)],
}

impl Server<'_> {
    fn manifest(&self) -> String {
        let Self { name, node, app, .. } = self;
        let port = |(name, transport, port): &(&str, Transport, u16)| {
            let protocol = format!("{transport:?}").to_uppercase();
            format!("{{name: {name}, containerPort: {port}, protocol: {protocol}}}")
        };
        let argument = |(_, transport, port): &(&str, Transport, u16)| {
            format!("--{}={port}", format!("{transport:?}").to_lowercase())
        };
        let ports: Vec<String> = self.ports.iter().map(port).collect();
        let arguments: Vec<String> = self.ports.iter().map(argument).collect();
        let (ports, arguments) = (ports.join(", "), arguments.join(", "));
        format!(
            "
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 0
  containers: [{{name: c, image: pogu.dev/echo, args: [{arguments}], ports: [{ports}]}}]
"
        )
    }
}
