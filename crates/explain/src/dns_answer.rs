//! Where does a client go with the addresses that the cluster DNS gives?

use std::net::IpAddr;

use dns::wire::{Lowered, Name};
use dns::zone::{Domain, Found, Place, PodMode, ServiceNames, Stands};
use model::{Family, Frontend, Service};

use crate::absence;
use crate::answers::Answers;
use crate::name::{End, Names, Wish, count};
use crate::question::Refusal;
use crate::readiness;
use crate::reply::By;
use crate::resolvers;
use crate::trace::{Certainty, Object, Origin};
use crate::verdict::Outcome;
use crate::warning::{Warning, WarningKind};

impl Names<'_> {
    /// Of a name that has addresses.
    pub(crate) fn addresses(
        &mut self,
        typed: &str,
        answers: &Answers,
        wish: Option<Wish>,
    ) -> Result<End, Refusal> {
        let view = self.view;
        let name = answers.last_name();
        self.warnings.extend(resolvers::cut(answers, self.family));
        if let Some(what) = beside(answers.by(self.family)) {
            self.say(self.answered(name, what, answers, wish), Vec::new());
            if answers.by(self.family) == By::Cache
                && let Some(hop) = self.hops.last_mut()
            {
                // It was seen to be answered so.
                hop.certainty = Certainty::Observed;
            }
            return match wish {
                Some(wish) => self.frontend(answers, None, wish),
                None => Ok(self.resolved(typed, answers, None)),
            };
        }
        let lowered = Lowered::new(name.as_wire());
        let place = lowered.as_ref().map(|lowered| view.dns.zone.find(lowered));
        let Some(Place::Inside { found: Ok(found), domain, .. }) = &place else {
            let says = format!("{name} has an address, and nobody says whose it is");
            return Ok(End::Nothing { outcome: Outcome::Unknown, says });
        };
        let service = self.service_at(name);
        let service = service.as_deref();
        let (what, origins) = self.stands_for(found, *domain, service);
        self.say(self.answered(name, &what, answers, wish), origins);
        let Some(wish) = wish else {
            self.records(name, found);
            return Ok(self.resolved(typed, answers, service));
        };
        match found {
            Found::Service(names) if matches!(names.stands, Stands::Endpoints { .. }) => {
                Ok(self.endpoints(answers, wish))
            }
            Found::Host(..) | Found::Zonal(..) => Ok(self.endpoints(answers, wish)),
            Found::Service(_)
            | Found::Pod(_)
            | Found::NameServer
            | Found::Apex
            | Found::Version
            | Found::Empty
            | Found::Port { .. }
            | Found::Pointers(_) => self.frontend(answers, service, wish),
        }
    }

    /// `web.shop.svc.cluster.local is Service shop/web: A 10.96.0.10, no AAAA, for 30 s`
    fn answered(&self, name: &Name, what: &str, answers: &Answers, wish: Option<Wish>) -> String {
        let ttl_s = answers.ttl_s(self.family).unwrap_or_default();
        // Whoever connects is told of the endpoints themselves.
        let n = answers.addresses(self.family).len();
        let records = if n > 2 && wish.is_some() {
            count(n, "address").replace("addresss", "addresses")
        } else {
            answers.in_words(self.family)
        };
        let asks = if self.asker.uses_cluster_dns() {
            String::new()
        } else {
            format!("; {} gets this answer only if it asks the cluster DNS", self.asker.name)
        };
        format!("{name} is {what}: {records}, for {ttl_s} s{asks}")
    }

    /// A connection goes to one address, whoever has it.
    fn frontend(
        &mut self,
        answers: &Answers,
        service: Option<&Service>,
        wish: Wish,
    ) -> Result<End, Refusal> {
        let address = match service.filter(|service| !service.cluster_ips.is_empty()) {
            Some(service) => {
                let address = self.cluster_ip(service)?;
                self.note_other_family(service, address);
                Some(address)
            }
            None => answers.addresses(self.wanted()).first().copied(),
        };
        let Some(address) = address else { return Ok(self.nothing(answers)) };
        let Wish { port, protocol, .. } = wish;
        Ok(End::Frontend(Frontend { address, protocol, port }))
    }

    fn wanted(&self) -> Option<Family> {
        self.family.or_else(|| self.asker.family())
    }

    pub(crate) fn cluster_ip(&self, service: &Service) -> Result<IpAddr, Refusal> {
        let wanted = self.wanted();
        let found = match wanted {
            Some(family) => service.cluster_ip(family),
            None => service.cluster_ips.first().copied(),
        };
        found.ok_or_else(|| {
            let family = wanted.map_or("", Family::as_str);
            let what = format!("Service {} has no {family} address", service.name);
            Refusal::absent(what, "its spec.ipFamilies say which it has")
        })
    }

    pub(crate) fn note_other_family(&mut self, service: &Service, address: IpAddr) {
        let family = Family::of(address);
        let other = service.cluster_ips.iter().find(|ip| Family::of(**ip) != family);
        let Some(other) = other.filter(|_| self.wanted().is_none()) else { return };
        let flag = if family == Family::V4 { "-6" } else { "-4" };
        let says = format!(
            "the DNS also answers with {other}, and the client chooses; {flag} explains that way"
        );
        self.warnings.push(Warning::new(WarningKind::OtherFamily, says));
    }

    /// The DNS answers with endpoints themselves.
    fn endpoints(&self, answers: &Answers, wish: Wish) -> End {
        let of = |family: Family| {
            let mut all = answers.addresses(Some(family));
            all.sort_unstable();
            all
        };
        let addresses = match self.wanted() {
            Some(family) => of(family),
            None => Family::ALL.into_iter().map(of).find(|it| !it.is_empty()).unwrap_or_default(),
        };
        if addresses.is_empty() {
            let family = self.wanted().map_or("", Family::as_str);
            let says = format!("{} has no {family} address", answers.last_name());
            return End::Nothing { outcome: Outcome::NoSuchName, says };
        }
        let Wish { port, protocol, .. } = wish;
        End::Endpoints { addresses, protocol, port }
    }

    /// The verdict where only the name was asked for.
    fn resolved(&mut self, typed: &str, answers: &Answers, service: Option<&Service>) -> End {
        if let Some(service) = service.filter(|service| service.cluster_ips.is_empty()) {
            let families = Family::ALL.into_iter();
            let found = families.filter_map(|it| readiness::of_headless(&self.view, service, it));
            self.warnings.extend(found);
        }
        let port = service.and_then(|service| service.ports.first()).map(|port| port.port.get());
        let n = answers.addresses(self.family).len();
        let says = format!(
            "{typed} has {}; {typed}:{} explains a connection",
            count(n, "address").replace("addresss", "addresses"),
            port.unwrap_or(80)
        );
        End::Nothing { outcome: Outcome::Resolved, says }
    }

    /// What has the addresses, and which fields say so.
    fn stands_for(
        &self,
        found: &Found<'_>,
        domain: Option<Domain>,
        service: Option<&Service>,
    ) -> (String, Vec<Origin>) {
        let conditions =
            || service.map(|it| absence::conditions(it, self.family)).unwrap_or_default();
        match found {
            Found::Service(names) if domain == Some(Domain::ClusterSet) => {
                self.import_stands_for(names)
            }
            Found::Service(names) => service_stands_for(names, service, conditions),
            Found::Host(names, _) | Found::Zonal(names, _) => {
                (format!("an endpoint of Service {}", names.name), conditions())
            }
            Found::Pod(address) => {
                let whose = match self.view.dns.zone.settings().pods {
                    PodMode::Verified => "a pod that has",
                    PodMode::Insecure | PodMode::Disabled => "whichever pod has",
                };
                (format!("the name of {whose} the address {address}"), Vec::new())
            }
            Found::NameServer => ("the cluster DNS itself".to_owned(), Vec::new()),
            Found::Apex
            | Found::Version
            | Found::Empty
            | Found::Port { .. }
            | Found::Pointers(_) => ("a name of the zone".to_owned(), Vec::new()),
        }
    }

    fn import_stands_for(&self, names: &ServiceNames) -> (String, Vec<Origin>) {
        let name = &names.name;
        let import = self.view.cluster().imports.get(name);
        let ips = import.map(|import| import.ips.as_slice()).unwrap_or_default();
        let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
        let origin = Origin::new(Object::import(name), "spec.ips", ips.join(","));
        let origins = if ips.is_empty() { Vec::new() } else { vec![origin] };
        (format!("ServiceImport {name}"), origins)
    }
}

