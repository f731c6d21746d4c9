//! Whom does each zone ask, when several sources say so?

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::ZoneConfig;
use super::super::corefile::{Corefile, Forward};
use super::super::forward_rule::ForwardRule;
use super::super::kubernetes::Kubernetes;
use super::super::notice::{Notices, Origin, Setting, quoted};
use super::super::resolv_conf::ResolvConf;
use super::super::stub_domain::StubDomain;
use super::super::upstream::{Target, Transport, UPSTREAMS_MAX, Upstream};
use super::super::zone_name::{is_within, labels};
use super::{Merge, RESOLV_CONF};

/// The longest zone is tried first.
pub(super) fn sort(config: &mut Arc<ZoneConfig>) {
    let depth = |rule: &ForwardRule| Reverse(labels(&rule.zone));
    if !config.forwards.is_sorted_by_key(depth) {
        Arc::make_mut(config).forwards.sort_by_key(depth);
    }
}

/// The files of name servers, each read once.
pub(super) struct Resolvers<'a> {
    files: &'a BTreeMap<Arc<str>, String>,
    /// What stands for `/etc/resolv.conf`.
    node: Arc<str>,
    read: BTreeMap<Arc<str>, ResolvConf>,
}

impl<'a> Resolvers<'a> {
    pub(super) const fn new(files: &'a BTreeMap<Arc<str>, String>, node: Arc<str>) -> Self {
        Self { files, node, read: BTreeMap::new() }
    }

    /// The rule of a Corefile with its upstreams.
    pub(super) fn rule(&mut self, forward: &Forward, notices: &mut Notices) -> ForwardRule {
        let mut upstreams = self.upstreams(&forward.targets, &forward.rule.origin, notices);
        for upstream in &mut upstreams {
            if let Transport::Tls { server_name } = &mut upstream.transport
                && server_name.is_none()
            {
                server_name.clone_from(&forward.tls_server_name);
            }
        }
        ForwardRule { upstreams, ..forward.rule.clone() }
    }

    /// The servers, and those that files list, each once.
    fn upstreams(
        &mut self,
        targets: &[Target],
        origin: &Origin,
        notices: &mut Notices,
    ) -> Vec<Upstream> {
        let mut upstreams: Vec<Upstream> = Vec::new();
        for target in targets {
            let more = match target {
                Target::Upstream(upstream) => vec![upstream.clone()],
                Target::File(path) => self.nameservers(path, origin, notices),
            };
            for upstream in more {
                if upstreams.contains(&upstream) {
                    continue;
                }
                if upstreams.len() == UPSTREAMS_MAX {
                    let message = format!("upstreams beyond {UPSTREAMS_MAX} are ignored");
                    notices.add(origin, message);
                    return upstreams;
                }
                upstreams.push(upstream);
            }
        }
        upstreams
    }

    fn nameservers(&mut self, path: &str, origin: &Origin, notices: &mut Notices) -> Vec<Upstream> {
        let path = if path == RESOLV_CONF { Arc::clone(&self.node) } else { path.into() };
        let Some(read) = self.file(&path, notices) else {
            let message =
                format!("file {} could not be read: it has no name servers", quoted(&path));
            notices.add(origin, message);
            return Vec::new();
        };
        if read.nameservers.is_empty() {
            notices.add(origin, format!("file {} has no name servers", quoted(&path)));
        }
        read.nameservers.clone()
    }

    fn file(&mut self, path: &Arc<str>, notices: &mut Notices) -> Option<&ResolvConf> {
        if !self.read.contains_key(path) {
            let (read, said) = ResolvConf::read(path, self.files.get(path)?);
            for notice in said {
                notices.add(&notice.origin, notice.message);
            }
            self.read.insert(Arc::clone(path), read);
        }
        self.read.get(path)
    }

    pub(super) fn node_search(&mut self, notices: &mut Notices) -> Vec<Arc<str>> {
        let node = Arc::clone(&self.node);
        self.file(&node, notices).map(|read| read.search.clone()).unwrap_or_default()
    }
}

