//! What is known of each node, by our own ears and by hearsay?

use std::collections::BTreeMap;

use model::NodeName;

use super::Announcer;
use super::session::{Connection, Wire};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Up,
    /// Not heard here, but by somebody who is: it is there.
    Veiled,
    /// Nothing is known yet.
    Unknown,
    /// Not heard by anybody, and not yet asked for on the wire to the end; or it answered there.
    Doubtful,
    /// Not heard by anybody, and silent on the wire.
    Gone,
}

impl Fate {
    /// Whether the next candidate must get ready in its place.
    pub(super) const fn is_missing(self) -> bool {
        matches!(self, Self::Doubtful | Self::Gone)
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Opinions {
    up: usize,
    down: usize,
}

/// What is known at one moment.
#[derive(Debug, Default)]
pub(super) struct Fates(BTreeMap<NodeName, Fate>);

impl Fates {
    pub(super) fn of(&self, node: &NodeName) -> Fate {
        self.0.get(node).copied().unwrap_or(Fate::Unknown)
    }
}

impl Announcer {
    pub(super) fn fates(&self) -> Fates {
        let mut opinions: BTreeMap<&NodeName, Opinions> = BTreeMap::new();
        for session in self.sessions.values() {
            let heard = session.heard.as_ref().filter(|_| session.connection == Connection::Up);
            for (node, is_up) in heard.into_iter().flat_map(|heard| &heard.peers) {
                let opinions = opinions.entry(node).or_default();
                if *is_up { opinions.up += 1 } else { opinions.down += 1 }
            }
        }
        let mut fates = BTreeMap::new();
        for (node, opinions) in &opinions {
            if opinions.down > 0 && opinions.up == 0 {
                fates.insert((*node).clone(), Fate::Gone);
            }
        }
        for (node, session) in &self.sessions {
            let is_heard_by_others = opinions.get(node).is_some_and(|opinions| opinions.up > 0);
            let fate = match (session.connection, &session.wire) {
                (Connection::Unknown, _) => Fate::Unknown,
                (Connection::Up, _) => Fate::Up,
                (Connection::Down, _) if is_heard_by_others => Fate::Veiled,
                (Connection::Down, Wire::Silent) => Fate::Gone,
                (Connection::Down, _) => Fate::Doubtful,
            };
            fates.insert(node.clone(), fate);
        }
        Fates(fates)
    }
}
