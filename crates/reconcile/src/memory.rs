//! A kernel in memory that can be told to fail: for tests of everything above it.

use std::collections::VecDeque;

use nft::{Bytes, Element, Op, Ruleset, SetId};

use crate::kernel::{Kernel, ReadError, Refused, Taken, TransactError};

/// What goes wrong with one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Refused as a whole, without saying which step.
    Failed,
    /// Somebody else empties the table first.
    Flushed,
}

/// Obeys the kernel's rules for nftables. Faults are taken from the front of a queue, one for each
/// transaction.
#[derive(Debug, Default)]
pub struct MemoryKernel {
    pub ruleset: Ruleset,
    pub faults: VecDeque<Fault>,
    /// Reads that fail before one succeeds.
    pub failing_reads: usize,
    /// Elements that are refused whenever they are added.
    pub poisoned: Vec<Element>,
    pub transactions: usize,
    pub reads: usize,
    /// How often somebody else emptied the table.
    pub flushes: usize,
    /// Somebody else has changed something since the last whole read.
    pub is_touched: bool,
    pub clients_max: u32,
}

impl MemoryKernel {
    #[must_use]
    pub fn new(clients_max: u32) -> Self {
        Self { clients_max, ..Self::default() }
    }
}

impl Kernel for MemoryKernel {
    fn transact(&mut self, ops: &[Op]) -> Result<Taken, TransactError> {
        self.transactions += 1;
        match self.faults.pop_front() {
            Some(Fault::Failed) => {
                return Err(TransactError::Failed("out of memory".to_owned()));
            }
            Some(Fault::Flushed) => {
                self.flushes += 1;
                self.ruleset.elements.clear();
            }
            Some(Fault::None) | None => {}
        }
        let poisoned =
            |op: &Op| matches!(op, Op::AddElement(element) if self.poisoned.contains(element));
        if let Some(step) = ops.iter().position(poisoned) {
            let reason = "poisoned".to_owned();
            return Err(TransactError::Refused(vec![Refused { steps: step..step + 1, reason }]));
        }
        let elements =
            ops.iter().filter(|op| matches!(op, Op::AddElement(_) | Op::DeleteElement(_))).count();
        match self.ruleset.apply(ops, self.clients_max) {
            Ok(()) => Ok(Taken { messages: ops.len(), elements, bytes: 0 }),
            Err(failed) => Err(TransactError::Refused(vec![Refused {
                steps: failed.step..failed.step + 1,
                reason: failed.refusal.to_string(),
            }])),
        }
    }

    fn read(&mut self) -> Result<Ruleset, ReadError> {
        self.reads += 1;
        self.is_touched = false;
        if let Some(left) = self.failing_reads.checked_sub(1) {
            self.failing_reads = left;
            return Err(ReadError("cannot be read now".to_owned()));
        }
        Ok(self.ruleset.clone())
    }

    fn read_only(&mut self, keys: &[(SetId, Bytes)]) -> Result<Ruleset, ReadError> {
        let mut ruleset = self.read()?;
        ruleset.elements.retain(|key, _| keys.contains(key));
        Ok(ruleset)
    }

    fn is_untouched(&mut self) -> bool {
        !self.is_touched
    }
}
