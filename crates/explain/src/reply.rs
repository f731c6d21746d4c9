//! What does the cluster DNS write into its reply to a question?
//!
//! Not told from the objects a second time: the zone answers, as it answers clients, and its message is
//! read.

use std::net::IpAddr;

use dns::received::{Received, Record, Section};
use dns::wire::{
    Class, ExtendedError, Name, Query, Rcode, RecordType, Reply as Written, ReplySize,
};
use dns::zone::{Outcome, Zone};

use crate::cluster_dns::ClusterDns;
use crate::dns_question::NoAnswer;
use crate::served;

/// What a stream takes: the reply is whole.
pub(crate) const WHOLE: usize = 65_535;

/// A datagram for a client without EDNS, as resolvers of the C library are. More does not fit.
pub(crate) const PLAIN: usize = 512;

/// Addresses that are told one by one.
const TOLD_MAX: usize = 8;

/// The reply to one question, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) rtype: RecordType,
    pub(crate) rcode: Rcode,
    /// How long it may be kept.
    pub(crate) ttl_s: Option<u32>,
    /// Names that the name stands for, in the order in which they are followed.
    pub(crate) aliases: Vec<Name>,
    pub(crate) addresses: Vec<IpAddr>,
    /// The other records of the type, as zone files write them.
    pub(crate) records: Vec<String>,
    /// The last name is not ours: others are asked for it.
    pub(crate) is_elsewhere: bool,
    /// It does not fit into a datagram without EDNS.
    pub(crate) is_cut: bool,
    /// Why it failed, where it is not the name.
    pub(crate) failure: Option<NoAnswer>,
    pub(crate) by: By,
}

/// Who knows the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Zone,
    /// Static entries.
    Hosts,
    /// Upstreams, a moment ago.
    Cache,
    /// Nobody is asked.
    Nobody,
    /// The zone, for another question that a rule puts in the place of this one.
    Rewrite,
}

/// What clients get: from the zone, or from what stands beside it.
pub(crate) fn ask(dns: &ClusterDns, name: &Name, rtype: RecordType) -> Reply {
    let of_zone = of_zone(&dns.zone, name, rtype);
    match &dns.beside {
        Some(beside) => served::ask(&dns.zone, beside, name, of_zone),
        None => of_zone,
    }
}

fn of_zone(zone: &Zone, name: &Name, rtype: RecordType) -> Reply {
    let mut buffer = vec![0; WHOLE];
    let (outcome, len) = write(zone, name, rtype, (&mut buffer, ReplySize::Stream));
    let is_elsewhere = matches!(outcome, Outcome::Elsewhere(_));
    let mut reply = Reply {
        rtype,
        rcode: Rcode::SERVFAIL,
        ttl_s: None,
        aliases: Vec::new(),
        addresses: Vec::new(),
        records: Vec::new(),
        is_elsewhere,
        is_cut: false,
        failure: None,
        by: By::Zone,
    };
    if let Ok(received) = buffer.get(..len).map_or_else(|| Received::parse(&[]), Received::parse) {
        reply.read(&received);
    }
    reply.failure = match outcome {
        Outcome::Answered(Some(error)) if error.code == ExtendedError::NOT_READY => {
            Some(NoAnswer::NotSynced)
        }
        Outcome::Answered(Some(_)) => Some(NoAnswer::ExternalNameLoop),
        Outcome::Answered(None) | Outcome::Elsewhere(_) => None,
    };
    if len > PLAIN {
        let (_, len) = write(zone, name, rtype, (&mut buffer, ReplySize::Datagram(PLAIN)));
        let cut = buffer.get(..len).and_then(|octets| Received::parse(octets).ok());
        reply.is_cut = cut.is_some_and(|cut| cut.header().is_truncated());
    }
    reply
}

/// As it stands in a message.
pub(crate) fn question(name: &Name, rtype: RecordType) -> Vec<u8> {
    let mut question = name.as_wire().to_vec();
    question.extend(rtype.0.to_be_bytes());
    question.extend(Class::IN.0.to_be_bytes());
    question
}

