//! Which hellos are due?

use std::time::Duration;

use model::NodeName;

use super::Announcer;
use super::session::Tier;
use crate::action::Action;
use crate::hello::Hello;
use crate::settings::BURST_MAX;

impl Announcer {
    pub(super) fn say_hellos(&mut self) {
        let now = self.now;
        let due: Vec<NodeName> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.next_send <= now)
            .map(|(node, _)| node.clone())
            .collect();
        for node in due {
            self.say_hello(&node);
        }
    }

    /// As many hellos as the other's lack of news takes.
    fn say_hello(&mut self, node: &NodeName) {
        let now = self.now;
        let version = self.journal.version();
        let Some(session) = self.sessions.get_mut(node) else { return };
        let interval = session.interval(&self.settings);
        session.sent_at = Some(now);
        session.next_send = now + interval;
        let mut from = session.told;
        for _ in 0..BURST_MAX {
            let (changes, to) = self.journal.since(from);
            let Some(address) = session.next_address() else { return };
            self.sequence += 1;
            session.turn += 1;
            let hears = session.hears(&self.settings, now);
            let hello = Hello {
                life: self.life,
                hears: session.heard.as_ref().filter(|_| hears).map(|heard| heard.life),
                is_leaving: self.leaving_since.is_some(),
                is_needed: session.tier != Tier::Passive,
                interval: interval.max(Duration::from_millis(1)),
                sequence: self.sequence,
                knows: session.known(),
                has_forgotten: session.heard.as_ref().map_or(0, |heard| heard.has_forgotten),
                revision: self.view.revision,
                version,
                forgets: self.journal.forgotten(),
                from,
                to,
                changes,
            };
            let bytes = hello.encode();
            self.counts.hellos_sent += 1;
            self.counts.hello_bytes_sent += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.actions.push(Action::Hello { to: address, bytes });
            if to == version {
                return;
            }
            from = to;
        }
    }
}
