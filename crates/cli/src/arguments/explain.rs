//! Which arguments does `pogu explain` take?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::AgentSocket;

/// Tell what will happen to a request, and why
///
/// Hop by hop: what the name becomes, which Service's frontend it meets, which endpoints can be
/// chosen and how likely, which source address they see, and which object's field makes it so. Asks
/// the running agent over its socket; with --manifests a folder is explained without any agent.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArguments {
    /// http(s)://HOST[:PORT][/PATH], HOST:PORT[/udp|/sctp] or svc/NAMESPACE/NAME[:PORT]
    pub(crate) target: String,
    /// Who asks: outside, node/NAME, pod/NAMESPACE/NAME or an IP address [default: this node]
    #[arg(long, value_name = "WHO")]
    pub(crate) from: Option<String>,
    /// The namespace that the one who asks is in, where --from does not tell
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The packet is taken as it arrives at this node on this interface
    #[arg(long, value_name = "INTERFACE", requires = "from")]
    pub(crate) via: Option<String>,
    /// Use the target's IPv4 address
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,
    /// Use the target's IPv6 address
    #[arg(short = '6', long)]
    pub(crate) ipv6: bool,
    /// For people, or for programs
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: TraceOutput,
    #[command(flatten)]
    pub(crate) agent: AgentSocket,
    /// A lab, whose nodes' agents are asked [default: the only one, where no agent runs here]
    #[arg(long, value_name = "NAME", env = "POGU_LAB")]
    pub(crate) lab: Option<String>,
    /// Try it in the lab, and end with 3 if anything happens otherwise than foretold
    #[arg(long, conflicts_with_all = ["manifests", "via"])]
    pub(crate) probe: bool,
    #[command(flatten)]
    pub(crate) offline: Offline,
}

const EXAMPLES: &str = "\
Examples:
  pogu explain --from pod/shop/web http://cart
  pogu explain --from pod/shop/web cart.shop        the name alone, as resolvers ask for it
  pogu explain --from outside 203.0.113.7:80
  pogu explain --lab default --from pod/shop/client --probe http://web
  pogu explain --from 10.1.0.5 -6 svc/kube-system/dns:dns
  pogu explain --manifests /etc/pogu --node-name a --from node/b svc/shop/web -o json";

/// The agent's flags that decide, for a node without an agent. They are judged as the agent's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without an agent")]
pub(crate) struct Offline {
    /// Folder of manifests to explain
    #[arg(long, value_name = "DIR", requires = "node_name")]
    pub(crate) manifests: Option<PathBuf>,
    /// The node whose agent is asked
    #[arg(long, value_name = "NAME", requires = "manifests")]
    pub(crate) node_name: Option<String>,
    /// Addresses of all pods
    #[arg(long, value_name = "CIDR[,CIDR]", requires = "manifests")]
    pub(crate) cluster_cidr: Option<String>,
    /// The node's own address, one of each family
    #[arg(long, value_name = "IP[,IP]", requires = "manifests")]
    pub(crate) node_ip: Option<String>,
    /// How to tell that a packet comes from a pod of the node
    #[arg(long, value_name = "MODE", requires = "manifests")]
    pub(crate) detect_local_mode: Option<String>,
    /// The bridge that pods are on, for BridgeInterface
    #[arg(long, value_name = "NAME", requires = "manifests")]
    pub(crate) pod_bridge_interface: Option<String>,
    /// How the names of pods' interfaces begin, for InterfaceNamePrefix
    #[arg(long, value_name = "PREFIX", requires = "manifests")]
    pub(crate) pod_interface_name_prefix: Option<String>,
    /// Masquerade all ClusterIP traffic
    #[arg(long, requires = "manifests")]
    pub(crate) masquerade_all: bool,
    /// Which of the node's addresses accept node ports
    #[arg(long, value_name = "primary|CIDR[,CIDR]", requires = "manifests")]
    pub(crate) nodeport_addresses: Option<String>,
    /// Where ClusterIPs come from, while no ServiceCIDR object says so
    #[arg(long, value_name = "CIDR[,CIDR]", requires = "manifests")]
    pub(crate) service_cidr: Option<String>,
    /// The only addresses that Services may name in spec.externalIPs
    #[arg(long, value_name = "CIDR[,CIDR]|none", requires = "manifests")]
    pub(crate) external_ip_range: Option<String>,
}

impl Offline {
    /// Those that are given, as the agent's command line.
    pub(crate) fn agent_flags(&self) -> Vec<String> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let flags = [
            ("--manifests", self.manifests.as_ref().map(text)),
            ("--node-name", self.node_name.clone()),
            ("--cluster-cidr", self.cluster_cidr.clone()),
            ("--node-ip", self.node_ip.clone()),
            ("--detect-local-mode", self.detect_local_mode.clone()),
            ("--pod-bridge-interface", self.pod_bridge_interface.clone()),
            ("--pod-interface-name-prefix", self.pod_interface_name_prefix.clone()),
            ("--nodeport-addresses", self.nodeport_addresses.clone()),
            ("--service-cidr", self.service_cidr.clone()),
            ("--external-ip-range", self.external_ip_range.clone()),
        ];
        let given =
            flags.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value?)));
        given.chain(self.masquerade_all.then(|| "--masquerade-all".to_owned())).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceOutput {
    Text,
    Json,
}
