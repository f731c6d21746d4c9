//! How are the results shown to people?

use std::fmt::Write as _;

use super::programming::Programmed;
use super::server::Software;
use super::{Compared, Kept, Measured, Results};
use crate::quantile::Rounds;

const NAME_WIDTH: usize = 34;
const CELL_WIDTH: usize = 26;

/// A block for each workload, a column for each server, and the targets at the end.
pub(crate) fn text(results: &Results) -> String {
    let mut lines = head(results);
    for compared in &results.workloads {
        lines.push(String::new());
        lines.extend(block(compared));
    }
    lines.push(String::new());
    lines.extend(memory(&results.servers));
    lines.extend(results.programmed.map(programmed));
    lines.push(String::new());
    lines.extend(targets(results));
    lines.join("\n") + "\n"
}

fn head(results: &Results) -> Vec<String> {
    let Results { services, endpoints, processors, rounds, seconds, .. } = results;
    vec![
        format!(
            "{services} Services of {endpoints} endpoints, both families; {processors} processors"
        ),
        format!("{rounds} rounds of {seconds} s each, servers in turn: median (least to most)"),
        "Those who ask and the upstream run on the same processors. pogu and CoreDNS (plugin kubernetes)"
            .to_owned(),
        "have all objects, unbound only the addresses. Nobody has a cache before the cluster's names."
            .to_owned(),
        String::new(),
        row("", results.servers.iter().map(|it| it.software.title().to_owned())),
    ]
}

fn block(compared: &Compared) -> Vec<String> {
    let of =
        |name: &str, value: fn(&Measured) -> String| row(name, compared.servers.iter().map(value));
    let mut lines = vec![
        compared.workload.title().to_owned(),
        of("  answers/s", |it| spread(it.per_second, 0)),
        of("  CPU s/million", |it| spread(it.processor_s, 2)),
        of("  CPU s/million of who asks", |it| spread(it.asking_processor_s, 2)),
        of("  wrong/lost", |it| format!("{}/{}", it.wrong, it.lost)),
    ];
    if compared.paced_per_second > 0.0 {
        lines.extend([
            of("  records in an answer", |it| it.records.to_string()),
            format!("  at {:.0}/s for all", compared.paced_per_second),
            of("    p50, µs", |it| spread(it.p50_us, 0)),
            of("    p99, µs", |it| spread(it.p99_us, 0)),
            of("    CPU s/million", |it| spread(it.paced_processor_s, 2)),
            of("    failed", |it| format!("{} of {}", it.paced_failed, it.paced_sent)),
        ]);
    }
    lines
}

fn memory(servers: &[Kept]) -> Vec<String> {
    let of = |name: &str, value: fn(&Kept) -> String| row(name, servers.iter().map(value));
    vec![
        of("ready after, s", |it| format!("{:.2}", it.ready_s)),
        of("resident when ready, MB", |it| megabytes(it.resident_at_start_bytes)),
        of("resident after the run, MB", |it| megabytes(it.resident_bytes)),
        of("  proportional share", |it| megabytes(it.proportional_bytes)),
    ]
}

fn programmed(programmed: Programmed) -> String {
    let Programmed { changes, p50_ms, p99_ms } = programmed;
    format!(
        "pogu, from the event to the answer: p50 within {p50_ms} ms, p99 within {p99_ms} ms, of {changes} \
         changes"
    )
}

/// Of the whole agent, of which this is a part.
const MEMORY_MAX: u64 = 60_000_000;

