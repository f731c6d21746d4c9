//! What holds, when flags, a Corefile, kube-dns's ConfigMap and resolv.conf all say something?

mod kubernetes;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::rules::Resolvers;
use super::corefile::{Corefile, CorefileText, ServerBlock};
use super::hosts::{HostTable, Hosts};
use super::kube_dns::KubeDns;
use super::kubernetes::{Kubernetes, PodRecords};
use super::notice::{Notice, Notices, Origin, Setting, quoted};
use super::stub_domain::StubDomain;
use super::upstream::{DNS_PORT, Target};
use super::{Config, ServerSettings, ZoneConfig};

/// What holds without a Corefile: what Kubernetes ships, and stale answers while upstreams fail.
pub const DEFAULT_COREFILE: &str = "\
.:53 {
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    forward . /etc/resolv.conf {
        max_concurrent 1000
    }
    cache 30 {
        serve_stale 1h verify
    }
}
";

/// Where name servers of the node are listed.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What flags say. Their origins name the flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The zones that are answered from the cluster's objects, reverse ones too.
    pub cluster_zones: Option<Setting<Vec<Arc<str>>>>,
    /// Whom to ask for everything.
    pub upstreams: Option<Setting<Vec<Target>>>,
    /// Whom to ask for some domains.
    pub stub_domains: Vec<Setting<StubDomain>>,
    /// What to read where a Corefile says `/etc/resolv.conf`.
    pub resolv_conf: Option<Setting<Arc<str>>>,
    /// Whether names made of a pod's address are answered.
    pub pods: Option<Setting<PodRecords>>,
    /// Seconds, of our own records.
    pub ttl: Option<Setting<u32>>,
    /// Whether a pod's search path is completed.
    pub autopath: Option<Setting<bool>>,
}

/// Everything that says something about a server.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What flags say.
    pub flags: &'a Flags,
    /// The ConfigMap `coredns`, if there is one.
    pub corefile: Option<&'a Corefile>,
    /// The ConfigMap `kube-dns`; empty if there is none.
    pub kube_dns: &'a KubeDns,
    /// The texts of [`files`](Self::files), by path. A file that could not be read any more must
    /// keep its last text here: what is not here has no name servers and no entries.
    pub files: &'a BTreeMap<Arc<str>, String>,
}

impl Sources<'_> {
    /// The files whose texts `merge` wants.
    #[must_use]
    pub fn files(flags: &Flags, corefile: Option<&Corefile>) -> Vec<Arc<str>> {
        let node = node_resolv_conf(flags);
        let named = corefile.map(Corefile::files).unwrap_or_default().into_iter();
        let named = named.chain(flags.upstreams.iter().flat_map(|setting| files(&setting.value)));
        let stub_domains = flags.stub_domains.iter();
        let named = named.chain(stub_domains.flat_map(|setting| files(&setting.value.targets)));
        let mut all: Vec<Arc<str>> =
            named.filter(|path| **path != *RESOLV_CONF).chain([node]).collect();
        all.sort();
        all.dedup();
        all
    }
}

fn files(targets: &[Target]) -> impl Iterator<Item = Arc<str>> {
    targets.iter().filter_map(|target| match target {
        Target::File(path) => Some(Arc::clone(path)),
        Target::Upstream(_) => None,
    })
}

fn node_resolv_conf(flags: &Flags) -> Arc<str> {
    flags.resolv_conf.as_ref().map_or_else(|| RESOLV_CONF.into(), |path| Arc::clone(&path.value))
}

/// What a server runs with, and what of the sources has no effect.
#[must_use]
pub fn merge(sources: &Sources<'_>) -> (Config, Vec<Notice>) {
    let mut notices = Notices::default();
    let shipped;
    let corefile = match sources.corefile {
        Some(corefile) if !corefile.blocks.is_empty() => corefile,
        other => {
            if other.is_some() {
                let message = "has no server block: the default holds";
                notices.add(&Origin::new("Corefile"), message);
            }
            shipped = default_corefile();
            &shipped
        }
    };
    let mut merge = Merge::new(sources, corefile, &mut notices);
    merge.blocks(corefile);
    let kubernetes = merge.kubernetes(corefile);
    merge.forward_flags(kubernetes.as_ref());
    merge.forward_kube_dns(corefile, kubernetes.as_ref());
    let config = merge.finish(kubernetes, server(sources.flags, corefile));
    (config, notices.finish("configuration"))
}

