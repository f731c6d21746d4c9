//! Which addresses does the cluster DNS give for a Service?

use std::net::IpAddr;
use std::num::NonZeroU16;

use model::{Family, Frontend, Protocol, Service};

use crate::name::{End, Names, Wish, count};
use crate::question::Refusal;
use crate::trace::{Object, Origin};
use crate::verdict::Outcome;
use crate::warning::{Warning, WarningKind};

impl Names<'_> {
    pub(crate) fn addresses(
        &mut self,
        name: &str,
        service: &Service,
        wish: Wish,
    ) -> Result<End, Refusal> {
        if service.cluster_ips.is_empty() {
            return self.headless(name, service, wish.protocol, wish.port);
        }
        let address = self.cluster_ip(service)?;
        let at = service.cluster_ips.iter().position(|ip| *ip == address).unwrap_or(0);
        let field = format!("spec.clusterIPs[{at}]");
        let origin = Origin::new(Object::service(&service.name), &field, address);
        let asks = if self.asker.uses_cluster_dns() {
            String::new()
        } else {
            format!("; {} gets this answer only if it asks the cluster DNS", self.asker.name)
        };
        let says =
            format!("{name} is Service {}, with the ClusterIP {address}{asks}", service.name);
        self.say(says, vec![origin]);
        self.note_other_family(service, address);
        let Wish { port, protocol, .. } = wish;
        Ok(End::Frontend(Frontend { address, protocol, port }))
    }

    pub(crate) fn cluster_ip(&self, service: &Service) -> Result<IpAddr, Refusal> {
        let wanted = self.family.or_else(|| self.asker.family());
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
        let Some(other) = other.filter(|_| self.family.is_none() && self.asker.family().is_none())
        else {
            return;
        };
        let flag = if family == Family::V4 { "-6" } else { "-4" };
        let says = format!(
            "the DNS also answers with {other}, and the client chooses; {flag} explains that way"
        );
        self.warnings.push(Warning::new(WarningKind::OtherFamily, says));
    }

    /// A headless Service: the DNS answers with its endpoints themselves.
    pub(crate) fn headless(
        &mut self,
        name: &str,
        service: &Service,
        protocol: Protocol,
        port: NonZeroU16,
    ) -> Result<End, Refusal> {
        let wanted = self.family.or_else(|| self.asker.family());
        let of_family = |family: Family| -> Vec<IpAddr> {
            let endpoints = service.ports.iter().flat_map(|port| port.endpoints.get(family).iter());
            let mut all: Vec<IpAddr> =
                endpoints.filter(|it| it.ready).map(|it| it.address.ip()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let addresses = match wanted {
            Some(family) => of_family(family),
            None => {
                Family::ALL.into_iter().map(of_family).find(|it| !it.is_empty()).unwrap_or_default()
            }
        };
        let object = Object::service(&service.name);
        let origin = Origin::new(object, "spec.clusterIP", "None");
        let says = match addresses.as_slice() {
            [] => format!(
                "{name} is the headless Service {}, and no endpoint of it is ready: the cluster \
                 DNS denies the name (NXDOMAIN)",
                service.name
            ),
            all => format!(
                "{name} is the headless Service {}: the cluster DNS answers with the addresses of \
                 its {}",
                service.name,
                count(all.len(), "ready endpoint")
            ),
        };
        self.say(says.clone(), vec![origin]);
        if addresses.is_empty() {
            return Ok(End::Nothing { outcome: Outcome::NoSuchName, says });
        }
        Ok(End::Endpoints { addresses, protocol, port })
    }
}
