//! How is connection tracking to be set?

use std::time::Duration;

/// More entries than this are not asked for by cores alone: each costs 320 bytes of the kernel.
const ENTRIES_MAX: u32 = 1_048_576;

/// What is absent is left as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConntrackSettings {
    pub max_per_core: Option<u32>,
    pub min: u32,
    pub tcp_timeout_established: Option<Duration>,
    pub tcp_timeout_close_wait: Option<Duration>,
    pub tcp_be_liberal: bool,
    pub udp_timeout: Option<Duration>,
    pub udp_timeout_stream: Option<Duration>,
}

impl ConntrackSettings {
    /// All as the kernel has it.
    pub(super) const fn untouched() -> Self {
        Self {
            max_per_core: None,
            min: 0,
            tcp_timeout_established: None,
            tcp_timeout_close_wait: None,
            tcp_be_liberal: false,
            udp_timeout: None,
            udp_timeout_stream: None,
        }
    }

    /// The size of the table on a machine with so many cores.
    #[must_use]
    pub fn entries_max(&self, cores: u32) -> Option<u32> {
        let by_cores = self.max_per_core?.saturating_mul(cores).min(ENTRIES_MAX);
        Some(by_cores.max(self.min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(max_per_core: Option<u32>, min: u32) -> ConntrackSettings {
        ConntrackSettings {
            max_per_core,
            min,
            tcp_timeout_established: None,
            tcp_timeout_close_wait: None,
            tcp_be_liberal: false,
            udp_timeout: None,
            udp_timeout_stream: None,
        }
    }

    #[test]
    fn the_table_grows_with_cores_between_its_bounds() {
        let sizes: Vec<_> =
            [1, 8, 64].map(|cores| settings(Some(32_768), 131_072).entries_max(cores)).into();
        assert_eq!(sizes, [Some(131_072), Some(262_144), Some(1_048_576)]);
        assert_eq!(settings(None, 131_072).entries_max(8), None);
    }
}
