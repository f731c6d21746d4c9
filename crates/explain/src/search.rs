//! How is a name completed by the resolver of a pod, and what if nobody knows whose resolver it is?

use std::sync::Arc;

use model::Service;

use crate::name::{Answer, End, Names, Wish};
use crate::question::Refusal;
use crate::verdict::Outcome;
use crate::warning::{Warning, WarningKind};

/// A name with fewer dots is completed before it is tried as it stands: what a kubelet writes.
const NDOTS: usize = 5;

impl Names<'_> {
    /// The name as it was typed, completed as the resolver of the one who asks does it.
    pub(crate) fn named(
        &mut self,
        name: &str,
        wish: Wish,
    ) -> Result<(Option<Arc<Service>>, End), Refusal> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let is_absolute = name.ends_with('.');
        if is_absolute || self.is_in_zone(bare) {
            return self.follow(bare, bare, wish);
        }
        let Some(namespace) = self.asker.namespace.clone() else {
            return self.unplaced(bare, wish);
        };
        let candidates = candidates(bare, &namespace, self.domain());
        let mut denied = 0;
        for candidate in &candidates {
            match self.answer(candidate) {
                Answer::Absent(why) => {
                    denied += 1;
                    self.absent.get_or_insert(why);
                }
                Answer::Denied(_) => denied += 1,
                Answer::Outside if self.is_in_zone(candidate) => denied += 1,
                Answer::Service(_) | Answer::Unknown(_) | Answer::Outside => {
                    self.completed(bare, candidate, &namespace, denied, &candidates);
                    return self.follow(bare, candidate, wish);
                }
            }
        }
        self.completed(bare, bare, &namespace, denied, &candidates);
        self.follow(bare, bare, wish)
    }

    fn completed(
        &mut self,
        name: &str,
        found: &str,
        namespace: &str,
        denied: usize,
        candidates: &[String],
    ) {
        let domain = self.domain();
        let path = format!("{namespace}.svc.{domain} svc.{domain} {domain}");
        let before = match denied {
            0 => String::new(),
            1 => ", after one that is denied".to_owned(),
            n => format!(", after {n} that are denied"),
        };
        let says = if found == name {
            format!(
                "{name} is asked for as it stands{before}; pods of namespace {namespace} search {path}"
            )
        } else {
            format!(
                "{name} is completed to {found}{before}; pods of namespace {namespace} search {path}"
            )
        };
        self.say(says, Vec::new());
        if denied > 0 && !self.is_in_zone(found) {
            let questions = 2 * candidates.len();
            let says = format!(
                "with ndots:{NDOTS} each look-up of {name} costs {questions} questions (A and \
                 AAAA of each); a dot at its end, {name}., makes that 2"
            );
            self.warnings.push(Warning::new(WarningKind::SearchPath, says));
        }
    }

    /// No search path is known. Some names say enough all the same.
    fn unplaced(&mut self, name: &str, wish: Wish) -> Result<(Option<Arc<Service>>, End), Refusal> {
        let domain = self.domain();
        let labels: Vec<&str> = name.split('.').collect();
        let whole = match labels.as_slice() {
            [_, _, "svc"] => Some(format!("{name}.{domain}")),
            [service, namespace] if self.find(namespace, service).is_some() => {
                Some(format!("{name}.svc.{domain}"))
            }
            _ => None,
        };
        if let Some(whole) = whole {
            let says = format!(
                "a pod's search path completes {name} to {whole}; a resolver without that path \
                 asks for {name} as it stands, which is not answered"
            );
            self.say(says, Vec::new());
            return self.follow(name, &whole, wish);
        }
        let [single] = labels.as_slice() else {
            return self.follow(name, name, wish);
        };
        let namespaces: Vec<&str> = self
            .view
            .cluster()
            .services
            .keys()
            .filter(|known| *known.name == **single)
            .map(|known| &*known.namespace)
            .collect();
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
}

/// In the order in which a resolver of a pod tries them.
fn candidates(name: &str, namespace: &str, domain: &str) -> Vec<String> {
    let mut all = vec![
        format!("{name}.{namespace}.svc.{domain}"),
        format!("{name}.svc.{domain}"),
        format!("{name}.{domain}"),
    ];
    let dots = name.bytes().filter(|byte| *byte == b'.').count();
    let at = if dots < NDOTS { all.len() } else { 0 };
    all.insert(at, name.to_owned());
    all
}
