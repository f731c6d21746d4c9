//! What does a name become, as the cluster DNS answers and as resolvers complete it?

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use model::{Family, Frontend, Protocol, Service, ServiceKind, ServiceName};

use crate::place::Asker;
use crate::question::Refusal;
use crate::target::{Host, Scheme, Target};
use crate::trace::{Hop, Object, Origin, Stage};
use crate::verdict::Outcome;
use crate::view::View;
use crate::warning::{Warning, WarningKind};

/// What the target comes to.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) hops: Vec<Hop>,
    pub(crate) warnings: Vec<Warning>,
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

/// Names that lead to names, in a row. As many as `CoreDNS` follows.
const ALIASES_MAX: usize = 10;

pub(crate) struct Names<'a> {
    pub(crate) view: View<'a>,
    pub(crate) asker: &'a Asker,
    pub(crate) family: Option<Family>,
    hops: Vec<Hop>,
    pub(crate) warnings: Vec<Warning>,
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

/// What the cluster DNS says of a name.
pub(crate) enum Answer {
    Service(Arc<Service>),
    /// The name is not in the cluster's zone.
    Outside,
    /// It would be a Service's, and there is none: why.
    Absent(String),
    /// It is, and there is no such one: why.
    Denied(String),
    /// It is, and explain does not know what is answered: why.
    Unknown(String),
}

impl<'a> Names<'a> {
    pub(crate) const fn new(view: View<'a>, asker: &'a Asker, family: Option<Family>) -> Self {
        Self { view, asker, family, hops: Vec::new(), warnings: Vec::new(), absent: None }
    }

    pub(crate) fn resolve(mut self, target: &Target) -> Result<Resolved, Refusal> {
        let (service, end) = match target {
            Target::Place { host: Host::Address(address), port, protocol, .. } => {
                let family = Family::of(*address);
                if self.family.is_some_and(|wanted| wanted != family) {
                    let what = format!("the target is an {family} address: {address}");
                    return Err(Refusal::usage(what, "leave -4 and -6 out"));
                }
                let frontend = Frontend { address: *address, protocol: *protocol, port: *port };
                (None, End::Frontend(frontend))
            }
            Target::Place { scheme, host: Host::Name(name), port, protocol } => {
                let wish = Wish { scheme: *scheme, port: *port, protocol: *protocol };
                self.named(name, wish)?
            }
            Target::Service { name, port, protocol } => {
                self.service(name, port.as_ref(), *protocol)?
            }
        };
        let Self { hops, warnings, .. } = self;
        Ok(Resolved { hops, warnings, service, end })
    }

