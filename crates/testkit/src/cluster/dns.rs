//! How is the cluster DNS of a scenario set up, and what does the DNS outside say?

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use model::{NodeName, ServiceName};

use crate::dns::Rcode;

/// Settings of the cluster DNS. Names are without the dot at their end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Dns {
    /// The zone of the cluster.
    pub domain: String,
    /// Of records of the cluster, in seconds.
    pub ttl: u32,
    pub pods: PodRecords,
    /// Only these namespaces are there; empty means all.
    pub namespaces: Vec<String>,
    /// Only namespaces with all of these labels are there.
    pub namespace_labels: BTreeMap<String, String>,
    /// A Service without a ready endpoint has no name.
    pub ignore_empty: bool,
    /// An endpoint without a hostname is named after its Pod.
    pub endpoint_pod_names: bool,
    /// Names that choose the endpoints of one topology zone.
    pub zonal: bool,
    /// Reverse zones that are served here.
    pub reverse: Vec<IpNet>,
    /// The zone of imported Services.
    pub clusterset: Option<String>,
    /// Who may take a zone as a whole.
    pub transfer: Vec<IpNet>,
    /// Every source of objects has been read once.
    pub is_synced: bool,
    /// Names of others are asked outside.
    pub recursion: bool,
    /// The Service whose clients ask this server.
    pub name_server: ServiceName,
    /// The addresses that this server listens on.
    pub addresses: Vec<IpAddr>,
    /// The node that this server runs on.
    pub node: Option<NodeName>,
    /// The search list of a Pod of this node is followed for it.
    pub search: bool,
    /// What of the search list is the node's own, after the suffixes of the cluster.
    pub host_search: Vec<String>,
    /// What the DNS outside says, by name in lower case and type.
    pub upstream: BTreeMap<(String, String), UpstreamReply>,
}

/// Which names of Pods are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PodRecords {
    #[default]
    Disabled,
    /// Whatever is an address.
    Insecure,
    /// Addresses that a Pod of the namespace has.
    Verified,
}

/// What the DNS outside says to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamReply {
    Timeout,
    Message {
        rcode: Rcode,
        is_truncated: bool,
        /// Rows `NAME TTL TYPE DATA`.
        answer: Vec<String>,
        authority: Vec<String>,
    },
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            domain: "cluster.local".to_owned(),
            ttl: 5,
            pods: PodRecords::Disabled,
            namespaces: Vec::new(),
            namespace_labels: BTreeMap::new(),
            ignore_empty: false,
            endpoint_pod_names: false,
            zonal: false,
            reverse: Vec::new(),
            clusterset: None,
            transfer: Vec::new(),
            is_synced: true,
            recursion: true,
            name_server: ServiceName::new("kube-system", "kube-dns"),
            addresses: Vec::new(),
            node: None,
            search: false,
            host_search: Vec::new(),
            upstream: BTreeMap::new(),
        }
    }
}

impl Dns {
    /// The SOA's TTL and its last field: how long a negative answer may be kept, in seconds.
    #[must_use]
    pub fn negative_ttl(&self) -> u32 {
        self.ttl.min(300)
    }

    /// The SOA of a zone as a row; a star stands for the serial.
    #[must_use]
    pub fn soa(&self, zone: &str) -> String {
        let ttl = self.negative_ttl();
        format!("{zone} {ttl} SOA ns.dns.{zone} hostmaster.{zone} * 7200 1800 86400 {ttl}")
    }
}
