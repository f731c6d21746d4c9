//! What does this process use?

use std::fmt;
use std::fs;
use std::time::SystemTime;

use rustix::param::{clock_ticks_per_second, page_size};

use super::scrape::Page;

/// In the units of Prometheus' process metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Process {
    cpu_s: f64,
    start_s: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    open_fds: u64,
}

pub(super) fn write(page: &mut Page<'_>, process: Process) -> fmt::Result {
    page.counter_f64("process_cpu_seconds", "Processor time in seconds", process.cpu_s)?;
    page.gauge("process_start_time_seconds", "Start in seconds since 1970", process.start_s)?;
    page.gauge(
        "process_resident_memory_bytes",
        "Memory that is resident in bytes",
        process.resident_bytes,
    )?;
    page.gauge("process_virtual_memory_bytes", "Address space in bytes", process.virtual_bytes)?;
    page.gauge("process_threads", "Threads", process.threads)?;
    page.gauge("process_open_fds", "Open file descriptors", process.open_fds)
}

/// Absent when `/proc` is not there, or does not look as it should.
pub(super) fn read(now: SystemTime) -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let open_fds = fs::read_dir("/proc/self/fd").ok()?.count();
    let units = Units { ticks_per_s: clock_ticks_per_second(), page_bytes: page_size() as u64 };
    let now_s = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    parse(&stat, &uptime, now_s, units, open_fds as u64)
}

#[derive(Debug, Clone, Copy)]
struct Units {
    ticks_per_s: u64,
    page_bytes: u64,
}

/// The fields are counted after the program's name, which stands in brackets and may hold anything.
fn parse(stat: &str, uptime: &str, now_s: f64, units: Units, open_fds: u64) -> Option<Process> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    // The manual page counts from 1, and the first field here is its third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let seconds = |ticks: u64| ticks as f64 / units.ticks_per_s as f64;
    let uptime_s: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    let age_s = uptime_s - seconds(field(22)?);
    Some(Process {
        cpu_s: seconds(field(14)? + field(15)?),
        start_s: now_s - age_s,
        threads: field(20)?,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * units.page_bytes,
        open_fds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_strange_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 3 18 1000 4096000 25 99";
        let units = Units { ticks_per_s: 100, page_bytes: 4096 };
        assert_eq!(
            parse(stat, "60.00 110.00\n", 1_000.0, units, 9),
            Some(Process {
                cpu_s: 2.0,
                start_s: 950.0,
                resident_bytes: 102_400,
                virtual_bytes: 4_096_000,
                threads: 3,
                open_fds: 9,
            })
        );
    }
}
