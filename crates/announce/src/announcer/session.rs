//! Is another node there, does it hear us, and what does it say of itself?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use model::{Mac, NodeName};

use crate::hello::{Change, Hello, Standing};
use crate::settings::{PEER_MACS_MAX, PEER_OPINIONS_MAX, PEER_VIPS_MAX, SPACING, Settings};

/// How closely two nodes watch each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// One may have to take over from the other at once.
    Close,
    /// Only after several others.
    Watching,
    /// Only when all of those are gone, or never were there.
    Distant,
    /// Only the other one wants it.
    Passive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Unknown,
    /// Both hear each other.
    Up,
    Down,
}

/// What questions on the wire say of a node that is not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wire {
    /// Nobody asked.
    Unasked,
    /// Asked so often, next at; for these addresses on these links.
    Asking {
        asked: u8,
        next: Duration,
        samples: Vec<(u32, IpAddr)>,
    },
    Silent,
    Answered {
        at: Duration,
    },
}

/// What a node has said of itself in one of its lives.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) life: u64,
    pub(super) from: IpAddr,
    pub(super) at: Duration,
    pub(super) interval: Duration,
    pub(super) is_leaving: bool,
    pub(super) is_needed: bool,
    pub(super) revision: u64,
    pub(super) hears_me: bool,
    pub(super) vips: BTreeMap<IpAddr, Standing>,
    pub(super) peers: BTreeMap<NodeName, bool>,
    pub(super) macs: BTreeSet<Mac>,
    sequence: u64,
    /// What is known of its state, and what it has.
    known: u64,
    version: u64,
    pub(super) has_forgotten: u64,
}

/// What this node has told: in which life, up to which version, and up to which it has forgotten what
/// is as if never told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) life: u64,
    pub(super) version: u64,
    pub(super) forgotten: u64,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) tier: Tier,
    /// Between two hellos of the distant.
    pub(super) pace: Duration,
    pub(super) connection: Connection,
    pub(super) since: Duration,
    pub(super) heard: Option<Heard>,
    pub(super) wire: Wire,
    /// What the other one knows of our state.
    pub(super) told: u64,
    /// Counts the hellos to it.
    pub(super) turn: u64,
    pub(super) sent_at: Option<Duration>,
    pub(super) next_send: Duration,
}

/// What came of a hello.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Something that decides who answers for what.
    pub(super) is_news: bool,
    /// The other should hear of us at once.
    pub(super) is_urgent: bool,
    /// Addresses that it no longer answers for.
    pub(super) dropped: Vec<IpAddr>,
    /// Addresses that it answers for.
    pub(super) taken: Vec<IpAddr>,
}

impl Session {
    pub(super) fn new(addresses: Vec<IpAddr>, tier: Tier, now: Duration) -> Self {
        Self {
            addresses,
            tier,
            pace: Duration::ZERO,
            connection: Connection::Unknown,
            since: now,
            heard: None,
            wire: Wire::Unasked,
            told: 0,
            turn: 0,
            sent_at: None,
            next_send: now,
        }
    }

    /// Whether a hello came lately.
    pub(super) fn hears(&self, settings: &Settings, now: Duration) -> bool {
        self.heard.as_ref().is_some_and(|heard| now < heard.at + settings.hold(heard.interval))
    }

    /// Whether both hear each other, and all that the other says of itself is known.
    fn is_sound(&self, settings: &Settings, now: Duration) -> bool {
        let is_synced = |heard: &Heard| heard.known == heard.version;
        self.hears(settings, now)
            && self.heard.as_ref().is_some_and(|heard| {
                heard.hears_me && (is_synced(heard) || self.connection == Connection::Up)
            })
    }

    /// Goes with the time: whether the connection is another one.
    pub(super) fn settle(&mut self, settings: &Settings, now: Duration) -> bool {
        let is_sound = self.is_sound(settings, now);
        let next = match self.connection {
            Connection::Unknown if !is_sound && now < self.since + settings.start_wait => {
                Connection::Unknown
            }
            Connection::Unknown | Connection::Up | Connection::Down if is_sound => Connection::Up,
            Connection::Unknown | Connection::Up | Connection::Down => Connection::Down,
        };
        let is_changed = next != self.connection;
        if is_changed {
            self.connection = next;
            self.since = now;
            if next == Connection::Up {
                self.wire = Wire::Unasked;
            }
        }
        is_changed
    }

