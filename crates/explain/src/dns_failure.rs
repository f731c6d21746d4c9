//! Why did a question fail that a client asked the cluster DNS?

use std::net::IpAddr;

use dns::wire::{Name, Rcode, RecordType};
use serde::{Deserialize, Serialize};

use crate::cluster_dns::ClusterDns;
use crate::dns_question::{NoAnswer, SearchStep};
use crate::name;
use crate::place;
use crate::reply;
use crate::search::SearchList;
use crate::trace::Origin;
use crate::view::View;

/// A question whose answer had no record.
#[derive(Debug, Clone, Copy)]
pub struct FailedQuestion<'a> {
    pub client: IpAddr,
    pub name: &'a Name,
    pub rtype: RecordType,
    /// `NOERROR` where the name is there and has no record of the type.
    pub rcode: Rcode,
}

/// Why it failed, as far as that is known now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsFailure {
    /// Absent where the name has an answer by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoAnswer>,
    /// Where in the client's search list the name stands, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<SearchStep>,
    /// For people: why, then what the client does.
    pub says: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
}

/// Why a question failed: by what the cluster says now, which may be news since.
#[must_use]
pub fn dns_failure(view: &View<'_>, failed: &FailedQuestion<'_>) -> DnsFailure {
    let FailedQuestion { client, name, rtype, rcode } = *failed;
    let reply = reply::ask(view.dns, name, rtype);
    let why = name::why(view, name, &reply);
    let mut says = Vec::new();
    let (reason, origins) = match why {
        _ if reply.is_elsewhere => {
            says.push(upstream_said(view.dns, reply.last_name(name), rcode));
            (Some(NoAnswer::Upstream), Vec::new())
        }
        Some(why) => {
            says.push(why.says);
            if reply.rcode != rcode {
                says.push(format!(
                    "it was answered with {rcode}, and would be with {} now",
                    reply.rcode
                ));
            }
            (Some(why.reason), why.origins)
        }
        None => {
            says.push(format!("it is there now: {}", reply.in_words()));
            (None, Vec::new())
        }
    };
    let step = searched(view, client, name).map(|(list, at)| {
        says.push(goes_on(&list, at, rcode));
        list.step(at)
    });
    DnsFailure { reason, step, says, origins }
}

fn upstream_said(dns: &ClusterDns, name: &Name, rcode: Rcode) -> String {
    let rule = dns.upstreams.rule(name);
    let whom = rule.map_or_else(|| "an upstream".to_owned(), |rule| rule.whom());
    let said =
        if rcode == Rcode::NOERROR { "no such record".to_owned() } else { rcode.to_string() };
    match rcode {
        Rcode::REFUSED if rule.is_none() => format!("{name} is not ours, and no upstream is asked"),
        _ => format!("{name} is not ours, and {whom} said {said}"),
    }
}

/// The search list that the question is of, if the client is a pod that is known.
fn searched(view: &View<'_>, client: IpAddr, name: &Name) -> Option<(SearchList, usize)> {
    let namespace = place::by_address(view, client).namespace?;
    let text = name.to_string().to_ascii_lowercase();
    let domain = view.dns.domain();
    let suffixes =
        [format!(".{namespace}.svc.{domain}"), format!(".svc.{domain}"), format!(".{domain}")];
    let node = view.dns.node_search.iter().map(|suffix| format!(".{suffix}"));
    // The longest that fits: whoever typed what stands before it.
    let typed = suffixes.into_iter().chain(node).find_map(|suffix| {
        let typed = text.strip_suffix(&suffix)?;
        (!typed.is_empty()).then(|| typed.to_owned())
    });
    let list = SearchList::new(&typed.unwrap_or_else(|| text.clone()), &namespace, view.dns);
    let at = list.names.iter().position(|known| known.to_string() == text)?;
    Some((list, at))
}

/// `search step 1 of 4 for www.example.com: the client goes on with www.example.com.svc.cluster.local`
fn goes_on(list: &SearchList, at: usize, rcode: Rcode) -> String {
    let step = list.step(at);
    let lead = format!("search step {} of {} for {}", step.at, step.of, list.typed);
    let Some(next) = list.names.get(at + 1) else {
        return format!("{lead}, the last: the client gives up");
    };
    if rcode == Rcode::NXDOMAIN {
        format!("{lead}: the client goes on with {next}")
    } else {
        format!("{lead}: glibc goes on with {next}, musl gives up")
    }
}
