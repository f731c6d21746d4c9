//! Does the kernel hold what was planned for one Service?

use std::sync::Arc;

use model::{NodeService, ServiceName};
use nft::{Bytes, Element, SetId, frontend_keys};

use super::Dataplane;
use crate::kernel::{Kernel, ReadError};

/// What reading the kernel showed about one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// What was planned, which may be older than what is wanted.
    pub planned: Option<Arc<NodeService>>,
    /// Steps that would make the chains, and this Service's elements, as planned.
    pub steps: usize,
}

impl<K: Kernel> Dataplane<K> {
    /// Reads back the chains and one Service's elements: its own ones, and whatever else stands
    /// under its frontends. That costs the Service and not the table.
    ///
    /// # Errors
    /// When the kernel cannot be read; that tells nothing about what it holds.
    pub fn read_back(&mut self, name: &ServiceName) -> Result<ReadBack, ReadError> {
        let planned = self.planner.programmed(name).cloned();
        let desired = self.planner.desired_of(name);
        let own = desired.elements.iter().map(|Element { set, key, .. }| (*set, *key));
        let ports = planned.iter().flat_map(|service| &service.ports);
        let frontends = ports.flat_map(|port| &port.frontends);
        let mut keys: Vec<(SetId, Bytes)> =
            own.chain(frontends.flat_map(|known| frontend_keys(&known.frontend))).collect();
        keys.sort_unstable();
        keys.dedup();
        let held = self.kernel.read_only(&keys)?;
        Ok(ReadBack { planned, steps: held.steps_to(&desired).len() })
    }
}
