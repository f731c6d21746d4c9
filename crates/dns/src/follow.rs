//! How does what a server serves follow the cluster and the configuration?

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ConfigMap, ConfigMapName, NodeName, ServiceTable};

use crate::config::{
    self, Config, Corefile, CorefileText, Fallthrough, Flags, HostTable, Hosts, KubeDns, Notice,
    Origin, Sources,
};
use crate::forward;
use crate::respond::{Responder, Search};
use crate::setup::{self, Place, Setup};
use crate::wire::Name;
use crate::zone::{Settings, Zone};

/// Where clusters keep the settings of their DNS.
const NAMESPACE: &str = "kube-system";

/// What does not change while a server runs.
#[derive(Debug, Clone)]
pub struct Fixed {
    pub flags: Flags,
    /// A Corefile that takes the place of the cluster's own: its path.
    pub corefile: Option<Arc<str>>,
    /// A file of static entries: its path.
    pub hosts: Option<Arc<str>>,
    pub place: Place,
    /// The node whose pods' search lists are walked; none where the server is nobody's neighbour.
    pub node: Option<NodeName>,
    /// Variables that a Corefile may name.
    pub environment: BTreeMap<String, String>,
}

/// Follows the cluster, one table after another.
#[derive(Debug)]
pub struct Follower {
    fixed: Fixed,
    /// The texts of the files that are wanted, as far as they could be read once.
    files: BTreeMap<Arc<str>, String>,
    /// Those files.
    wanted: Vec<Arc<str>>,
    /// The node whose pods' search lists are walked, as the configuration allows.
    searched: Option<NodeName>,
    table: ServiceTable,
    config: Config,
    responder: Responder,
}

/// What a configuration says besides what the responder holds.
#[derive(Debug)]
pub struct Configured {
    /// Whom to ask from now on.
    pub forward: forward::Settings,
    /// Octets that a datagram may have from now on.
    pub datagram_size: u16,
    /// What nobody understands, or has no effect.
    pub notices: Vec<Notice>,
}

impl Follower {
    /// Knows nothing of the cluster yet, and so denies no name of it. Files are wanted at once.
    #[must_use]
    pub fn new(fixed: Fixed) -> Self {
        let table = ServiceTable::default();
        let (config, wanted, _) = configuration(&fixed, &table, &BTreeMap::new());
        let setup = Setup::of(&config, &fixed.place);
        let zone = Zone::empty(Arc::new(zone_settings(&setup)));
        let search = Search::new(setup.node_suffixes.clone());
        let blocks = Arc::new(setup.blocks);
        let responder = Responder { zone, blocks, search };
        let searched = fixed.node.clone().filter(|_| setup.searches);
        Self { searched, fixed, files: BTreeMap::new(), wanted, table, config, responder }
    }

    /// The files whose texts are wanted now.
    #[must_use]
    pub fn files(&self) -> &[Arc<str>] {
        &self.wanted
    }

    /// Gives the texts of files. One that cannot be read any more keeps its last text.
    pub fn set_files(&mut self, texts: BTreeMap<Arc<str>, String>) -> Option<Configured> {
        let is_news = texts.iter().any(|(path, text)| self.files.get(path) != Some(text));
        if !is_news {
            return None;
        }
        self.files.extend(texts);
        Some(self.configure())
    }

    /// Goes on to another table. `serial` is the time in seconds since 1970. Gives what its
    /// configuration says, where it was read anew.
    pub fn advance(
        &mut self,
        table: &ServiceTable,
        is_synced: bool,
        serial: u32,
    ) -> Option<Configured> {
        let old = std::mem::replace(&mut self.table, table.clone());
        let mut zone = self.responder.zone.advance(&old, table, serial);
        if is_synced {
            zone.set_synced();
        }
        self.responder.zone = zone;
        if let Some(node) = &self.searched {
            self.responder.search = self.responder.search.advance(&old, table, node);
        }
        let is_same = dns_maps(&old).eq(dns_maps(table));
        (!is_same).then(|| self.configure())
    }

    /// What is served now.
    #[must_use]
    pub const fn responder(&self) -> &Responder {
        &self.responder
    }

    /// The configuration that holds.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Reads the configuration anew.
    pub fn configure(&mut self) -> Configured {
        let (config, wanted, notices) = configuration(&self.fixed, &self.table, &self.files);
        let setup = Setup::of(&config, &self.fixed.place);
        let settings = Arc::new(zone_settings(&setup));
        (self.config, self.wanted) = (config, wanted);
        if *self.responder.zone.settings() != settings {
            self.responder.zone = self.responder.zone.with_settings(settings, &self.table);
        }
        self.searched = self.fixed.node.clone().filter(|_| setup.searches);
        let mut search = Search::new(setup.node_suffixes);
        if let Some(node) = &self.searched {
            search = search.advance(&ServiceTable::default(), &self.table, node);
        }
        self.responder.search = search;
        self.responder.blocks = Arc::new(setup.blocks);
        Configured { forward: setup.forward, datagram_size: setup.datagram_size, notices }
    }
}

