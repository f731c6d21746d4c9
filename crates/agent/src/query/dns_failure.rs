//! Which questions of which clients did not get what they asked for lately?

use std::net::IpAddr;
use std::time::SystemTime;

use dns::respond::AnsweredBy;
use dns::wire::Name;
use serde::{Deserialize, Serialize};

use crate::site::View;

/// Equal questions of one client with one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsFailure {
    pub client: IpAddr,
    /// The pod that has the client's address, `NAMESPACE/NAME`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Empty where the question could not be read.
    pub name: String,
    #[serde(rename = "type")]
    pub rtype: String,
    pub rcode: String,
    /// Who said so: `zone`, `hosts`, `cache`, `upstream`, `protocol`.
    pub by: String,
    pub count: u64,
    /// Since the last one.
    pub age_seconds: u64,
    /// Why, as the cluster is now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The newest first.
pub(super) fn list(view: &View) -> Vec<DnsFailure> {
    let Some(dns) = &view.dns else { return Vec::new() };
    let published = view.published();
    let (now, state) = (host::clock::monotonic(), dns.state());
    let clients = dns.running.failures();
    let mut all: Vec<DnsFailure> = clients
        .iter()
        .flat_map(|client| client.failures.iter().map(move |failure| (client.client, failure)))
        .map(|(client, failure)| {
            let has_it = |pod: &&std::sync::Arc<model::Pod>| {
                !pod.host_network && pod.addresses.contains(&client)
            };
            let pod = published.table.pods.values().find(has_it);
            let summary = failure.summary;
            DnsFailure {
                client,
                pod: pod.map(|pod| pod.name.to_string()),
                name: Name::from_wire(&failure.name).map(|it| it.to_string()).unwrap_or_default(),
                rtype: summary.rtype.to_string(),
                rcode: summary.rcode.to_string(),
                by: word(summary.by).to_owned(),
                count: failure.count,
                age_seconds: now.saturating_duration_since(failure.last).as_secs(),
                reason: String::new(),
            }
        })
        .collect();
    let _ = (&state, SystemTime::UNIX_EPOCH);
    all.sort_by_key(|failure| failure.age_seconds);
    all
}

const fn word(by: AnsweredBy) -> &'static str {
    match by {
        AnsweredBy::Protocol => "protocol",
        AnsweredBy::Zone => "zone",
        AnsweredBy::Hosts => "hosts",
        AnsweredBy::Cache => "cache",
        AnsweredBy::Forwarder => "upstream",
    }
}
