//! How long does it take from a change's event to answers by it?
//!
//! The folder waits until a file is at rest before it tells of it, so a clock around all of that shows
//! mostly the wait. pogu counts the time from the event itself, and that is read here.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use host::clock::{monotonic, pause};
use serde::Serialize;

/// Changes that are made, one after the other.
const CHANGES: u32 = 50;
/// How long one may take, the folder's wait included.
const CHANGE_MOST: Duration = Duration::from_secs(10);
/// Between two looks whether it was counted.
const LOOK: Duration = Duration::from_millis(10);
const METRIC: &str = "pogu_dns_programming_duration_seconds";

/// Upper bounds: the ranges in which a server counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Programmed {
    pub(crate) changes: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// How many took up to how many seconds, the smallest bound first.
type Histogram = Vec<(f64, u64)>;

/// Changes a Service in a folder that is served, again and again.
pub(crate) fn measure(folder: &Path, metrics: SocketAddr) -> Result<Programmed> {
    let before = scrape(metrics)?;
    for change in 0..CHANGES {
        let was = count(&scrape(metrics)?);
        write(folder, change)?;
        let start = monotonic();
        while count(&scrape(metrics)?) == was {
            ensure!(start.elapsed() < CHANGE_MOST, "a change is not answered by");
            pause(LOOK);
        }
    }
    let after = scrape(metrics)?;
    let new =
        after.iter().zip(&before).map(|((bound, after), (_, before))| (*bound, after - before));
    programmed(&new.collect())
}

/// Another address than before, whole at once.
fn write(folder: &Path, change: u32) -> Result<()> {
    let text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: changed, namespace: default}}\n\
         spec: {{clusterIP: 10.255.0.{}, ports: [{{port: 80}}]}}\n",
        change % 250 + 1
    );
    let (part, whole) = (folder.join(".changed"), folder.join("changed.yaml"));
    fs::write(&part, text).with_context(|| part.display().to_string())?;
    fs::rename(&part, &whole).with_context(|| whole.display().to_string())
}

fn scrape(metrics: SocketAddr) -> Result<Histogram> {
    let mut stream = TcpStream::connect(metrics).context("pogu's metrics")?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: pogu\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    read(&page)
}

fn read(page: &str) -> Result<Histogram> {
    let lines = page.lines().filter(|line| line.starts_with(&format!("{METRIC}_bucket{{")));
    let bucket = |line: &str| -> Option<(f64, u64)> {
        let (labels, count) = line.rsplit_once(' ')?;
        let (_, bound) = labels.split_once("le=\"")?;
        let bound = bound.split_once('"')?.0.parse().ok()?;
        Some((bound, count.parse().ok()?))
    };
    let buckets: Option<Histogram> = lines.map(bucket).collect();
    let buckets = buckets.filter(|it| !it.is_empty());
    buckets.with_context(|| format!("the page of metrics has no {METRIC}"))
}

/// All buckets count those below them too.
fn count(histogram: &Histogram) -> u64 {
    histogram.last().map_or(0, |(_, count)| *count)
}

fn programmed(histogram: &Histogram) -> Result<Programmed> {
    let changes = count(histogram);
    ensure!(changes > 0, "no change was counted");
    let within = |percent: u64| {
        let enough = histogram.iter().find(|(_, count)| count * 100 >= changes * percent);
        enough.map_or(f64::INFINITY, |(bound, _)| bound * 1_000.0)
    };
    Ok(Programmed { changes, p50_ms: within(50), p99_ms: within(99) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# TYPE pogu_dns_programming_duration_seconds histogram
pogu_dns_programming_duration_seconds_sum{server=\"dns://:53\"} 0.3
pogu_dns_programming_duration_seconds_count{server=\"dns://:53\"} 100
pogu_dns_programming_duration_seconds_bucket{server=\"dns://:53\",le=\"0.001\"} 50
pogu_dns_programming_duration_seconds_bucket{server=\"dns://:53\",le=\"0.005\"} 98
pogu_dns_programming_duration_seconds_bucket{server=\"dns://:53\",le=\"0.02\"} 99
pogu_dns_programming_duration_seconds_bucket{server=\"dns://:53\",le=\"+Inf\"} 100
# EOF
";

    #[test]
    fn shares_are_within_the_bounds_of_their_ranges() {
        let found = programmed(&read(PAGE).unwrap()).unwrap();
        assert_eq!(found, Programmed { changes: 100, p50_ms: 1.0, p99_ms: 20.0 });
    }

    #[test]
    fn a_page_without_the_histogram_is_told() {
        let told = read("pogu_dns_ready 1\n").unwrap_err().to_string();
        assert_eq!(told, "the page of metrics has no pogu_dns_programming_duration_seconds");
    }
}
