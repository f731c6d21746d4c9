//! Which records has a whole zone, for servers that keep a copy?
//!
//! Names of pods are not among them: they follow from addresses, and there is no end to them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use model::{ByFamily, Family};

use crate::received::{Received, Section as In, number};
use crate::wire::{Lowered, Name, NameAt, Query, RecordType, Reply, ReplySize, Section, flag};
use crate::zone::endpoint_name::DashedLabel;
use crate::zone::names::{ServiceNames, Srv, Stands, addresses_in, count, with_octets};
use crate::zone::records::{Records, VERSION_TTL_S, type_of, version, write_service_labels};
use crate::zone::srv::weight;
use crate::zone::{Domain, Found, Place, Zone};

/// Octets after which another message begins.
const MESSAGE_LEN: usize = 16_384;

/// With room for one record more, the longest that there is.
const BUFFER_LEN: usize = MESSAGE_LEN + 1_024;

/// A record that stands by itself.
struct Whole {
    owner: Vec<u8>,
    rtype: RecordType,
    ttl: u32,
    rdata: Vec<u8>,
}

impl Zone {
    /// The messages of a transfer of the zone that the query is for; of one message with its SOA where
    /// the client has that already (RFC 1995). `None` when the name is not a zone's own.
    pub(crate) fn transfer(&self, query: &Query<'_>, message: &[u8]) -> Option<Vec<Vec<u8>>> {
        let name = Lowered::new(query.name)?;
        let Place::Inside { zone_label: 0, domain: Some(domain), found: Ok(Found::Apex) } =
            self.find(&name)
        else {
            return None;
        };
        let question = query.question(message);
        let is_known = query.rtype == RecordType::IXFR && has_serial(message, self.serial());
        let records = if is_known { Vec::new() } else { self.all_records(domain)? };
        let mut buffer = vec![0; BUFFER_LEN];
        let mut messages = Vec::new();
        let mut records = records.iter().peekable();
        loop {
            let mut reply = Reply::to_query(&mut buffer, query, question, ReplySize::Stream);
            reply.set_flags(flag::AUTHORITATIVE);
            let own =
                Records { zone: self, name: &name, at: NameAt::QUESTION, zone_label: 0, first: 0 };
            if messages.is_empty() {
                own.write_soa(Section::Answer, &mut reply);
            }
            while reply.written() < MESSAGE_LEN
                && let Some(Whole { owner, rtype, ttl, rdata }) = records.next()
            {
                reply.record_of(Section::Answer, owner, *rtype, *ttl, |it| it.bytes(rdata));
            }
            let is_last = records.peek().is_none();
            if is_last && !is_known {
                own.write_soa(Section::Answer, &mut reply);
            }
            let len = reply.finish(None);
            messages.push(buffer.get(..len)?.to_vec());
            if is_last {
                return Some(messages);
            }
        }
    }

    /// All but those of the zone's own name, ordered by namespace and name.
    fn all_records(&self, domain: Domain) -> Option<Vec<Whole>> {
        let zone = match domain {
            Domain::Cluster => &self.settings.domain,
            Domain::ClusterSet => self.settings.clusterset.as_ref()?,
        };
        let mut all = self.name_server_records(domain, zone);
        let rdata = version(domain).to_vec();
        let owner = [b"\x0bdns-version", zone.as_wire()].concat();
        all.push(Whole { owner, rtype: RecordType::TXT, ttl: VERSION_TTL_S, rdata });
        let namespaces = self.tree(domain).namespaces.values();
        let mut services: Vec<&Arc<ServiceNames>> = namespaces.flat_map(|it| it.values()).collect();
        services.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for service in services {
            let mut name = Vec::new();
            write_service_labels(service, |octets| name.extend_from_slice(octets));
            name.extend_from_slice(zone.as_wire());
            ServiceRecords { name, ttl: self.settings.ttl_s, all: &mut all }.add(service);
        }
        Some(all)
    }
}

impl Zone {
    /// Who answers for the zone. A Service's own addresses stand among its records.
    fn name_server_records(&self, domain: Domain, zone: &Name) -> Vec<Whole> {
        let ttl = self.settings.ttl_s;
        let own = [&b"\x02ns\x03dns"[..], zone.as_wire()].concat();
        let service = self.name_server();
        let named = service.filter(|_| domain == Domain::Cluster).map(|service| {
            let mut name = Vec::new();
            write_service_labels(service, |octets| name.extend_from_slice(octets));
            [&name, zone.as_wire()].concat()
        });
        let (owner, rdata) = (zone.as_wire().to_vec(), named.unwrap_or_else(|| own.clone()));
        let mut all = vec![Whole { owner, rtype: RecordType::NS, ttl, rdata }];
        let addresses: Vec<IpAddr> = match service.map(|service| &service.stands) {
            Some(Stands::Addresses { addresses, .. } | Stands::Endpoints { addresses, .. }) => {
                let each = |of: Family| addresses_in(of, addresses.get(of));
                Family::ALL.into_iter().flat_map(each).collect()
            }
            Some(Stands::Alias(_)) | None => self.settings.own_addresses.clone(),
        };
        all.extend(addresses.into_iter().map(|address| Whole {
            owner: own.clone(),
            rtype: type_of(Family::of(address)),
            ttl,
            rdata: with_octets(address, <[u8]>::to_vec),
        }));
        all
    }
}

