//! What does this machine have, and so each node?

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use workload::api::Quantity;

/// As many as a kubelet takes.
const PODS_MAX: u32 = 110;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    memory_kib: u64,
    cpus: usize,
}

impl Capacity {
    pub(crate) fn here() -> Self {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let total = total.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        Self {
            memory_kib: total.unwrap_or(1 << 20),
            cpus: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }

    /// By the names of the API; all of it is free for pods.
    pub(crate) fn resources(self) -> BTreeMap<String, Quantity> {
        let all = [
            ("cpu", self.cpus.to_string()),
            ("memory", format!("{}Ki", self.memory_kib)),
            ("ephemeral-storage", "10Gi".to_owned()),
            ("pods", PODS_MAX.to_string()),
        ];
        all.map(|(name, text)| (name.to_owned(), Quantity(text))).into()
    }
}
