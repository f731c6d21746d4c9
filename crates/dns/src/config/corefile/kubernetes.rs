//! What do a `kubernetes` and a `transfer` of a Corefile say?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::super::Transfer;
use super::super::kubernetes::{Kubernetes, PodRecords, TTL_MAX};
use super::super::notice::{Notices, Origin, Setting, quoted};
use super::super::selector::Selector;
use super::super::zone_name::is_reverse;
use super::block::RULES_MAX;
use super::hosts::fallthrough;
use super::report::Report;
use super::tree::Line;

/// `block_zones` hold when the plugin names none.
pub(super) fn read(line: &Line, block_zones: Vec<Arc<str>>, notices: &mut Notices) -> Kubernetes {
    let mut report = Report { plugin: "kubernetes", notices };
    let mut zones = report.zones(line, line.arguments());
    if zones.is_empty() {
        zones = block_zones;
    }
    let mut seen = BTreeSet::new();
    zones.retain(|zone| seen.insert(Arc::clone(zone)));
    // A stable order that says what is what.
    zones.sort_by_key(|zone| is_reverse(zone));
    let zones = Setting::new(zones, line.origin.clone());
    let mut kubernetes = Kubernetes::new(zones, &Origin::new("default of plugin kubernetes"));
    for option in &line.body {
        kubernetes.option(option, &mut report);
    }
    kubernetes
}

impl Kubernetes {
    fn option(&mut self, option: &Line, report: &mut Report<'_>) {
        let origin = || option.origin.clone();
        match option.name() {
            "pods" => match option.arguments().first().and_then(|mode| PodRecords::parse(mode)) {
                Some(pods) => self.pods = Setting::new(pods, origin()),
                None => report.wants(option, "disabled, insecure or verified"),
            },
            "ttl" => {
                if let Some(ttl) = report.number(option, 0..=TTL_MAX) {
                    self.ttl = Setting::new(ttl, origin());
                }
            }
            "endpoint_pod_names" => self.endpoint_pod_names = Setting::new(true, origin()),
            "namespaces" if option.arguments().is_empty() => report.wants(option, "namespaces"),
            "namespaces" => {
                let namespaces = option.arguments().iter().map(|name| name.as_str().into());
                self.namespaces = Setting::new(Some(namespaces.collect()), origin());
            }
            "namespace_labels" => match Selector::parse(&option.arguments().join(" ")) {
                Ok(selector) => self.namespace_labels = Setting::new(Some(selector), origin()),
                Err(error) => report.say(option, format!("is ignored: {error}")),
            },
            "ignore" if option.arguments() == ["empty_service"] => {
                self.ignores_empty_services = Setting::new(true, origin());
            }
            "noendpoints" => self.serves_endpoints = Setting::new(false, origin()),
            "fallthrough" => self.fallthrough = Setting::new(fallthrough(option, report), origin()),
            "endpoint"
            | "tls"
            | "kubeconfig"
            | "apiserver_qps"
            | "apiserver_burst"
            | "apiserver_max_inflight"
            | "startup_timeout" => {
                report.say(option, "is ignored: how the API server is reached is said by flags");
            }
            "labels" => report.say(option, "is not understood, ignored: all Services are served"),
            "upstream" | "resyncperiod" => {
                report.say(option, "is ignored: it has had no effect in CoreDNS since 1.7");
            }
            "multicluster" => {
                report.say(option, "is ignored: zones of several clusters are said by flags");
            }
            _ => report.unknown(option),
        }
    }
}

/// `transfer [ZONE...] { to ADDRESS... }`.
pub(super) fn read_transfer(line: &Line, notices: &mut Notices) -> Option<Transfer> {
    let mut report = Report { plugin: "transfer", notices };
    let zones = report.zones(line, line.arguments());
    // Zones that could not be read must not become all zones.
    if zones.is_empty() && !line.arguments().is_empty() {
        return None;
    }
    let mut to = Vec::new();
    for option in &line.body {
        if option.name() != "to" {
            report.unknown(option);
            continue;
        }
        for word in option.arguments() {
            let networks = networks(word);
            if networks.is_empty() || to.len() >= RULES_MAX {
                let message = format!("transfer: to {} is ignored: no address", quoted(word));
                report.notices.add(&option.origin, message);
            } else {
                to.extend(networks);
            }
        }
    }
    Some(Transfer { zones, to, origin: line.origin.clone() })
}

/// `*`, an address, an address with a port (who is told of changes: we tell nobody), a network.
fn networks(word: &str) -> Vec<IpNet> {
    if word == "*" {
        return vec![Ipv4Net::default().into(), Ipv6Net::default().into()];
    }
    let address = word.parse::<IpAddr>().or_else(|_| word.parse().map(|at: SocketAddr| at.ip()));
    match address {
        Ok(address) => vec![address.into()],
        Err(_) => word.parse().into_iter().collect(),
    }
}
