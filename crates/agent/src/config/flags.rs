//! Which flags does the agent have? Names are kube-proxy's where it has the flag.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DnsFlags, ExternalIpFlags, LoadBalancerFlags, SourceFlags};

/// As typed; `Config::try_from` judges the values. The group says by what clap tells that they were
/// given: beside a nested list it does not find out by itself.
#[derive(Debug, Clone, Args)]
#[group(args = ["manifests", "kubeconfig", "in_cluster", "node_name"])]
pub struct Flags {
    #[command(flatten)]
    pub source: SourceFlags,

    /// This node's name, as EndpointSlices and Nodes spell it
    #[arg(long, value_name = "NAME", help_heading = "Node")]
    pub node_name: String,

    /// Addresses of all pods; tells pods from other clients
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',', help_heading = "Node")]
    pub cluster_cidr: Vec<String>,

    /// The node's own address, one of each family [default: what its Node object says, or the one
    /// that the host speaks to the world with]
    #[arg(long, value_name = "IP[,IP]", value_delimiter = ',', help_heading = "Node")]
    pub node_ip: Vec<String>,

    /// How to tell that a packet comes from a pod of this node: ClusterCIDR, NodeCIDR,
    /// BridgeInterface, InterfaceNamePrefix or None [default: ClusterCIDR if there is one]
    #[arg(long, value_name = "MODE", help_heading = "Node")]
    pub detect_local_mode: Option<String>,

    /// The bridge that pods are on, for BridgeInterface
    #[arg(long, value_name = "NAME", help_heading = "Node")]
    pub pod_bridge_interface: Option<String>,

    /// How the names of pods' interfaces begin, for InterfaceNamePrefix
    #[arg(long, value_name = "PREFIX", help_heading = "Node")]
    pub pod_interface_name_prefix: Option<String>,

    /// Masquerade all ClusterIP traffic, that of local pods too
    #[arg(long, help_heading = "Services")]
    pub masquerade_all: bool,

    /// Which of the node's addresses accept node ports: `primary`, or those inside CIDRs
    #[arg(
        long,
        value_name = "primary|CIDR[,CIDR]",
        value_delimiter = ',',
        default_value = "primary",
        help_heading = "Services"
    )]
    pub nodeport_addresses: Vec<String>,

    /// Clients that session affinity remembers, of each family; further ones are served without
    #[arg(long, value_name = "N", default_value = "4194304", help_heading = "Services")]
    pub affinity_clients_max: String,

    /// Where ClusterIPs come from, while no ServiceCIDR object says so
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',', help_heading = "Services")]
    pub service_cidr: Vec<String>,

    /// Answer the cluster DNS on this node
    #[arg(long, value_enum, value_name = "on|off", default_value = "on", help_heading = "DNS")]
    pub dns: Switch,

    /// Where the DNS answers those who are not of this node, or `none` [default: the node's own
    /// addresses, port 53, if it is free]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', help_heading = "DNS")]
    pub dns_bind_address: Vec<String>,

    #[command(flatten)]
    pub names: DnsFlags,

    #[command(flatten)]
    pub external_ips: ExternalIpFlags,

    #[command(flatten)]
    pub load_balancer: LoadBalancerFlags,

    /// UDP port at which the agents of all nodes tell each other that they are there
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = announce::PORT,
        requires = "load_balancer",
        help_heading = "Load balancer"
    )]
    pub announce_port: u16,

    /// Take over from the agent that runs, without losing a DNS query; it ends
    #[arg(long, help_heading = "Operation")]
    pub take_over: bool,

    /// Where /healthz and /livez answer, or `none` [default: 0.0.0.0:10256,[::]:10256]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', help_heading = "Operation")]
    pub healthz_bind_address: Vec<String>,

    /// Where /metrics answers, or `none` [default: 127.0.0.1:10249]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', help_heading = "Operation")]
    pub metrics_bind_address: Vec<String>,

    /// Count connections, packets and bytes of each Service and endpoint
    #[arg(
        long,
        value_enum,
        value_name = "on|off",
        default_value = "on",
        help_heading = "Operation"
    )]
    pub traffic_counters: Switch,

    /// The socket that `pogu get` and `pogu explain` ask
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/run/pogu/agent.sock",
        help_heading = "Operation"
    )]
    pub socket: PathBuf,

    /// How often a refused change is tried again at the latest, and health looks for late ones
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "Operation")]
    pub sync_period: String,

    /// Shortest time between two transactions
    #[arg(long, value_name = "TIME", default_value = "0s", help_heading = "Operation")]
    pub min_sync_period: String,

    /// How log lines are written
    #[arg(long, value_enum, default_value = "text", help_heading = "Operation")]
    pub log_format: LogFormat,

    /// Tracked connections for each core; 0 leaves the kernel's
    #[arg(long, value_name = "N", default_value = "32768", help_heading = "Connection tracking")]
    pub conntrack_max_per_core: String,

    /// Tracked connections at least, however few cores
    #[arg(long, value_name = "N", default_value = "131072", help_heading = "Connection tracking")]
    pub conntrack_min: String,

    /// How long an idle TCP connection is remembered; 0s leaves the kernel's
    #[arg(long, value_name = "TIME", default_value = "24h", help_heading = "Connection tracking")]
    pub conntrack_tcp_timeout_established: String,

    /// How long a TCP connection in CLOSE_WAIT is remembered; 0s leaves the kernel's
    #[arg(long, value_name = "TIME", default_value = "1h", help_heading = "Connection tracking")]
    pub conntrack_tcp_timeout_close_wait: String,

    /// Do not take packets outside the TCP window for invalid
    #[arg(long, help_heading = "Connection tracking")]
    pub conntrack_tcp_be_liberal: bool,

    /// How long an unanswered UDP flow is remembered; 0s leaves the kernel's
    #[arg(long, value_name = "TIME", default_value = "0s", help_heading = "Connection tracking")]
    pub conntrack_udp_timeout: String,

    /// How long an answered UDP flow is remembered; 0s leaves the kernel's
    #[arg(long, value_name = "TIME", default_value = "0s", help_heading = "Connection tracking")]
    pub conntrack_udp_timeout_stream: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}
