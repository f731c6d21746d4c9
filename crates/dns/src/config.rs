//! What do the files and objects that configure a cluster DNS say?
//!
//! Texts become values here; nothing is read from disk, looked up, or opened. Every reader returns
//! what it understood, and a [`Notice`] for each thing that it had to ignore: no text is refused as a
//! whole for one wrong word, and none is ever too much.
//!
//! ```text
//! Corefile, coredns-custom ──Corefile::read──▶ Corefile ─┐
//! ConfigMap kube-dns ───────KubeDns::read────▶ KubeDns ──┼─merge──▶ Config
//! flags ────Target::parse, StubDomain::parse─▶ Flags ────┤
//! texts of the files that the above name ────────────────┘
//! ```
//!
//! # Who wins
//!
//! Flags, then the Corefile, then the ConfigMap `kube-dns`, then the node's resolv.conf. Where there
//! is no Corefile, [`DEFAULT_COREFILE`] is read in its place: there are no other defaults. A Corefile
//! whose rule for everything names nothing but files (`forward . /etc/resolv.conf`) means "as the
//! node does", so `upstreamNameservers` of `kube-dns` take the place of those files.
//!
//! # How a question finds its answer
//!
//! Names are texts in lower case, without the final dot; the root is "". For a name:
//!
//! 1. [`Config::zone`] gives the settings that hold: those of the longest zone around it. Nothing of
//!    another zone applies.
//! 2. `rewrites`, in order, until one matched that does not continue.
//! 3. `answers_localhost`, then `hosts` if its zones hold the name. A name of those zones without an
//!    entry ends here with NXDOMAIN, unless its fallthrough covers the name.
//! 4. If `cluster_zones` hold the name: the cluster's objects, as [`Config::kubernetes`] says. What
//!    does not exist ends here, unless the fallthrough covers the name.
//! 5. The first of `forwards` that [covers](ForwardRule::covers) the name, through `cache`. If none
//!    does: REFUSED.

mod cache_rule;
mod corefile;
mod duration;
mod forward_rule;
mod hosts;
mod kube_dns;
mod kubernetes;
mod merge;
mod notice;
mod resolv_conf;
mod rewrite;
mod selector;
mod stub_domain;
#[cfg(test)]
mod tests;
mod upstream;
mod zone_name;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

pub use self::cache_rule::{CAPACITY_MAX, CacheLimits, CacheRule, Prefetch, Refresh, ServeStale};
pub use self::corefile::{
    COREFILE_BYTES_MAX, Corefile, CorefileText, Forward, RULES_MAX, ServerAddress, ServerBlock,
    ZONES_MAX,
};
pub use self::forward_rule::{ForwardRule, HealthCheck, Policy, UpstreamProtocol};
pub use self::hosts::{HOSTS_MAX, HostTable, Hosts};
pub use self::kube_dns::{KubeDns, STUB_DOMAINS_MAX};
pub use self::kubernetes::{Fallthrough, Kubernetes, PodRecords, TTL_MAX};
pub use self::merge::{DEFAULT_COREFILE, Flags, Sources, merge};
pub use self::notice::{NOTICES_MAX, Notice, Origin, Setting};
pub use self::resolv_conf::{ResolvConf, SEARCH_MAX};
pub use self::rewrite::{AnswerChange, Change, NameMatch, Rewrite};
pub use self::selector::{REQUIREMENTS_MAX, Selector, SelectorError};
pub use self::stub_domain::{StubDomain, StubDomainError};
pub use self::upstream::{
    DNS_PORT, TLS_PORT, Target, Transport, UPSTREAMS_MAX, Upstream, UpstreamError,
};
pub use self::zone_name::{is_within, reverse_zones};

/// What a server runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What is served from the cluster's objects; `None` when a Corefile does not ask for it.
    pub kubernetes: Option<Kubernetes>,
    /// What holds for the questions of each zone. The root is always there.
    pub zones: BTreeMap<Arc<str>, Arc<ZoneConfig>>,
    /// What holds for the whole server.
    pub server: ServerSettings,
    /// The node's search domains, which a pod's search path ends with.
    pub host_search: Setting<Vec<Arc<str>>>,
}