/// Adds the records of one Service.
struct ServiceRecords<'a> {
    /// The Service's whole name.
    name: Vec<u8>,
    ttl: u32,
    all: &'a mut Vec<Whole>,
}

impl ServiceRecords<'_> {
    fn add(&mut self, service: &ServiceNames) {
        match &service.stands {
            Stands::Alias(None) => {}
            Stands::Alias(Some(target)) => self.alias(target),
            Stands::Addresses { addresses, ports } => {
                self.addresses(&[], addresses);
                let rows = count(addresses);
                let numbers: BTreeSet<u16> = ports.iter().map(|port| port.port.get()).collect();
                for number in &numbers {
                    self.srv(&[], weight(rows * ports.len()), *number, &[]);
                }
                for port in ports.iter().filter(|port| !port.name.is_empty()) {
                    let below = port_labels(&port.name, port.protocol.as_str());
                    self.srv(&below, weight(rows), port.port.get(), &[]);
                }
            }
            Stands::Endpoints { addresses, srv } => {
                self.addresses(&[], addresses);
                let all: BTreeSet<(&[u8], u16)> =
                    srv.iter().map(|srv| (&*srv.labels, srv.port)).collect();
                let hosts = srv.iter().filter_map(|srv| service.host(&srv.labels));
                let rows = hosts.map(|host| host.count()).sum();
                for (labels, port) in &all {
                    self.srv(&[], weight(rows), *port, labels);
                }
                for one in srv.iter().filter(|srv| !srv.name.is_empty()) {
                    let is_same = |it: &&Srv| it.name == one.name && it.protocol == one.protocol;
                    let hosts =
                        srv.iter().filter(is_same).filter_map(|it| service.host(&it.labels));
                    let rows = hosts.map(|host| host.count()).sum();
                    let below = port_labels(&one.name, one.protocol.as_str());
                    self.srv(&below, weight(rows), one.port, &one.labels);
                }
            }
        }
        for host in &service.named {
            self.addresses(&host.labels, &host.addresses);
        }
        for family in Family::ALL {
            for address in addresses_in(family, service.dashed.get(family)) {
                let label = DashedLabel::of(address);
                let rdata = with_octets(address, <[u8]>::to_vec);
                self.push(label.as_wire(), type_of(family), rdata);
            }
        }
    }

    fn alias(&mut self, target: &Name) {
        self.push(&[], RecordType::CNAME, target.as_wire().to_vec());
    }

    fn addresses(&mut self, below: &[u8], addresses: &ByFamily<Box<[u8]>>) {
        for family in Family::ALL {
            for address in addresses_in(family, addresses.get(family)) {
                let rdata = with_octets(address, <[u8]>::to_vec);
                self.push(below, type_of(family), rdata);
            }
        }
    }

    fn srv(&mut self, below: &[u8], weight: u16, port: u16, labels: &[u8]) {
        let mut rdata = vec![0, 0];
        rdata.extend_from_slice(&weight.to_be_bytes());
        rdata.extend_from_slice(&port.to_be_bytes());
        rdata.extend_from_slice(labels);
        rdata.extend_from_slice(&self.name);
        self.push(below, RecordType::SRV, rdata);
    }

    fn push(&mut self, below: &[u8], rtype: RecordType, rdata: Vec<u8>) {
        let owner = [below, &self.name].concat();
        self.all.push(Whole { owner, rtype, ttl: self.ttl, rdata });
    }
}

/// `_http._tcp`
fn port_labels(name: &str, protocol: &str) -> Vec<u8> {
    let mut labels = Vec::new();
    for label in [name, protocol] {
        labels.push(u8::try_from(label.len() + 1).unwrap_or_default());
        labels.push(b'_');
        labels.extend(label.bytes().map(|octet| octet.to_ascii_lowercase()));
    }
    labels
}

/// Whether a query says that the client has just this version.
fn has_serial(message: &[u8], serial: u32) -> bool {
    let Ok(received) = Received::parse(message) else { return false };
    let mut soa = received.section(In::Authority).filter(|record| record.rtype == number::SOA);
    let said = soa.next().and_then(|soa| {
        let (_, after) = soa.name_in_rdata(0)?;
        let (_, after) = soa.name_in_rdata(after)?;
        let octets = soa.rdata_bytes().get(after..after + 4)?;
        octets.try_into().ok().map(u32::from_be_bytes)
    });
    said == Some(serial)
}
