//! What does a `forward` of a Corefile say?

use std::sync::Arc;

use super::super::forward_rule::{ForwardRule, Policy, UpstreamProtocol};
use super::super::notice::{Notices, quoted};
use super::super::upstream::{Target, UPSTREAMS_MAX};
use super::super::zone_name::{domain, zones};
use super::block::Forward;
use super::report::Report;
use super::tree::Line;

/// One rule; several for a network that is no single reverse zone.
pub(super) fn read(line: &Line, notices: &mut Notices) -> Vec<Forward> {
    let mut report = Report { plugin: "forward", notices };
    let [from, to @ ..] = line.arguments() else {
        report.wants(line, "a zone and whom to ask");
        return Vec::new();
    };
    let Some(zones) = zones(from) else {
        report.wants(line, "a zone first");
        return Vec::new();
    };
    let mut forward = Forward {
        rule: ForwardRule::new(Arc::from(""), Vec::new(), line.origin.clone()),
        targets: targets(line, to, &mut report),
        tls_server_name: None,
    };
    if forward.targets.is_empty() {
        report.say(line, "has nobody to ask: such names get SERVFAIL");
    }
    for option in &line.body {
        forward.option(option, &mut report);
    }
    let with_zone = |zone| {
        let rule = ForwardRule { zone, ..forward.rule.clone() };
        Forward { rule, ..forward.clone() }
    };
    zones.into_iter().map(with_zone).collect()
}

fn targets(line: &Line, words: &[String], report: &mut Report<'_>) -> Vec<Target> {
    let mut targets = Vec::new();
    for word in words {
        match Target::parse(word) {
            Ok(target) if targets.len() < UPSTREAMS_MAX => targets.push(target),
            Ok(_) => {
                let message = format!(
                    "forward: {} is beyond the first {UPSTREAMS_MAX}, ignored",
                    quoted(word)
                );
                report.notices.add(&line.origin, message);
            }
            Err(error) => report.notices.add(&line.origin, format!("forward: ignored: {error}")),
        }
    }
    targets
}

impl Forward {
    fn option(&mut self, option: &Line, report: &mut Report<'_>) {
        let rule = &mut self.rule;
        match option.name() {
            "except" => report.add_zones(&mut rule.except, option, option.arguments()),
            "force_tcp" => rule.protocol = UpstreamProtocol::ForceTcp,
            "prefer_udp" => {
                if rule.protocol == UpstreamProtocol::AsAsked {
                    rule.protocol = UpstreamProtocol::PreferUdp;
                }
            }
            "expire" => rule.expire = report.duration(option).unwrap_or(rule.expire),
            "max_fails" => {
                rule.max_fails = report.number(option, 0..=1_000_000).unwrap_or(rule.max_fails);
            }
            "max_concurrent" => {
                if let Some(max) = report.number(option, 0..=1_000_000) {
                    rule.max_concurrent = (max > 0).then_some(max);
                }
            }
            "policy" => match option.arguments() {
                [policy] if policy == "random" => rule.policy = Policy::Random,
                [policy] if policy == "round_robin" => rule.policy = Policy::RoundRobin,
                [policy] if policy == "sequential" => rule.policy = Policy::Sequential,
                _ => report.wants(option, "random, round_robin or sequential"),
            },
            "health_check" => self.health_check(option, report),
            "next" => rule.next.extend(rcodes(option, report)),
            "failover" => rule.failover.extend(rcodes(option, report)),
            "failfast_all_unhealthy_upstreams" => rule.fails_fast = true,
            "tls_servername" => match option.arguments() {
                [name] if domain(name).is_some() => self.tls_server_name = domain(name),
                _ => report.wants(option, "a name"),
            },
            "tls" if option.arguments().is_empty() => {}
            "tls" => {
                report
                    .say(option, "is ignored: certificates are judged by the system's authorities");
            }
            _ => report.unknown(option),
        }
    }

    fn health_check(&mut self, option: &Line, report: &mut Report<'_>) {
        let check = &mut self.rule.health_check;
        let mut words = option.arguments().iter();
        let interval = words.next().and_then(|text| super::super::duration::duration(text));
        match interval {
            Some(interval) if !interval.is_zero() => check.interval = interval,
            Some(_) | None => {
                report.wants(option, "a time like 500ms or 5s");
                return;
            }
        }
        while let Some(word) = words.next() {
            match (word.as_str(), words.as_slice().first().and_then(|name| domain(name))) {
                ("no_rec", _) => check.is_recursive = false,
                ("domain", Some(name)) => {
                    words.next();
                    check.domain = (!name.is_empty()).then_some(name);
                }
                _ => report
                    .say(option, "is understood only in part: no_rec and domain NAME may follow"),
            }
        }
    }
}

/// Codes of answers, by name (RFC 1035, 2136).
fn rcodes(option: &Line, report: &mut Report<'_>) -> Vec<u16> {
    const NAMES: [(&str, u16); 11] = [
        ("NOERROR", 0),
        ("FORMERR", 1),
        ("SERVFAIL", 2),
        ("NXDOMAIN", 3),
        ("NOTIMP", 4),
        ("NOTIMPL", 4),
        ("REFUSED", 5),
        ("YXDOMAIN", 6),
        ("YXRRSET", 7),
        ("NXRRSET", 8),
        ("NOTAUTH", 9),
    ];
    let mut codes = Vec::new();
    for word in option.arguments() {
        match NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
            Some((_, code)) if !codes.contains(code) => codes.push(*code),
            Some(_) => {}
            None => report.wants(option, "codes of answers like NXDOMAIN"),
        }
    }
    codes
}