impl Config {
    /// The zone of a name (lower case, no final dot) and what holds there.
    #[must_use]
    pub fn zone(&self, name: &str) -> Option<(&Arc<str>, &Arc<ZoneConfig>)> {
        let mut suffix = name;
        loop {
            if let Some(found) = self.zones.get_key_value(suffix) {
                return Some(found);
            }
            suffix = match suffix.split_once('.') {
                Some((_, parent)) => parent,
                None if suffix.is_empty() => return None,
                None => "",
            };
        }
    }
}

/// What holds for the questions of a zone: a server block of a Corefile, and what was merged into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// In order.
    pub rewrites: Vec<Rewrite>,
    /// Static entries.
    pub hosts: Option<Arc<Hosts>>,
    /// The zones that are answered from the cluster's objects, among the questions for this zone.
    pub cluster_zones: Vec<Arc<str>>,
    /// The longest zone first; those of one zone in the order in which they were written.
    pub forwards: Vec<ForwardRule>,
    /// How answers of `forwards` are kept; `None`: not at all.
    pub cache: Option<CacheRule>,
    /// Who may transfer zones.
    pub transfers: Vec<Transfer>,
    /// Which answers are logged.
    pub logs: Vec<Log>,
    /// Bytes that a UDP answer may have, whatever the client offers: 512 to 4096.
    pub bufsize: Setting<u16>,
    /// Whether authority and additional sections are left out where they are not needed.
    pub is_minimal: bool,
    /// Whether `localhost`, its reverse names, and `0.in-addr.arpa` are answered here.
    pub answers_localhost: bool,
    /// What a client that asks for it is told about who answered (RFC 5001); "" is the host's name.
    pub nsid: Option<Arc<str>>,
    /// Where the block begins.
    pub origin: Origin,
}

/// The payload of a UDP answer that no network on the way should have to cut.
const BUFSIZE_DEFAULT: u16 = 1232;

impl ZoneConfig {
    /// Nothing but defaults.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            rewrites: Vec::new(),
            hosts: None,
            cluster_zones: Vec::new(),
            forwards: Vec::new(),
            cache: None,
            transfers: Vec::new(),
            logs: Vec::new(),
            bufsize: Setting::new(BUFSIZE_DEFAULT, Origin::new("default")),
            is_minimal: false,
            answers_localhost: false,
            nsid: None,
            origin,
        }
    }

    /// Whether a client may have all of a zone.
    #[must_use]
    pub fn may_transfer(&self, zone: &str, client: IpAddr) -> bool {
        self.transfers.iter().any(|transfer| {
            let is_meant =
                transfer.zones.is_empty() || transfer.zones.iter().any(|named| **named == *zone);
            is_meant && transfer.to.iter().any(|network| network.contains(&client))
        })
    }
}

/// Who may transfer which zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The zones; empty: all of the block.
    pub zones: Vec<Arc<str>>,
    /// The clients.
    pub to: Vec<IpNet>,
    /// Where it stands.
    pub origin: Origin,
}

/// Which answers are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// To questions for these zones; empty: all of the block.
    pub zones: Vec<Arc<str>>,
    /// Of these kinds. Never empty.
    pub classes: Vec<LogClass>,
    /// Where it stands.
    pub origin: Origin,
}

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogClass {
    /// Any.
    All,
    /// It has what was asked for.
    Success,
    /// NXDOMAIN and NODATA.
    Denial,
    /// SERVFAIL, REFUSED, NOTIMP, and so on.
    Error,
}

/// What holds for a whole server. `None`: nobody says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerSettings {
    /// How long a server that was told to end goes on answering.
    pub lameduck: Option<Setting<Duration>>,
    /// Where `/health` is served. An unspecified IPv6 address means both families.
    pub health: Option<Setting<SocketAddr>>,
    /// Where `/ready` is served.
    pub ready: Option<Setting<SocketAddr>>,
    /// Where `/metrics` is served.
    pub metrics: Option<Setting<SocketAddr>>,
    /// Whether a pod's search path is completed here. After [`merge`] it is always said.
    pub autopath: Option<Setting<bool>>,
}
