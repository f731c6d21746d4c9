//! Is connection tracking in trouble? Asked from time to time, whether or not anybody scrapes.

use std::time::Duration;

use host::conntrack::{Conntrack, Fill, Statistics};

/// How often it is asked.
pub(super) const PERIOD: Duration = Duration::from_secs(15);

/// From this share of the table on, in percent, it is told; below the second, it may be told again.
const TELL_FROM: u64 = 80;
const CALM_BELOW: u64 = 70;

#[derive(Debug, Default)]
pub(super) struct Pressure {
    last: Option<Statistics>,
    is_told: bool,
}

impl Pressure {
    /// Asks the kernel, and logs what somebody must know.
    pub(super) fn look(&mut self) {
        let asked = Conntrack::open().map_err(host::conntrack::ConntrackError::from);
        let asked = asked.and_then(|mut socket| Ok((socket.fill()?, socket.statistics()?)));
        match asked {
            Ok((fill, statistics)) => {
                for trouble in self.judge(fill, statistics) {
                    tracing::warn!("{trouble}");
                }
            }
            Err(error) => tracing::debug!(%error, "cannot ask connection tracking how it is"),
        }
    }

    /// What is new since the last look.
    fn judge(&mut self, fill: Fill, now: Statistics) -> Vec<String> {
        let mut troubles = Vec::new();
        let max = u64::from(fill.max.unwrap_or(0));
        let percent = (u64::from(fill.entries) * 100).checked_div(max).unwrap_or(0);
        if percent >= TELL_FROM && !self.is_told {
            self.is_told = true;
            troubles.push(format!(
                "connection tracking is {percent} % full, and a full table refuses connections: \
                 {} of {max}; hint: raise --conntrack-max-per-core or --conntrack-min",
                fill.entries
            ));
        }
        self.is_told &= percent >= CALM_BELOW;
        let before = self.last.replace(now).unwrap_or(now);
        for (name, before, now) in [
            ("packets dropped for want of room", before.drop, now.drop),
            ("entries thrown out to make room", before.early_drop, now.early_drop),
            (
                "connections lost to another with the same addresses",
                before.insert_failed,
                now.insert_failed,
            ),
        ] {
            if now > before {
                troubles.push(format!("connection tracking: {name}: {}", now - before));
            }
        }
        troubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(pressure: &mut Pressure, entries: u32, statistics: Statistics) -> Vec<String> {
        pressure.judge(Fill { entries, max: Some(1000) }, statistics)
    }

    #[test]
    fn a_table_that_fills_is_told_once_until_it_is_calm() {
        let mut pressure = Pressure::default();
        let told = "connection tracking is 80 % full, and a full table refuses connections: 800 of \
                    1000; hint: raise --conntrack-max-per-core or --conntrack-min";
        let calm = Statistics::default();
        assert_eq!(look(&mut pressure, 799, calm), Vec::<String>::new());
        assert_eq!(look(&mut pressure, 800, calm), [told]);
        assert_eq!(look(&mut pressure, 950, calm), Vec::<String>::new());
        assert_eq!(look(&mut pressure, 700, calm), Vec::<String>::new());
        assert_eq!(look(&mut pressure, 800, calm), Vec::<String>::new());
        assert_eq!(look(&mut pressure, 699, calm), Vec::<String>::new());
        assert_eq!(look(&mut pressure, 800, calm), [told]);
    }

    #[test]
    fn losses_are_told_when_they_happen_and_not_those_from_before() {
        let mut pressure = Pressure::default();
        let lost = |drop, early_drop, insert_failed| Statistics {
            drop,
            early_drop,
            insert_failed,
            ..Statistics::default()
        };
        assert_eq!(look(&mut pressure, 1, lost(5, 5, 5)), Vec::<String>::new());
        assert_eq!(
            look(&mut pressure, 1, lost(7, 6, 5)),
            [
                "connection tracking: packets dropped for want of room: 2",
                "connection tracking: entries thrown out to make room: 1"
            ]
        );
        assert_eq!(
            look(&mut pressure, 1, lost(7, 6, 9)),
            ["connection tracking: connections lost to another with the same addresses: 4"]
        );
    }
}
