//! Which commands does pogu have, and which arguments do they take?

use std::path::{Path, PathBuf};

use agent::config::{AloneFlags, Flags};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::lab::LabArguments;

mod controller;
mod explain;

pub(crate) use controller::{Bind, ControllerArguments};
pub(crate) use explain::{ExplainArguments, Offline, TraceOutput};

/// Services for Kubernetes and for plain Linux hosts.
#[derive(Debug, Parser)]
#[command(name = "pogu", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) action: Action,
}

const EXAMPLES: &str = "\
Examples:
  pogu lab up -f examples/shop                               a cluster of namespaces, to try it
  pogu agent --manifests /etc/pogu --node-name $(hostname)   serve the Services of a folder
  pogu dns --manifests /etc/pogu --listen 127.0.0.1:5353     answer the names of a folder
  pogu controller --in-cluster                               tell what of a cluster cannot be used
  pogu get services -A                                       show what the agent holds
  pogu explain --from pod/shop/web http://cart               tell what will happen, and why
  pogu agent cleanup                                         remove all that it left in the kernel";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    Agent(Box<AgentArguments>),
    Controller(Box<ControllerArguments>),
    Dns(Box<DnsArguments>),
    Get(GetArguments),
    Explain(Box<ExplainArguments>),
    Lab(Box<LabArguments>),
    /// Answer who answered: the server that pods of a lab run
    #[command(hide = true, disable_help_flag = true)]
    Echo(EchoArguments),
    Completion(CompletionArguments),
    Man(ManArguments),
}

/// Serve Services on this node
///
/// Reads objects from an API server or a folder, programs the kernel's packet filter to balance their
/// traffic, and follows every change. Runs in the foreground and logs to stderr. Its rules stay in the
/// kernel when it ends, so that a restart interrupts nothing; `pogu agent cleanup` removes them.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = AGENT_EXAMPLES
)]
pub(crate) struct AgentArguments {
    #[command(subcommand)]
    pub(crate) action: Option<AgentAction>,
    #[command(flatten)]
    pub(crate) flags: Option<Flags>,
}

const AGENT_EXAMPLES: &str = "\
Examples:
  pogu agent --manifests /etc/pogu --node-name a
  pogu agent --in-cluster --node-name $NODE_NAME
  pogu agent --kubeconfig /etc/kubernetes/pogu.conf --node-name a
  pogu agent --manifests /etc/pogu --node-name a --cluster-cidr 10.244.0.0/16,fd00:10::/56 \\
      --service-cidr 10.96.0.0/12 --nodeport-addresses 192.168.0.0/16
  pogu agent --manifests /etc/pogu --node-name a \\
      --detect-local-mode BridgeInterface --pod-bridge-interface cni0
  pogu agent cleanup --kube-proxy";

#[derive(Debug, Subcommand)]
pub(crate) enum AgentAction {
    Cleanup(CleanupArguments),
}

/// Remove all that an agent left in the kernel
///
/// Services stop working on this node, until somebody leads them again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu agent cleanup
  pogu agent cleanup --kube-proxy   after pogu took a node over from kube-proxy")]
pub(crate) struct CleanupArguments {
    /// Remove the nftables tables of kube-proxy instead; an agent that runs goes on
    #[arg(long)]
    pub(crate) kube_proxy: bool,
}

/// Answer the cluster DNS, alone
///
/// Reads objects from an API server or a folder, answers the names of their Services as a cluster
/// does, and asks upstreams for all others. An agent does the same beside its dataplane. Runs in the foreground and
/// logs to stderr.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu dns --manifests /etc/pogu
  pogu dns --in-cluster --http-bind-address 0.0.0.0:8080,0.0.0.0:8181,0.0.0.0:9153
  pogu dns --manifests /etc/pogu --listen 127.0.0.1:5353 --upstream 192.0.2.53 --http-bind-address none
  pogu dns --manifests /etc/pogu --cluster-domain example.internal --hosts /etc/hosts \\
      --stub-domain consul.local=10.0.0.53 --upstream tls://9.9.9.9#dns.quad9.net
  pogu dns --manifests /etc/pogu --take-over   replace the one that runs; no query is lost")]
pub(crate) struct DnsArguments {
    #[command(flatten)]
    pub(crate) flags: AloneFlags,
}

/// Show what the agent on this node holds
///
/// Asks the running agent over its socket, so it must run as the same user.
#[derive(Debug, Args)]
#[command(after_help = GET_EXAMPLES)]
pub(crate) struct GetArguments {
    /// What to show
    #[arg(value_enum)]
    pub(crate) resource: Resource,
    /// The Service's name; without one, all are shown
    pub(crate) name: Option<String>,
    /// The Service's namespace
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    /// Of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// As a table with more columns, or for programs
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Output>,
    #[command(flatten)]
    pub(crate) agent: AgentSocket,
}

/// Where a running agent is asked.
#[derive(Debug, Args)]
pub(crate) struct AgentSocket {
    /// The agent's socket
    #[arg(
        long,
        value_name = "PATH",
        env = "POGU_SOCKET",
        hide_env_values = true,
        default_value = DEFAULT_SOCKET
    )]
    pub(crate) socket: PathBuf,
}

const DEFAULT_SOCKET: &str = "/run/pogu/agent.sock";

impl AgentSocket {
    /// Whether a certain agent is meant, or one that is there.
    pub(crate) fn is_meant(&self) -> bool {
        self.socket != Path::new(DEFAULT_SOCKET) || self.socket.exists()
    }
}

const GET_EXAMPLES: &str = "\
Examples:
  pogu get services -A
  pogu get endpoints web -n shop -o wide
  pogu get frontends -A -o json
  pogu get dns-failures
  pogu get dns-failures --socket /run/pogu/dns.sock   of a DNS that runs alone";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Resource {
    /// Services that the cluster has
    #[value(alias = "service", alias = "svc")]
    Services,
    /// Their endpoints, and which of them this node uses
    #[value(alias = "endpoint", alias = "ep")]
    Endpoints,
    /// Addresses that this node serves, and what becomes of their packets
    #[value(alias = "frontend", alias = "fe")]
    Frontends,
    /// Questions to the cluster DNS that failed lately, by client, of pods in all namespaces
    #[value(alias = "dns-failure")]
    DnsFailures,
    /// Addresses of Services of type LoadBalancer, and which nodes answer for them
    #[value(alias = "address")]
    Addresses,
    /// Pools that such addresses are of, and how full they are
    #[value(alias = "pool")]
    Pools,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Wide,
    Json,
    Yaml,
}

/// Its own words, which it reads itself.
#[derive(Debug, Args)]
pub(crate) struct EchoArguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// Write the completion of commands and flags for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu completion bash > /usr/share/bash-completion/completions/pogu
  pogu completion zsh > \"${fpath[1]}/_pogu\"")]
pub(crate) struct CompletionArguments {
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Write the manual page of a command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu man | man -l -
  pogu man agent cleanup > pogu-agent-cleanup.1")]
pub(crate) struct ManArguments {
    /// The command and its subcommands; pogu itself without one
    pub(crate) command: Vec<String>,
}
