//! Which arguments do the commands of a lab take?

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ipnet::IpNet;

/// A cluster of network namespaces on this machine
///
/// Nodes, a client outside and pods are namespaces that are wired as machines are; each node runs
/// the real agent. Nothing outside of them is changed, and all of it goes with `pogu lab down` or ^C.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    #[command(subcommand)]
    pub(crate) action: LabAction,
}

/// Which of the labs of this machine.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The lab's name; several can stand side by side
    #[arg(long, env = "POGU_LAB", hide_env_values = true, default_value = "default")]
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabAction {
    Up(Box<UpArguments>),
    Down(DownArguments),
    Status(StatusArguments),
    Exec(ExecArguments),
    Logs(LogsArguments),
    Apply(ApplyArguments),
    Delete(DeleteArguments),
    Scale(ScaleArguments),
    Crash(NodeArguments),
    Boot(BootArguments),
}

/// Build a lab, and run it until ^C
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab up -f examples/shop                     three nodes, with the manifests of a folder
  pogu lab up -f app.yaml --nodes 5 --detach       in the background; `pogu lab down` ends it
  pogu lab up -f app.yaml --image nginx='python3 -m http.server 80'
  pogu lab up -f app.yaml --images my-images       a file with a line NAME=COMMAND for each
  pogu lab up -f app.yaml --agent-flag=--masquerade-all
  pogu lab up --kubeconfig ~/.kube/config --nodes 2   nodes of a real API server
  pogu lab up --kubeconfig ~/.kube/config --no-agents   the same; a proxy comes as a DaemonSet
  pogu lab up --pod-cidr 10.0.0.0/16 --node-cidr 192.168.7.0/24 --service-cidr 10.9.0.0/16")]
pub(crate) struct UpArguments {
    /// Manifests: a file or a folder; changes of them are taken in. With --kubeconfig, `kubectl apply`
    /// takes its place
    #[arg(short, long = "filename", value_name = "FILE|DIR")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) lab: Which,
    /// Join the API server of this kubeconfig: the nodes register there and run the Pods that are bound
    /// to them, and its controllers do the rest
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// With --kubeconfig: an address of this machine at which the API server reaches the nodes, for
    /// kubectl logs, exec and port-forward
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) kubelet_address: IpAddr,
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) nodes: u8,
    /// Return when everything is ready; the lab goes on
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Start with what is right of the manifests, and only tell what is wrong
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// A command of this machine that stands for an image
    #[arg(long = "image", value_name = "NAME=COMMAND")]
    pub(crate) images: Vec<String>,
    /// A file of such commands, a line each; --image prevails over it
    #[arg(long = "images", value_name = "FILE")]
    pub(crate) image_files: Vec<PathBuf>,
    /// Nodes without an agent: what leads their Services comes as pods, such as a DaemonSet's
    #[arg(long)]
    pub(crate) no_agents: bool,
    /// A flag more for each node's agent; `pogu agent --help` lists them
    #[arg(
        long = "agent-flag",
        value_name = "FLAG",
        allow_hyphen_values = true,
        conflicts_with = "no_agents"
    )]
    pub(crate) agent_flags: Vec<String>,
    /// Addresses of the nodes and of the client outside
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',')]
    pub(crate) node_cidr: Vec<IpNet>,
    /// Addresses of the pods
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',')]
    pub(crate) pod_cidr: Vec<IpNet>,
    /// ClusterIPs
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',')]
    pub(crate) service_cidr: Vec<IpNet>,
    /// The domain of the cluster's names
    #[arg(long, value_name = "NAME", default_value = "cluster.local")]
    pub(crate) cluster_domain: String,
    /// Names of the world beyond the cluster, written as in /etc/hosts
    #[arg(long, value_name = "FILE")]
    pub(crate) world_hosts: Option<PathBuf>,
    /// How many seconds a crashed node may be silent before its pods count as lost
    #[arg(long, value_name = "SECONDS", default_value_t = 40)]
    pub(crate) node_grace: u64,
}

/// End a lab and take all of it away
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab down
  pogu lab down --all")]
pub(crate) struct DownArguments {
    #[command(flatten)]
    pub(crate) lab: Which,
    /// Every lab of this machine
    #[arg(long)]
    pub(crate) all: bool,
}

/// Show nodes, Deployments and pods of a lab
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) lab: Which,
    /// For programs
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<LabOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabOutput {
    Json,
}

/// Run a command in a pod, on a node or outside
///
/// The command is a program of this machine, with the network, the name and the DNS configuration of
/// whom it runs as. On a node, `pogu get` asks the node's agent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab exec pod/shop/web-0 -- curl -s http://10.96.0.80
  pogu lab exec deployment/shop/web -- cat /etc/resolv.conf
  pogu lab exec node/node-1 -- pogu get frontends -A
  pogu lab exec outside -- curl -s http://172.30.0.11:30080")]
pub(crate) struct ExecArguments {
    /// pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME, node/NAME or outside
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) lab: Which,
    /// The command, after `--`
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}

/// Show what a pod or a node's agent has written
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab logs pod/shop/web-0
  pogu lab logs node/node-1 --follow")]
pub(crate) struct LogsArguments {
    /// pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME, node/NAME or outside
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) lab: Which,
    /// Of a pod that has several
    #[arg(short, long)]
    pub(crate) container: Option<String>,
    /// Go on showing what comes, until ^C
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Take manifests in
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab apply -f service.yaml
  generate | pogu lab apply -f -")]
pub(crate) struct ApplyArguments {
    /// A file of manifests; - is the input
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) lab: Which,
}

/// Delete objects
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab delete -f service.yaml
  pogu lab delete pod/shop/web-0      a Deployment makes another one")]
pub(crate) struct DeleteArguments {
    /// pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME or service/NAMESPACE/NAME
    #[arg(required_unless_present = "files")]
    pub(crate) objects: Vec<String>,
    /// A file of manifests that name the objects; - is the input
    #[arg(short, long = "filename", value_name = "FILE", conflicts_with = "objects")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) lab: Which,
}

/// Change the number of a Deployment's pods
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab scale shop/web --replicas 5")]
pub(crate) struct ScaleArguments {
    /// [deployment/]NAMESPACE/NAME
    pub(crate) deployment: String,
    #[arg(long, value_name = "N")]
    pub(crate) replicas: u32,
    #[command(flatten)]
    pub(crate) lab: Which,
}

/// Take a node away as a power cut would
///
/// Its agent, its pods and what its kernel knew are gone at once. The others notice after the time
/// that --node-grace of `pogu lab up` gives it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu lab crash node-2
  pogu lab boot node-2")]
pub(crate) struct NodeArguments {
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) lab: Which,
}

/// Let a crashed node come back
#[derive(Debug, Args)]
pub(crate) struct BootArguments {
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) lab: Which,
}
