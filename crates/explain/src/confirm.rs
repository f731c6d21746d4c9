//! Does the kernel hold what was planned?

use crate::trace::{Certainty, Hop, Trace};
use crate::warning::{Warning, WarningKind};

impl Trace {
    /// Notes what reading the kernel of a node showed about the frontend there.
    pub fn confirm(&mut self, node: &str, kernel: &KernelHolds) {
        let frontend = self.verdict.frontend.as_ref().map(|held| held.address);
        let is_asked = self.verdict.node.as_deref() == Some(node) && frontend.is_some();
        match kernel {
            _ if !is_asked => {}
            KernelHolds::AsPlanned => {
                let on_node = |hop: &&mut Hop| {
                    hop.stage.is_programmed_on_a_node() && hop.node.as_deref() == Some(node)
                };
                self.hops
                    .iter_mut()
                    .filter(on_node)
                    .for_each(|hop| hop.certainty = Certainty::Programmed);
            }
            KernelHolds::Otherwise(what) => {
                let says = format!(
                    "the kernel of node {node} does not hold what was planned: {what}; what \
                     happens may differ until the agent has repaired it"
                );
                self.warnings.push(Warning::new(WarningKind::NotProgrammed, says));
                self.warnings.sort_by_key(|warning| warning.kind);
            }
        }
    }
}

/// What reading the kernel showed about one frontend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelHolds {
    AsPlanned,
    /// What differs, in words.
    Otherwise(String),
}
