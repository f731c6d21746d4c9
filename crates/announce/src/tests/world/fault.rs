//! What goes wrong in a world, and what is put right?

use super::World;

/// One direction between two of those that speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::tests) enum Way {
    /// Everything that the node sends, or that is sent to it, on both networks.
    From(usize),
    To(usize),
    SegmentFrom(usize),
    SegmentTo(usize),
    /// Between two agents, from the first to the second.
    Control(usize, usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tests) enum Fault {
    Kill(usize),
    Start(usize),
    Freeze(usize),
    Thaw(usize),
    Close(Vec<Way>),
    Open(Vec<Way>),
    LinkDown(usize),
    LinkUp(usize),
    /// The rules of the node are gone, or back.
    Unserve(usize),
    Serve(usize),
    Leave(usize),
    Exclude(usize),
    /// The node no longer hears of changes, and hears of them again.
    Stall(usize),
    Catch(usize),
    /// The node hears of what changed.
    Look(usize),
    Include(usize),
    /// The first does not know of the second, and knows of it again.
    Hide(usize, usize),
    Show(usize, usize),
}

impl World {
    pub(in crate::tests) fn inflict(&mut self, fault: Fault) {
        match fault {
            Fault::Kill(node) => self.hosts[node].announcer = None,
            Fault::Start(node) => {
                if self.hosts[node].announcer.is_none() {
                    self.start(node);
                }
            }
            Fault::Freeze(node) => self.hosts[node].is_frozen = true,
            Fault::Thaw(node) => {
                self.hosts[node].is_frozen = false;
                self.hosts[node].wake_at = None;
                self.wake(node, self.now);
            }
            Fault::Close(ways) => self.closed.extend(ways),
            Fault::Open(ways) => self.closed.retain(|way| !ways.contains(way)),
            Fault::LinkDown(node) => {
                self.hosts[node].is_link_up = false;
                // Agents speak over the same link.
                self.closed.extend([Way::From(node), Way::To(node)]);
                self.tell_view(node);
            }
            Fault::LinkUp(node) => {
                self.hosts[node].is_link_up = true;
                self.closed.retain(|way| ![Way::From(node), Way::To(node)].contains(way));
                self.tell_view(node);
            }
            Fault::Unserve(node) => {
                self.hosts[node].is_served = false;
                self.tell_view(node);
            }
            Fault::Serve(node) => {
                self.hosts[node].is_served = true;
                self.tell_view(node);
            }
            Fault::Leave(node) => {
                let now = self.now;
                if let Some(announcer) = &mut self.hosts[node].announcer {
                    announcer.leave(now);
                }
                self.wake(node, self.now);
            }
            Fault::Stall(node) => self.hosts[node].is_stalled = true,
            Fault::Catch(node) => {
                self.hosts[node].is_stalled = false;
                self.inflict(Fault::Look(node));
            }
            Fault::Look(node) => {
                if !self.hosts[node].is_stalled {
                    self.hosts[node].seen = (self.excluded(), self.revision);
                    self.tell_view(node);
                }
            }
            Fault::Exclude(node) => self.exclude(node, true),
            Fault::Include(node) => self.exclude(node, false),
            Fault::Hide(node, other) => {
                self.hosts[node].unseen.insert(other);
                self.tell_view(node);
            }
            Fault::Show(node, other) => {
                self.hosts[node].unseen.remove(&other);
                self.tell_view(node);
            }
        }
    }

    /// Each node learns it at another time.
    fn exclude(&mut self, node: usize, is_excluded: bool) {
        self.hosts[node].is_excluded = is_excluded;
        self.revision += 1;
        let most = u64::try_from(self.plan.view_lag.as_millis()).expect("short");
        for node in 0..self.plan.nodes {
            if most == 0 {
                self.inflict(Fault::Look(node));
            } else {
                let at = self.now + super::ms(self.random(most));
                self.fault_at(at, Fault::Look(node));
            }
        }
    }

    pub(in crate::tests) fn cut_control(&self, node: usize) -> Vec<Way> {
        (0..self.plan.nodes)
            .flat_map(|other| [Way::Control(node, other), Way::Control(other, node)])
            .collect()
    }
}
