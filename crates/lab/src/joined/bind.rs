//! Which node does a Pod get that no scheduler gave one?

use std::sync::Arc;
use std::time::Duration;

use workload::{ObservedPod, SchedulableNode};

use super::Joined;
use super::seen::SeenNode;
use crate::cluster::Settled;

/// A scheduler has this long.
const SCHEDULER_WAIT: Duration = Duration::from_secs(1);

impl Joined {
    /// Gives a node to who has none, when no scheduler did.
    pub(super) fn bind(&mut self, now: Duration, settled: &mut Settled) {
        let live = |node: &&SeenNode| node.1 && !self.down.contains(&node.0.name);
        let open: Vec<SchedulableNode> =
            self.nodes.values().filter(live).map(|node| node.0.clone()).collect();
        let mut load = self.load();
        for (name, (seen, since)) in &self.seen {
            let life = (name.clone(), seen.uid().to_owned());
            let is_free = seen.node().is_none() && seen.deleted.is_none() && !seen.is_for_others;
            if !is_free || self.bound.contains_key(&life) {
                continue;
            }
            let at = *since + SCHEDULER_WAIT;
            if at > now {
                settled.again_at = settled.again_at.into_iter().chain([at]).min();
                continue;
            }
            match workload::schedule(&seen.pod, &open, &load) {
                Ok(node) => {
                    let mut observed = ObservedPod::created(Arc::clone(&seen.pod), now);
                    observed.node = Some(node.clone());
                    load.push(observed);
                    self.bound.insert(life, node);
                    settled.is_news = true;
                }
                Err(error) => drop(self.waiting.insert(name.clone(), error.to_string())),
            }
        }
    }

    /// What is on the nodes already, or on its way.
    fn load(&self) -> Vec<ObservedPod> {
        let sent = self.seen.iter().filter_map(|(name, (seen, since))| {
            let life = (name.clone(), seen.uid().to_owned());
            let node = self.bound.get(&life).filter(|_| seen.node().is_none())?;
            let mut observed = ObservedPod::created(Arc::clone(&seen.pod), *since);
            observed.node = Some(node.clone());
            Some(observed)
        });
        self.pods.iter().cloned().chain(sent).collect()
    }
}
