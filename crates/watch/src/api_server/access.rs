//! Where is the API server, who are we there, and does that still hold?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use kube::Config;
use kube::client::ConfigExt as _;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use thiserror::Error;

use super::causes::with_causes;

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
    #[error("cannot use the kubeconfig {}: {}", path.display(), reason(source))]
    Kubeconfig { path: PathBuf, source: KubeconfigError },
    #[error("cannot use the kubeconfig {}: there is no certificate in its certificate-authority", path.display())]
    NoAuthority { path: PathBuf },
    #[error("cannot use the service account of this Pod: {}", reason_in_cluster(.0))]
    InCluster(InClusterError),
    /// Without what it may say of a user and a password.
    #[error("cannot use the proxy {0:?} for the API server")]
    Proxy(String),
    #[error("cannot read the token in {}: {reason}", path.display())]
    TokenFile { path: PathBuf, reason: String },
    #[error("cannot get credentials by the exec plugin {command:?}: {reason}")]
    Plugin { command: String, reason: String, install_hint: Option<String> },
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
            Self::NoAuthority { .. } => {
                "it must be PEM, and base64 of that in certificate-authority-data".to_owned()
            }
            Self::InCluster(_) => "--in-cluster is for a Pod with a service account token; \
                                   elsewhere name a file with --kubeconfig"
                .to_owned(),
            Self::Proxy(_) => "write it as http://HOST:PORT or https://HOST:PORT".to_owned(),
            Self::TokenFile { .. } => {
                "a file that exists, that this user may read, and that holds a token".to_owned()
            }
            Self::Plugin { command, install_hint, .. } => {
                install_hint.clone().unwrap_or_else(|| {
                    format!("run {command} by hand: it must print an ExecCredential")
                })
            }
            Self::Client(_) | Self::Broke(_) => {
                "see whether its certificates, token and exec plugin are right".to_owned()
            }
        }
    }
}

/// Without the path, which is said already, and without the text around what is wrong: it may hold a
/// token.
fn reason(source: &KubeconfigError) -> String {
    if let KubeconfigError::ReadConfig(error, _) = source {
        return error.to_string();
    }
    let text = with_causes(source);
    let is_text_wrong = matches!(source, KubeconfigError::Parse(_));
    text.lines().next().filter(|_| is_text_wrong).unwrap_or(&text).to_owned()
}

fn reason_in_cluster(source: &InClusterError) -> String {
    match source {
        InClusterError::ReadEnvironmentVariable(_) => {
            "there is no KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT".to_owned()
        }
        InClusterError::ReadDefaultNamespace(_)
        | InClusterError::ReadCertificateBundle(_)
        | InClusterError::ParseClusterPort(_)
        | InClusterError::ParseClusterUrl(_)
        | InClusterError::ParseCertificates(_) => with_causes(source),
    }
}

/// A configuration, and what it was made of. There are secrets in it, so that it is not shown.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) proxy: Option<Proxy>,
    pub(super) files: Files,
}

/// Who passes our bytes to the API server. There may be a password in it.
pub(super) struct Proxy {
    pub(super) uri: Uri,
    /// What it wants to hear of who we are.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    fn of(intercept: &Intercept) -> Result<Self, AccessError> {
        let (uri, authorization) = (intercept.uri().clone(), intercept.basic_auth().cloned());
        match uri.scheme_str() {
            Some("http" | "https") | None => Ok(Self { uri, authorization }),
            Some(_) => Err(AccessError::Proxy(uri.to_string())),
        }
    }

    /// As a kubeconfig names it.
    fn parse(text: &str, server: &Uri) -> Result<Self, AccessError> {
        let matcher = Matcher::builder().all(text).build();
        let intercept = matcher.intercept(server).ok_or_else(|| {
            let after_user = text.rsplit('@').next().unwrap_or_default();
            AccessError::Proxy(after_user.to_owned())
        })?;
        Self::of(&intercept)
    }

    /// As the variables of the environment say. They are about the way out of this machine, as in
    /// every client of Kubernetes.
    fn of_environment(server: &Uri) -> Result<Option<Self>, AccessError> {
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if is_loopback {
            return Ok(None);
        }
        Matcher::from_env().intercept(server).as_ref().map(Self::of).transpose()
    }
}

/// The files that say who we are and whom we trust, as they were read. They are small; when one of
/// them differs, a new client is made of them. There are keys and tokens in them.
#[derive(Clone)]
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
                // The client library itself reads the authorities again.
                let config = Config::incluster().map_err(AccessError::InCluster)?;
                let files = Files::read(config.auth_info.token_file.as_deref().map(Path::new));
                (config, None, files)
            }
            Self::Kubeconfig { path, context } => {
                let wrong = |source| AccessError::Kubeconfig { path: path.clone(), source };
                // Before they are used: a file that is replaced meanwhile has changed then.
                let mut files = Files::read([path.as_path()]);
                let file = Kubeconfig::read_from(path).map_err(wrong)?;
                let context = context.clone().or_else(|| file.current_context.clone());
                let proxy = context.as_deref().and_then(|context| proxy_of(&file, context));
                let options = KubeConfigOptions { context, cluster: None, user: None };
                files.0.extend(files_of(&file).0);
                let config = Config::from_custom_kubeconfig(file, &options).await.map_err(wrong)?;
                if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
                    return Err(AccessError::NoAuthority { path: path.clone() });
                }
                check_certificates(&config)?;
                (config, proxy, files)
            }
        };
        let proxy = match written_proxy {
            Some(proxy) => Some(Proxy::parse(&proxy, &config.cluster_url)?),
            None => Proxy::of_environment(&config.cluster_url)?,
        };
        config.proxy_url = None;
        config.default_retry = false;
        Ok(Loaded { config, proxy, files })
    }
}

/// Whether certificates and keys that stand there can be used: nothing is run, no token is read.
fn check_certificates(config: &Config) -> Result<(), AccessError> {
    let mut checked = config.clone();
    (checked.auth_info.exec, checked.auth_info.token_file) = (None, None);
    checked.rustls_client_config().map(drop).map_err(AccessError::Client)
}

fn proxy_of(file: &Kubeconfig, context: &str) -> Option<String> {
    let context = file.contexts.iter().find(|it| it.name == context)?.context.as_ref()?;
    let cluster = file.clusters.iter().find(|it| it.name == context.cluster)?;
    cluster.cluster.as_ref()?.proxy_url.clone().filter(|proxy| !proxy.is_empty())
}

/// Those that a kubeconfig names.
fn files_of(file: &Kubeconfig) -> Files {
    let clusters = file.clusters.iter().filter_map(|it| it.cluster.as_ref());
    let users = file.auth_infos.iter().filter_map(|it| it.auth_info.as_ref());
    let authorities = clusters.filter_map(|it| it.certificate_authority.as_deref());
    let own = users.flat_map(|user| {
        let paths = [&user.client_certificate, &user.client_key, &user.token_file];
        paths.into_iter().filter_map(|it| it.as_deref())
    });
    Files::read(authorities.chain(own).map(Path::new))
}