/// Where nothing of the cluster is served, its zone is one that nobody can ask for.
fn zone_settings(setup: &Setup) -> Settings {
    setup.zone.clone().unwrap_or_else(|| {
        let nowhere = Name::from_text("nothing.invalid").unwrap_or_else(|_| Name::root());
        Settings::new(nowhere)
    })
}

fn config_map<'t>(table: &'t ServiceTable, name: &str) -> Option<&'t Arc<ConfigMap>> {
    table.config_maps.get(&ConfigMapName::new(NAMESPACE, name))
}

/// The ConfigMaps that say something about the DNS.
fn dns_maps(table: &ServiceTable) -> impl Iterator<Item = Option<&Arc<ConfigMap>>> {
    ["coredns", "coredns-custom", "kube-dns"].into_iter().map(|name| config_map(table, name))
}

/// What holds, which files that is made of, and what nobody understands.
fn configuration(
    fixed: &Fixed,
    table: &ServiceTable,
    files: &BTreeMap<Arc<str>, String>,
) -> (Config, Vec<Arc<str>>, Vec<Notice>) {
    let corefile = read_corefile(fixed, table, files);
    let wanted = wanted(fixed, corefile.as_ref().map(|(corefile, _)| corefile));
    let data = config_map(table, "kube-dns").map(|map| &map.data);
    let entries = data.into_iter().flatten().map(|(key, text)| (&**key, &**text));
    let (kube_dns, of_kube_dns) = KubeDns::read(entries);
    let sources = Sources {
        flags: &fixed.flags,
        corefile: corefile.as_ref().map(|(corefile, _)| corefile),
        kube_dns: &kube_dns,
        files,
    };
    let (mut config, of_merge) = config::merge(&sources);
    let of_corefile = corefile.into_iter().flat_map(|(_, notices)| notices);
    let of_setup = setup::unused(&config);
    let all = of_corefile.chain(of_kube_dns).chain(of_merge).chain(of_setup);
    let mut notices: Vec<Notice> = all.collect();
    if let Some(path) = &fixed.hosts {
        notices.extend(add_hosts(&mut config, path, files));
    }
    (config, wanted, notices)
}

/// The files that a configuration is made of.
fn wanted(fixed: &Fixed, corefile: Option<&Corefile>) -> Vec<Arc<str>> {
    let mut all = Sources::files(&fixed.flags, corefile);
    all.extend([&fixed.corefile, &fixed.hosts].into_iter().flatten().cloned());
    all.sort();
    all.dedup();
    all
}

/// The file's, if there is one by the flags; else the cluster's.
fn read_corefile(
    fixed: &Fixed,
    table: &ServiceTable,
    files: &BTreeMap<Arc<str>, String>,
) -> Option<(Corefile, Vec<Notice>)> {
    let (name, text) = match &fixed.corefile {
        Some(path) => (&**path, files.get(path)?.as_str()),
        None => ("Corefile", &**config_map(table, "coredns")?.data.get("Corefile")?),
    };
    let custom = config_map(table, "coredns-custom").map(|map| &map.data);
    let imports = custom.into_iter().flatten();
    let imports: BTreeMap<String, String> =
        imports.map(|(key, text)| (format!("custom/{key}"), text.to_string())).collect();
    let environment = &fixed.environment;
    Some(Corefile::read(&CorefileText { name, text, imports: &imports, environment }))
}

/// Static entries of a file for all names of the block of everything. What they do not have is looked
/// up as ever.
fn add_hosts(
    config: &mut Config,
    path: &Arc<str>,
    files: &BTreeMap<Arc<str>, String>,
) -> Vec<Notice> {
    let Some(text) = files.get(path) else { return Vec::new() };
    let (table, notices) = HostTable::read(path, text);
    for block in config.zones.values_mut().filter(|block| block.hosts.is_none()) {
        Arc::make_mut(block).hosts = Some(Arc::new(Hosts {
            zones: Vec::new(),
            table: table.clone(),
            file: Some(Arc::clone(path)),
            ttl: HOSTS_TTL_S,
            has_reverse: true,
            fallthrough: Fallthrough::Always,
            origin: Origin::new("--hosts"),
        }));
    }
    notices
}

/// As CoreDNS's plugin has it.
const HOSTS_TTL_S: u32 = 3_600;