/// What pogu is to reach, where both sides were measured.
fn targets(results: &Results) -> Vec<String> {
    let at = |software| results.servers.iter().position(|it| it.software == software);
    let mut lines = Vec::new();
    for compared in &results.workloads {
        let of = |software| compared.servers.get(at(software)?);
        let title = compared.workload.title();
        let Some(pogu) = of(Software::Pogu) else { continue };
        if let Some(coredns) = of(Software::CoreDns) {
            let times = pogu.per_second.median / coredns.per_second.median;
            lines.push(target(title, "answers/s of CoreDNS", times, "at least 3", times >= 3.0));
            let times = pogu.processor_s.median / coredns.processor_s.median;
            lines.push(target(title, "CPU of CoreDNS", times, "at most 0.25", times <= 0.25));
        }
        if let Some(unbound) = of(Software::Unbound) {
            let times = pogu.per_second.median / unbound.per_second.median;
            lines.push(target(title, "answers/s of unbound", times, "at least 1", times >= 1.0));
            let times = pogu.processor_s.median / unbound.processor_s.median;
            lines.push(format!("{title:<40}{times:>8.2} × CPU of unbound"));
        }
    }
    for kept in results.servers.iter().filter(|it| it.software == Software::Pogu) {
        let is_met = kept.resident_bytes <= MEMORY_MAX;
        let resident = megabytes(kept.resident_bytes);
        lines.push(format!(
            "{:<40}{resident:>8} MB, alone{:<15} wanted: {:<14}{}",
            "resident",
            "",
            "at most 60",
            outcome(is_met)
        ));
    }
    lines
}

const fn outcome(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

fn target(title: &str, of: &str, times: f64, wanted: &str, is_met: bool) -> String {
    format!("{title:<40}{times:>8.2} × {of:<22} wanted: {wanted:<14}{}", outcome(is_met))
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("{name:<NAME_WIDTH$}");
    for cell in cells {
        // Writing to a string does not fail.
        let written = write!(line, "{cell:>CELL_WIDTH$}");
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    line.trim_end().to_owned()
}

fn spread(rounds: Rounds, decimals: usize) -> String {
    let Rounds { median, least, most } = rounds;
    format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::super::question::Workload;
    use super::*;

    /// A server in all rounds alike.
    fn measured(per_second: f64, processor_s: f64) -> Measured {
        let same = |value| Rounds::of(vec![value]);
        Measured {
            records: 1,
            per_second: same(per_second),
            processor_s: same(processor_s),
            asking_processor_s: same(5.0),
            wrong: 0,
            lost: 0,
            p50_us: same(20.0),
            p99_us: same(90.0),
            paced_processor_s: same(processor_s),
            paced_failed: 0,
            paced_sent: 100,
        }
    }

    fn results(servers: [(Software, Measured); 3]) -> Results {
        let kept = |software| Kept {
            software,
            ready_s: 0.5,
            resident_at_start_bytes: 30_000_000,
            resident_bytes: 31_000_000,
            proportional_bytes: 29_000_000,
        };
        let softwares = servers.iter().map(|(software, _)| kept(*software)).collect();
        Results {
            services: 5000,
            endpoints: 10,
            processors: 2,
            rounds: 1,
            seconds: 1.0,
            servers: softwares,
            programmed: None,
            workloads: vec![Compared {
                workload: Workload::Service,
                paced_per_second: 5000.0,
                servers: servers.into_iter().map(|(_, measured)| measured).collect(),
            }],
        }
    }

    #[test]
    fn each_target_is_met_or_missed_by_its_ratio() {
        let results = results([
            (Software::Unbound, measured(80_000.0, 8.0)),
            (Software::Pogu, measured(60_000.0, 4.0)),
            (Software::CoreDns, measured(20_000.0, 15.0)),
        ]);
        let found: Vec<String> = targets(&results)
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            found,
            [
                "A of Services 3.00 × answers/s of CoreDNS wanted: at least 3 met",
                "A of Services 0.27 × CPU of CoreDNS wanted: at most 0.25 missed",
                "A of Services 0.75 × answers/s of unbound wanted: at least 1 missed",
                "A of Services 0.50 × CPU of unbound",
                "resident 31.0 MB, alone wanted: at most 60 met",
            ]
        );
    }

    #[test]
    fn columns_stand_in_the_order_of_the_servers() {
        let results = results([
            (Software::Unbound, measured(80_000.0, 8.0)),
            (Software::Pogu, measured(60_000.0, 4.0)),
            (Software::CoreDns, measured(20_000.0, 15.0)),
        ]);
        let text = text(&results);
        let cells = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.trim().starts_with(name)).unwrap();
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(
            cells("answers/s"),
            [
                "answers/s",
                "80000 (80000 to 80000)",
                "60000 (60000 to 60000)",
                "20000 (20000 to 20000)",
            ]
        );
        assert_eq!(cells("unbound"), ["unbound", "pogu", "CoreDNS"]);
    }
}
