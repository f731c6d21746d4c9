//! What is one question to the cluster DNS, and its answer?

use std::net::IpAddr;

use dns::wire::Name;
use serde::{Deserialize, Serialize};

use crate::reply::Reply;

/// One question to the cluster DNS, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsQuestion {
    /// Without a final dot.
    pub name: String,
    /// `A`, `AAAA`, `SRV` and so on.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Where in the search list the name stands, from 1 on; absent where none is walked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<SearchStep>,
    /// `NOERROR`, `NXDOMAIN` or `SERVFAIL`; absent where others are asked, whose answer is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcode: Option<String>,
    /// How long the answer may be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// What the CNAMEs of the answer lead to, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Those of the type's family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Other records' data, as zone files write them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
    /// Why there is no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoAnswer>,
}

/// One of the names that a resolver tries for the one that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchStep {
    /// From 1 on.
    pub at: usize,
    pub of: usize,
}

/// Why a question is answered without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoAnswer {
    /// No name of a cluster has this form.
    Form,
    /// There is no such namespace.
    Namespace,
    /// The namespace is there and hidden from the DNS.
    HiddenNamespace,
    Service,
    /// The Service has no endpoint that is ready.
    NotReady,
    /// The Service has no endpoint of that name that is ready.
    Endpoint,
    /// The Service has no port of that name and protocol.
    Port,
    /// An ExternalName has nothing below it.
    BelowExternalName,
    /// What the ExternalName says is no name.
    BadExternalName,
    /// ExternalNames lead from one to the next without an end.
    ExternalNameLoop,
    /// Pods have no names.
    PodsDisabled,
    /// No pod of the namespace has the address.
    Pod,
    /// Nothing in the cluster has the address.
    Address,
    /// The name has addresses of the other family only.
    Family,
    /// The name is there and has no record of the type.
    Type,
    /// The cluster has not been read yet.
    NotSynced,
    /// Static entries, which stand before the zone, say so.
    StaticEntries,
    /// A rule puts another question in the place of this one, and that has no record.
    Rewritten,
    /// Nobody is asked for names outside.
    NoUpstream,
    /// It is for an upstream to say, or one said so.
    Upstream,
}

impl NoAnswer {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 20] = [
        Self::Form,
        Self::Namespace,
        Self::HiddenNamespace,
        Self::Service,
        Self::NotReady,
        Self::Endpoint,
        Self::Port,
        Self::BelowExternalName,
        Self::BadExternalName,
        Self::ExternalNameLoop,
        Self::PodsDisabled,
        Self::Pod,
        Self::Address,
        Self::Family,
        Self::Type,
        Self::NotSynced,
        Self::StaticEntries,
        Self::Rewritten,
        Self::NoUpstream,
        Self::Upstream,
    ];
}

impl DnsQuestion {
    pub(crate) fn new(
        name: &Name,
        reply: &Reply,
        step: Option<SearchStep>,
        reason: Option<NoAnswer>,
    ) -> Self {
        Self {
            name: name.to_string(),
            rtype: reply.rtype.to_string(),
            step,
            rcode: (!reply.is_elsewhere).then(|| reply.rcode.to_string()),
            ttl_seconds: reply.ttl_s,
            aliases: reply.aliases.iter().map(ToString::to_string).collect(),
            addresses: reply.addresses.clone(),
            records: reply.records.clone(),
            reason,
        }
    }
}
