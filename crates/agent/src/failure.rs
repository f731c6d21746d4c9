//! Why does the agent not run?

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// What ended the agent, or kept it from starting.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("missing capability: {0}")]
    Capability(caps::Capability),
    #[error("cannot read the process's capabilities: {0}")]
    Capabilities(#[source] caps::errors::CapsError),
    /// Found by trying it.
    #[error("the kernel lacks a feature: {0}")]
    Feature(String),
    #[error(transparent)]
    Source(#[from] watch::OpenError),
    #[error(transparent)]
    ApiServer(#[from] watch::AccessError),
    #[error("cannot listen for {purpose} on {address}: {source}")]
    Listen { purpose: &'static str, address: SocketAddr, source: io::Error },
    #[error("another agent answers on the socket: {}", .0.display())]
    AlreadyRuns(PathBuf),
    #[error("cannot open the socket {}: {source}", path.display())]
    Socket { path: PathBuf, source: io::Error },
    #[error("cannot start a thread or the runtime: {0}")]
    Start(#[source] io::Error),
    /// The dataplane cannot go on; the text says what was tried, with its cause.
    #[error("{0}")]
    Dataplane(String),
    /// The text says what cannot be had, and where.
    #[error("cannot serve DNS: {what}")]
    Dns { what: String, hint: Option<String> },
    #[error("a part of the agent broke: {0}")]
    Broke(&'static str),
}

impl Failure {
    /// A server's failures say their hints on lines of their own.
    pub(crate) fn dns(failure: nameserver::Failure) -> Self {
        let text = failure.to_string();
        let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self::Dns { what: what.to_owned(), hint }
    }

    /// What the reader can do, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Capability(capability) => Some(format!(
                "run it as root, or give it the capability: \
                 AmbientCapabilities={capability} in systemd, --cap-add in a container"
            )),
            Self::Capabilities(_) => Some("is /proc mounted?".to_owned()),
            Self::Feature(_) => Some("a kernel from 5.13 on has all that is needed".to_owned()),
            Self::Source(error) => Some(error.hint()),
            Self::ApiServer(error) => Some(error.hint()),
            Self::Listen { purpose, source, .. } => Some(listen_hint(purpose, source)),
            Self::AlreadyRuns(_) => Some("stop it first, or choose another --socket".to_owned()),
            Self::Socket { .. } => {
                Some("choose another place with --socket; its folder must be writable".to_owned())
            }
            Self::Dns { hint, .. } => hint.clone(),
            Self::Start(_) | Self::Dataplane(_) | Self::Broke(_) => None,
        }
    }
}

fn listen_hint(purpose: &str, source: &io::Error) -> String {
    let flag = match purpose {
        "/metrics" => "--metrics-bind-address",
        _ => "--healthz-bind-address",
    };
    if source.kind() == io::ErrorKind::AddrInUse {
        format!("another program has the port (kube-proxy?); choose another with {flag}")
    } else {
        format!("choose another address with {flag}, or `none`")
    }
}
