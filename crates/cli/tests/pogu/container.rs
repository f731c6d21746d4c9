//! Does an agent do all that it does with no more rights than the chart's container gives it?

use rustix::process::Signal;

use crate::node::{A, A6, CLIENT, CLIENT6, Node, connect, eventually, service};

/// Becomes a program as a container's is: its folder alone can be written to, and of root's rights it
/// has those of the chart's `securityContext`.
const CONTAINER: &str = r#"
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
shift
exec setpriv --no-new-privs --inh-caps=-all \
    --bounding-set=-all,+net_admin,+net_bind_service "$@"
"#;

/// `CAP_NET_BIND_SERVICE` is the tenth, `CAP_NET_ADMIN` the twelfth.
const RIGHTS: &str = "\
CapInh:\t0000000000000000
CapPrm:\t0000000000001400
CapEff:\t0000000000001400
CapBnd:\t0000000000001400
CapAmb:\t0000000000000000
NoNewPrivs:\t1
";

const FLAGS: [&str; 2] = ["--dns-service", "default/kube-dns"];

#[test]
fn an_agent_needs_no_more_rights_than_the_chart_gives_it() {
    if host::skip::without_root() {
        return;
    }
    let mut node = Node::new();
    node.write("kube-dns.yaml", &service("kube-dns", 12, "", &[]));
    node.write("web.yaml", &service("web", 10, "  type: NodePort", &[A, A6]));
    node.serve_tcp(A, 8080);
    node.serve_tcp(A6, 8080);
    node.start_with(&FLAGS);
    let programmed = programmed(&node);
    node.end(Signal::TERM);
    let pogu = env!("CARGO_BIN_EXE_pogu");
    node.on_node(pogu, &["agent", "cleanup"]);
    assert_eq!(node.on_node("nft", &["list", "ruleset"]), "");

    let folder = node.folder().to_owned();
    let container = ["unshare", "--mount", "sh", "-c", CONTAINER, "sh", &folder];
    node.start_by(&container, &FLAGS);
    assert_eq!(self::programmed(&node), programmed);
    let is_right = |line: &&str| line.starts_with("Cap") || line.starts_with("NoNewPrivs");
    let status = node.agent_status();
    let rights: String = status.lines().filter(is_right).map(|it| format!("{it}\n")).collect();
    assert_eq!(rights, RIGHTS);
    node.write("more.yaml", &service("more", 11, "", &[A]));
    eventually("news", || connect(&node.pod, CLIENT, "10.96.0.11:80").ok());
    assert_eq!(dig(&node, "@fd96::12", "more.default.svc.cluster.local"), "10.96.0.11\n");
    node.end(Signal::TERM);
    let cleanup = [&container[1..], &[pogu, "agent", "cleanup"]].concat();
    let said = node.on_node(container[0], &cleanup);
    assert_eq!(said, "removed table inet pogu\nremoved link pogu-dns\n");
    assert_eq!(node.on_node("nft", &["list", "ruleset"]), "");
}

/// The rules and the addresses of a node whose Services and names are answered.
fn programmed(node: &Node) -> [String; 2] {
    for (from, to) in [(CLIENT, "10.96.0.10:80"), (CLIENT6, "[fd96::10]:80")] {
        eventually("served", || connect(&node.pod, from, to).ok());
    }
    for server in ["@10.96.0.12", "@fd96::12"] {
        eventually("named", || {
            let found = dig(node, server, "web.default.svc.cluster.local");
            (found == "10.96.0.10\n").then_some(())
        });
    }
    let addresses = ["-brief", "address", "show", "dev", "pogu-dns", "scope", "global"];
    [node.on_node("nft", &["-s", "list", "ruleset"]), node.on_node("ip", &addresses)]
}

/// A pod's question; what is answered.
fn dig(node: &Node, server: &str, name: &str) -> String {
    let args = ["+short", "+tries=1", "+timeout=1", server, name];
    let run = || host::process::run("dig", &args, "", crate::node::PATIENCE).unwrap().stdout;
    node.pod.run(run).unwrap()
}
