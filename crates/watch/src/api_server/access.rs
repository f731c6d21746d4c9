//! Where is the API server, who are we there, and does that still hold?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use thiserror::Error;

/// How the API server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Kubeconfig {
        path: PathBuf,
        /// None: the current one of the file.
        context: Option<String>,
    },
    /// As the service account of the Pod that this runs in.
    InCluster,
}

/// Why the API server cannot even be asked.
#[derive(Debug, Error)]
pub enum AccessError {
    #[error("cannot use the kubeconfig {}: {}", path.display(), with_causes(source))]
    Kubeconfig { path: PathBuf, source: KubeconfigError },
    #[error("cannot use the service account of this Pod: {}", with_causes(.0))]
    InCluster(InClusterError),
    #[error("cannot use the proxy {0:?} for the API server")]
    Proxy(String),
    #[error("cannot make a client for the API server: {}", with_causes(.0))]
    Client(kube::Error),
    #[error("cannot make a client for the API server: {0}")]
    Broke(String),
}

impl AccessError {
    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Kubeconfig { path, source } => match source {
                KubeconfigError::ReadConfig(..) => {
                    "name a file that exists and that this user may read".to_owned()
                }
                KubeconfigError::CurrentContextNotSet | KubeconfigError::LoadContext(_) => format!(
                    "kubectl config get-contexts --kubeconfig {} lists its contexts",
                    path.display()
                ),
                KubeconfigError::KindMismatch
                | KubeconfigError::ApiVersionMismatch
                | KubeconfigError::LoadClusterOfContext(_)
                | KubeconfigError::FindPath
                | KubeconfigError::Parse(_)
                | KubeconfigError::MissingClusterUrl
                | KubeconfigError::ParseClusterUrl(_)
                | KubeconfigError::ParseProxyUrl(_)
                | KubeconfigError::LoadCertificateAuthority(_)
                | KubeconfigError::LoadClientCertificate(_)
                | KubeconfigError::LoadClientKey(_)
                | KubeconfigError::ParseCertificates(_) => format!(
                    "kubectl version --kubeconfig {} shows whether others can use it",
                    path.display()
                ),
            },
            Self::InCluster(_) => "--in-cluster is for a Pod with a service account token; \
                                   elsewhere name a file with --kubeconfig"
                .to_owned(),
            Self::Proxy(_) => "write it as http://HOST:PORT".to_owned(),
            Self::Client(_) | Self::Broke(_) => {
                "see whether its certificates, token and exec plugin are right".to_owned()
            }
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    super::connection::with_causes(error)
}

/// A configuration, and what it was made of.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) proxy: Option<Uri>,
    pub(super) files: Files,
}

/// The files that say who we are and whom we trust, as they were read. They are small; when one of
/// them differs, a new client is made of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Files {
    fn read<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let read = |path: &Path| (path.to_owned(), std::fs::read(path).ok());
        Self(paths.into_iter().map(read).collect())
    }

    /// As they are now. What cannot be read now counts as it was: a writer may be about to replace it.
    pub(super) fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, old)| {
            std::fs::read(path).is_ok_and(|new| old.as_ref().is_none_or(|old| *old != new))
        })
    }
}

impl Access {
    /// Reads files, and runs nothing. The environment says by which proxy.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(super) async fn load(&self) -> Result<Loaded, AccessError> {
        let (mut config, written_proxy, files) = match self {
            Self::InCluster => {
                // The client library itself reads token and authorities again.
                (Config::incluster().map_err(AccessError::InCluster)?, None, Files::default())
            }
            Self::Kubeconfig { path, context } => {
                let wrong = |source| AccessError::Kubeconfig { path: path.clone(), source };
                let file = Kubeconfig::read_from(path).map_err(wrong)?;
                let context = context.clone().or_else(|| file.current_context.clone());
                let proxy = context.as_deref().and_then(|context| proxy_of(&file, context));
                let options = KubeConfigOptions { context, cluster: None, user: None };
                let files = files_of(path, &file);
                let config = Config::from_custom_kubeconfig(file, &options).await.map_err(wrong)?;
                (config, proxy, files)
            }
        };
        let proxy = match written_proxy {
            Some(proxy) => Some(proxy.parse().map_err(|_shown_whole| AccessError::Proxy(proxy))?),
            None => Matcher::from_env()
                .intercept(&config.cluster_url)
                .map(|intercept| intercept.uri().clone()),
        };
        config.proxy_url = None;
        config.default_retry = false;
        Ok(Loaded { config, proxy, files })
    }
}

fn proxy_of(file: &Kubeconfig, context: &str) -> Option<String> {
    let context = file.contexts.iter().find(|it| it.name == context)?.context.as_ref()?;
    let cluster = file.clusters.iter().find(|it| it.name == context.cluster)?;
    cluster.cluster.as_ref()?.proxy_url.clone().filter(|proxy| !proxy.is_empty())
}

fn files_of(path: &Path, file: &Kubeconfig) -> Files {
    let clusters = file.clusters.iter().filter_map(|it| it.cluster.as_ref());
    let users = file.auth_infos.iter().filter_map(|it| it.auth_info.as_ref());
    let authorities = clusters.filter_map(|it| it.certificate_authority.as_deref());
    let own = users.flat_map(|user| {
        [&user.client_certificate, &user.client_key].into_iter().filter_map(|it| it.as_deref())
    });
    Files::read([path].into_iter().chain(authorities.chain(own).map(Path::new)))
}
