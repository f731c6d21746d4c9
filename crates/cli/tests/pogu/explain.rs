//! Is what will happen foretold, with and without an agent, and does it happen?

use std::fs;
use std::path::{Path, PathBuf};

use agent::query;
use explain::{Certainty, Outcome, Question, Stage, Trace, WarningKind};

use crate::node::{A, B, CLIENT, NODE, Node, OUTSIDE, connect, eventually, ip, service};
use crate::{Ended, check_failure, pogu};

const MANIFESTS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.10
  externalTrafficPolicy: Local
  healthCheckNodePort: 31000
  ports: [{port: 80}]
status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.2.0.5], nodeName: b}]
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {nodeName: a, containers: [{name: client, image: any}]}
status: {podIP: 10.1.0.9, phase: Running}
---
apiVersion: v1
kind: Node
metadata: {name: a}
spec: {podCIDR: 10.1.0.0/24}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
";

/// A folder that no agent follows.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, manifests: &str) -> Self {
        let name = format!("pogu-explain-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("shop.yaml"), manifests).unwrap();
        Self(path)
    }

    fn explain(&self, arguments: &[&str]) -> Ended {
        let of_a = ["explain", "--node-name", "a", "--manifests", self.0.to_str().unwrap()];
        pogu(&[&of_a, arguments].concat())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_folder_is_explained_without_an_agent_and_a_drop_is_an_answer() {
    let folder = Folder::new("offline", MANIFESTS);
    let out = "\
outside asks for 203.0.113.7:80
drop: is dropped, and the client waits in vain (no-local-endpoint-external):
  externalTrafficPolicy is Local and no usable endpoint is on this node

from      expected    a client outside of the cluster asks; 198.51.100.1 stands
                      for it
arrive    expected    who answers for 203.0.113.7 on the network decides which
                      node gets the packet; here it is taken to be node a
                      otherwise with another node in its place, whose agent can
                        be asked
frontend  expected    203.0.113.7:80/TCP is a load balancer address of Service
                      shop/web
                      · Service shop/web
                        status.loadBalancer.ingress=203.0.113.7:80/TCP
policy    expected    only endpoints of node a may serve it, and there is none
                      · Service shop/web spec.externalTrafficPolicy=Local
                      otherwise with spec.externalTrafficPolicy=Cluster, or an
                        endpoint on node a

! it is dropped on node a only: it would be served on b
  · Service shop/web spec.externalTrafficPolicy=Local
";
    let expected = Ended { code: 0, out: out.to_owned(), err: String::new() };
    assert_eq!(folder.explain(&["--from", "outside", "203.0.113.7:80"]), expected);
    let flags = ["--cluster-cidr", "10.0.0.0/8", "--from", "pod/shop/client", "-o", "json"];
    let ended = folder.explain(&[&flags[..], &["http://web"]].concat());
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let trace: Trace = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        trace.verdict.says,
        "goes to 10.2.0.5:8080, the only endpoint of Service shop/web that may be used"
    );
    assert!(!trace.verdict.endpoints[0].source.is_rewritten, "the flag tells that it is a pod");
}

#[test]
fn external_ips_are_those_that_the_flags_of_agents_admit() {
    let external =
        MANIFESTS.replace("  externalTrafficPolicy: Local\n", "  externalIPs: [192.0.2.7]\n");
    let external = external.replace("  healthCheckNodePort: 31000\n", "");
    let folder = Folder::new("external", &external);
    let told = |flags: &[&str]| {
        let words = [&["--from", "node/a", "-o", "json"], flags, &["192.0.2.7:80"]].concat();
        let ended = folder.explain(&words);
        let trace: Trace = serde_json::from_str(&ended.out).unwrap();
        (trace.verdict.outcome, ended.err)
    };
    for flags in [&[][..], &["--external-ip-range", "192.0.2.0/24"]] {
        assert_eq!(told(flags), (Outcome::Forward, String::new()));
    }
    let (outcome, err) = told(&["--external-ip-range", "none"]);
    assert_eq!(outcome, Outcome::NotService);
    assert!(err.contains("Service shop/web spec.externalIPs[0]"), "{err}");
}

