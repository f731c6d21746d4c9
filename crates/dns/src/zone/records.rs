//! Which records answer for what was found?

use std::net::IpAddr;

use model::{ByFamily, Family};

use crate::wire::{Lowered, NameAt, Rdata, RecordType, Reply, Rotated, Section};
use crate::zone::endpoint_name::DashedLabel;
use crate::zone::find::Found;
use crate::zone::names::{Host, ServiceNames, Stands, width, with_octets};
use crate::zone::{Domain, Zone};

/// The version of the specification that the cluster's names follow.
const CLUSTER_VERSION: &[u8] = b"\x051.1.0";

/// The same for names of the set of clusters.
const CLUSTERSET_VERSION: &[u8] = b"\x051.0.0";

pub(super) const VERSION_TTL_S: u32 = 28_800;

/// The longest that a denial may be kept.
const DENIAL_TTL_S_MAX: u32 = 300;

/// What secondary servers go by, as clusters' zones have always said it.
const REFRESH_S: u32 = 7_200;
const RETRY_S: u32 = 1_800;
const EXPIRE_S: u32 = 86_400;

/// The data of the HINFO record that stands for all records (RFC 8482), and how long it holds.
const ALL: (&[u8], u32) = (b"\x07RFC8482\0", 8_482);

/// Answers for all types at once.
pub(crate) fn write_for_all(owner: NameAt, reply: &mut Reply<'_>) {
    reply.record(Section::Answer, owner, RecordType::HINFO, ALL.1, |it| it.bytes(ALL.0));
}

/// Writes what stands under one name. The name stands in the message at `at`, and the zone's own name
/// is its end, from the label at `zone_label` on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records<'a> {
    pub(crate) zone: &'a Zone,
    pub(crate) name: &'a Lowered,
    pub(crate) at: NameAt,
    pub(crate) zone_label: usize,
    /// From which of several addresses on they are told.
    pub(crate) first: usize,
}