fn default_corefile() -> Corefile {
    let empty = BTreeMap::new();
    let text = CorefileText {
        name: "default",
        text: DEFAULT_COREFILE,
        imports: &empty,
        environment: &empty,
    };
    Corefile::read(&text).0
}

/// A merge under way.
struct Merge<'a> {
    sources: &'a Sources<'a>,
    notices: &'a mut Notices,
    /// The port whose zones are served: one server has one.
    port: u16,
    resolvers: Resolvers<'a>,
    zones: BTreeMap<Arc<str>, Arc<ZoneConfig>>,
}

impl<'a> Merge<'a> {
    fn new(sources: &'a Sources<'a>, corefile: &Corefile, notices: &'a mut Notices) -> Self {
        let of_cluster = corefile.blocks.iter().filter(|block| block.kubernetes.is_some());
        let mut addresses = of_cluster.chain(&corefile.blocks).flat_map(|block| &block.addresses);
        let port = addresses.next().map_or(DNS_PORT, |address| address.port);
        let resolvers = Resolvers::new(sources.files, node_resolv_conf(sources.flags));
        Self { sources, notices, port, resolvers, zones: BTreeMap::new() }
    }

    /// The zones of the blocks, with their own rules.
    fn blocks(&mut self, corefile: &Corefile) {
        for block in &corefile.blocks {
            let config = Arc::new(self.zone_config(block));
            for address in &block.addresses {
                let zone = quoted(&address.zone);
                if address.port != self.port {
                    let message = format!(
                        "zone {zone} on port {} is not served: this server is the one of port {}",
                        address.port, self.port
                    );
                    self.notices.add(&block.origin, message);
                } else if let Some(earlier) = self.zones.get(&address.zone) {
                    let message = format!("zone {zone} is served as {} says", earlier.origin);
                    self.notices.add(&block.origin, message);
                } else {
                    self.zones.insert(Arc::clone(&address.zone), Arc::clone(&config));
                }
            }
        }
        // Without rules, a name outside of all blocks is refused.
        if !self.zones.contains_key("") {
            let origin = corefile.origin().map_or_else(|| Origin::new("default"), Clone::clone);
            self.zones.insert("".into(), Arc::new(ZoneConfig::new(origin)));
        }
    }

    fn zone_config(&mut self, block: &ServerBlock) -> ZoneConfig {
        let mut config = block.config.clone();
        if let Some(hosts) = &mut config.hosts {
            self.add_file(Arc::make_mut(hosts));
        }
        for forward in &block.forwards {
            let rule = self.resolvers.rule(forward, self.notices);
            config.forwards.push(rule);
        }
        config
    }

    /// Puts the entries of the file before those of the Corefile.
    fn add_file(&mut self, hosts: &mut Hosts) {
        let Some(path) = &hosts.file else { return };
        let Some(text) = self.sources.files.get(path) else {
            let message = format!("hosts: file {} could not be read: no entries", quoted(path));
            self.notices.add(&hosts.origin, message);
            return;
        };
        let (mut table, notices) = HostTable::read(path, text);
        for notice in notices {
            self.notices.add(&notice.origin, notice.message);
        }
        table.append(&hosts.table, &hosts.origin, self.notices);
        hosts.table = table;
    }

    /// Rules get the order in which they are tried.
    fn finish(mut self, kubernetes: Option<Kubernetes>, server: ServerSettings) -> Config {
        for config in self.zones.values_mut() {
            rules::sort(config);
        }
        let origin = Origin::new(&node_resolv_conf(self.sources.flags));
        let search = self.resolvers.node_search(self.notices);
        let host_search = Setting::new(search, origin);
        Config { kubernetes, zones: self.zones, server, host_search }
    }
}

/// The first that says something holds.
fn server(flags: &Flags, corefile: &Corefile) -> ServerSettings {
    fn first<T: Clone>(
        corefile: &Corefile,
        setting: impl Fn(&ServerSettings) -> Option<&Setting<T>>,
    ) -> Option<Setting<T>> {
        corefile.blocks.iter().find_map(|block| setting(&block.server)).cloned()
    }
    let autopath = flags
        .autopath
        .clone()
        .or_else(|| first(corefile, |server| server.autopath.as_ref()))
        .unwrap_or_else(|| Setting::new(true, Origin::new("default")));
    ServerSettings {
        lameduck: first(corefile, |server| server.lameduck.as_ref()),
        health: first(corefile, |server| server.health.as_ref()),
        ready: first(corefile, |server| server.ready.as_ref()),
        metrics: first(corefile, |server| server.metrics.as_ref()),
        autopath: Some(autopath),
    }
}
