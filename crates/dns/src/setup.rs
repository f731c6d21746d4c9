//! How does a configuration become what a server runs with?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::ServiceName;

use crate::cache;
use crate::config::{
    CacheRule, Config, Fallthrough, ForwardRule, Kubernetes, Notice, Origin, PodRecords, Policy,
    Refresh, Transport, UpstreamProtocol, ZoneConfig, is_within,
};
use crate::forward::{self, Group, RuleId};
use crate::respond::{Block, Blocks, Rewrites, Route};
use crate::wire::Name;
use crate::zone::{NamespaceFilter, PodMode, Settings, Transfer};

/// What a server runs with, made from its configuration.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How the zone is to be; `None` where nothing of the cluster is served.
    pub zone: Option<Settings>,
    pub blocks: Blocks,
    pub forward: forward::Settings,
    /// Domains that the node's own resolver appends.
    pub node_suffixes: Vec<Name>,
    /// Whether search lists are walked for pods.
    pub searches: bool,
    /// Octets that a datagram may have.
    pub datagram_size: u16,
}

/// What the configuration does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The domain of ServiceImports, if they are served.
    pub clusterset: Option<Name>,
    /// The Service whose clients ask this server.
    pub name_server: ServiceName,
    /// Where this server is asked.
    pub own_addresses: Vec<IpAddr>,
    /// Headless Services have names for their endpoints of one topology zone.
    pub zonal: bool,
}

impl Setup {
    #[must_use]
    pub fn of(config: &Config, place: &Place) -> Self {
        let mut groups = Groups::default();
        let blocks = config.zones.iter().filter_map(|(zone, block)| groups.block(zone, block));
        let blocks = Blocks::new(blocks.collect());
        let cache = config.zones.get("").or_else(|| config.zones.values().next());
        let rule = cache.and_then(|block| block.cache.as_ref());
        let recurses = !groups.0.is_empty();
        Self {
            zone: config.kubernetes.as_ref().map(|it| settings(it, config, place, recurses)),
            blocks,
            forward: forward::Settings {
                groups: groups.0,
                cache: cache_settings(rule),
                ..forward::Settings::default()
            },
            node_suffixes: config.host_search.value.iter().filter_map(|it| name(it)).collect(),
            searches: config.server.autopath.as_ref().is_none_or(|it| it.value),
            datagram_size: cache.map_or(1232, |block| block.bufsize.value),
        }
    }
}

/// The groups of upstreams of all blocks, in the order of their numbers.
#[derive(Default)]
struct Groups(Vec<Group>);

impl Groups {
    /// A zone that is no name was refused when it was read.
    fn block(&mut self, zone: &str, config: &ZoneConfig) -> Option<Block> {
        let routes =
            config.forwards.iter().filter_map(|rule| Some((rule, self.route(zone, rule)?)));
        let routes: Vec<(&ForwardRule, Route)> = routes.collect();
        for (at, (rule, route)) in routes.iter().enumerate() {
            let mut later = routes.iter().skip(at + 1);
            let next = later.find(|(next, _)| is_next(rule, next)).map(|(_, route)| route.rule);
            if let Some(group) = self.0.get_mut(route.rule.0) {
                group.next = (rule.next.clone(), next);
            }
        }
        Some(Block {
            zone: name(zone)?,
            routes: routes.into_iter().map(|(_, route)| route).collect(),
            hosts: config.hosts.clone(),
            rewrites: Rewrites::new(&config.rewrites),
            is_minimal: config.is_minimal,
        })
    }

    /// A rule holds for what is both in its own zone and in its block's.
    fn route(&mut self, block: &str, rule: &ForwardRule) -> Option<Route> {
        let zone = match (is_within(&rule.zone, block), is_within(block, &rule.zone)) {
            (true, _) => &*rule.zone,
            (false, true) => block,
            (false, false) => return None,
        };
        let zone = name(zone)?;
        let id = RuleId(self.0.len());
        self.0.push(group(&zone, rule));
        let except = rule.except.iter().filter_map(|it| name(it)).collect();
        Some(Route { zone, except, rule: id })
    }
}

/// Whether a rule can be asked for whatever another one was asked for.
fn is_next(rule: &ForwardRule, next: &ForwardRule) -> bool {
    is_within(&rule.zone, &next.zone) && next.except.is_empty()
}

