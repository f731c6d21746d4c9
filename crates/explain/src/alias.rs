//! What of a name that stands for another one?

use dns::wire::Name;
use model::{Family, Service, ServiceKind};

use crate::absence::Why;
use crate::dns_question::NoAnswer;
use crate::name::{End, Names, Wish};
use crate::readiness;
use crate::target::Scheme;
use crate::trace::{Object, Origin};
use crate::verdict::Outcome;
use crate::warning::{Warning, WarningKind};

impl Names<'_> {
    /// A Service of type `ExternalName`.
    pub(crate) fn alias(
        &mut self,
        typed: &str,
        name: &Name,
        service: Option<&Service>,
        alias: &Name,
        wish: Option<Wish>,
    ) {
        let origins = external_name(service);
        let says = format!("{name} is an alias: the cluster DNS answers with a CNAME, {alias}");
        self.say(says, origins.clone());
        let scheme = wish.and_then(|wish| wish.scheme);
        let is_told = self.warnings.iter().any(|it| it.kind == WarningKind::HostKept);
        let Some(scheme) = scheme.filter(|_| !is_told) else { return };
        let says = format!(
            "the HTTP Host stays what the client typed, {typed}, not {alias}: a server that looks \
             at it may know no such site"
        );
        let about_host = Warning::new(WarningKind::HostKept, says);
        self.warnings.push(Warning { origins: origins.clone(), ..about_host });
        if scheme == Scheme::Https {
            let says = format!(
                "the server must show a certificate for {typed}, which the client typed; one for \
                 {alias} is refused"
            );
            self.warnings.push(Warning { origins, ..Warning::new(WarningKind::TlsName, says) });
        }
    }

    /// What to know of a name that has no answer.
    pub(crate) fn warn_of(&mut self, name: &Name, why: &Why) {
        if why.reason == NoAnswer::NotReady
            && let Some(service) = self.service_at(name)
        {
            let of = |family| readiness::of_headless(&self.view, &service, family);
            self.warnings.extend(Family::ALL.into_iter().filter_map(of));
        }
        let Some(origin) = why.origins.first().filter(|_| why.reason == NoAnswer::BadExternalName)
        else {
            return;
        };
        let says = format!(
            "{} looks like an address, but the DNS takes spec.externalName for a name, which does \
             not exist",
            origin.value
        );
        let origins = vec![origin.clone()];
        self.warnings.push(Warning { origins, ..Warning::new(WarningKind::AddressAsName, says) });
    }

    /// A name that the cluster DNS asks others for.
    pub(crate) fn outside(&mut self, name: &Name) -> End {
        let domain = self.domain();
        let rule = self.view.dns.upstreams.rule(name);
        let (whom, origins) = match rule {
            Some(rule) => {
                let zone = if rule.zone.as_wire().len() > 1 {
                    format!(", by the rule for {}", rule.zone)
                } else {
                    String::new()
                };
                let whom = format!("{}{zone}", rule.whom());
                (whom, rule.origin.iter().cloned().collect())
            }
            None => ("the DNS outside".to_owned(), Vec::new()),
        };
        self.say(
            format!(
                "{name} is not in {domain}: the cluster DNS asks {whom}, whose answers are not \
                 known here"
            ),
            origins,
        );
        let says = match &self.absent {
            Some(absent) => format!(
                "{absent}, and so the DNS outside is asked for {name}; its answer is not known here"
            ),
            None => format!(
                "the addresses of {name} come from the DNS outside; explain knows them not, and no \
                 Service is in the way unless one claims such an address"
            ),
        };
        End::Nothing { outcome: Outcome::Unknown, says }
    }
}

pub(crate) fn external_name(service: Option<&Service>) -> Vec<Origin> {
    let Some(service) = service else { return Vec::new() };
    match &service.kind {
        ServiceKind::ExternalName(target) => {
            vec![Origin::new(Object::service(&service.name), "spec.externalName", target)]
        }
        ServiceKind::ClusterIp | ServiceKind::NodePort | ServiceKind::LoadBalancer(_) => Vec::new(),
    }
}
