//! How is a name completed by the resolver of a pod, and what if nobody knows whose resolver it is?

use dns::wire::Name;

use crate::answers::{Answers, Kind};
use crate::cluster_dns::ClusterDns;
use crate::dns_question::{NoAnswer, SearchStep};
use crate::name::{End, Led, Names, Wish};
use crate::question::Refusal;
use crate::resolvers;
use crate::trace::{Hop, Stage};
use crate::verdict::Outcome;
use crate::warning::{Warning, WarningKind};

/// A name with fewer dots is completed before it is tried as it stands: what a kubelet writes.
const NDOTS: usize = 5;

/// The names that a pod's resolver tries for one.
pub(crate) struct SearchList {
    /// Without a final dot.
    pub(crate) typed: String,
    pub(crate) namespace: String,
    /// In the order in which they are tried.
    pub(crate) names: Vec<Name>,
    /// The one that is the typed name itself.
    pub(crate) at_as_typed: usize,
    suffixes: Vec<String>,
}

impl SearchList {
    /// As a kubelet writes it for a pod of this namespace, by dnsPolicy ClusterFirst.
    pub(crate) fn new(typed: &str, namespace: &str, dns: &ClusterDns) -> Self {
        let domain = dns.domain();
        let mut suffixes =
            vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain];
        suffixes.extend(dns.node_search.iter().cloned());
        let completed = suffixes.iter().map(|suffix| format!("{typed}.{suffix}"));
        // One that is too long for a name is never asked for.
        let mut names: Vec<Name> = completed.filter_map(|it| Name::from_text(&it).ok()).collect();
        let at_as_typed = if Self::dots(typed) < NDOTS { names.len() } else { 0 };
        if let Ok(name) = Name::from_text(typed) {
            names.insert(at_as_typed, name);
        }
        let (typed, namespace) = (typed.to_owned(), namespace.to_owned());
        Self { typed, namespace, names, at_as_typed, suffixes }
    }

    fn dots(typed: &str) -> usize {
        typed.bytes().filter(|byte| *byte == b'.').count()
    }

    pub(crate) fn step(&self, at: usize) -> SearchStep {
        SearchStep { at: at + 1, of: self.names.len() }
    }

    fn path(&self) -> String {
        format!(
            "with dnsPolicy ClusterFirst (ndots:{NDOTS}), pods of namespace {} search {}",
            self.namespace,
            self.suffixes.join(" ")
        )
    }
}

