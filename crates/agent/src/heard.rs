//! Which events does a published value show first, and since when did they wait?

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ingest::Touched;
use model::ServiceName;

/// Events of one published value that are remembered. What is beyond is not measured.
const EVENTS_MAX: usize = 4096;

/// Published values that a reader may miss and still hear of their events.
const RECENT_MAX: usize = 64;

/// What one published value shows first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Of the published value.
    pub generation: u64,
    /// When each batch of the source of objects came.
    pub batches: Vec<Instant>,
    /// When what an EndpointSlice shows of a Service happened, by its annotation.
    pub triggers: Vec<(ServiceName, SystemTime)>,
}

/// The same of the last few published values, the oldest first. A copy shares everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent(Arc<[Arc<Heard>]>);

impl Default for Recent {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl Recent {
    /// What came after a generation.
    pub fn after(&self, generation: u64) -> impl Iterator<Item = &Heard> {
        self.0.iter().map(|heard| &**heard).filter(move |heard| heard.generation > generation)
    }

    fn push(&mut self, heard: Heard) {
        let surplus = (self.0.len() + 1).saturating_sub(RECENT_MAX);
        let kept = self.0.iter().skip(surplus).map(Arc::clone);
        self.0 = kept.chain([Arc::new(heard)]).collect();
    }
}

/// Gathers what the next published value shows first.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    next: Heard,
    recent: Recent,
}

impl Hearing {
    /// A batch came.
    pub(crate) fn batch(&mut self, at: Instant) {
        if self.next.batches.len() < EVENTS_MAX {
            self.next.batches.push(at);
        }
    }

    /// It touched Services; what happened before `started` was not waiting for us.
    pub(crate) fn touched(&mut self, touched: &Touched, started: SystemTime) {
        let Some(trigger) = touched.trigger.filter(|trigger| *trigger > started) else { return };
        let room = EVENTS_MAX.saturating_sub(self.next.triggers.len());
        let services = touched.services.iter().take(room);
        self.next.triggers.extend(services.map(|name| (name.clone(), trigger)));
    }

    /// A value of this generation shows all of it.
    pub(crate) fn published(&mut self, generation: u64) {
        let heard = Heard { generation, ..std::mem::take(&mut self.next) };
        if !(heard.batches.is_empty() && heard.triggers.is_empty()) {
            self.recent.push(heard);
        }
    }

    pub(crate) const fn recent(&self) -> &Recent {
        &self.recent
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    fn moment() -> Instant {
        Instant::now()
    }

    fn generations(recent: &Recent, after: u64) -> Vec<u64> {
        recent.after(after).map(|heard| heard.generation).collect()
    }

    #[test]
    fn a_reader_that_misses_values_hears_of_their_events_up_to_a_bound() {
        let (mut hearing, at) = (Hearing::default(), moment());
        for generation in 1..=70 {
            // Nothing came for every fifth one.
            if generation % 5 != 0 {
                hearing.batch(at);
            }
            hearing.published(generation);
        }
        let recent = hearing.recent();
        assert_eq!(generations(recent, 66), [67, 68, 69]);
        assert_eq!(recent.after(0).count(), 56);
        for generation in 71..=200 {
            hearing.batch(at);
            hearing.published(generation);
        }
        assert_eq!(generations(hearing.recent(), 0), (137..=200).collect::<Vec<_>>());
    }

    #[test]
    fn what_happened_before_the_start_and_what_is_too_much_is_not_measured() {
        let (mut hearing, started) = (Hearing::default(), SystemTime::UNIX_EPOCH);
        let name = |number: usize| ServiceName::new("shop", format!("s{number}"));
        let later = started + Duration::from_secs(1);
        let touched = |trigger, services: Vec<ServiceName>| Touched { services, trigger };
        hearing.touched(&touched(Some(started), vec![name(0)]), started);
        hearing.touched(&touched(None, vec![name(0)]), started);
        hearing.touched(&touched(Some(later), (0..5_000).map(name).collect()), started);
        hearing.published(1);
        let triggers = (0..4_096).map(|number| (name(number), later)).collect();
        let expected = Heard { generation: 1, batches: Vec::new(), triggers };
        assert_eq!(hearing.recent().after(0).collect::<Vec<_>>(), [&expected]);
    }
}
