//! How are the results shown to people?

use std::fmt::Write;

use crate::l4::{Change, Counted, Result};

type Choose = fn(&Result) -> Change;

/// One column for each size.
pub(crate) fn text(results: &[Result]) -> String {
    let mut text = String::new();
    row(&mut text, "Services", results, |r| r.services.to_string());
    row(&mut text, "endpoints of each", results, |r| r.endpoints.to_string());
    row(&mut text, "cold start, s", results, |r| format!("{:.3}", r.cold_start_s));
    row(&mut text, "  elements", results, |r| r.cold_start.elements.to_string());
    row(&mut text, "  messages", results, |r| r.cold_start.messages.to_string());
    row(&mut text, "restart, nothing changed, s", results, |r| format!("{:.3}", r.restart_s));
    row(&mut text, "  elements", results, |r| r.restart.elements.to_string());
    let changes: [(&str, Choose); 6] = [
        ("one endpoint replaced", |r| r.replace),
        ("  with cold caches", |r| r.replace_cold),
        ("one endpoint added", |r| r.add_endpoint),
        ("one endpoint removed", |r| r.remove_endpoint),
        ("one Service added", |r| r.add_service),
        ("one Service removed", |r| r.remove_service),
    ];
    for (name, change) in changes {
        row(&mut text, &format!("{name}, µs p50"), results, |r| us(change(r).time.p50_us));
        row(&mut text, "  p99", results, |r| us(change(r).time.p99_us));
        row(&mut text, "  elements/messages", results, |r| counted(change(r).counted));
    }
    row(&mut text, "resident memory, MiB", results, |r| mib(r.resident_bytes));
    row(&mut text, "  at most", results, |r| mib(r.resident_max_bytes));
    row(&mut text, "connect directly, µs p50/p99", results, |r| {
        format!("{}/{}", us(r.connect_direct.p50_us), us(r.connect_direct.p99_us))
    });
    row(&mut text, "connect by ClusterIP, µs", results, |r| {
        format!("{}/{}", us(r.connect_service.p50_us), us(r.connect_service.p99_us))
    });
    text
}

fn row(text: &mut String, name: &str, results: &[Result], value: impl Fn(&Result) -> String) {
    let cells: String = results.iter().map(|result| format!("{:>16}", value(result))).collect();
    // Writing to a string does not fail.
    let written = writeln!(text, "{name:<34}{cells}");
    debug_assert!(written.is_ok(), "a string takes everything");
}

fn us(value: f64) -> String {
    format!("{value:.0}")
}

fn counted(counted: Counted) -> String {
    format!("{}/{}", counted.elements, counted.messages)
}

fn mib(bytes: u64) -> String {
    let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
    format!("{:.1}", f64::from(kib) / 1024.0)
}
