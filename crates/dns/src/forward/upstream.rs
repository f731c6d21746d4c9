//! What is known of an upstream: is it there, how fast is it, does it lead back to us?

use std::time::{Duration, Instant};

use super::exchange::ExchangeId;
use super::{RuleId, Settings, Upstream, UpstreamState, UpstreamStats};

/// Times to an answer that are looked back at.
const RECENT: usize = 64;

/// Times that must be known before any of them is called slow.
const RECENT_LEAST: usize = 8;

/// Below, a hedge would only follow the noise of the network.
const HEDGE_LEAST: Duration = Duration::from_millis(2);

/// Looking back costs more than one answer is worth.
const ANSWERS_PER_LOOK: usize = 8;

#[derive(Debug)]
pub(super) struct Standing {
    pub upstream: Upstream,
    pub rule: RuleId,
    pub stats: UpstreamStats,
    pub is_down: bool,
    pub is_looping: bool,
    /// Failures in a row.
    fails: u32,
    recent: Vec<Duration>,
    oldest: usize,
    /// The time within which 95 of 100 recent answers came, as it was a few answers ago.
    usual_most: Option<Duration>,
    answers: usize,
    /// The smoothed time to an answer, and how much it varies (RFC 6298).
    smoothed: Option<(Duration, Duration)>,
    pub health: Probe,
    pub cycle: LoopProbe,
}

/// Asks whether it is back.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub at: Option<Instant>,
    pub exchange: Option<ExchangeId>,
}

/// Asks whether it leads back to us.
#[derive(Debug, Default)]
pub(super) struct LoopProbe {
    pub at: Option<Instant>,
    pub exchange: Option<ExchangeId>,
    /// The name that was asked for last.
    pub name: Box<[u8]>,
    /// How many were sent since one was answered.
    pub tries: u32,
    /// It came back.
    pub is_seen: bool,
}

impl Standing {
    pub(super) fn new(upstream: Upstream, rule: RuleId, now: Instant) -> Self {
        Self {
            upstream,
            rule,
            stats: UpstreamStats::default(),
            is_down: false,
            is_looping: false,
            fails: 0,
            recent: Vec::new(),
            oldest: 0,
            usual_most: None,
            answers: 0,
            smoothed: None,
            health: Probe::default(),
            cycle: LoopProbe { at: Some(now), ..LoopProbe::default() },
        }
    }

    pub(super) const fn is_usable(&self) -> bool {
        !self.is_down && !self.is_looping
    }

    /// When it wants to be woken.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.health.at.into_iter().chain(self.cycle.at).min()
    }

    /// It answered, whatever it said. True when it was down.
    pub(super) fn answered(&mut self, rtt: Duration) -> bool {
        self.fails = 0;
        self.health.at = None;
        self.stats.rtts.add(rtt);
        self.stats.loss_permille -= self.stats.loss_permille.div_ceil(8);
        if self.recent.len() < RECENT {
            self.recent.push(rtt);
        } else if let Some(oldest) = self.recent.get_mut(self.oldest) {
            *oldest = rtt;
            self.oldest = (self.oldest + 1) % RECENT;
        }
        self.answers = self.answers.wrapping_add(1);
        if self.answers.is_multiple_of(ANSWERS_PER_LOOK) || self.recent.len() == RECENT_LEAST {
            self.look_back();
        }
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2),
            Some((mean, spread)) => ((mean * 7 + rtt) / 8, (spread * 3 + mean.abs_diff(rtt)) / 4),
        });
        std::mem::take(&mut self.is_down)
    }

    /// It did not. True when it is down from now on.
    pub(super) fn failed(&mut self, max_fails: u32, settings: &Settings, now: Instant) -> bool {
        self.fails = self.fails.saturating_add(1);
        self.stats.loss_permille += (1_000 - self.stats.loss_permille) / 8;
        if self.is_down || self.is_looping || max_fails == 0 || self.fails < max_fails {
            return false;
        }
        self.is_down = true;
        self.health.at = Some(now + settings.health_interval);
        true
    }

    /// How long it is given to answer.
    pub(super) fn attempt_timeout(&self, settings: &Settings) -> Duration {
        self.smoothed.map_or(settings.attempt_most / 2, |(mean, spread)| {
            (mean + spread * 4).clamp(settings.attempt_least, settings.attempt_most)
        })
    }

    /// The time within which 95 of 100 recent answers came; not known at the start.
    pub(super) const fn usual_most(&self) -> Option<Duration> {
        self.usual_most
    }

    fn look_back(&mut self) {
        if self.recent.len() >= RECENT_LEAST {
            let mut recent = self.recent.clone();
            let at = recent.len() * 95 / 100;
            let (_, usual, _) = recent.select_nth_unstable(at);
            self.usual_most = Some((*usual).max(HEDGE_LEAST));
        }
    }

    pub(super) fn counted(&self) -> UpstreamStats {
        let state = match (self.is_looping, self.is_down) {
            (true, _) => UpstreamState::Looping,
            (false, true) => UpstreamState::Down,
            (false, false) => UpstreamState::Up,
        };
        UpstreamStats { state, rtt: self.smoothed.map(|(mean, _)| mean), ..self.stats }
    }
}
