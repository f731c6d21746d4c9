//! How do many questions share a stream?

use std::collections::BTreeMap;
use std::time::Instant;

use super::exchange::ExchangeId;
use super::random::Random;
use super::{Settings, UpstreamId};

#[derive(Debug)]
pub(super) struct Connection {
    pub upstream: UpstreamId,
    pub is_open: bool,
    /// Those in flight by their ID; before it is open, those to be sent.
    pub exchanges: BTreeMap<u16, ExchangeId>,
    /// When it last said anything of use; never, for a new one.
    pub heard_at: Option<Instant>,
    /// Somebody waited for it in vain, and it said nothing since.
    pub is_suspect: bool,
}

impl Connection {
    pub(super) const fn new(upstream: UpstreamId) -> Self {
        let exchanges = BTreeMap::new();
        Self { upstream, is_open: false, exchanges, heard_at: None, is_suspect: false }
    }

    pub(super) fn takes_more(&self, settings: &Settings) -> bool {
        !self.is_suspect && self.exchanges.len() < settings.in_flight_max
    }

    /// Those on it, the oldest first.
    pub(super) fn in_order(&self) -> Vec<ExchangeId> {
        let mut exchanges: Vec<ExchangeId> = self.exchanges.values().copied().collect();
        exchanges.sort_unstable();
        exchanges
    }

    /// An ID that nothing on it has.
    pub(super) fn take_id(&mut self, exchange: ExchangeId, random: &mut Random) -> u16 {
        let mut id = random.id();
        // There are far fewer in flight than IDs.
        while self.exchanges.contains_key(&id) && self.exchanges.len() < usize::from(u16::MAX) {
            id = id.wrapping_add(1);
        }
        self.exchanges.insert(id, exchange);
        id
    }
}
