//! What is this node for one address?

use std::net::IpAddr;
use std::time::Duration;

use model::{Mac, NodeName};

use super::Announcer;
use crate::action::{Action, Event, Release, Unable};
use crate::hello::{Change, Standing};
use crate::settings::ANNOUNCE_AT;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Standby,
    /// Asked so often whether anybody has it, next at.
    Detecting {
        asked: u8,
        next: Duration,
    },
    /// Announced so often since it began, or had to begin again.
    Owner {
        from: Duration,
        announced: usize,
    },
    Conflict {
        mac: Mac,
        until: Duration,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) phase: Phase,
    pub(super) since: Duration,
    /// Some candidate had it: nobody else is expected to.
    pub(super) was_held: bool,
    /// The candidate that was last heard on the wire to have it.
    pub(super) heard_of: Option<NodeName>,
    pub(super) unable: Option<Unable>,
    pub(super) able_since: Option<Duration>,
    pub(super) is_candidate: bool,
    /// Others may not know yet that it is none any more.
    pub(super) was_candidate: bool,
    /// Since when nobody before it can answer.
    pub(super) first_since: Option<Duration>,
    /// It is somebody else's, who has not taken it yet.
    pub(super) releasing_since: Option<Duration>,
    /// Since when another says that it answers as well.
    pub(super) contested_since: Option<Duration>,
    /// Which node last answered though it says that it cannot, and when.
    pub(super) intruder: Option<(NodeName, Duration)>,
    pub(super) corrected_at: Option<Duration>,
    pub(super) defended_at: Option<Duration>,
    pub(super) conflicts: u32,
}

impl Hold {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            phase: Phase::Standby,
            since: now,
            was_held: false,
            heard_of: None,
            unable: None,
            able_since: None,
            is_candidate: false,
            was_candidate: false,
            first_since: None,
            releasing_since: None,
            contested_since: None,
            intruder: None,
            corrected_at: None,
            defended_at: None,
            conflicts: 0,
        }
    }

    pub(super) const fn is_owner(&self) -> bool {
        matches!(self.phase, Phase::Owner { .. })
    }

    pub(super) fn next_announcement(&self) -> Option<Duration> {
        let Phase::Owner { from, announced } = self.phase else { return None };
        ANNOUNCE_AT.get(announced).map(|after| from + *after)
    }

    fn standing(&self) -> Standing {
        match self.phase {
            Phase::Owner { .. } => Standing::Owner,
            Phase::Conflict { .. } => Standing::Unable,
            Phase::Standby | Phase::Detecting { .. } if self.is_candidate => {
                self.unable.map_or(Standing::Standby, |_| Standing::Unable)
            }
            Phase::Standby | Phase::Detecting { .. } if self.was_candidate => Standing::Unable,
            Phase::Standby | Phase::Detecting { .. } => Standing::Standby,
        }
    }
}

impl Announcer {
    pub(super) fn own(&mut self, address: IpAddr) {
        let now = self.now;
        let Some(hold) = self.holds.get_mut(&address) else { return };
        hold.phase = Phase::Owner { from: now, announced: 0 };
        hold.since = now;
        hold.was_held = true;
        hold.heard_of = None;
        hold.releasing_since = None;
        hold.conflicts = 0;
        self.counts.owned += 1;
        self.actions.push(Action::Tell(Event::Owned { address }));
        self.tell_standing(address);
        // Another may have it as well.
        self.is_dirty = true;
    }

    pub(super) fn release(&mut self, address: IpAddr, reason: Release) {
        let now = self.now;
        let Some(hold) = self.holds.get_mut(&address).filter(|hold| hold.is_owner()) else {
            return;
        };
        hold.phase = Phase::Standby;
        hold.since = now;
        hold.releasing_since = None;
        // Others may have taken it, and somebody who is no candidate, while nobody was heard.
        hold.was_held &=
            !matches!(reason, Release::Slept | Release::Unable(Unable::CutOff | Unable::NoLink));
        self.counts.released += 1;
        self.actions.push(Action::Tell(Event::Released { address, reason }));
        self.tell_standing(address);
        self.is_dirty = true;
    }

    /// Leaves the address to whoever has it without being a candidate, for a while.
    pub(super) fn give_way(&mut self, address: IpAddr, mac: Mac) {
        let now = self.now;
        let Some(hold) = self.holds.get_mut(&address) else { return };
        let is_owned = hold.is_owner();
        let pause = self
            .settings
            .conflict_pause
            .saturating_mul(1 << hold.conflicts.min(16))
            .min(self.settings.conflict_pause_max);
        hold.conflicts += 1;
        hold.phase = Phase::Conflict { mac, until: now + pause };
        hold.since = now;
        self.counts.conflicts += 1;
        self.actions.push(Action::Tell(Event::Conflict { address, mac, is_owned }));
        self.tell_standing(address);
        self.is_dirty = true;
    }

    pub(super) fn tell_standing(&mut self, address: IpAddr) {
        if let Some(hold) = self.holds.get(&address) {
            let standing = hold.standing();
            self.tell(Change::Vip { address, standing });
        }
    }

    /// Says once more where these addresses are, as far as they are here.
    pub(super) fn announce_addresses_again(&mut self, addresses: &[IpAddr]) {
        for address in addresses {
            if let Some(hold) = self.holds.get_mut(address)
                && let Phase::Owner { from, announced } = &mut hold.phase
            {
                (*from, *announced) = (self.now, 0);
            }
        }
    }

    /// Likewise those that a node may have had while it was not heard.
    pub(super) fn announce_past(&mut self, node: &NodeName) {
        let shared = self.view.vips.iter().filter(|(_, vip)| vip.candidates.contains(node));
        let shared: Vec<IpAddr> = shared.map(|(address, _)| *address).collect();
        self.announce_addresses_again(&shared);
    }

    /// Likewise those on certain links.
    pub(super) fn announce_again(&mut self, is_meant: impl Fn(IpAddr, &[u32]) -> bool) {
        let meant: Vec<IpAddr> = self
            .holds
            .iter()
            .filter(|(address, hold)| {
                hold.is_owner() && is_meant(**address, &self.links_of(**address))
            })
            .map(|(address, _)| *address)
            .collect();
        self.announce_addresses_again(&meant);
    }
}
