//! Which questions of which clients did not get what they asked for lately?

use std::net::IpAddr;
use std::sync::Arc;

use dns::respond::{AnsweredBy, Summary};
use dns::wire::Name;
use explain::FailedQuestion;
use model::{Pod, PodName};
use nameserver::{ClientFailures, RecentFailure};
use serde::{Deserialize, Serialize};

use super::explained::with_view;
use crate::published::Published;
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
    let clients = dns.running.failures();
    let told = with_view(view, &published, |explained| {
        let of_client = |client: &ClientFailures| -> Vec<DnsFailure> {
            let pod = pod(client.client, &published);
            let tell = |failure| told((client.client, pod.as_ref()), failure, explained);
            client.failures.iter().map(tell).collect()
        };
        clients.iter().flat_map(of_client).collect::<Vec<_>>()
    });
    let mut all = told.unwrap_or_default();
    all.sort_by_key(|failure| failure.age_seconds);
    all
}

/// Pods on the network of their node share its address: it is nobody's alone.
fn pod(client: IpAddr, published: &Published) -> Option<PodName> {
    let mut pods = published.table.pods.values();
    let has_it = |pod: &&Arc<Pod>| !pod.host_network && pod.addresses.contains(&client);
    pods.find(has_it).map(|pod| pod.name.clone())
}

fn told(
    (client, pod): (IpAddr, Option<&PodName>),
    failure: &RecentFailure,
    explained: &explain::View<'_>,
) -> DnsFailure {
    let name = Name::from_wire(&failure.name);
    let Summary { rcode, rtype, by, .. } = failure.summary;
    let failed = name.as_ref().map(|name| FailedQuestion { client, name, rtype, rcode });
    let why = failed.map(|failed| explain::dns_failure(explained, &failed));
    let age = host::clock::monotonic().saturating_duration_since(failure.last);
    DnsFailure {
        client,
        pod: pod.map(ToString::to_string),
        name: name.map(|name| name.to_string()).unwrap_or_default(),
        rtype: rtype.to_string(),
        rcode: rcode.to_string(),
        by: word(by).to_owned(),
        count: failure.count,
        age_seconds: age.as_secs(),
        reason: why.map(|why| why.says.join("; ")).unwrap_or_default(),
    }
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
