//! How is a record written as a row?

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, HINFO, MX, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{DNSClass, RData, Record};

use super::codec::type_text;
use super::name::{name, name_text};

/// The record of a row `NAME TTL TYPE DATA`; a star for a serial is 0. None where it is not one, or of
/// a type that scenarios do not speak of.
pub(crate) fn record(row: &str) -> Option<Record> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let [owner, ttl, kind, data @ ..] = words.as_slice() else { return None };
    Some(Record::from_rdata(name(owner)?, ttl.parse().ok()?, rdata(kind, data)?))
}

fn rdata(kind: &str, words: &[&str]) -> Option<RData> {
    Some(match (kind, words) {
        ("A", [address]) => RData::A(A(address.parse::<Ipv4Addr>().ok()?)),
        ("AAAA", [address]) => RData::AAAA(AAAA(address.parse::<Ipv6Addr>().ok()?)),
        ("CNAME", [target]) => RData::CNAME(CNAME(name(target)?)),
        ("NS", [target]) => RData::NS(NS(name(target)?)),
        ("PTR", [target]) => RData::PTR(PTR(name(target)?)),
        ("MX", [preference, exchange]) => {
            RData::MX(MX::new(preference.parse().ok()?, name(exchange)?))
        }
        ("SRV", [priority, weight, port, target]) => RData::SRV(SRV::new(
            priority.parse().ok()?,
            weight.parse().ok()?,
            port.parse().ok()?,
            name(target)?,
        )),
        ("SOA", [mname, rname, serial, refresh, retry, expire, minimum]) => RData::SOA(SOA::new(
            name(mname)?,
            name(rname)?,
            if *serial == "*" { 0 } else { serial.parse().ok()? },
            refresh.parse().ok()?,
            retry.parse().ok()?,
            expire.parse().ok()?,
            minimum.parse().ok()?,
        )),
        ("TXT", strings) if !strings.is_empty() => {
            let texts: Option<Vec<String>> = strings.iter().map(|text| unquoted(text)).collect();
            RData::TXT(TXT::new(texts?))
        }
        ("HINFO", [cpu, os]) => RData::HINFO(HINFO::new(unquoted(cpu)?, unquoted(os)?)),
        _ => return None,
    })
}

fn unquoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// The row of a record. A class other than IN stands before the type.
pub(super) fn row(record: &Record) -> String {
    let owner = name_text(&record.name);
    let class = record.dns_class;
    let class = if class == DNSClass::IN { String::new() } else { format!("{class} ") };
    let kind = type_text(record.record_type());
    format!("{owner} {} {class}{kind} {}", record.ttl, data_text(&record.data))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "types that no row speaks of")]
fn data_text(data: &RData) -> String {
    match data {
        RData::CNAME(target) => name_text(target),
        RData::NS(target) => name_text(target),
        RData::PTR(target) => name_text(target),
        RData::MX(mx) => format!("{} {}", mx.preference, name_text(&mx.exchange)),
        RData::SRV(srv) => {
            let target = name_text(&srv.target);
            format!("{} {} {} {target}", srv.priority, srv.weight, srv.port)
        }
        RData::SOA(soa) => {
            let (mname, rname) = (name_text(&soa.mname), name_text(&soa.rname));
            let (serial, minimum) = (soa.serial, soa.minimum);
            let times = format!("{} {} {}", soa.refresh, soa.retry, soa.expire);
            format!("{mname} {rname} {serial} {times} {minimum}")
        }
        RData::TXT(txt) => {
            let texts: Vec<String> = txt.txt_data.iter().map(|text| quoted(text)).collect();
            texts.join(" ")
        }
        RData::HINFO(hinfo) => format!("{} {}", quoted(&hinfo.cpu), quoted(&hinfo.os)),
        other => other.to_string(),
    }
}

fn quoted(octets: &[u8]) -> String {
    format!("\"{}\"", octets.escape_ascii())
}
