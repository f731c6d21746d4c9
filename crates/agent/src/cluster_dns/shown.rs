//! What does the cluster DNS show to everything around it?

use std::net::SocketAddr;
use std::sync::Arc;

use dns::config::Notice;
use dns::respond::Responder;
use nameserver::Running;
use tokio::sync::watch;

/// A way to the server and to what it serves now.
#[derive(Debug, Clone)]
pub(crate) struct DnsView {
    pub(crate) running: Arc<Running>,
    pub(crate) state: watch::Receiver<Arc<DnsState>>,
}

/// One value that is replaced whole.
#[derive(Debug, Clone)]
pub(crate) struct DnsState {
    pub(crate) responder: Responder,
    /// The cluster has been read: its names may be denied.
    pub(crate) is_ready: bool,
    /// What of the configuration is not understood.
    pub(crate) notices: Arc<[Notice]>,
    /// Where this node's clients are answered past the dataplane.
    pub(crate) local: Vec<SocketAddr>,
    /// Why they are not.
    pub(crate) problem: Option<String>,
    /// In the order of their numbers.
    pub(crate) upstreams: Vec<SocketAddr>,
}

impl DnsView {
    pub(crate) fn state(&self) -> Arc<DnsState> {
        Arc::clone(&self.state.borrow())
    }
}
