//! Which endpoints or addresses serve a port, as SRV records say it?
//!
//! The records come first and the addresses of their targets behind all of them, in another section.
//! A target must not be compressed, and so its place follows from those before it.

use model::Protocol;

use crate::wire::{NameAt, RecordType, Reply, Section};
use crate::zone::names::{Host, ServiceNames, ServicePortNumber, Srv, Stands, count};
use crate::zone::records::{Records, write_service_labels};

/// Octets of a record before its target: owner, type, class, TTL, length; priority, weight, port.
const BEFORE_TARGET: usize = 12 + 6;

impl Records<'_> {
    /// The SRV records of one named port, or of all ports where none is wanted.
    pub(super) fn write_srv(
        &self,
        service: &ServiceNames,
        wanted: Option<(&str, Protocol)>,
        reply: &mut Reply<'_>,
    ) {
        let is_wanted = |name: &str, protocol: Protocol| {
            wanted.is_none_or(|(wanted, of)| of == protocol && wanted == name)
        };
        match &service.stands {
            Stands::Addresses { addresses, ports } => {
                let wanted = |port: &&ServicePortNumber| is_wanted(&port.name, port.protocol);
                let weight = weight(ports.iter().filter(wanted).count() * count(addresses));
                let mut target = None;
                for (at, port) in ports.iter().enumerate().filter(|(_, port)| wanted(port)) {
                    // One number for two protocols is one record, which has no place for them.
                    let mut before = ports.iter().take(at).filter(wanted);
                    if before.any(|it| it.port == port.port) {
                        continue;
                    }
                    let row = Row { weight, port: port.port.get(), labels: &[] };
                    let at = self.write_row(service, row, reply);
                    target = target.or(at);
                }
                if let Some(owner) = target.and_then(NameAt::new) {
                    self.write_glue(owner, addresses, reply);
                }
            }
            Stands::Endpoints { srv, .. } => {
                let wanted = |srv: &&Srv| is_wanted(&srv.name, srv.protocol);
                let hosts = srv.iter().filter(wanted).filter_map(|it| service.host(&it.labels));
                let weight = weight(hosts.map(|host| host.count()).sum());
                // Those of one endpoint stand together.
                let first = srv.iter().enumerate().filter(|(at, one)| {
                    let before = srv.iter().take(*at).rev();
                    let before = before.take_while(|it| it.labels == one.labels);
                    wanted(one) && !before.filter(wanted).any(|it| it.port == one.port)
                });
                self.write_endpoints(service, weight, first.map(|(_, srv)| srv), reply);
            }
            Stands::Alias(_) => {}
        }
    }

    fn write_endpoints<'s>(
        &self,
        service: &ServiceNames,
        weight: u16,
        srv: impl Iterator<Item = &'s Srv> + Clone,
        reply: &mut Reply<'_>,
    ) {
        let mut first = None;
        for srv in srv.clone() {
            let row = Row { weight, port: srv.port, labels: &srv.labels };
            let written = self.write_row(service, row, reply);
            first = first.or(written);
        }
        let Some(mut target) = first else { return };
        let mut previous: Option<&[u8]> = None;
        for srv in srv.take(usize::from(reply.count(Section::Answer))) {
            // Sorted by label, so that one with several ports has its addresses once.
            if previous != Some(&srv.labels)
                && let Some(host) = service.host(&srv.labels)
            {
                self.write_host_glue(NameAt::new(target), &host, reply);
            }
            previous = Some(&srv.labels);
            target += BEFORE_TARGET + srv.labels.len() + self.target_len(service);
        }
    }

    /// Beyond the reach of pointers there are no addresses: whoever has read that far asks for them.
    fn write_host_glue(&self, owner: Option<NameAt>, host: &Host<'_>, reply: &mut Reply<'_>) {
        let Some(owner) = owner else { return };
        if let Some(named) = host.named {
            self.write_glue(owner, &named.addresses, reply);
        }
        if let Some(address) = host.dashed {
            self.write_one(Section::Additional, owner, address, reply);
        }
    }

    /// One record; gives where its target stands.
    fn write_row(
        &self,
        service: &ServiceNames,
        row: Row<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<usize> {
        let ttl = self.ttl();
        let rdata = self.record(Section::Answer, RecordType::SRV, ttl, reply, |it| {
            it.u16(0);
            it.u16(row.weight);
            it.u16(row.port);
            it.bytes(row.labels);
            write_service_labels(service, |octets| it.bytes(octets));
            self.write_zone(it);
        });
        rdata.map(|at| at + 6)
    }

    /// Octets of a target without the endpoint's labels.
    fn target_len(&self, service: &ServiceNames) -> usize {
        let labels = service.name.name.len() + service.name.namespace.len() + "svc".len() + 3;
        labels + self.name.as_wire().len() - self.name.start(self.zone_label)
    }
}

struct Row<'a> {
    weight: u16,
    port: u16,
    labels: &'a [u8],
}

/// A hundred is shared out among all rows, an address and a port each.
pub(super) fn weight(rows: usize) -> u16 {
    u16::try_from(100 / rows.max(1)).unwrap_or(100).max(1)
}
