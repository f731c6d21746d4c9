//! What does a node show of what it knows?

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::{Mac, NodeName};

use super::Announcer;
use super::hold::Phase;
use super::session::{Connection, Tier};
use crate::action::{Holding, Role, Shown};
use crate::hello::Standing;
use crate::problem::Problem;
use crate::settings::INTRUSION_SHOWN;

impl Announcer {
    /// Every address that is announced by somebody.
    #[must_use]
    pub fn holdings(&self) -> BTreeMap<IpAddr, Holding> {
        self.holds.keys().filter_map(|address| Some((*address, self.holding(*address)?))).collect()
    }

    /// One of them.
    #[must_use]
    pub fn holding(&self, address: IpAddr) -> Option<Holding> {
        let hold = self.holds.get(&address)?;
        let role = match (&hold.phase, hold.unable) {
            (Phase::Owner { .. }, _) => Role::Owner,
            (Phase::Conflict { mac, .. }, _) => Role::Conflict(*mac),
            (Phase::Standby | Phase::Detecting { .. }, _) if !hold.is_candidate => Role::Bystander,
            (Phase::Standby | Phase::Detecting { .. }, Some(unable)) => Role::Unable(unable),
            (Phase::Detecting { .. }, None) => Role::Detecting,
            (Phase::Standby, None) => Role::Standby,
        };
        let others = self.sessions.iter().filter(|(_, session)| {
            session.connection == Connection::Up && session.standing(address) == Standing::Owner
        });
        let own = hold.is_owner().then(|| self.me.clone());
        let owners = own.into_iter().chain(others.map(|(node, _)| node.clone())).collect();
        Some(Holding { role, since: hold.since, owners })
    }

    /// What somebody should put right, in an order that stays.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let contested = self.holds.iter().filter_map(|(address, hold)| {
            let until = hold.contested_since? + self.settings.contest_most;
            let (_, node) = self.rival(*address).filter(|_| until <= self.now)?;
            Some(Problem::Contested { address: *address, node: node.clone() })
        });
        let intruding = self.holds.iter().filter_map(|(address, hold)| {
            let (node, at) = hold.intruder.as_ref()?;
            let is_shown = self.now < *at + INTRUSION_SHOWN;
            is_shown.then(|| Problem::Intruding { address: *address, node: node.clone() })
        });
        let needed = self.sessions.values().filter(|session| session.tier != Tier::Passive);
        let nodes = needed.clone().count();
        let is_alone = !self.was_ever_heard
            && nodes > 0
            && needed.clone().all(|session| session.connection == Connection::Down);
        let unheard = is_alone.then_some(Problem::Unheard { nodes });
        contested.chain(intruding).chain(unheard).collect()
    }

    /// From which link-layer addresses each node may announce, as far as this one hears it: its own, and
    /// those of the nodes that it has to do with.
    #[must_use]
    pub fn macs(&self) -> BTreeMap<NodeName, Vec<Mac>> {
        let heard = self.sessions.iter().filter_map(|(node, session)| {
            let macs = &session.heard.as_ref()?.macs;
            (!macs.is_empty()).then(|| (node.clone(), macs.iter().copied().collect()))
        });
        let own = (self.me.clone(), self.told_macs.iter().copied().collect());
        heard.chain([own]).collect()
    }

    /// The nodes that this one has to do with.
    #[must_use]
    pub fn peers(&self) -> BTreeMap<NodeName, Shown> {
        let shown = |session: &super::Session| Shown {
            is_up: match session.connection {
                Connection::Unknown => None,
                Connection::Up => Some(true),
                Connection::Down => Some(false),
            },
            since: session.since,
            is_leaving: session.is_leaving(),
        };
        self.sessions.iter().map(|(node, session)| (node.clone(), shown(session))).collect()
    }
}