fn group(zone: &Name, rule: &ForwardRule) -> Group {
    let upstreams = rule.upstreams.iter().map(|upstream| forward::Upstream {
        address: upstream.address,
        tls: match &upstream.transport {
            Transport::Plain => None,
            Transport::Tls { server_name } => {
                let by_address = || upstream.address.ip().to_string().into();
                Some(server_name.as_ref().map_or_else(by_address, Arc::clone))
            }
        },
    });
    let outstanding = rule
        .max_concurrent
        .map_or(OUTSTANDING_MAX, |max| usize::try_from(max).unwrap_or(OUTSTANDING_MAX));
    Group {
        policy: match rule.policy {
            Policy::Random => forward::Policy::Random,
            Policy::RoundRobin => forward::Policy::RoundRobin,
            Policy::Sequential => forward::Policy::Sequential,
        },
        force_tcp: rule.protocol == UpstreamProtocol::ForceTcp,
        prefer_udp: rule.protocol == UpstreamProtocol::PreferUdp,
        max_fails: rule.max_fails,
        outstanding_max: outstanding.min(OUTSTANDING_MAX),
        fails_fast: rule.fails_fast,
        failover: rule.failover.clone(),
        ..Group::new(zone.as_wire(), upstreams.collect())
    }
}

/// Questions under way where no rule says how many.
const OUTSTANDING_MAX: usize = 10_000;

fn settings(from: &Kubernetes, config: &Config, place: &Place, recurses: bool) -> Settings {
    let zones: Vec<Name> = from.zones.value.iter().filter_map(|zone| name(zone)).collect();
    let is_reverse = |zone: &&Name| {
        REVERSE.iter().any(|root| name(root).is_some_and(|root| zone.is_within(&root)))
    };
    let domain = zones.iter().find(|zone| !is_reverse(zone)).cloned();
    let reverse: Vec<Name> = zones.iter().filter(is_reverse).cloned().collect();
    let falls_through = match &from.fallthrough.value {
        Fallthrough::Never => Vec::new(),
        Fallthrough::Always => vec![Name::root()],
        Fallthrough::Zones(zones) => zones.iter().filter_map(|zone| name(zone)).collect(),
    };
    let blocks = config.zones.values().flat_map(|block| &block.transfers);
    let transfers = blocks.flat_map(|transfer| &transfer.to);
    Settings {
        clusterset: place.clusterset.clone(),
        zonal: place.zonal,
        reverse,
        falls_through,
        ttl_s: from.ttl.value,
        pods: match from.pods.value {
            PodRecords::Disabled => PodMode::Disabled,
            PodRecords::Insecure => PodMode::Insecure,
            PodRecords::Verified => PodMode::Verified,
        },
        endpoint_pod_names: from.endpoint_pod_names.value,
        ignores_empty_services: from.ignores_empty_services.value,
        namespaces: namespaces(from),
        name_server: place.name_server.clone(),
        own_addresses: place.own_addresses.clone(),
        recurses,
        transfer: Transfer { to: transfers.copied().collect() },
        ..Settings::new(domain.unwrap_or_else(default_domain))
    }
}

/// A Corefile may ask for reverse zones alone.
fn default_domain() -> Name {
    name("cluster.local").unwrap_or_else(Name::root)
}

const REVERSE: [&str; 2] = ["in-addr.arpa", "ip6.arpa"];

fn namespaces(from: &Kubernetes) -> NamespaceFilter {
    match (&from.namespaces.value, &from.namespace_labels.value) {
        (Some(names), _) => NamespaceFilter::Named(names.iter().cloned().collect::<BTreeSet<_>>()),
        (None, Some(selector)) => NamespaceFilter::Labelled(selector.clone()),
        (None, None) => NamespaceFilter::All,
    }
}

/// Without a rule nothing is kept, and nothing is served after its end.
fn cache_settings(rule: Option<&CacheRule>) -> cache::Settings {
    let default = cache::Settings::default();
    let Some(rule) = rule else {
        let stale = None;
        return cache::Settings { entries_max: 0, failure: Duration::ZERO, stale, ..default };
    };
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let prefetch = rule
        .prefetch
        .as_ref()
        .map(|it| cache::Prefetch { hits: it.amount, percent: it.percentage.into() });
    let stale = default.stale.zip(rule.serve_stale.as_ref()).map(|(stale, said)| cache::Stale {
        longest: said.keep,
        patience: match said.refresh {
            Refresh::Immediate => Duration::ZERO,
            Refresh::Verify => stale.patience,
        },
        ..stale
    });
    cache::Settings {
        entries_max: usize::try_from(rule.success.capacity).unwrap_or(default.entries_max),
        success_max: seconds(rule.success.ttl_max),
        denial_max: seconds(rule.denial.ttl_max),
        least: seconds(rule.success.ttl_min),
        failure: rule.servfail,
        prefetch: prefetch.or(default.prefetch),
        stale,
        ..default
    }
}

fn name(text: &str) -> Option<Name> {
    Name::from_text(text).ok().map(|name| name.to_lowercase())
}