fn write(
    zone: &Zone,
    name: &Name,
    rtype: RecordType,
    (buffer, size): (&mut [u8], ReplySize),
) -> (Outcome, usize) {
    let class = Class::IN;
    let query = Query { id: 0, flags: 0, name: name.as_wire(), rtype, class, edns: None };
    let question = question(name, rtype);
    let mut reply = Written::to_query(buffer, &query, &question, size);
    let outcome = zone.answer(&query, &mut reply, 0);
    (outcome, reply.finish(None))
}

impl Reply {
    pub(crate) fn read(&mut self, received: &Received<'_>) {
        self.rcode = Rcode(received.rcode());
        for record in received.section(Section::Answer) {
            self.keep_for(record.ttl);
            let rtype = RecordType(record.rtype);
            if rtype == RecordType::CNAME && self.rtype != RecordType::CNAME {
                self.aliases.extend(name_at(&record, 0));
            } else if let Some(address) = address(&record) {
                self.addresses.push(address);
            } else {
                self.records.extend(text(&record));
            }
        }
        if self.is_empty() {
            let mut authority = received.section(Section::Authority);
            let soa = authority.find(|record| record.rtype == RecordType::SOA.0);
            if let Some(soa) = soa {
                let octets = soa.rdata_bytes();
                let minimum = octets.last_chunk().map_or(0, |octets| u32::from_be_bytes(*octets));
                self.keep_for(soa.ttl.min(minimum));
            }
        }
    }

    fn keep_for(&mut self, ttl_s: u32) {
        self.ttl_s = Some(self.ttl_s.map_or(ttl_s, |known| known.min(ttl_s)));
    }

    /// `A 10.96.0.10`, `no AAAA`
    pub(crate) fn in_words(&self) -> String {
        let told: Vec<String> =
            self.addresses.iter().take(TOLD_MAX).map(ToString::to_string).collect();
        let more = self.addresses.len() - told.len();
        match (told.as_slice(), more) {
            ([], _) if self.is_elsewhere => format!("{} not known", self.rtype),
            ([], _) => format!("no {}", self.rtype),
            (_, 0) => format!("{} {}", self.rtype, told.join(" ")),
            _ => format!("{} {} and {more} more", self.rtype, told.join(" ")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.records.is_empty()
    }

    pub(crate) fn is_denied(&self) -> bool {
        self.rcode == Rcode::NXDOMAIN
    }

    /// The name is there, and has no record of the type.
    pub(crate) fn is_no_data(&self) -> bool {
        self.rcode == Rcode::NOERROR && !self.is_elsewhere && self.is_empty()
    }

    /// What the name stands for at last, if not for itself.
    pub(crate) fn last_name<'a>(&'a self, asked: &'a Name) -> &'a Name {
        self.aliases.last().unwrap_or(asked)
    }
}

fn name_at(record: &Record<'_>, at: usize) -> Option<Name> {
    let (name, _) = record.name_in_rdata(at)?;
    let mut octets = [0; dns::wire::NAME_LEN_MAX];
    let len = name.expand(&mut octets)?;
    Name::from_wire(octets.get(..len)?)
}

fn address(record: &Record<'_>) -> Option<IpAddr> {
    let octets = record.rdata_bytes();
    match RecordType(record.rtype) {
        RecordType::A => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        RecordType::AAAA => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The record's data, as zone files write it; `None` for types that the zone does not have.
fn text(record: &Record<'_>) -> Option<String> {
    let octets = record.rdata_bytes();
    match RecordType(record.rtype) {
        RecordType::SRV => {
            let number =
                |at: usize| octets.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes);
            let (priority, weight, port) = (number(0)?, number(2)?, number(4)?);
            Some(format!("{priority} {weight} {port} {}", name_at(record, 6)?))
        }
        RecordType::PTR | RecordType::CNAME | RecordType::NS => {
            name_at(record, 0).map(|name| name.to_string())
        }
        RecordType::TXT => {
            let said = octets.split_first()?.1;
            Some(format!("\"{}\"", String::from_utf8_lossy(said)))
        }
        _ => None,
    }
}