fn service_stands_for(
    names: &ServiceNames,
    service: Option<&Service>,
    conditions: impl Fn() -> Vec<Origin>,
) -> (String, Vec<Origin>) {
    let name = &names.name;
    match &names.stands {
        Stands::Addresses { .. } => {
            let ips = service.map(|service| service.cluster_ips.as_slice()).unwrap_or_default();
            let origins = ips.iter().zip(0_usize..).map(|(ip, at)| {
                Origin::new(Object::service(name), &format!("spec.clusterIPs[{at}]"), ip)
            });
            (format!("Service {name}"), origins.collect())
        }
        Stands::Endpoints { .. } => {
            let mut origins = vec![Origin::new(Object::service(name), "spec.clusterIP", "None")];
            origins.extend(conditions());
            (format!("the headless Service {name}, its ready endpoints"), origins)
        }
        Stands::Alias(_) => (format!("the ExternalName {name}"), Vec::new()),
    }
}

/// What has the addresses that are not the zone's.
const fn beside(by: By) -> Option<&'static str> {
    match by {
        By::Zone | By::Nobody => None,
        By::Hosts => Some("a static entry of the DNS"),
        By::Cache => Some("known from an upstream, and kept in the cache"),
        By::Rewrite => Some("answered by a rule that puts another question in its place"),
    }
}
