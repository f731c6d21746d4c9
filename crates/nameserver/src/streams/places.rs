//! Which streams are there, and which of them gives way to a newcomer?
//!
//! A stream is idle while none of its questions waits for an answer. So one that never completes a
//! question is idle too, and gives way.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::options::StreamBounds;

use super::Hall;

/// A stream, as the thread knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceId(u64);

/// All streams of the thread.
#[derive(Debug, Default)]
pub(crate) struct Places {
    next: u64,
    held: BTreeMap<PlaceId, Place>,
    by_address: BTreeMap<IpAddr, usize>,
    /// Idle streams by when they became so, counted.
    idle: BTreeMap<u64, PlaceId>,
    empty: Rc<Notify>,
}

#[derive(Debug)]
struct Place {
    client: IpAddr,
    idle_since: Option<u64>,
    task: Option<AbortHandle>,
}

impl Places {
    /// A place for a newcomer, who begins idle. Who must give way for that is closed. Says how many
    /// did.
    pub(super) fn take(&mut self, client: IpAddr, bounds: &StreamBounds) -> (u8, Option<PlaceId>) {
        let mut evicted = 0;
        if self.of(client) >= bounds.per_address_max {
            if !self.evict_first(|place| place.client == client) {
                return (evicted, None);
            }
            evicted += 1;
        }
        if self.held.len() >= bounds.connections_max {
            if !self.evict_oldest() {
                return (evicted, None);
            }
            evicted += 1;
        }
        let id = PlaceId(self.next());
        *self.by_address.entry(client).or_default() += 1;
        self.held.insert(id, Place { client, idle_since: None, task: None });
        self.set_idle(id, true);
        (evicted, Some(id))
    }

    fn of(&self, client: IpAddr) -> usize {
        self.by_address.get(&client).copied().unwrap_or(0)
    }

    const fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn set_task(&mut self, id: PlaceId, task: AbortHandle) {
        if let Some(place) = self.held.get_mut(&id) {
            place.task = Some(task);
        }
    }

    /// Whether a stream has no question. Idle again, it is the last to give way.
    pub(super) fn set_idle(&mut self, id: PlaceId, is_idle: bool) {
        let now = self.next();
        let Some(place) = self.held.get_mut(&id) else { return };
        if let Some(since) = std::mem::replace(&mut place.idle_since, is_idle.then_some(now)) {
            self.idle.remove(&since);
        }
        if is_idle {
            self.idle.insert(now, id);
        }
    }

    /// Closes the stream that is idle for longest.
    pub(super) fn evict_oldest(&mut self) -> bool {
        self.evict_first(|_| true)
    }

    fn evict_first(&mut self, may: impl Fn(&Place) -> bool) -> bool {
        let may = |id: &&PlaceId| self.held.get(id).is_some_and(&may);
        let Some(id) = self.idle.values().find(may).copied() else { return false };
        if let Some(task) = self.leave(id) {
            task.abort();
        }
        true
    }

    fn leave(&mut self, id: PlaceId) -> Option<AbortHandle> {
        let place = self.held.remove(&id)?;
        if let Some(since) = place.idle_since {
            self.idle.remove(&since);
        }
        if let Some(count) = self.by_address.get_mut(&place.client) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&place.client);
            }
        }
        if self.held.is_empty() {
            self.empty.notify_one();
        }
        place.task
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Told when the last stream has gone, at once if there is none.
    pub(super) fn empty(&self) -> Rc<Notify> {
        if self.held.is_empty() {
            self.empty.notify_one();
        }
        Rc::clone(&self.empty)
    }
}

/// A stream's place, as long as its task lives.
pub(super) struct Held {
    pub(super) hall: Rc<Hall>,
    pub(super) place: PlaceId,
}

impl Held {
    pub(super) fn set_idle(&self, is_idle: bool) {
        self.hall.places.borrow_mut().set_idle(self.place, is_idle);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hall.desk.borrow().answerer.counters.connections_closed.add(1);
        drop(self.hall.places.borrow_mut().leave(self.place));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ALICE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    fn bounds(connections_max: usize, per_address_max: usize) -> StreamBounds {
        StreamBounds { connections_max, per_address_max, ..StreamBounds::default() }
    }

    fn held(places: &Places) -> Vec<PlaceId> {
        places.held.keys().copied().collect()
    }

    #[test]
    fn the_longest_idle_gives_way_to_a_newcomer() {
        let (mut places, bounds) = (Places::default(), bounds(3, 3));
        let take = |places: &mut Places, client| places.take(client, &bounds).1.unwrap();
        let (first, second, third) =
            (take(&mut places, ALICE), take(&mut places, ALICE), take(&mut places, ALICE));
        // The first has a question, the second had one and is idle since then.
        places.set_idle(first, false);
        places.set_idle(second, false);
        places.set_idle(second, true);
        assert!(places.evict_oldest());
        assert_eq!(held(&places), [first, second]);
        let fourth = take(&mut places, BOB);
        let fifth = places.take(BOB, &bounds);
        assert_eq!(fifth.0, 1);
        assert_eq!(held(&places), [first, fourth, fifth.1.unwrap()]);
        assert_eq!(places.idle.len(), 2);
        assert_ne!(third, fourth);
    }

    #[test]
    fn a_client_at_its_bound_closes_its_own_and_not_others() {
        let (mut places, bounds) = (Places::default(), bounds(9, 2));
        let mut take = |client| places.take(client, &bounds).1.unwrap();
        let (others, _first, second) = (take(BOB), take(ALICE), take(ALICE));
        let third = take(ALICE);
        assert_eq!(held(&places), [others, second, third]);
    }

    #[test]
    fn without_an_idle_one_the_newcomer_gets_no_place() {
        let (mut places, bounds) = (Places::default(), bounds(1, 1));
        let first = places.take(ALICE, &bounds).1.unwrap();
        places.set_idle(first, false);
        assert_eq!(places.take(ALICE, &bounds), (0, None));
        assert_eq!(places.take(BOB, &bounds), (0, None));
        places.leave(first);
        assert_eq!((places.by_address.len(), places.idle.len()), (0, 0));
    }
}
