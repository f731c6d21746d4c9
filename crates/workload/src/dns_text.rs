//! What stands in a Pod's `/etc/resolv.conf`?

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::api::{DnsPolicy, Pod};

/// Nameservers that a resolver looks at.
const NAMESERVERS_MAX: usize = 3;

/// Domains, and characters of all of them, that a kubelet writes at most.
const SEARCHES_MAX: usize = 32;
const SEARCH_CHARS_MAX: usize = 2048;

/// The cluster's DNS, as each kubelet is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDns {
    /// ClusterIPs of the DNS; without any a Pod falls back to its node's resolver.
    pub nameservers: Vec<IpAddr>,
    /// `cluster.local`
    pub domain: String,
}

/// What the node's own `/etc/resolv.conf` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostResolver {
    pub nameservers: Vec<IpAddr>,
    pub searches: Vec<String>,
    /// As they are written: `ndots:1`.
    pub options: Vec<String>,
}

/// The text of the file, as a kubelet makes it of `dnsPolicy` and `dnsConfig`.
#[must_use]
pub fn resolv_conf(pod: &Pod, cluster: &ClusterDns, host: &HostResolver) -> String {
    let mut resolver = by_policy(pod, cluster, host);
    let config = &pod.spec.dns_config;
    for address in &config.nameservers {
        add(&mut resolver.nameservers, *address);
    }
    for domain in &config.searches {
        add(&mut resolver.searches, domain.clone());
    }
    for option in &config.options {
        // The Pod's own options replace those of the same name.
        resolver.options.retain(|written| name(written) != option.name);
        resolver.options.push(match option.value.as_deref() {
            Some(value) if !value.is_empty() => format!("{}:{value}", option.name),
            Some(_) | None => option.name.clone(),
        });
    }
    written(&resolver)
}

fn by_policy(pod: &Pod, cluster: &ClusterDns, host: &HostResolver) -> HostResolver {
    let uses_cluster = match pod.spec.dns_policy {
        DnsPolicy::ClusterFirst => !pod.spec.host_network,
        DnsPolicy::ClusterFirstWithHostNet => true,
        DnsPolicy::Default => false,
        DnsPolicy::None => return HostResolver::default(),
    };
    if !uses_cluster || cluster.nameservers.is_empty() {
        return host.clone();
    }
    let (namespace, domain) = (&pod.metadata.namespace, &cluster.domain);
    let mut searches =
        vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.clone()];
    for search in &host.searches {
        add(&mut searches, search.clone());
    }
    HostResolver {
        nameservers: cluster.nameservers.clone(),
        searches,
        options: vec!["ndots:5".to_owned()],
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn name(option: &str) -> &str {
    option.split(':').next().unwrap_or(option)
}

fn written(resolver: &HostResolver) -> String {
    let mut text = String::new();
    let mut length = 0;
    let searches: Vec<&str> = resolver
        .searches
        .iter()
        .map(|domain| domain.trim_end_matches('.'))
        .filter(|domain| !domain.is_empty())
        .take(SEARCHES_MAX)
        .take_while(|domain| {
            length += domain.len() + 1;
            length <= SEARCH_CHARS_MAX + 1
        })
        .collect();
    if !searches.is_empty() {
        writeln!(text, "search {}", searches.join(" ")).expect("writing to a String cannot fail");
    }
    for address in resolver.nameservers.iter().take(NAMESERVERS_MAX) {
        writeln!(text, "nameserver {address}").expect("writing to a String cannot fail");
    }
    if !resolver.options.is_empty() {
        writeln!(text, "options {}", resolver.options.join(" "))
            .expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spec: &str) -> String {
        let pod = format!(r#"{{"metadata":{{"namespace":"shop"}},"spec":{spec}}}"#);
        let pod: Pod = serde_json::from_str(&pod).expect("the test's Pod");
        let address = |text: &str| text.parse().expect("the test's address");
        let cluster = ClusterDns {
            nameservers: vec![address("10.96.0.10")],
            domain: "cluster.local".to_owned(),
        };
        let host = HostResolver {
            nameservers: vec![address("192.0.2.53")],
            searches: vec!["corp.example".to_owned()],
            options: vec!["timeout:2".to_owned()],
        };
        resolv_conf(&pod, &cluster, &host)
    }

    #[test]
    fn follows_the_policy_and_the_config() {
        let first = "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\n\
                     nameserver 10.96.0.10\noptions ndots:5\n";
        let host = "search corp.example\nnameserver 192.0.2.53\noptions timeout:2\n";
        let none = r#"{"dnsPolicy":"None","dnsConfig":{"nameservers":["fd00::53"],
            "searches":["a.example."],"options":[{"name":"edns0"},{"name":"ndots","value":"2"}]}}"#;
        let merged = r#"{"dnsConfig":{"nameservers":["10.96.0.10","192.0.2.1"],
            "searches":["a.example"],"options":[{"name":"ndots","value":"1"}]}}"#;
        let cases = [
            ("{}", first),
            (r#"{"hostNetwork":true}"#, host),
            (r#"{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}"#, first),
            (r#"{"dnsPolicy":"Default"}"#, host),
            (none, "search a.example\nnameserver fd00::53\noptions edns0 ndots:2\n"),
            (
                merged,
                "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example \
                 a.example\nnameserver 10.96.0.10\nnameserver 192.0.2.1\noptions ndots:1\n",
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(text(spec), expected, "{spec}");
        }
    }
}
