//! Are right flags read, and is every wrong one answered with what would be right?

use std::collections::BTreeSet;
use std::net::IpAddr;

use clap::{Args as _, Command, FromArgMatches as _};
use model::{DetectLocal, Labels, Node, NodeContext, NodeName, NodePortAddresses};

use crate::config::{Config, DetectLocalMode, Flags, Listen};
use crate::event::OwnAddresses;

fn config(flags: &str) -> Result<Config, String> {
    let line = format!("agent --manifests /m --node-name a {flags}");
    let matches = Flags::augment_args(Command::new("agent"))
        .args_override_self(true)
        .get_matches_from(line.split_whitespace());
    let flags = Flags::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    Config::try_from(flags).map_err(|error| format!("{error}\nhint: {}", error.hint))
}

#[track_caller]
fn check_wrong(flags: &str, expected: &str) {
    assert_eq!(config(flags).unwrap_err(), expected, "for {flags}");
}

#[test]
fn without_flags_the_defaults_hold() {
    let config = config("").unwrap();
    let listen = |text: &str, required| Listen { address: text.parse().unwrap(), required };
    assert_eq!(config.healthz, [listen("0.0.0.0:10256", true), listen("[::]:10256", false)]);
    assert_eq!(config.metrics, [listen("127.0.0.1:10249", true)]);
    assert_eq!(config.detect_local, DetectLocalMode::Never);
    assert_eq!(config.node_port_addresses, NodePortAddresses::Primary);
    assert_eq!(config.conntrack.entries_max(2), Some(131_072));
    assert_eq!(
        config.to_json(),
        serde_json::json!({ "pogu": {
            "manifests": "/m", "nodeName": "a", "clusterCIDRs": [], "nodeIPs": [],
            "detectLocalMode": "None", "detectLocalInterface": null, "masqueradeAll": false,
            "nodePortAddresses": ["primary"], "serviceCIDRs": [],
            "healthzBindAddresses": ["0.0.0.0:10256", "[::]:10256"],
            "metricsBindAddresses": ["127.0.0.1:10249"],
            "trafficCounters": true, "affinityClientsMax": 4_194_304,
            "externalIPRanges": null, "loadBalancerClass": null, "announcePort": 7947,
            "socket": "/run/pogu/agent.sock",
            "syncPeriodSeconds": 30.0, "minSyncPeriodSeconds": 0.0,
            "conntrack": {
                "maxPerCore": 32_768, "min": 131_072,
                "tcpTimeoutEstablishedSeconds": 86_400, "tcpTimeoutCloseWaitSeconds": 3_600,
                "tcpBeLiberal": false, "udpTimeoutSeconds": null, "udpTimeoutStreamSeconds": null,
            },
        }})
    );
}

#[test]
fn cluster_cidrs_are_the_default_way_to_tell_pods() {
    let config = config("--cluster-cidr 10.244.0.0/16,fd00:10::/64").unwrap();
    assert_eq!(config.detect_local, DetectLocalMode::ClusterCidr);
}

#[test]
fn a_wrong_address_is_named_with_what_would_be_right() {
    let cases = [
        (
            "--cluster-cidr 10.244.0.0",
            "--cluster-cidr is not a CIDR: 10.244.0.0\n\
             hint: add a prefix length, for example 10.244.0.0/16",
        ),
        (
            "--cluster-cidr pods",
            "--cluster-cidr is not a CIDR: pods\nhint: write it as 10.244.0.0/16 or fd00:10::/64",
        ),
        (
            "--service-cidr 10.96.0.1/12",
            "--service-cidr has bits beyond its prefix: 10.96.0.1/12\n\
             hint: write 10.96.0.0/12 for the whole network",
        ),
        (
            "--node-name Node_1",
            "--node-name is not a node name: \"Node_1\"\n\
             hint: use lower case letters, digits, `-` and `.`, at most 253 in all, \
             as in the Node object",
        ),
        (
            "--node-ip 127.0.0.1",
            "--node-ip cannot be a node's address: 127.0.0.1\n\
             hint: name an address of this node that other machines can send to",
        ),
        (
            "--node-ip 10.0.0.1,10.0.0.2",
            "--node-ip is given twice for one family: 10.0.0.2\n\
             hint: give at most one IPv4 and one IPv6 address",
        ),
        (
            "--nodeport-addresses 127.0.0.0/8",
            "--nodeport-addresses is a loopback network: 127.0.0.0/8\n\
             hint: node ports answer on no loopback address: routing those opens services \
             that rely on being local",
        ),
        (
            "--healthz-bind-address 10256",
            "--healthz-bind-address is not an address and port: 10256\n\
             hint: write it as 0.0.0.0:10256 or [::]:10256, or `none` alone",
        ),
    ];
    for (flags, expected) in cases {
        check_wrong(flags, expected);
    }
}

