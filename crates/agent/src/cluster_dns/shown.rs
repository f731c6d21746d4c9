//! What does the cluster DNS show to everything around it?

use std::net::SocketAddr;
use std::sync::Arc;

use dns::config::Notice;
use dns::forward::Group;
use dns::respond::Responder;
use explain::ClusterDns;
use nameserver::Running;
use tokio::sync::watch;

use super::programming::Programming;

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
    pub(crate) groups: Arc<[Group]>,
    /// What the node's own resolver appends.
    pub(crate) node_search: Vec<Arc<str>>,
    /// What is at work for the names of each zone, as CoreDNS calls it.
    pub(crate) plugins: Arc<[(Arc<str>, &'static str)]>,
    /// How long changes took until names were answered by them.
    pub(crate) programming: Programming,
    /// Configurations that could not be followed.
    pub(crate) reload_failures: u64,
}

impl DnsState {
    /// All upstreams, in the order of their numbers.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = SocketAddr> {
        self.groups.iter().flat_map(|group| &group.upstreams).map(|upstream| upstream.address)
    }
}

impl DnsView {
    pub(crate) fn state(&self) -> Arc<DnsState> {
        Arc::clone(&self.state.borrow())
    }

    /// What explanations know of it.
    pub(crate) fn explained(&self) -> ClusterDns {
        let state = self.state();
        let cache = (self.running.cache(), host::clock::monotonic());
        let node_search = state.node_search.iter().map(ToString::to_string).collect();
        let local = state.local.clone();
        ClusterDns::serving(&state.responder, cache, &state.groups, node_search, local)
    }
}