    /// When time alone changes something.
    pub(super) fn next_change(&self, settings: &Settings, now: Duration) -> Option<Duration> {
        let heard = self.heard.as_ref();
        let silence = heard.map(|heard| heard.at + settings.hold(heard.interval));
        let suspicion = heard.map(|heard| heard.at + settings.suspicion(heard.interval));
        let change = match self.connection {
            Connection::Unknown => Some(self.since + settings.start_wait),
            Connection::Up => silence.min(suspicion.filter(|at| now < *at).or(silence)),
            Connection::Down => silence.filter(|at| now < *at),
        };
        let asks = match &self.wire {
            _ if !self.is_asked_for(settings, now) => None,
            Wire::Asking { next, .. } => Some(*next),
            Wire::Answered { at } => Some(*at + settings.probe_pause),
            Wire::Unasked | Wire::Silent => None,
        };
        change.into_iter().chain(asks).min()
    }

    /// Whether this node asks for it on the wire.
    pub(super) fn is_asked_for(&self, settings: &Settings, now: Duration) -> bool {
        self.tier != Tier::Passive && self.is_suspect(settings, now)
    }

    /// Whether it has been silent for longer than hellos are apart.
    fn is_suspect(&self, settings: &Settings, now: Duration) -> bool {
        match self.connection {
            Connection::Unknown => false,
            Connection::Down => true,
            Connection::Up => self.heard.as_ref().is_some_and(|heard| {
                now >= heard.at + settings.suspicion(heard.interval) || !heard.hears_me
            }),
        }
    }

    pub(super) fn interval(&self, settings: &Settings) -> Duration {
        let wanted = match self.tier {
            Tier::Close => settings.interval,
            Tier::Watching => settings.slow_interval,
            Tier::Distant => settings.slow_interval.max(self.pace),
            Tier::Passive => {
                self.heard.as_ref().map_or(settings.slow_interval, |heard| heard.interval)
            }
        };
        match self.connection {
            Connection::Down => wanted.max(settings.retry_interval),
            // A lost hello is not to cost a whole pace.
            Connection::Unknown if self.tier == Tier::Distant => settings.retry_interval,
            Connection::Unknown | Connection::Up => wanted.max(settings.interval),
        }
    }

    pub(super) fn hurry(&mut self, now: Duration) {
        let soonest = self.sent_at.map_or(now, |sent| (sent + SPACING).max(now));
        self.next_send = self.next_send.min(soonest);
    }

    /// Where the next hello goes: to all of its addresses in turn, as long as none is known to work.
    pub(super) fn next_address(&self) -> Option<IpAddr> {
        let heard = self.heard.as_ref().filter(|_| self.connection == Connection::Up);
        heard.map(|heard| heard.from).or_else(|| {
            let n = u64::try_from(self.addresses.len()).ok()?;
            let turn = self.turn.checked_rem(n)?;
            self.addresses.get(usize::try_from(turn).ok()?).copied()
        })
    }

