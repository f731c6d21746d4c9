//! How much memory and processor time has this process used?

use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};

/// `VmRSS` or `VmHWM` of this process, in bytes.
pub(crate) fn resident(field: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no such field")?;
    Ok(kib.parse::<u64>().context(field.to_owned())? * 1024)
}

/// Of all threads, in the kernel too.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
