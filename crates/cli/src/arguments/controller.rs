//! Which flags does the controller have?

use std::net::SocketAddr;
use std::path::PathBuf;

use agent::config::{ExternalIpFlags, LoadBalancerFlags, LogFormat};
use clap::Args;

/// Do what is to be done once for the whole cluster
///
/// Follows the objects of an API server and tells whoever wrote them what of them cannot be used: by a
/// condition in the status of Services, and by Events. Of several controllers the one acts that holds
/// the Lease; another one takes over within five seconds when it is gone, and at once when it ends.
/// Runs in the foreground and logs to stderr.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pogu controller --in-cluster
  pogu controller --kubeconfig ~/.kube/config --http-bind-address none")]
pub(crate) struct ControllerArguments {
    #[command(flatten)]
    pub(crate) source: ApiServerChoice,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig", help_heading = "Source")]
    pub(crate) context: Option<String>,

    /// The namespace of the Lease
    #[arg(
        long,
        value_name = "NAMESPACE",
        default_value = "kube-system",
        help_heading = "Election"
    )]
    pub(crate) lease_namespace: String,

    /// The name of the Lease
    #[arg(long, value_name = "NAME", default_value = "pogu-controller", help_heading = "Election")]
    pub(crate) lease_name: String,

    /// Who this is, for people [default: the host's name]
    #[arg(long, value_name = "NAME", env = "POD_NAME", help_heading = "Election")]
    pub(crate) identity: Option<String>,

    #[command(flatten)]
    pub(crate) external_ips: ExternalIpFlags,

    #[command(flatten)]
    pub(crate) load_balancer: LoadBalancerFlags,

    /// Where /healthz, /livez, /readyz and /metrics are answered, or none
    #[arg(
        long,
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "0.0.0.0:10257,[::]:10257",
        help_heading = "Health and metrics"
    )]
    pub(crate) http_bind_address: Vec<Bind>,

    /// How log lines are written
    #[arg(long, value_enum, default_value = "text", help_heading = "Operation")]
    pub(crate) log_format: LogFormat,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(id = "api-server", required = true, multiple = false)]
pub(crate) struct ApiServerChoice {
    /// An API server, as a kubeconfig says
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The API server of the cluster that this runs in as a Pod, as its service account
    #[arg(long, help_heading = "Source")]
    pub(crate) in_cluster: bool,
}

/// An address, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bind {
    Nowhere,
    At(SocketAddr),
}

impl std::str::FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nowhere),
            text => text.parse().map(Self::At).map_err(|_unsaid| {
                "expected an address with a port, such as 127.0.0.1:10257, or none".to_owned()
            }),
        }
    }
}
