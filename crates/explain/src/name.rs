//! What does a name become, as the cluster DNS answers and as resolvers complete it?

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use dns::wire::{Lowered, Name};
use model::{Family, Frontend, Protocol, Service, ServiceName};

use crate::absence::{self, Why};
use crate::alias;
use crate::answers::{Answers, Kind};
use crate::dns_question::{DnsQuestion, NoAnswer, SearchStep};
use crate::place::Asker;
use crate::question::Refusal;
use crate::reply::{By, Reply};
use crate::target::{Host, Scheme, Target};
use crate::trace::{Hop, Origin, Stage};
use crate::verdict::Outcome;
use crate::view::View;
use crate::warning::Warning;

/// What the target comes to.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) hops: Vec<Hop>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) dns_questions: Vec<DnsQuestion>,
    /// The Service that was named, if one was.
    pub(crate) service: Option<Arc<Service>>,
    pub(crate) end: End,
}

#[derive(Debug)]
pub(crate) enum End {
    /// A connection goes there.
    Frontend(Frontend),
    /// A connection goes to one of these addresses, at the client's port.
    Endpoints { addresses: Vec<IpAddr>, protocol: Protocol, port: NonZeroU16 },
    /// No connection is made, or nobody here knows which.
    Nothing { outcome: Outcome, says: String },
}

pub(crate) struct Names<'a> {
    pub(crate) view: View<'a>,
    pub(crate) asker: &'a Asker,
    pub(crate) family: Option<Family>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) dns_questions: Vec<DnsQuestion>,
    /// Why the cluster has not the Service that a completed name would be of.
    pub(crate) absent: Option<String>,
}

/// Where a connection is wanted to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) scheme: Option<Scheme>,
    pub(crate) port: NonZeroU16,
    pub(crate) protocol: Protocol,
}

/// The Service that was named, and where that leads.
pub(crate) type Led = (Option<Arc<Service>>, End);

impl<'a> Names<'a> {
    pub(crate) const fn new(view: View<'a>, asker: &'a Asker, family: Option<Family>) -> Self {
        Self {
            view,
            asker,
            family,
            hops: Vec::new(),
            warnings: Vec::new(),
            dns_questions: Vec::new(),
            absent: None,
        }
    }

    pub(crate) fn resolve(mut self, target: &Target) -> Result<Resolved, Refusal> {
        let (service, end) = match target {
            Target::Place { host: Host::Address(address), port, protocol, .. } => {
                self.check_family(*address)?;
                let frontend = Frontend { address: *address, protocol: *protocol, port: *port };
                (None, End::Frontend(frontend))
            }
            Target::Place { scheme, host: Host::Name(name), port, protocol } => {
                let wish = Wish { scheme: *scheme, port: *port, protocol: *protocol };
                self.named(name, Some(wish))?
            }
            Target::Service { name, port, protocol } => {
                self.service(name, port.as_ref(), *protocol)?
            }
            Target::Name(Host::Name(name)) => self.named(name, None)?,
            Target::Name(Host::Address(address)) => {
                self.check_family(*address)?;
                (None, self.reverse(*address))
            }
        };
        let Self { hops, warnings, dns_questions, .. } = self;
        Ok(Resolved { hops, warnings, dns_questions, service, end })
    }

    fn check_family(&self, address: IpAddr) -> Result<(), Refusal> {
        let family = Family::of(address);
        if self.family.is_none_or(|wanted| wanted == family) {
            return Ok(());
        }
        let what = format!("the target is an {family} address: {address}");
        Err(Refusal::usage(what, "leave -4 and -6 out"))
    }

    pub(crate) fn domain(&self) -> String {
        self.view.dns.domain()
    }

    pub(crate) fn say(&mut self, says: String, origins: Vec<Origin>) {
        self.hops.push(Hop::new(Stage::Name, None, says, origins));
    }

    /// Says it, with what would make it another way.
    pub(crate) fn say_why(&mut self, says: String, why: Why) {
        let mut hop = Hop::new(Stage::Name, None, says, why.origins);
        hop.change = why.change;
        self.hops.push(hop);
    }

    pub(crate) fn is_in_zone(&self, name: &Name) -> bool {
        name.is_within(&self.view.dns.zone.settings().domain)
    }

    /// Asks for both families' addresses, or for those that are wanted.
    pub(crate) fn ask(&mut self, name: Name, step: Option<SearchStep>) -> Answers {
        let own = Answers::of(self.view.dns, name);
        let answers = self.walked(&own).unwrap_or(own);
        self.note(&answers, step);
        answers
    }

    fn note(&mut self, answers: &Answers, step: Option<SearchStep>) {
        for reply in answers.of_families(self.family) {
            let why = self.why(&answers.name, reply);
            let reason = why.map(|why| why.reason);
            self.dns_questions.push(DnsQuestion::new(&answers.name, reply, step, reason));
        }
    }

    /// Why a reply has no record.
    pub(crate) fn why(&self, name: &Name, reply: &Reply) -> Option<Why> {
        why(&self.view, name, reply)
    }