    pub(super) fn standing(&self, address: IpAddr) -> Standing {
        let vips = self.heard.as_ref().map(|heard| &heard.vips);
        vips.and_then(|vips| vips.get(&address)).copied().unwrap_or_default()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.is_leaving)
    }

    pub(super) fn has_mac(&self, mac: Mac) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.macs.contains(&mac))
    }

    /// The version of its state that is known.
    pub(super) fn known(&self) -> u64 {
        self.heard.as_ref().map_or(0, |heard| heard.known)
    }

    /// Whether it claims another life of the node without knowing what only the node is told.
    pub(super) fn is_unproven(&self, hello: &Hello, own: Own) -> bool {
        let is_other = self.heard.as_ref().is_some_and(|heard| heard.life != hello.life);
        is_other && hello.hears != Some(own.life)
    }

    /// Takes a hello, unless it is older than another one.
    pub(super) fn hear(
        &mut self,
        hello: &Hello,
        from: IpAddr,
        own: Own,
        settings: &Settings,
        now: Duration,
    ) -> Option<News> {
        let mut news = News { is_urgent: !self.hears(settings, now), ..News::default() };
        let hears_me = hello.hears == Some(own.life);
        let old = self.heard.take();
        let is_same_life = old.as_ref().is_some_and(|old| old.life == hello.life);
        let mut heard = match old {
            Some(old) if is_same_life && hello.sequence <= old.sequence => {
                self.heard = Some(old);
                return None;
            }
            Some(old) if is_same_life => old,
            old => {
                // What a former life had is nobody's now; its link-layer addresses are the same.
                news.is_news = true;
                news.is_urgent = true;
                let macs = old.map(|old| old.macs).unwrap_or_default();
                if self.connection == Connection::Up {
                    self.connection = Connection::Down;
                    self.since = now;
                    self.wire = Wire::Unasked;
                }
                Heard::new(hello, from, macs)
            }
        };
        let is_known = hears_me && hello.knows <= own.version;
        let is_whole = hello.knows.max(hello.has_forgotten) >= own.forgotten;
        self.told = if is_known && is_whole { hello.knows } else { 0 };
        news.is_news |= heard.is_leaving != hello.is_leaving || heard.hears_me != hears_me;
        heard.from = from;
        heard.at = now;
        heard.interval = hello.interval;
        heard.sequence = hello.sequence;
        heard.version = hello.version;
        heard.is_leaving = hello.is_leaving;
        heard.is_needed = hello.is_needed;
        heard.revision = hello.revision;
        heard.hears_me = hears_me;
        heard.forget(hello, &mut news);
        if hello.from <= heard.known && hello.to > heard.known {
            heard.known = hello.to;
            hello.changes.iter().for_each(|change| heard.take(change, &mut news));
        }
        self.heard = Some(heard);
        Some(news)
    }
}

impl Heard {
    fn new(hello: &Hello, from: IpAddr, macs: BTreeSet<Mac>) -> Self {
        Self {
            life: hello.life,
            from,
            at: Duration::ZERO,
            interval: hello.interval,
            is_leaving: false,
            is_needed: false,
            revision: 0,
            hears_me: false,
            vips: BTreeMap::new(),
            peers: BTreeMap::new(),
            macs,
            sequence: hello.sequence,
            known: 0,
            version: hello.version,
            has_forgotten: 0,
        }
    }

    /// Begins again with nothing, if it missed that something became as if never told.
    fn forget(&mut self, hello: &Hello, news: &mut News) {
        if hello.from != 0 || self.known.max(self.has_forgotten) >= hello.forgets {
            return;
        }
        self.has_forgotten = hello.forgets;
        if self.known == 0 {
            return;
        }
        self.known = 0;
        let owned = self.vips.iter().filter(|(_, standing)| **standing == Standing::Owner);
        news.dropped.extend(owned.map(|(address, _)| *address));
        news.is_news = true;
        self.vips.clear();
        self.peers.clear();
        self.macs.clear();
    }

    fn take(&mut self, change: &Change, news: &mut News) {
        match change {
            Change::Vip { address, standing } => {
                let old = self.vips.get(address).copied().unwrap_or_default();
                news.is_news |= old != *standing;
                if *standing == Standing::Owner {
                    news.taken.push(*address);
                } else if old == Standing::Owner {
                    news.dropped.push(*address);
                }
                if *standing == Standing::Standby {
                    self.vips.remove(address);
                } else if self.vips.len() < PEER_VIPS_MAX || self.vips.contains_key(address) {
                    self.vips.insert(*address, *standing);
                }
            }
            Change::Peer { node, is_up } => {
                news.is_news = true;
                match is_up {
                    Some(is_up) => {
                        let is_known = self.peers.contains_key(node);
                        if is_known || self.peers.len() < PEER_OPINIONS_MAX {
                            self.peers.insert(node.clone(), *is_up);
                        }
                    }
                    None => {
                        self.peers.remove(node);
                    }
                }
            }
            Change::Mac { mac, is_own: true } if self.macs.len() < PEER_MACS_MAX => {
                self.macs.insert(*mac);
            }
            Change::Mac { mac, is_own } => {
                if !is_own {
                    self.macs.remove(mac);
                }
            }
        }
    }
}
