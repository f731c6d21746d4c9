//! What does a `cache` of a Corefile say?

use std::time::Duration;

use super::super::cache_rule::{
    CAPACITY_MAX, CacheLimits, CacheRule, Prefetch, Refresh, ServeStale,
};
use super::super::duration::duration;
use super::super::notice::Notices;
use super::report::Report;
use super::tree::Line;

/// Seconds: a week, longer than any TTL is kept.
const TTL_LONGEST: u32 = 7 * 86_400;

const SERVFAIL_MAX: Duration = Duration::from_mins(5);

pub(super) fn read(line: &Line, notices: &mut Notices) -> CacheRule {
    let mut report = Report { plugin: "cache", notices };
    let (ttl, zones) = match line.arguments() {
        [first, zones @ ..] if first.bytes().all(|byte| byte.is_ascii_digit()) => {
            let ttl = first.parse().ok().filter(|ttl| (1..=TTL_LONGEST).contains(ttl));
            if ttl.is_none() {
                report.wants(line, format!("seconds from 1 to {TTL_LONGEST}"));
            }
            (ttl, zones)
        }
        zones => (None, zones),
    };
    let mut rule = CacheRule::new(ttl, line.origin.clone());
    rule.zones = report.zones(line, zones);
    for option in &line.body {
        rule.option(option, &mut report);
    }
    rule
}

impl CacheRule {
    fn option(&mut self, option: &Line, report: &mut Report<'_>) {
        match option.name() {
            "success" => limits(&mut self.success, option, report),
            "denial" => limits(&mut self.denial, option, report),
            "servfail" => {
                let Some(servfail) = report.duration(option) else { return };
                if servfail > SERVFAIL_MAX {
                    report.wants(option, "five minutes at most");
                } else {
                    self.servfail = servfail;
                }
            }
            "prefetch" => self.prefetch = prefetch(option, report),
            "serve_stale" => self.serve_stale = serve_stale(option, report),
            "keepttl" => self.keeps_ttl = true,
            "disable" => {
                let (what, zones) = option.arguments().split_first().unzip();
                let zones: &[String] = zones.unwrap_or_default();
                let root = [".".to_owned()];
                let zones = if zones.is_empty() { root.as_slice() } else { zones };
                match what.map(String::as_str) {
                    Some("success") => report.add_zones(&mut self.success_disabled, option, zones),
                    Some("denial") => report.add_zones(&mut self.denial_disabled, option, zones),
                    _ => report.wants(option, "success or denial"),
                }
            }
            _ => report.unknown(option),
        }
    }
}

/// `CAPACITY [TTL] [MINTTL]`.
fn limits(limits: &mut CacheLimits, option: &Line, report: &mut Report<'_>) {
    let numbers: Vec<Option<u32>> =
        option.arguments().iter().map(|word| word.parse().ok()).collect();
    let mut new = *limits;
    let is_right = match numbers.as_slice() {
        [Some(capacity)] => {
            new.capacity = *capacity;
            true
        }
        [Some(capacity), Some(ttl_max)] => {
            new = CacheLimits { capacity: *capacity, ttl_max: *ttl_max, ..new };
            true
        }
        [Some(capacity), Some(ttl_max), Some(ttl_min)] => {
            new = CacheLimits { capacity: *capacity, ttl_max: *ttl_max, ttl_min: *ttl_min };
            true
        }
        _ => false,
    };
    let is_bounded = (1..=CAPACITY_MAX).contains(&new.capacity) && new.ttl_max <= TTL_LONGEST;
    // A maximum below the default minimum lowers that too.
    new.ttl_min = new.ttl_min.min(new.ttl_max);
    if is_right && is_bounded {
        *limits = new;
    } else {
        let what = format!(
            "a capacity from 1 to {CAPACITY_MAX}, then seconds up to {TTL_LONGEST}: the longest, \
             the shortest"
        );
        report.wants(option, what);
    }
}

/// `AMOUNT [[DURATION] [PERCENTAGE%]]`.
fn prefetch(option: &Line, report: &mut Report<'_>) -> Option<Prefetch> {
    let read = |words: &[String]| {
        let (amount, words) = words.split_first()?;
        let (percentage, words) = match words.split_last() {
            Some((last, words)) if last.ends_with('%') => {
                (last.trim_end_matches('%').parse().ok()?, words)
            }
            Some(_) | None => (10, words),
        };
        let pause_max = match words {
            [] => Duration::from_mins(1),
            [pause] => duration(pause)?,
            _ => return None,
        };
        let amount = amount.parse().ok()?;
        (10..=90).contains(&percentage).then_some(Prefetch { amount, pause_max, percentage })
    };
    let prefetch = read(option.arguments());
    if prefetch.is_none() {
        report.wants(option, "an amount, a time like 1m and a percentage from 10% to 90%");
    }
    // None is wanted by an amount of 0.
    prefetch.filter(|prefetch| prefetch.amount > 0)
}

/// `[DURATION] [immediate|verify]`.
fn serve_stale(option: &Line, report: &mut Report<'_>) -> Option<ServeStale> {
    let mut stale = ServeStale { keep: Duration::from_hours(1), refresh: Refresh::Immediate };
    let mut words = option.arguments().iter().map(String::as_str).peekable();
    if let Some(keep) = words.peek().and_then(|word| duration(word)) {
        stale.keep = keep;
        words.next();
    }
    match (words.next(), words.next()) {
        (None | Some("immediate"), None) => Some(stale),
        (Some("verify"), None) => Some(ServeStale { refresh: Refresh::Verify, ..stale }),
        _ => {
            report.wants(option, "a time like 1h, then immediate or verify");
            None
        }
    }
}
