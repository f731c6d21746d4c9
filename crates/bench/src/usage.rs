//! How much memory and processor time has a process used?

use std::time::Duration;

use anyhow::Context;
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// `VmRSS` or `VmHWM` of this process, in bytes.
pub(crate) fn resident(field: &str) -> anyhow::Result<u64> {
    memory("/proc/self/status", field)
}

/// `VmRSS` or `VmHWM` of another process, in bytes.
pub(crate) fn resident_of(pid: u32, field: &str) -> anyhow::Result<u64> {
    memory(&format!("/proc/{pid}/status"), field)
}

/// From now on `VmHWM` of another process tells of what is still to come.
pub(crate) fn reset_resident_max(pid: u32) -> anyhow::Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    std::fs::write(&path, "5").with_context(|| path.clone())
}

/// What another process has for itself and its share of what it has with others, in bytes.
pub(crate) fn proportional_of(pid: u32) -> anyhow::Result<u64> {
    memory(&format!("/proc/{pid}/smaps_rollup"), "Pss")
}

fn memory(path: &str, field: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no such field")?;
    Ok(kib.parse::<u64>().with_context(|| field.to_owned())? * 1024)
}

/// Of all threads, in the kernel too.
pub(crate) fn processor_time() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

/// Of the calling thread, in the kernel too.
pub(crate) fn processor_time_of_thread() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// Of all threads of another process and of the programs that it ran to their end, in the kernel
/// too; to the tick, which is 10 ms.
pub(crate) fn processor_time_of(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name of the program may hold anything; the fields are behind it.
    let (_, fields) = text.rsplit_once(')').context("no program's name")?;
    let mut fields = fields.split_whitespace().skip(FIELDS_BEFORE_USER_TIME);
    let mut ticks = 0;
    for name in ["user time", "system time", "user time of others", "system time of others"] {
        ticks += fields.next().context(name)?.parse::<u64>().context(name)?;
    }
    Ok(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()))
}

/// Of `/proc/PID/stat`, behind the program's name.
const FIELDS_BEFORE_USER_TIME: usize = 11;

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read_as_another_sees_it() {
        let spent = Duration::from_millis(50);
        while processor_time() < spent {}
        let seen = processor_time_of(std::process::id()).unwrap();
        // The kernel counts whole ticks of user and of system time.
        let ticks = Duration::from_millis(20);
        assert!(seen + ticks >= spent && seen <= processor_time() + ticks, "{seen:?}");
    }
}