impl Records<'_> {
    /// Writes the records of a type; where there are none, the zone's SOA says so.
    pub(crate) fn write(
        &self,
        found: &Found<'_>,
        domain: Option<Domain>,
        rtype: RecordType,
        reply: &mut Reply<'_>,
    ) {
        if rtype == RecordType::ANY {
            write_for_all(self.at, reply);
            return;
        }
        let before = reply.count(Section::Answer);
        match found {
            Found::Apex => self.write_apex(domain, rtype, reply),
            Found::Version if rtype == RecordType::TXT => {
                let (ttl, text) = (VERSION_TTL_S, version(domain.unwrap_or(Domain::Cluster)));
                self.record(Section::Answer, RecordType::TXT, ttl, reply, |it| it.bytes(text));
            }
            Found::NameServer => self.write_own_addresses(rtype, reply),
            Found::Service(service) => self.write_stands(service, rtype, reply),
            Found::Zonal(_, Some(names)) => self.write_stands(names, rtype, reply),
            Found::Host(_, host) => self.write_host(host, rtype, reply),
            Found::Port { service, name, protocol } if rtype == RecordType::SRV => {
                self.write_srv(service, Some((name, *protocol)), reply);
            }
            Found::Pod(address) => self.write_address(*address, rtype, reply),
            Found::Pointers(address) if rtype == RecordType::PTR => {
                self.write_pointers(*address, reply);
            }
            Found::Version
            | Found::Empty
            | Found::Port { .. }
            | Found::Pointers(_)
            | Found::Zonal(_, None) => {}
        }
        if reply.count(Section::Answer) == before && !reply.is_truncated() {
            self.write_soa(Section::Authority, reply);
        }
    }

    /// Those of the Service that leads to us; while there is none, our own.
    fn write_own_addresses(&self, rtype: RecordType, reply: &mut Reply<'_>) {
        match self.zone.name_server().map(|service| &service.stands) {
            Some(Stands::Addresses { addresses, .. } | Stands::Endpoints { addresses, .. }) => {
                self.write_addresses(Section::Answer, self.at, addresses, rtype, reply);
            }
            Some(Stands::Alias(_)) | None => {
                for address in &self.zone.settings.own_addresses {
                    self.write_address(*address, rtype, reply);
                }
            }
        }
    }

    fn write_stands(&self, service: &ServiceNames, rtype: RecordType, reply: &mut Reply<'_>) {
        match (&service.stands, rtype) {
            (Stands::Alias(Some(target)), RecordType::CNAME) => {
                let target = target.as_wire();
                let ttl = self.ttl();
                let write = |it: &mut Rdata<'_>| it.bytes(target);
                self.record(Section::Answer, RecordType::CNAME, ttl, reply, write);
            }
            (Stands::Alias(_), _) => {}
            (_, RecordType::SRV) => self.write_srv(service, None, reply),
            (Stands::Addresses { addresses, .. } | Stands::Endpoints { addresses, .. }, _) => {
                self.write_addresses(Section::Answer, self.at, addresses, rtype, reply);
            }
        }
    }

    fn write_host(&self, host: &Host<'_>, rtype: RecordType, reply: &mut Reply<'_>) {
        if let Some(named) = host.named {
            self.write_addresses(Section::Answer, self.at, &named.addresses, rtype, reply);
        }
        if let Some(address) = host.dashed {
            self.write_address(address, rtype, reply);
        }
    }

    /// The addresses of the type's family.
    fn write_addresses(
        &self,
        section: Section,
        owner: NameAt,
        addresses: &ByFamily<Box<[u8]>>,
        rtype: RecordType,
        reply: &mut Reply<'_>,
    ) {
        let Some(family) = family_of(rtype) else { return };
        let addresses = Rotated::new(addresses.get(family), width(family), self.first);
        reply.addresses(section, owner, (rtype, self.ttl()), addresses);
    }

    /// An address, where it is of the type's family.
    fn write_address(&self, address: IpAddr, rtype: RecordType, reply: &mut Reply<'_>) {
        if family_of(rtype) == Some(Family::of(address)) {
            self.write_one(Section::Answer, self.at, address, reply);
        }
    }

    pub(super) fn write_one(
        &self,
        section: Section,
        owner: NameAt,
        address: IpAddr,
        reply: &mut Reply<'_>,
    ) {
        let family = Family::of(address);
        with_octets(address, |octets| {
            let one = Rotated::new(octets, width(family), 0);
            reply.addresses(section, owner, (type_of(family), self.ttl()), one);
        });
    }

    fn write_apex(&self, domain: Option<Domain>, rtype: RecordType, reply: &mut Reply<'_>) {
        match rtype {
            RecordType::SOA => self.write_soa(Section::Answer, reply),
            RecordType::NS => self.write_name_server(domain, reply),
            _ => {}
        }
    }

    /// The Service that leads to us, where there is one, with its addresses; else `ns.dns`, with ours.
    fn write_name_server(&self, domain: Option<Domain>, reply: &mut Reply<'_>) {
        let settings = &self.zone.settings;
        let service = self.zone.name_server().filter(|_| domain == Some(Domain::Cluster));
        let name = |it: &mut Rdata<'_>| match service {
            Some(service) => {
                write_service_labels(service, |octets| it.bytes(octets));
                self.write_zone(it);
            }
            None => {
                it.bytes(b"\x02ns\x03dns");
                self.write_zone(it);
            }
        };
        let written = self.record(Section::Answer, RecordType::NS, self.ttl(), reply, name);
        let Some(owner) = written.and_then(NameAt::new) else { return };
        match service.map(|service| &service.stands) {
            Some(Stands::Addresses { addresses, .. } | Stands::Endpoints { addresses, .. }) => {
                self.write_glue(owner, addresses, reply);
            }
            Some(Stands::Alias(_)) | None => {
                for address in &settings.own_addresses {
                    self.write_one(Section::Additional, owner, *address, reply);
                }
            }
        }
    }

    /// The names that an address leads back to.
    fn write_pointers(&self, address: IpAddr, reply: &mut Reply<'_>) {
        let settings = &self.zone.settings;
        for back in self.zone.back(address) {
            let domain = match back.domain {
                Domain::Cluster => Some(&settings.domain),
                Domain::ClusterSet => settings.clusterset.as_ref(),
            };
            let Some(domain) = domain else { continue };
            self.record(Section::Answer, RecordType::PTR, self.ttl(), reply, |it| {
                match back.labels {
                    Some([]) => it.bytes(DashedLabel::of(address).as_wire()),
                    Some(labels) => it.bytes(labels),
                    None => {}
                }
                write_service_labels(back.service, |octets| it.bytes(octets));
                it.bytes(domain.as_wire());
            });
        }
    }

    /// The zone's SOA, as an answer or as the proof that there is none.
    pub(crate) fn write_soa(&self, section: Section, reply: &mut Reply<'_>) {
        let Some(zone) = self.at.skip(self.name.start(self.zone_label)) else { return };
        let (serial, ttl) = (self.zone.serial, self.ttl().min(DENIAL_TTL_S_MAX));
        reply.record(section, zone, RecordType::SOA, ttl, |it| {
            it.bytes(b"\x02ns\x03dns");
            it.name_at(zone);
            it.bytes(b"\x0ahostmaster");
            it.name_at(zone);
            for number in [serial, REFRESH_S, RETRY_S, EXPIRE_S, ttl] {
                it.u32(number);
            }
        });
    }

    pub(super) fn write_glue(
        &self,
        owner: NameAt,
        addresses: &ByFamily<Box<[u8]>>,
        reply: &mut Reply<'_>,
    ) {
        for family in Family::ALL {
            let rtype = type_of(family);
            self.write_addresses(Section::Additional, owner, addresses, rtype, reply);
        }
    }

    pub(super) fn record(
        &self,
        section: Section,
        rtype: RecordType,
        ttl: u32,
        reply: &mut Reply<'_>,
        write: impl FnOnce(&mut Rdata<'_>),
    ) -> Option<usize> {
        reply.record(section, self.at, rtype, ttl, write)
    }

    /// The zone's own name in the case of the question, written out.
    pub(super) fn write_zone(&self, rdata: &mut Rdata<'_>) {
        let start = self.name.start(self.zone_label);
        rdata.copy(self.at.offset() + start, self.name.as_wire().len() - start);
    }

    pub(super) fn ttl(&self) -> u32 {
        self.zone.settings.ttl_s
    }
}

/// `web.shop.svc`, without the domain.
pub(super) fn write_service_labels(service: &ServiceNames, mut write: impl FnMut(&[u8])) {
    for label in [&*service.name.name, &*service.name.namespace, "svc"] {
        write(&[u8::try_from(label.len()).unwrap_or_default()]);
        write(label.as_bytes());
    }
}

/// The text of `dns-version`.
pub(super) const fn version(domain: Domain) -> &'static [u8] {
    match domain {
        Domain::Cluster => CLUSTER_VERSION,
        Domain::ClusterSet => CLUSTERSET_VERSION,
    }
}

const fn family_of(rtype: RecordType) -> Option<Family> {
    match rtype {
        RecordType::A => Some(Family::V4),
        RecordType::AAAA => Some(Family::V6),
        _ => None,
    }
}

pub(super) const fn type_of(family: Family) -> RecordType {
    match family {
        Family::V4 => RecordType::A,
        Family::V6 => RecordType::AAAA,
    }
}