impl Names<'_> {
    /// The name as it was typed, completed as the resolver of the one who asks does it.
    pub(crate) fn named(&mut self, name: &str, wish: Option<Wish>) -> Result<Led, Refusal> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        if name.ends_with('.') {
            return self.single(bare, bare, wish);
        }
        let Some(namespace) = self.asker.namespace.clone() else {
            return self.unplaced(bare, wish);
        };
        let list = SearchList::new(bare, &namespace, self.view.dns);
        self.walk(&list, wish)
    }

    /// The resolver tries one name after the other.
    fn walk(&mut self, list: &SearchList, wish: Option<Wish>) -> Result<Led, Refusal> {
        let mut tried: Vec<Answers> = Vec::new();
        for (at, name) in list.names.iter().enumerate() {
            let answers = self.ask(name.clone(), Some(list.step(at)));
            match answers.kind(self.family) {
                Kind::Addresses | Kind::Elsewhere => {
                    self.completed(list, at);
                    self.tell_tried(list, &tried);
                    self.warnings.extend(resolvers::stop_early(list, &tried, self.family));
                    return self.follow(&list.typed, &answers, wish);
                }
                Kind::NoData if wish.is_none() && self.has_records(name) => {
                    self.completed(list, at);
                    self.tell_tried(list, &tried);
                    return self.follow(&list.typed, &answers, wish);
                }
                Kind::Denied | Kind::NoData | Kind::Failed => tried.push(answers),
            }
        }
        let says = format!("{} is asked for under {} names", list.typed, list.names.len());
        self.say(format!("{says}; {}", list.path()), Vec::new());
        self.tell_tried(list, &tried);
        Ok((None, self.none_of(list, &tried)))
    }

    fn tell_tried(&mut self, list: &SearchList, tried: &[Answers]) {
        for (at, answers) in tried.iter().enumerate() {
            let Some((says, why)) = self.nothing_in_words(answers) else { continue };
            if why.reason != NoAnswer::NotSynced && self.is_of_a_service(&answers.name) {
                self.absent.get_or_insert_with(|| why.says.clone());
            }
            self.warn_of(answers.last_name(), &why);
            let SearchStep { at, of } = list.step(at);
            self.say_why(format!("{at} of {of}: {says}"), why);
        }
    }

    /// Whether the name would be a Service's own.
    fn is_of_a_service(&self, name: &Name) -> bool {
        let domain = self.view.dns.zone.settings().domain.labels().count();
        name.labels().count() == domain + 3
    }

    /// The verdict where no name of the list has an address: about the one that tells most.
    fn none_of(&self, list: &SearchList, tried: &[Answers]) -> End {
        let as_typed = tried.get(list.at_as_typed);
        let told = as_typed.or_else(|| tried.first());
        let says = told.and_then(|answers| self.nothing_in_words(answers)).map(|(says, _)| says);
        let says = says.unwrap_or_else(|| format!("{} has no address", list.typed));
        End::Nothing { outcome: Outcome::NoSuchName, says }
    }

    fn completed(&mut self, list: &SearchList, at: usize) {
        let before = match at {
            0 => String::new(),
            1 => ", after one that has no answer".to_owned(),
            n => format!(", after {n} that have no answer"),
        };
        let SearchList { typed, at_as_typed, .. } = list;
        let found = list.names.get(at).map(ToString::to_string).unwrap_or_default();
        let path = list.path();
        let says = if at == *at_as_typed {
            format!("{typed} is asked for as it stands{before}; {path}")
        } else {
            format!("{typed} is completed to {found}{before}; {path}")
        };
        self.say(says, Vec::new());
        // Of one label, it would be a Service's that is not there: a dot would not help.
        if at > 0 && at == *at_as_typed && SearchList::dots(typed) > 0 {
            let questions = 2 * list.names.len();
            let says = format!(
                "with ndots:{NDOTS} each look-up of {typed} costs {questions} questions (A and \
                 AAAA of each); a dot at its end, {typed}., makes that 2"
            );
            self.warnings.push(Warning::new(WarningKind::SearchPath, says));
        }
    }

    /// The answer to a name that is not there and that the DNS of this node takes for the first of the
    /// search list of the pod that asks, which it knows by its address. It cannot see what was typed.
    pub(crate) fn walked(&self, first: &Answers) -> Option<Answers> {
        let dns = self.view.dns;
        let mut addresses = self.asker.addresses.iter();
        let namespace = addresses.find_map(|address| dns.search.namespace(*address))?;
        if first.kind(None) != Kind::Denied {
            return None;
        }
        let name = first.name.to_string().to_ascii_lowercase();
        let typed = name.strip_suffix(&format!(".{namespace}.svc.{}", dns.domain()))?;
        let list = SearchList::new(typed, namespace, dns);
        let mut names = list.names.clone();
        let as_typed = names.remove(list.at_as_typed);
        // One label alone is left to the client to ask for.
        names.extend(Some(as_typed).filter(|_| SearchList::dots(typed) > 0));
        let rest = names.into_iter().zip(1_usize..).skip(1);
        let mut rest = rest.map(|(name, at)| (Answers::of(dns, name), at));
        let (found, at) = rest.find(|(answers, _)| match answers.kind(None) {
            Kind::Addresses | Kind::Elsewhere => true,
            Kind::Denied | Kind::NoData | Kind::Failed => !answers.aliases().is_empty(),
        })?;
        Some(found.behind(&first.name, at))
    }

    pub(crate) fn tell_walk(&mut self, typed: &str, name: &Name, found: &Name, at: usize) {
        let node = &self.view.here.node.name;
        let lead = format!("{name} is not there: the DNS of node {node}");
        let says = if name.to_string() == typed {
            format!(
                "{lead} takes it for the first of a search list, and answers with a CNAME, {found}"
            )
        } else {
            format!(
                "{lead} walks the search list for its own pods, and answers with a CNAME, {found}: \
                 1 question in place of {at} (each for A and for AAAA)"
            )
        };
        self.hops.push(Hop::new(Stage::Name, Some(node), says, Vec::new()));
    }

    /// No search path is known. Some names say enough all the same.
    fn unplaced(&mut self, name: &str, wish: Option<Wish>) -> Result<Led, Refusal> {
        let domain = self.domain();
        let labels: Vec<&str> = name.split('.').collect();
        let is_whole = Name::from_text(name).is_ok_and(|it| self.is_in_zone(&it));
        let [single] = labels.as_slice() else {
            let whole = if is_whole { None } else { self.whole(name, &labels) };
            let Some(whole) = whole else { return self.single(name, name, wish) };
            let says = format!(
                "a pod's search path completes {name} to {whole}; a resolver without that path \
                 asks for {name} as it stands, which is not answered"
            );
            self.say(says, Vec::new());
            return self.single(name, &whole, wish);
        };
        if self.asker.name.starts_with("pod/") {
            let says = format!(
                "{} is on the network of its node, and has that node's resolver unless its \
                 dnsPolicy is ClusterFirstWithHostNet: then say its namespace",
                self.asker.name
            );
            self.say(says, Vec::new());
        }
        let services = self.view.cluster().services.keys();
        let of_name = services.filter(|known| *known.name == **single);
        let namespaces: Vec<&str> = of_name.map(|known| &*known.namespace).collect();
        let there = match namespaces.as_slice() {
            [] => format!("no namespace has a Service {name}"),
            [only] => format!("namespace {only} has a Service {name}"),
            several => format!("namespaces {} have a Service {name}", several.join(", ")),
        };
        self.say(
            format!(
                "{name} means something only to a pod: one in namespace NS tries \
                 {name}.NS.svc.{domain}, {name}.svc.{domain}, {name}.{domain} and then {name}; \
                 {there}"
            ),
            Vec::new(),
        );
        let says = format!(
            "it is not known in which namespace {name} is asked for: say it with --namespace, or \
             write {name}.NAMESPACE.svc.{domain}"
        );
        Ok((None, End::Nothing { outcome: Outcome::Unknown, says }))
    }

    /// What a search path of any pod makes of the name.
    fn whole(&self, name: &str, labels: &[&str]) -> Option<String> {
        let domain = self.domain();
        if matches!(labels, [.., _, _, "svc"]) {
            return Some(format!("{name}.{domain}"));
        }
        let whole = format!("{name}.svc.{domain}");
        let answers = Answers::of(self.view.dns, Name::from_text(&whole).ok()?);
        let is_there = matches!(answers.kind(None), Kind::Addresses | Kind::Elsewhere)
            || !answers.aliases().is_empty()
            || self.service_at(&answers.name).is_some();
        is_there.then_some(whole)
    }
}