/// What is at work for the names of each zone of a configuration, by the names of CoreDNS's plugins.
#[must_use]
pub fn plugins(config: &Config) -> Vec<(Arc<str>, &'static str)> {
    let is_walked = config.server.autopath.as_ref().is_some_and(|it| it.value);
    let of_zone = |(zone, block): (&Arc<str>, &Arc<ZoneConfig>)| {
        let is_cluster = !block.cluster_zones.is_empty();
        let all = [
            (is_cluster && is_walked, "autopath"),
            (block.cache.is_some(), "cache"),
            (!block.forwards.is_empty(), "forward"),
            (block.hosts.is_some(), "hosts"),
            (is_cluster, "kubernetes"),
            (true, "loadbalance"),
            (!block.forwards.is_empty(), "loop"),
            (block.is_minimal, "minimal"),
            (!block.rewrites.is_empty(), "rewrite"),
            (!block.transfers.is_empty(), "transfer"),
        ];
        let on = all.into_iter().filter(|(is_on, _)| *is_on);
        on.map(|(_, name)| (Arc::clone(zone), name)).collect::<Vec<_>>()
    };
    config.zones.iter().flat_map(of_zone).collect()
}

/// What a configuration says that nothing is made of: whoever wrote it should not rely on it.
#[must_use]
pub fn unused(config: &Config) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |origin: &Origin, what: &str| {
        let message = format!("{what} has no effect here");
        notices.push(Notice { origin: origin.clone(), message });
    };
    for block in config.zones.values() {
        for (is_said, what) in [
            (!block.logs.is_empty(), "log"),
            (block.answers_localhost, "local"),
            (block.nsid.is_some(), "nsid"),
        ] {
            if is_said {
                tell(&block.origin, what);
            }
        }
        for (at, rule) in block.forwards.iter().enumerate() {
            let health = &rule.health_check;
            let has_next = block.forwards.iter().skip(at + 1).any(|next| is_next(rule, next));
            for (is_said, what) in [
                (
                    !rule.next.is_empty() && !has_next,
                    "forward: next without a later forward of all its names",
                ),
                (health.domain.is_some(), "forward: health_check domain"),
            ] {
                if is_said {
                    tell(&rule.origin, what);
                }
            }
        }
    }
    if let Some(kubernetes) = &config.kubernetes
        && !kubernetes.serves_endpoints.value
    {
        tell(&kubernetes.serves_endpoints.origin, "kubernetes: noendpoints");
    }
    notices
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Corefile, CorefileText, Flags, KubeDns, Sources, merge};

    /// What a Corefile says, and what is not understood of it.
    fn configured(text: &str) -> (Config, Vec<Notice>) {
        let (name, empty) = ("Corefile", BTreeMap::new());
        let source = CorefileText { name, text, imports: &empty, environment: &empty };
        let (corefile, notices) = Corefile::read(&source);
        let sources = Sources {
            flags: &Flags::default(),
            corefile: Some(&corefile),
            kube_dns: &KubeDns::default(),
            files: &BTreeMap::new(),
        };
        (merge(&sources).0, notices)
    }

    #[test]
    fn a_rule_hands_on_to_the_next_that_has_all_its_names() {
        let text = "\
. {
    forward example.org 192.0.2.1 {
        next NXDOMAIN REFUSED
        failover NXDOMAIN
        failfast_all_unhealthy_upstreams
    }
    forward . 192.0.2.2 {
        except corp.example
        next NXDOMAIN
    }
    forward . 192.0.2.3
}
";
        let (config, _) = configured(text);
        let place = Place {
            clusterset: None,
            name_server: ServiceName::new("kube-system", "kube-dns"),
            own_addresses: Vec::new(),
            zonal: false,
        };
        let groups = Setup::of(&config, &place).forward.groups;
        let found: Vec<_> =
            groups.iter().map(|it| (it.next.clone(), &*it.failover, it.fails_fast)).collect();
        let last = Some(RuleId(2));
        let expected = [
            ((vec![3, 5], last), &[3][..], true),
            ((vec![3], last), &[], false),
            ((vec![], None), &[], false),
        ];
        assert_eq!(found, expected);
        assert_eq!(unused(&config), []);
    }

    #[test]
    fn what_has_no_effect_is_told_where_it_stands() {
        let text = "\
.:53 {
    log
    kubernetes cluster.local {
        noendpoints
    }
    forward . 192.0.2.1 {
        next NXDOMAIN
        failover SERVFAIL
    }
}
";
        let (config, read) = configured(text);
        assert_eq!(read, []);
        let told: Vec<String> = unused(&config).iter().map(ToString::to_string).collect();
        let expected = [
            "Corefile:1: log has no effect here",
            "Corefile:6: forward: next without a later forward of all its names has no effect here",
            "Corefile:4: kubernetes: noendpoints has no effect here",
        ];
        assert_eq!(told, expected);
    }
}
