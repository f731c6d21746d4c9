//! Is this node cut off from everybody?
//!
//! A node that hears none of those that would take over from it cannot tell by that alone whether
//! they are gone or it is. Hosts of the link that lately spoke to it, and its routers, know.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use model::Mac;

use super::Announcer;
use super::session::{Connection, Session, Tier};
use crate::action::{Action, Event};
use crate::settings::{ASKERS_MAX, Settings};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ask {
    #[default]
    Idle,
    Asking {
        asked: u8,
        next: Duration,
    },
    Answered {
        at: Duration,
    },
    Silent {
        at: Duration,
    },
}

/// Who on one link can say that this node is heard there.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    /// The last that asked for something, the latest at the end.
    askers: VecDeque<(IpAddr, Mac)>,
    ask: Ask,
    /// Nobody answered the last time.
    is_silent: bool,
    asked: BTreeSet<IpAddr>,
}

impl Witnesses {
    pub(super) const fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Whether an answer of one that was asked is news.
    pub(super) fn hear(&mut self, address: IpAddr, now: Duration) -> bool {
        if self.ask == Ask::Idle || !self.asked.contains(&address) {
            return false;
        }
        self.ask = Ask::Answered { at: now };
        self.is_silent = false;
        true
    }

    pub(super) fn next_change(&self, settings: &Settings) -> Option<Duration> {
        match self.ask {
            Ask::Idle => None,
            Ask::Asking { next, .. } => Some(next),
            Ask::Answered { at } | Ask::Silent { at } => Some(at + settings.probe_pause),
        }
    }
}

impl Announcer {
    pub(super) fn note_asker(&mut self, link: u32, asker: IpAddr, mac: Mac) {
        let is_node = self.by_address.contains_key(&asker)
            || self.sessions.values().any(|session| session.has_mac(mac));
        if is_node || !mac.is_unicast() {
            return;
        }
        let witnesses = self.witnesses.entry(link).or_default();
        let is_new = !witnesses.askers.iter().any(|(known, _)| *known == asker);
        witnesses.askers.retain(|(known, _)| *known != asker);
        witnesses.askers.push_back((asker, mac));
        if witnesses.askers.len() > ASKERS_MAX {
            witnesses.askers.pop_front();
        }
        // Somebody new is there to be asked.
        if is_new && witnesses.is_silent {
            witnesses.ask = Ask::Asking { asked: 0, next: self.now };
        }
    }

    /// Whether none of those that watch this node closely is heard, though there are some.
    fn is_isolated(&self) -> bool {
        let mut close =
            self.sessions.values().filter(|session| session.tier == Tier::Close).peekable();
        let is_down = |session: &Session| session.connection == Connection::Down;
        close.peek().is_some() && close.all(is_down)
    }

    pub(super) fn settle_isolation(&mut self) {
        if !self.is_isolated() {
            for (link, witnesses) in &mut self.witnesses {
                if witnesses.is_silent {
                    self.is_dirty = true;
                    self.actions.push(Action::Tell(Event::Reached { link: *link }));
                }
                witnesses.ask = Ask::Idle;
                witnesses.is_silent = false;
            }
            return;
        }
        let links: BTreeSet<u32> =
            self.view.vips.keys().flat_map(|address| self.links_of(*address)).collect();
        for (link, witnesses) in &mut self.witnesses {
            if !links.contains(link) {
                witnesses.ask = Ask::Idle;
            }
        }
        for link in links {
            self.ask_witnesses(link);
        }
    }

    fn ask_witnesses(&mut self, index: u32) {
        let now = self.now;
        let Some(link) = self.links.get(&index) else { return };
        let witnesses = self.witnesses.entry(index).or_default();
        let asked = match witnesses.ask {
            Ask::Asking { next, .. } if now < next => return,
            Ask::Asking { asked, .. } => asked,
            Ask::Answered { at } | Ask::Silent { at } if now < at + self.settings.probe_pause => {
                return;
            }
            Ask::Idle | Ask::Answered { .. } | Ask::Silent { .. } => 0,
        };
        let routers = link.gateways.iter().map(|gateway| (*gateway, None));
        let askers = witnesses.askers.iter().map(|(asker, mac)| (*asker, Some(*mac)));
        let all: Vec<(IpAddr, Option<Mac>)> = routers.chain(askers).collect();
        if all.is_empty() {
            witnesses.ask = Ask::Idle;
            return;
        }
        if asked >= self.settings.probes {
            witnesses.ask = Ask::Silent { at: now };
            self.is_dirty = true;
            if !witnesses.is_silent {
                witnesses.is_silent = true;
                self.actions.push(Action::Tell(Event::CutOff { link: index }));
            }
            return;
        }
        witnesses.ask = Ask::Asking { asked: asked + 1, next: now + self.settings.probe_interval };
        witnesses.asked = all.iter().map(|(address, _)| *address).collect();
        for (address, mac) in all {
            self.ask(index, address, mac);
        }
    }

    /// Whether nobody hears this node on any of these links. As long as that is being asked, an owner
    /// goes on, and nobody else begins.
    pub(super) fn is_cut_off(&self, links: &[u32], is_owner: bool) -> bool {
        links.iter().all(|link| {
            self.witnesses.get(link).is_some_and(|witnesses| {
                let is_asking = matches!(witnesses.ask, Ask::Asking { .. });
                witnesses.is_silent || (is_asking && !is_owner)
            })
        })
    }
}
