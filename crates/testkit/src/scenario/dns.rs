//! How are the lines read that say what the cluster DNS knows: settings, upstream, Pods, imports?

use std::collections::BTreeMap;

use model::{NodeName, PodName, ServiceName};

use super::error::Problem;
use super::grammar::{flag, list, option, word};
use super::row::{rows, type_word};
use crate::cluster::{Dns, ImportSpec, PodRecords, PodSpec, UpstreamReply};
use crate::dns::Rcode;

type Labels = BTreeMap<String, String>;

/// `dns OPTIONS`, after the first word.
pub(super) fn edit_dns(dns: &mut Dns, options: &[&str]) -> Result<(), Problem> {
    let text_or_none = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    for text in options {
        let (key, value) = option(text)?;
        match key {
            "domain" => value.clone_into(&mut dns.domain),
            "ttl" => dns.ttl = word(value, "seconds")?,
            "pods" => dns.pods = pod_records(value)?,
            "namespaces" => dns.namespaces = list(value, "a namespace")?,
            "namespace-labels" => dns.namespace_labels = labels(value)?,
            "ignore-empty" => dns.ignore_empty = flag(value)?,
            "endpoint-pod-names" => dns.endpoint_pod_names = flag(value)?,
            "zonal" => dns.zonal = flag(value)?,
            "reverse" => dns.reverse = list(value, "a CIDR")?,
            "clusterset" => dns.clusterset = text_or_none(value),
            "transfer" => dns.transfer = list(value, "a CIDR")?,
            "synced" => dns.is_synced = flag(value)?,
            "recursion" => dns.recursion = flag(value)?,
            "name-server" => dns.name_server = word(value, "NAMESPACE/NAME")?,
            "addresses" => dns.addresses = list(value, "an address")?,
            "node" => dns.node = text_or_none(value).map(NodeName::new),
            "search" => dns.search = flag(value)?,
            "host-search" => dns.host_search = list(value, "a name")?,
            _ => return Err(Problem::UnknownOption { of: "dns", option: (*text).to_owned() }),
        }
    }
    Ok(())
}

fn pod_records(text: &str) -> Result<PodRecords, Problem> {
    match text {
        "disabled" => Ok(PodRecords::Disabled),
        "insecure" => Ok(PodRecords::Insecure),
        "verified" => Ok(PodRecords::Verified),
        _ => Err(Problem::expected("disabled, insecure or verified", text)),
    }
}

/// `KEY=VALUE,…`.
fn labels(text: &str) -> Result<Labels, Problem> {
    let pairs = text.split(',').filter(|pair| !pair.is_empty()).map(option);
    pairs.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
}

/// `upstream NAME TYPE -> RCODE [tc] | timeout`, after the first word.
pub(super) fn upstream(words: &[&str]) -> Result<((String, String), UpstreamReply), Problem> {
    let [name, kind, "->", reply @ ..] = words else {
        return Err(Problem::expected("upstream NAME TYPE -> REPLY", words.join(" ")));
    };
    let key = (name.to_ascii_lowercase(), type_word(kind)?);
    let message = |rcode: &str, is_truncated| {
        Ok(UpstreamReply::Message {
            rcode: Rcode::from_name(rcode).ok_or_else(|| Problem::expected("an rcode", rcode))?,
            is_truncated,
            answer: Vec::new(),
            authority: Vec::new(),
        })
    };
    let reply = match reply {
        ["timeout"] => Ok(UpstreamReply::Timeout),
        [rcode] => message(rcode, false),
        [rcode, "tc"] => message(rcode, true),
        words => Err(Problem::expected("RCODE [tc], or timeout", words.join(" "))),
    };
    Ok((key, reply?))
}

/// `answer ROW` or `authority ROW` of a reply from outside.
pub(super) fn reply_row(
    reply: &mut UpstreamReply,
    name: &str,
    section: &str,
    words: &[&str],
) -> Result<(), Problem> {
    let UpstreamReply::Message { answer, authority, .. } = reply else {
        return Err(Problem::expected("no records in a timeout", words.join(" ")));
    };
    let section = if section == "answer" { answer } else { authority };
    section.extend(rows(name, words)?);
    Ok(())
}

/// `namespace NAME[,NAME…] label=KEY=VALUE…`, after the first word.
pub(super) fn namespaces(words: &[&str]) -> Result<Vec<(String, Labels)>, Problem> {
    let [names, options @ ..] = words else { return Err(Problem::Missing("the namespace's name")) };
    let mut labels = Labels::new();
    edit_namespace(&mut labels, options)?;
    let names: Vec<String> = list(names, "a namespace")?;
    Ok(names.into_iter().map(|name| (name, labels.clone())).collect())
}

/// A label without a value is taken away.
pub(super) fn edit_namespace(labels: &mut Labels, options: &[&str]) -> Result<(), Problem> {
    for text in options {
        match option(text)? {
            ("label", pair) => match option(pair)? {
                (key, "") => {
                    labels.remove(key);
                }
                (key, value) => {
                    labels.insert(key.to_owned(), value.to_owned());
                }
            },
            _ => {
                return Err(Problem::UnknownOption { of: "namespace", option: (*text).to_owned() });
            }
        }
    }
    Ok(())
}

/// `NAMESPACE/NAME` of a Pod.
pub(super) fn pod_name(text: &str) -> Result<PodName, Problem> {
    let (namespace, name) =
        text.split_once('/').ok_or_else(|| Problem::expected("NAMESPACE/NAME", text))?;
    Ok(PodName::new(namespace, name))
}

/// `pod NS/NAME addr=ADDRESSES on NODE [host-network]`, after the first word.
pub(super) fn pod(words: &[&str]) -> Result<(PodName, PodSpec), Problem> {
    let [name, options @ ..] = words else { return Err(Problem::Missing("the Pod's name")) };
    let mut spec = PodSpec::default();
    edit_pod(&mut spec, options)?;
    Ok((pod_name(name)?, spec))
}

pub(super) fn edit_pod(spec: &mut PodSpec, words: &[&str]) -> Result<(), Problem> {
    let mut words = words.iter();
    while let Some(text) = words.next() {
        match *text {
            "on" => {
                let node = words.next().ok_or(Problem::Missing("the node after on"))?;
                spec.node = Some(NodeName::new(*node));
            }
            "host-network" => spec.host_network = true,
            text => match option(text)? {
                ("addr", value) => spec.addresses = list(value, "an address")?,
                _ => return Err(Problem::UnknownOption { of: "pod", option: text.to_owned() }),
            },
        }
    }
    Ok(())
}

/// `import NS/NAME type=KIND ips=ADDRESSES`, after the first word.
pub(super) fn import(words: &[&str]) -> Result<(ServiceName, ImportSpec), Problem> {
    let [name, options @ ..] = words else { return Err(Problem::Missing("the import's name")) };
    let mut spec = ImportSpec::default();
    for text in options {
        match option(text)? {
            ("type", value) => spec.kind = Some(value.to_owned()),
            ("ips", value) => spec.ips = list(value, "an address")?,
            _ => return Err(Problem::UnknownOption { of: "import", option: (*text).to_owned() }),
        }
    }
    Ok((word(name, "NAMESPACE/NAME")?, spec))
}