#[test]
fn another_wrong_value_is_named_with_what_would_be_right() {
    let cases = [
        (
            "--affinity-clients-max 0",
            "--affinity-clients-max must not be zero: 0\nhint: at least 1; each costs some 100 bytes",
        ),
        (
            "--sync-period 30",
            "--sync-period is not a time: 30\nhint: write it as 30s, 500ms, 24h or 1h30m",
        ),
        (
            "--conntrack-udp-timeout 1500ms",
            "--conntrack-udp-timeout is not in whole seconds: 1500ms\n\
             hint: the kernel counts seconds",
        ),
        (
            "--conntrack-min many",
            "--conntrack-min is not a number: many\nhint: write a number from 0 to 4294967295",
        ),
        (
            "--detect-local-mode nodecidr",
            "--detect-local-mode is unknown: nodecidr\n\
             hint: one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix, None",
        ),
        (
            "--detect-local-mode BridgeInterface --pod-bridge-interface a/b",
            "--pod-bridge-interface is not the name of an interface: \"a/b\"\n\
             hint: interfaces have 1 to 15 letters, digits or signs, no `/`, no space",
        ),
        (
            "--external-ip-range 192.0.2.1",
            "--external-ip-range is not a CIDR: 192.0.2.1\n\
             hint: add a prefix length, for example 192.0.2.1/16",
        ),
        (
            "--load-balancer --load-balancer-class metallb",
            "--load-balancer-class is unknown: metallb\n\
             hint: one of pogu.dev/vip, pogu.dev/node-ip, pogu.dev/node-port, none",
        ),
        (
            "--socket agent.sock",
            "--socket cannot be a socket: agent.sock\nhint: an absolute path of at most 91 bytes",
        ),
    ];
    for (flags, expected) in cases {
        check_wrong(flags, expected);
    }
}

#[test]
fn flags_that_exclude_each_other_are_refused() {
    let cases = [
        (
            "--detect-local-mode ClusterCIDR",
            "--detect-local-mode needs --cluster-cidr: ClusterCIDR\n\
             hint: add --cluster-cidr with the addresses of all pods, or choose another mode",
        ),
        (
            "--detect-local-mode BridgeInterface",
            "--detect-local-mode needs --pod-bridge-interface: BridgeInterface\n\
             hint: add it, for example with cni0",
        ),
        (
            "--pod-interface-name-prefix veth",
            "--pod-interface-name-prefix has no use in this mode: veth\n\
             hint: add --detect-local-mode InterfaceNamePrefix, \
             or leave --pod-interface-name-prefix out",
        ),
        (
            "--nodeport-addresses primary,10.0.0.0/8",
            "--nodeport-addresses mixes `primary` with CIDRs: primary,10.0.0.0/8\n\
             hint: either `primary` alone or CIDRs",
        ),
        (
            "--cluster-cidr 10.0.0.0/8 --service-cidr 10.96.0.0/12",
            "--service-cidr overlaps --cluster-cidr: 10.96.0.0/12\n\
             hint: pods have 10.0.0.0/8; Services need addresses of their own",
        ),
        (
            "--metrics-bind-address 127.0.0.1:10256",
            "--metrics-bind-address is taken by /healthz: 127.0.0.1:10256\n\
             hint: --healthz-bind-address has 0.0.0.0:10256; choose another port",
        ),
        (
            "--min-sync-period 1m",
            "--min-sync-period is too long: 1m\nhint: at most --sync-period, which is 30s",
        ),
    ];
    for (flags, expected) in cases {
        check_wrong(flags, expected);
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn node() -> Node {
    Node {
        name: NodeName::new("a"),
        zone: Some("z1".into()),
        addresses: vec![ip("192.168.0.1"), ip("192.168.0.2"), ip("fd00::1")],
        pod_cidrs: vec!["10.1.0.0/24".parse().unwrap()],
        labels: Labels::new(),
        internal: 2,
        leaving: false,
        excluded: false,
        network_unavailable: false,
    }
}

#[test]
fn a_node_is_known_by_its_object_and_flags_win() {
    let local: BTreeSet<IpAddr> = [ip("127.0.0.1"), ip("192.168.0.1")].into();
    let own = OwnAddresses { all: local.clone(), primary: vec![ip("192.168.0.1"), ip("fd00::7")] };
    let config = config("--detect-local-mode NodeCIDR --node-ip 192.168.0.9").unwrap();
    assert_eq!(
        config.node_context(Some(&node()), &own),
        NodeContext {
            name: NodeName::new("a"),
            zone: Some("z1".into()),
            local_addresses: local.clone(),
            primary_addresses: vec![ip("192.168.0.9"), ip("fd00::1")],
            node_port_addresses: vec![ip("192.168.0.9"), ip("fd00::1")],
            detect_local: DetectLocal::Cidrs(vec!["10.1.0.0/24".parse().unwrap()]),
            masquerade_all: false,
        }
    );
    assert_eq!(
        config.node_context(None, &own),
        NodeContext {
            name: NodeName::new("a"),
            zone: None,
            local_addresses: local,
            primary_addresses: vec![ip("192.168.0.9"), ip("fd00::7")],
            node_port_addresses: vec![ip("192.168.0.9"), ip("fd00::7")],
            detect_local: DetectLocal::Never,
            masquerade_all: false,
        }
    );
}
