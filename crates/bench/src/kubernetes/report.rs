//! How are the two shown beside each other?

use std::fmt::Write as _;

use serde::Serialize;

use super::proxy::Software;
use super::round::Round;
use crate::quantile::{Rounds, Spread};

/// All rounds of one program at one size.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) software: Software,
    pub(crate) services: usize,
    pub(crate) endpoints: usize,
    /// Seconds from the program's start until the last Service leads to an endpoint.
    pub(crate) cold_start_s: Rounds,
    pub(crate) cold_start_processor_s: Rounds,
    pub(crate) cold_start_requests: Rounds,
    pub(crate) resident_mib: Rounds,
    pub(crate) resident_max_mib: Rounds,
    pub(crate) resident_anew_mib: Rounds,
    pub(crate) calm: Changes,
    pub(crate) steady: Changes,
}

/// A series of changes, all rounds together.
#[derive(Debug, Serialize)]
pub(crate) struct Changes {
    pub(crate) count: usize,
    pub(crate) time: Spread,
    pub(crate) processor_ms: f64,
    pub(crate) bytes: f64,
    pub(crate) requests: f64,
}

impl Measured {
    pub(crate) fn new(software: Software, size: (usize, usize), rounds: &[Round]) -> Self {
        let (services, endpoints) = size;
        let over = |value: fn(&Round) -> f64| Rounds::of(rounds.iter().map(value).collect());
        Self {
            software,
            services,
            endpoints,
            cold_start_s: over(|it| it.cold_start.as_secs_f64()),
            cold_start_processor_s: over(|it| it.cold_start_processor.as_secs_f64()),
            cold_start_requests: over(|it| count(it.cold_start_requests)),
            resident_mib: over(|it| mib(it.resident_bytes)),
            resident_max_mib: over(|it| mib(it.resident_max_bytes)),
            resident_anew_mib: over(|it| mib(it.resident_anew_bytes)),
            calm: Changes::new(rounds, 0),
            steady: Changes::new(rounds, 1),
        }
    }
}

impl Changes {
    fn new(rounds: &[Round], series: usize) -> Self {
        let all: Vec<_> = rounds.iter().filter_map(|round| round.series.get(series)).collect();
        let times: Vec<_> = all.iter().flat_map(|it| it.times.iter().copied()).collect();
        let each = count(times.len().max(1));
        let processor: f64 = all.iter().map(|it| it.processor.as_secs_f64() * 1e3).sum();
        let bytes: f64 = all.iter().map(|it| bytes_of(it.bytes)).sum();
        let requests = count(all.iter().map(|it| it.requests).sum());
        Self {
            count: times.len(),
            processor_ms: processor / each,
            bytes: bytes / each,
            requests: requests / each,
            time: Spread::of(times),
        }
    }
}

type Value = fn(&Measured) -> f64;

const ROWS: [(&str, Value); 17] = [
    ("cold start, s", |it| it.cold_start_s.median),
    ("  processor time, s", |it| it.cold_start_processor_s.median),
    ("  requests", |it| it.cold_start_requests.median),
    ("resident, MiB", |it| it.resident_mib.median),
    ("  at most", |it| it.resident_max_mib.median),
    ("  at most, all listed anew", |it| it.resident_anew_mib.median),
    ("a change now and then, ms p50", |it| it.calm.time.p50_us / 1e3),
    ("  p99", |it| it.calm.time.p99_us / 1e3),
    ("  processor time, ms", |it| it.calm.processor_ms),
    ("  bytes received", |it| it.calm.bytes),
    ("  requests", |it| it.calm.requests),
    ("many changes, ms p50", |it| it.steady.time.p50_us / 1e3),
    ("  p99", |it| it.steady.time.p99_us / 1e3),
    ("  at most", |it| it.steady.time.max_us / 1e3),
    ("  processor time, ms", |it| it.steady.processor_ms),
    ("  bytes received", |it| it.steady.bytes),
    ("  requests", |it| it.steady.requests),
];

/// A table for each size: a row for each figure, a column for each program, and what the last one
/// has of it as a multiple of the first one's.
pub(crate) fn text(sizes: &[Vec<Measured>]) -> String {
    let mut text = String::new();
    for size in sizes {
        let Some(first) = size.first() else { continue };
        let title = format!("{} Services x {} endpoints", first.services, first.endpoints);
        let names = size.iter().map(|it| it.software.title().to_owned());
        line(&mut text, &title, names.chain(["ratio".to_owned()]));
        for (name, value) in ROWS {
            let values: Vec<f64> = size.iter().map(value).collect();
            let ratio = match values.as_slice() {
                [ours, theirs] if *ours > 0.0 => format!("{:.1}", theirs / ours),
                _ => "-".to_owned(),
            };
            line(&mut text, name, values.into_iter().map(number).chain([ratio]));
        }
        text.push('\n');
    }
    text
}

fn line(text: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("{cell:>12}")).collect();
    // Writing to a string does not fail.
    let written = writeln!(text, "{name:<34}{cells}");
    debug_assert!(written.is_ok(), "a string takes everything");
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond 2^52")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond 2^52")]
fn bytes_of(n: u64) -> f64 {
    n as f64
}

fn mib(bytes: u64) -> f64 {
    bytes_of(bytes) / f64::from(1 << 20)
}