impl Merge<'_> {
    /// Flags win over every rule for the same zone.
    pub(super) fn forward_flags(&mut self, kubernetes: Option<&Kubernetes>) {
        let flags = self.sources.flags;
        if let Some(Setting { value, origin }) = &flags.upstreams {
            let upstreams = self.resolvers.upstreams(value, origin, self.notices);
            self.replace_root(upstreams, origin);
        }
        for Setting { value: StubDomain { zones, targets }, origin } in &flags.stub_domains {
            let upstreams = self.resolvers.upstreams(targets, origin, self.notices);
            for zone in zones {
                self.tell_hidden(zone, origin, kubernetes);
                if let Some((_, config)) = self.around(zone) {
                    let config = Arc::make_mut(config);
                    config.forwards.retain(|rule| rule.zone != *zone);
                    let rule =
                        ForwardRule::new(Arc::clone(zone), upstreams.clone(), origin.clone());
                    config.forwards.push(rule);
                }
            }
        }
    }

    /// kube-dns is heard where neither flags nor the Corefile say whom to ask.
    pub(super) fn forward_kube_dns(
        &mut self,
        corefile: &Corefile,
        kubernetes: Option<&Kubernetes>,
    ) {
        let kube_dns = self.sources.kube_dns;
        if let Some(first) = kube_dns.upstream_nameservers.first() {
            let upstreams = kube_dns.upstream_nameservers.iter().map(|server| server.value.clone());
            match self.root_origin(corefile) {
                None => self.replace_root(upstreams.collect(), &first.origin),
                Some(winner) => {
                    self.notices.add(&first.origin, format!("not used: {winner} says whom to ask"));
                }
            }
        }
        for Setting { value: StubDomain { zones, targets }, origin } in &kube_dns.stub_domains {
            let upstreams = self.resolvers.upstreams(targets, origin, self.notices);
            for zone in zones {
                self.tell_hidden(zone, origin, kubernetes);
                self.stub_domain(zone, &upstreams, origin);
            }
        }
    }

    fn stub_domain(&mut self, zone: &Arc<str>, upstreams: &[Upstream], origin: &Origin) {
        let Some((around, config)) = self.around(zone) else { return };
        // In a block of just this zone, a rule for everything is about the zone.
        let is_same =
            |rule: &&ForwardRule| rule.zone == *zone || (around == *zone && rule.zone.is_empty());
        if let Some(winner) = config.forwards.iter().find(is_same) {
            let message =
                format!("domain {} is not used: {} says whom to ask", quoted(zone), winner.origin);
            self.notices.add(origin, message);
            return;
        }
        let rule = ForwardRule::new(Arc::clone(zone), upstreams.to_vec(), origin.clone());
        Arc::make_mut(config).forwards.push(rule);
    }

    /// The longest zone that holds the name, with what holds there.
    fn around(&mut self, name: &str) -> Option<(Arc<str>, &mut Arc<ZoneConfig>)> {
        let zones = self.zones.iter_mut().filter(|(zone, _)| is_within(name, zone));
        zones.max_by_key(|(zone, _)| labels(zone)).map(|(zone, config)| (Arc::clone(zone), config))
    }

    /// The first rule for everything gets these upstreams and keeps its options; others go.
    fn replace_root(&mut self, upstreams: Vec<Upstream>, origin: &Origin) {
        let Some((_, config)) = self.around("") else { return };
        let config = Arc::make_mut(config);
        let (mut roots, others): (Vec<ForwardRule>, Vec<ForwardRule>) =
            config.forwards.drain(..).partition(|rule| rule.zone.is_empty());
        roots.truncate(1);
        let rule = match roots.pop() {
            Some(rule) => ForwardRule { upstreams, origin: origin.clone(), ..rule },
            None => ForwardRule::new("".into(), upstreams, origin.clone()),
        };
        config.forwards = others;
        config.forwards.push(rule);
    }

    /// Who says whom to ask for everything, if it is said by more than "as the node does".
    fn root_origin(&self, corefile: &Corefile) -> Option<Origin> {
        if let Some(upstreams) = &self.sources.flags.upstreams {
            return Some(upstreams.origin.clone());
        }
        let config = self.zones.get("")?;
        let forwards = corefile.blocks.iter().flat_map(|block| &block.forwards);
        let named = forwards.filter(|forward| {
            forward.targets.iter().any(|target| matches!(target, Target::Upstream(_)))
        });
        let origins: Vec<&Origin> = named.map(|forward| &forward.rule.origin).collect();
        let mut rules = config.forwards.iter().filter(|rule| rule.zone.is_empty());
        rules.find(|rule| origins.contains(&&rule.origin)).map(|rule| rule.origin.clone())
    }

    /// A rule for a name of the cluster is never asked, unless names fall through.
    fn tell_hidden(&mut self, zone: &str, origin: &Origin, kubernetes: Option<&Kubernetes>) {
        let Some(kubernetes) = kubernetes else { return };
        let own = kubernetes.zones.value.iter().find(|own| is_within(zone, own));
        if let Some(own) = own
            && !kubernetes.fallthrough.value.covers(zone)
        {
            let message =
                format!("domain {} is never asked for: {own} is the cluster's", quoted(zone));
            self.notices.add(origin, message);
        }
    }
}
