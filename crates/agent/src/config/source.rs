//! Where do the objects come from: flags, and what follows of them?

use std::path::PathBuf;

use clap::Args;
use watch::{Access, Wanted};

use super::Config;

/// As typed.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct SourceFlags {
    #[command(flatten)]
    pub choice: SourceChoice,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig", help_heading = "Source")]
    pub context: Option<String>,
}

/// Exactly one of them.
#[derive(Debug, Clone, Args)]
#[group(id = "source", required = true, multiple = false)]
pub struct SourceChoice {
    /// Folder of manifests: Services, EndpointSlices, Nodes, ServiceCIDRs, Namespaces, Pods,
    /// ServiceImports, AddressPools, MetalLB's pools and advertisements, and the ConfigMaps of the
    /// cluster DNS, in YAML or JSON
    #[arg(long, value_name = "DIR", help_heading = "Source")]
    pub manifests: Option<PathBuf>,

    /// An API server, as a kubeconfig says
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub kubeconfig: Option<PathBuf>,

    /// The API server of the cluster that this runs in as a Pod, as its service account
    #[arg(long, help_heading = "Source")]
    pub in_cluster: bool,
}

/// Where the objects come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectSource {
    Folder(PathBuf),
    ApiServer(Access),
}

impl From<SourceFlags> for ObjectSource {
    fn from(flags: SourceFlags) -> Self {
        match (flags.choice.manifests, flags.choice.kubeconfig) {
            (Some(folder), _) => Self::Folder(folder),
            (None, Some(path)) => {
                Self::ApiServer(Access::Kubeconfig { path, context: flags.context })
            }
            (None, None) => Self::ApiServer(Access::InCluster),
        }
    }
}

impl ObjectSource {
    /// In the spelling of its flag.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::ApiServer(Access::Kubeconfig { path, context }) => {
                let context = context.as_deref().map(|name| format!(" --context {name}"));
                format!("--kubeconfig {}{}", path.display(), context.unwrap_or_default())
            }
            Self::ApiServer(Access::InCluster) => "--in-cluster".to_owned(),
        }
    }
}

impl Config {
    /// What this program has to know of the cluster. Pods of other nodes matter where their names are
    /// verified: by the flag from the start, by a Corefile as soon as it has been read.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let dns = self.dns.as_ref();
        Wanted {
            dataplane: dns.is_none_or(|dns| dns.is_local),
            names: dns.is_some(),
            node: dns.is_none_or(|dns| dns.has_pods).then(|| self.node_name.clone()),
            all_pods: dns.is_some_and(|dns| dns.config.verifies_pods()),
            addresses: self.load_balancer.is_some(),
        }
    }
}