    pub(crate) fn domain(&self) -> &'a str {
        self.view.cluster_domain
    }

    pub(crate) fn say(&mut self, says: String, origins: Vec<Origin>) {
        self.hops.push(Hop::new(Stage::Name, None, says, origins));
    }

    /// From a whole name on, through aliases, to an address.
    pub(crate) fn follow(
        &mut self,
        typed: &str,
        whole: &str,
        wish: Wish,
    ) -> Result<(Option<Arc<Service>>, End), Refusal> {
        let mut name = whole.to_owned();
        let mut first = None;
        for _ in 0..=ALIASES_MAX {
            let service = match self.answer(&name) {
                Answer::Service(service) => service,
                Answer::Outside => return Ok((first, self.outside(&name))),
                Answer::Absent(why) | Answer::Denied(why) => {
                    let says = format!("{name} does not exist (NXDOMAIN): {why}");
                    self.say(says.clone(), Vec::new());
                    return Ok((first, End::Nothing { outcome: Outcome::NoSuchName, says }));
                }
                Answer::Unknown(says) => {
                    self.say(says.clone(), Vec::new());
                    return Ok((first, End::Nothing { outcome: Outcome::Unknown, says }));
                }
            };
            first.get_or_insert_with(|| Arc::clone(&service));
            let ServiceKind::ExternalName(alias) = &service.kind else {
                let end = self.addresses(&name, &service, wish)?;
                return Ok((first, end));
            };
            if let Some(end) = self.alias(typed, &name, &service, alias, wish) {
                return Ok((first, end));
            }
            name = alias.to_ascii_lowercase();
            if let Some(bare) = name.strip_suffix('.') {
                name = bare.to_owned();
            }
        }
        let says = format!("{whole} leads from name to name without an end");
        Ok((first, End::Nothing { outcome: Outcome::NoSuchName, says }))
    }

    fn outside(&mut self, name: &str) -> End {
        let domain = self.domain();
        self.say(
            format!(
                "{name} is not in {domain}: the cluster DNS asks the DNS outside, whose answers \
                 are not known here"
            ),
            Vec::new(),
        );
        if let Some(absent) = &self.absent {
            let says = format!(
                "{absent}, and so the DNS outside is asked for {name}; its answer is not known here"
            );
            return End::Nothing { outcome: Outcome::Unknown, says };
        }
        let says = format!(
            "the addresses of {name} come from the DNS outside; explain knows them not, and no \
             Service is in the way unless one claims such an address"
        );
        End::Nothing { outcome: Outcome::Unknown, says }
    }

    /// A Service of type `ExternalName`: `None` where the new name is to be followed.
    fn alias(
        &mut self,
        typed: &str,
        name: &str,
        service: &Service,
        alias: &str,
        wish: Wish,
    ) -> Option<End> {
        let object = Object::service(&service.name);
        let origin = Origin::new(object, "spec.externalName", alias);
        let says = format!("{name} is an alias: the cluster DNS answers with a CNAME, {alias}");
        self.say(says, vec![origin.clone()]);
        if alias.parse::<IpAddr>().is_ok() {
            let says = format!(
                "{alias} looks like an address, but the DNS takes spec.externalName for a name, \
                 which does not exist"
            );
            let origins = vec![origin];
            let warning =
                Warning { origins, ..Warning::new(WarningKind::AddressAsName, says.clone()) };
            self.warnings.push(warning);
            return Some(End::Nothing { outcome: Outcome::NoSuchName, says });
        }
        let (Some(scheme), true) = (wish.scheme, self.warnings.iter().all(is_not_about_host))
        else {
            return None;
        };
        let says = format!(
            "the HTTP Host stays what the client typed, {typed}, not {alias}: a server that looks \
             at it may know no such site"
        );
        let origins = vec![origin];
        let about_host = Warning::new(WarningKind::HostKept, says);
        self.warnings.push(Warning { origins: origins.clone(), ..about_host });
        if scheme == Scheme::Https {
            let says = format!(
                "the server must show a certificate for {typed}, which the client typed; one for \
                 {alias} is refused"
            );
            self.warnings.push(Warning { origins, ..Warning::new(WarningKind::TlsName, says) });
        }
        None
    }

    pub(crate) fn find(&self, namespace: &str, name: &str) -> Option<&'a Arc<Service>> {
        self.view.cluster().services.get(&ServiceName::new(namespace, name))
    }

    pub(crate) fn is_in_zone(&self, name: &str) -> bool {
        name.strip_suffix(self.domain()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// What the cluster DNS answers to a whole name.
    pub(crate) fn answer(&self, name: &str) -> Answer {
        if !self.is_in_zone(name) {
            return Answer::Outside;
        }
        let domain = self.domain();
        let rest = name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.');
        let labels: Vec<&str> = rest.split('.').collect();
        match labels.as_slice() {
            [service, namespace, "svc"] => match self.find(namespace, service) {
                Some(service) => Answer::Service(Arc::clone(service)),
                None => Answer::Absent(format!("namespace {namespace} has no Service {service}")),
            },
            [host, service, namespace, "svc"] => match self.find(namespace, service) {
                Some(_) if !host.starts_with('_') => Answer::Unknown(format!(
                    "{name} is the name of an endpoint of Service {namespace}/{service}; which \
                     endpoint has which name is not known here"
                )),
                Some(_) | None => Answer::Denied("it is no name of a Service".to_owned()),
            },
            [_, _, "pod"] => Answer::Unknown(format!(
                "{name} is the name of a pod by its address; whether the cluster DNS answers it \
                 is its own setting"
            )),
            _ => Answer::Denied("it is no name of a Service".to_owned()),
        }
    }
}

fn is_not_about_host(warning: &Warning) -> bool {
    warning.kind != WarningKind::HostKept
}

/// `1 endpoint`, `2 endpoints`
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