#[test]
fn a_question_without_an_answer_is_a_failure() {
    let folder = Folder::new("refused", MANIFESTS);
    let refused = |arguments: &[&str], code: i32, err: &str| {
        let expected = Ended { code, out: String::new(), err: err.to_owned() };
        assert_eq!(folder.explain(arguments), expected);
    };
    let port = "pogu: the target names no port: web/udp\nhint: add a port, for example web:80\n";
    refused(&["web/udp"], 2, port);
    let service = "pogu: no such Service: shop/wob\nhint: there is svc/shop/web, for example\n";
    refused(&["svc/shop/wob"], 1, service);
    let cidr = "pogu: --cluster-cidr is not a CIDR: 10.0.0.0\n\
                hint: add a prefix length, for example 10.0.0.0/16\n";
    refused(&["--cluster-cidr", "10.0.0.0", "svc/shop/web"], 2, cidr);
    check_failure(
        &["explain", "--socket", "/nowhere.sock", "svc/shop/web"],
        1,
        "pogu: cannot ask the agent on /nowhere.sock: No such file or directory (os error 2)\n\
         hint: is an agent running on this node? --socket names the socket of one with another; \
         --manifests needs none\n",
    );
}

#[test]
fn what_could_not_be_accepted_is_told_beside_the_trace() {
    let folder =
        Folder::new("typo", &MANIFESTS.replace("clusterIP:", "clusterIPp: x\n  clusterIP:"));
    let ended = folder.explain(&["svc/shop/web", "-o", "json"]);
    let err = "pogu: left out: Service shop/web spec.clusterIPp: unknown field, ignored; did you \
               mean clusterIP?\n";
    assert_eq!((ended.code, ended.err.as_str()), (0, err));
    let trace: Trace = serde_json::from_str(&ended.out).unwrap();
    assert!(trace.warnings.iter().any(|warning| warning.kind == WarningKind::Rejected));
}

fn ask(node: &Node, from: &str, target: &str) -> Trace {
    let question = Question { from: Some(from.to_owned()), ..Question::of(target) };
    query::explain(Path::new(&node.socket()), &question).unwrap()
}

fn certainty(trace: &Trace) -> Certainty {
    trace.hops.iter().find(|hop| hop.stage == Stage::Frontend).unwrap().certainty
}

#[test]
fn the_agent_foretells_what_happens_and_has_read_the_kernel() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A, B]));
    node.serve_tcp(A, 8080);
    node.serve_tcp(B, 8080);
    node.start();
    let (cluster_ip, node_port) = ("10.96.0.10:80", format!("{NODE}:30010"));
    eventually("served", || connect(&node.pod, CLIENT, cluster_ip).ok());
    for (netns, client, target) in
        [(&node.pod, CLIENT, cluster_ip), (&node.outside, OUTSIDE, node_port.as_str())]
    {
        let told = ask(&node, client, target);
        assert_eq!(certainty(&told), Certainty::Programmed, "{target}");
        let foretold: Vec<String> =
            told.verdict.endpoints.iter().map(|it| it.address.to_string()).collect();
        assert_eq!(foretold, [format!("{A}:8080"), format!("{B}:8080")]);
        let (_, seen) = connect(netns, client, target).unwrap();
        let kept = told.verdict.endpoints[0].source.seen == Some(ip(client));
        assert_eq!(seen == client, kept, "{target}: {seen}");
    }
    let socket = node.socket();
    let ended = pogu(&["explain", "--socket", &socket, "--from", CLIENT, cluster_ip]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(ended.out, ask(&node, CLIENT, cluster_ip).to_text(explain::Style::Plain));
}
