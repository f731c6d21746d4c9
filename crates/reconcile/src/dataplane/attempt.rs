//! How is one transaction planned and sent?

use std::sync::Arc;

use model::{NodeService, ServiceChange, ServiceName};
use nft::{Op, Undo};

use super::Dataplane;
use crate::kernel::{Kernel, ReadError, Refused, Taken, TransactError};

impl<K: Kernel> Dataplane<K> {
    /// Plans and sends; planner and kernel are as before when it fails.
    pub(super) fn attempt(&mut self, wanted: &[&Wanted], taken: &mut Taken) -> Attempt {
        let mut steps = Vec::new();
        let mut owners: Vec<usize> = Vec::new();
        let mut undos: Vec<Undo> = Vec::new();
        let mut programmed = Vec::new();
        let mut full = Vec::new();
        for (at, (name, service)) in wanted.iter().enumerate() {
            match self.planner.set(name, service.as_ref(), &mut steps) {
                Ok(undo) => {
                    let (name, old) = (name.clone(), undo.before().cloned());
                    programmed.push(ServiceChange { name, old, new: service.clone() });
                    undos.push(undo);
                }
                Err(error) => full.push((name.clone(), error.to_string())),
            }
            owners.resize(steps.len(), at);
        }
        let (steps, owners) = in_order(steps, owners);
        let contested = self.contested(wanted, &owners);
        let outcome = if contested.is_empty() {
            transact(&mut self.kernel, &steps, taken)
        } else {
            Err(TransactError::Refused(contested))
        };
        if outcome.is_ok() {
            return Attempt { outcome, full, programmed, owners: Vec::new() };
        }
        for undo in undos.into_iter().rev() {
            self.planner.undo(undo);
        }
        let name = |at: usize| wanted.get(at).map(|(name, _)| name.clone());
        let owners = owners.into_iter().filter_map(name).collect();
        Attempt { outcome, full, programmed: Vec::new(), owners }
    }

    /// The steps of Services that take a frontend from another one that has not let go of it, as its
    /// own change waits.
    fn contested(&self, wanted: &[&Wanted], owners: &[usize]) -> Vec<Refused> {
        let is_contested: Vec<bool> =
            wanted.iter().map(|(name, _)| self.planner.is_contested(name)).collect();
        let steps = owners.iter().enumerate();
        let contested = steps.filter(|(_, owner)| is_contested.get(**owner) == Some(&true));
        let reason = || "another Service has the frontend, and waits itself".to_owned();
        contested.map(|(at, _)| Refused { steps: at..at + 1, reason: reason() }).collect()
    }

    /// The number of steps that it took.
    pub(super) fn repair(&mut self, taken: &mut Taken) -> Result<usize, TransactError> {
        let held = self.kernel.read().map_err(|ReadError(reason)| TransactError::Failed(reason))?;
        let steps = held.steps_to(&self.planner.desired());
        transact(&mut self.kernel, &steps, taken)?;
        Ok(steps.len())
    }
}

/// A Service and what it should become.
pub(super) type Wanted = (ServiceName, Option<Arc<NodeService>>);

pub(super) struct Attempt {
    pub(super) outcome: Result<(), TransactError>,
    /// Services that there was no room for.
    pub(super) full: Vec<(ServiceName, String)>,
    /// What the kernel took.
    pub(super) programmed: Vec<ServiceChange>,
    /// Whose the steps were that were refused, one for each.
    pub(super) owners: Vec<ServiceName>,
}

/// What one Service gives up another may take in the same transaction, so all that goes is first.
fn in_order(steps: Vec<Op>, owners: Vec<usize>) -> (Vec<Op>, Vec<usize>) {
    let mut owned: Vec<(Op, usize)> = steps.into_iter().zip(owners).collect();
    owned.sort_by_key(|(op, _)| !matches!(op, Op::DeleteElement(_)));
    owned.into_iter().unzip()
}

pub(super) fn transact(
    kernel: &mut impl Kernel,
    steps: &[Op],
    taken: &mut Taken,
) -> Result<(), TransactError> {
    if steps.is_empty() {
        return Ok(());
    }
    *taken += kernel.transact(steps)?;
    Ok(())
}