    /// One name, as it stands.
    pub(crate) fn single(
        &mut self,
        typed: &str,
        whole: &str,
        wish: Option<Wish>,
    ) -> Result<Led, Refusal> {
        let name = Name::from_text(whole).map_err(|error| {
            Refusal::usage(format!("not a name: {error}"), "a name has at most 253 letters")
        })?;
        let answers = self.ask(name, None);
        self.follow(typed, &answers, wish)
    }

    /// From a whole name on, through aliases, to an address.
    pub(crate) fn follow(
        &mut self,
        typed: &str,
        answers: &Answers,
        wish: Option<Wish>,
    ) -> Result<Led, Refusal> {
        let mut first = None;
        let mut name = &answers.name;
        for alias in answers.aliases() {
            let service = self.service_at(name);
            match answers.walked_to.filter(|_| *name == answers.name) {
                Some(at) => self.tell_walk(typed, name, alias, at),
                None => self.alias(typed, name, service.as_deref(), alias, wish),
            }
            first = first.or(service);
            name = alias;
        }
        let first = first.or_else(|| self.service_at(name));
        let end = match answers.kind(self.family) {
            Kind::Elsewhere => self.outside(name),
            Kind::Addresses => self.addresses(typed, answers, wish)?,
            Kind::NoData if wish.is_none() && self.has_records(name) => self.other_records(name),
            Kind::Denied | Kind::NoData | Kind::Failed => self.nothing(answers),
        };
        Ok((first, end))
    }

    /// Says that a name has no address, and why.
    pub(crate) fn nothing(&mut self, answers: &Answers) -> End {
        let Some((says, why)) = self.nothing_in_words(answers) else {
            let says = format!("{} has no address", answers.name);
            return End::Nothing { outcome: Outcome::Unknown, says };
        };
        self.warn_of(answers.last_name(), &why);
        let is_unknown = why.reason == NoAnswer::NotSynced;
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::NoSuchName };
        self.say_why(says.clone(), why);
        End::Nothing { outcome, says }
    }

    /// `web.shop.svc.cluster.local does not exist (NXDOMAIN, for 30 s): …`
    pub(crate) fn nothing_in_words(&self, answers: &Answers) -> Option<(String, Why)> {
        let reply = answers.of_families(self.family).next()?;
        let why = self.why(&answers.name, reply)?;
        let name = answers.last_name();
        let kept = reply.ttl_s.map_or_else(String::new, |ttl_s| format!(", for {ttl_s} s"));
        let lead = match answers.kind(self.family) {
            Kind::Denied => format!("{name} does not exist ({}{kept})", reply.rcode),
            Kind::NoData => {
                let types: Vec<String> =
                    answers.of_families(self.family).map(|it| it.rtype.to_string()).collect();
                format!("{name} has no {} record (NODATA{kept})", types.join(" and no "))
            }
            Kind::Failed | Kind::Addresses | Kind::Elsewhere => {
                format!("{name} is not answered ({})", reply.rcode)
            }
        };
        Some((format!("{lead}: {}", why.says), why))
    }

    pub(crate) fn service_at(&self, name: &Name) -> Option<Arc<Service>> {
        service_at(&self.view, name)
    }
}

/// The Service that a name is of, as the table has it.
fn service_at(view: &View<'_>, name: &Name) -> Option<Arc<Service>> {
    let lowered = Lowered::new(name.as_wire())?;
    let labels = lowered.labels_before(view.dns.zone.settings().domain.as_wire())?;
    let label = |from_right: usize| {
        let label = lowered.label(labels.checked_sub(from_right + 1)?)?;
        std::str::from_utf8(label).ok()
    };
    if label(0) != Some("svc") {
        return None;
    }
    let name = ServiceName::new(label(1)?, label(2)?);
    view.cluster().services.get(&name).map(Arc::clone)
}

/// Why a reply has no record, as far as the cluster says.
pub(crate) fn why(view: &View<'_>, name: &Name, reply: &Reply) -> Option<Why> {
    let last = reply.last_name(name);
    if let Some(failure) = reply.failure {
        if failure == NoAnswer::NotSynced {
            return Some(Why::new(failure, "the cluster has not been read yet"));
        }
        let says = "ExternalNames lead from name to name without an end";
        let origins = alias::external_name(service_at(view, name).as_deref());
        return Some(Why { origins, ..Why::new(failure, says) });
    }
    if reply.is_elsewhere {
        return Some(Why::new(NoAnswer::Upstream, "it is for an upstream to say"));
    }
    let has_none = reply.is_empty();
    match reply.by {
        By::Zone => {}
        By::Hosts if has_none => {
            return Some(Why::new(NoAnswer::StaticEntries, "static entries of the DNS say so"));
        }
        By::Cache if has_none => {
            let says = "an upstream said so a moment ago, and the cache keeps it";
            return Some(Why::new(NoAnswer::Upstream, says));
        }
        By::Rewrite if has_none => {
            let says = "a rule of the DNS puts another question in its place";
            return Some(Why::new(NoAnswer::Rewritten, says));
        }
        By::Nobody => {
            return Some(Why::new(NoAnswer::NoUpstream, "the DNS asks nobody for such a name"));
        }
        By::Hosts | By::Cache | By::Rewrite => return None,
    }
    if reply.is_denied() {
        return absence::of(view, last);
    }
    reply.is_no_data().then(|| absence::of_type(view, last, reply.rtype))
}

/// `1 endpoint`, `2 endpoints`
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
