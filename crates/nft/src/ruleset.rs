//! What does the kernel hold, and what would a transaction make of it?
//!
//! The same rules as the kernel's: all or nothing, an element is added once, what is deleted must
//! be there. So it serves as the kernel's stand-in for planners and for tests.

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use crate::name::{ChainId, SetId};
use crate::program::{Attachment, Bytes, Chain, Data, Element, Expr, Op};
use crate::set::{SetKind, SetSpec};

/// The table with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ruleset {
    pub exists: bool,
    pub sets: BTreeMap<SetId, SetSpec>,
    pub chains: BTreeMap<ChainId, HeldChain>,
    pub elements: HashMap<(SetId, Bytes), Data>,
    /// Names of chains and sets that are none of ours.
    pub foreign_chains: Vec<String>,
    pub foreign_sets: Vec<String>,
}

/// A chain in the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldChain {
    pub attachment: Option<Attachment>,
    pub rules: Vec<Vec<Expr>>,
}

/// Why the kernel would refuse a step, with its error's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("no such object (ENOENT): {0}")]
    Missing(String),
    #[error("exists with another meaning (EEXIST): {0}")]
    Exists(String),
    #[error("still in use (EBUSY): {0}")]
    Busy(String),
}

/// The step that was refused, by its place in the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("step {step}: {refusal}")]
pub struct Failed {
    pub step: usize,
    pub refusal: Refusal,
}

impl Ruleset {
    /// Takes all steps, or none.
    ///
    /// # Errors
    /// The first step that the kernel would refuse.
    pub fn apply(&mut self, ops: &[Op], clients_max: u32) -> Result<(), Failed> {
        let mut next = self.clone();
        for (step, op) in ops.iter().enumerate() {
            next.step(op, clients_max).map_err(|refusal| Failed { step, refusal })?;
        }
        *self = next;
        Ok(())
    }

    fn step(&mut self, op: &Op, clients_max: u32) -> Result<(), Refusal> {
        if !self.exists && *op != Op::AddTable {
            return Err(Refusal::Missing("table".to_owned()));
        }
        match op {
            Op::AddTable => self.exists = true,
            Op::DeleteTable => *self = Self::default(),
            Op::AddSet(id) => {
                self.sets.entry(*id).or_insert_with(|| SetSpec::of(*id, clients_max));
            }
            Op::AddChain(id, attachment) => {
                let held = HeldChain { attachment: *attachment, rules: Vec::new() };
                self.chains.entry(*id).or_insert(held);
            }
            Op::FlushChain(id) => self.chain(*id)?.rules.clear(),
            Op::DeleteChain(id) => self.delete_chain(*id)?,
            Op::DeleteForeignChain(name) => self.foreign_chains.retain(|known| known != name),
            Op::DeleteForeignSet(name) => self.foreign_sets.retain(|known| known != name),
            Op::AddRule(rule) => self.chain(rule.chain)?.rules.push(rule.exprs.clone()),
            Op::AddElement(element) => self.add_element(element)?,
            Op::DeleteElement(element) => {
                let key = (element.set, element.key);
                self.elements.remove(&key).ok_or_else(|| missing(element))?;
            }
        }
        Ok(())
    }

    fn chain(&mut self, id: ChainId) -> Result<&mut HeldChain, Refusal> {
        self.chains.get_mut(&id).ok_or_else(|| Refusal::Missing(format!("chain {id}")))
    }

    fn delete_chain(&mut self, id: ChainId) -> Result<(), Refusal> {
        if self.elements.values().any(|data| *data == Data::Goto(id)) {
            return Err(Refusal::Busy(format!("chain {id}")));
        }
        self.chains.remove(&id).ok_or_else(|| Refusal::Missing(format!("chain {id}")))?;
        Ok(())
    }

    fn add_element(&mut self, element: &Element) -> Result<(), Refusal> {
        if !self.sets.contains_key(&element.set) {
            return Err(Refusal::Missing(format!("set {}", element.set)));
        }
        if let Data::Goto(chain) = element.data {
            self.chain(chain)?;
        }
        let known = self.elements.entry((element.set, element.key)).or_insert(element.data);
        if *known == element.data {
            Ok(())
        } else {
            Err(Refusal::Exists(format!("element {:?} of {}", element.key, element.set)))
        }
    }

    /// Elements that we write, in order; those that packets write are left out.
    #[must_use]
    pub fn own_elements(&self) -> Vec<Element> {
        let mut all: Vec<Element> = self
            .elements
            .iter()
            .map(|((set, key), data)| Element { set: *set, key: *key, data: *data })
            .filter(|element| !self.is_dynamic(element.set))
            .collect();
        all.sort_unstable();
        all
    }

    fn is_dynamic(&self, set: SetId) -> bool {
        self.sets.get(&set).is_some_and(|spec| spec.kind.is_written_by_packets())
    }
}

fn missing(element: &Element) -> Refusal {
    Refusal::Missing(format!("element {:?} of {}", element.key, element.set))
}

/// What a table should hold: all of it, or a part that is compared on its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    pub sets: Vec<SetSpec>,
    /// Those that are jumped to before those that jump.
    pub chains: Vec<Chain>,
    /// Sorted.
    pub elements: Vec<Element>,
}

impl Ruleset {
    /// The steps that turn this table into the desired one, touching only what differs. Empty when
    /// nothing does.
    #[must_use]
    pub fn steps_to(&self, desired: &Desired) -> Vec<Op> {
        let has_other_sets = desired
            .sets
            .iter()
            .any(|spec| self.sets.get(&spec.id).is_some_and(|held| !is_same_layout(held, spec)));
        if has_other_sets {
            // A set's declaration cannot be changed in place; nothing of the table can be kept.
            let mut ops = vec![Op::DeleteTable];
            ops.extend(Self::default().steps_to(desired));
            return ops;
        }
        let mut ops = Vec::new();
        if !self.exists {
            ops.push(Op::AddTable);
        }
        let new_sets = desired.sets.iter().filter(|spec| !self.sets.contains_key(&spec.id));
        ops.extend(new_sets.map(|spec| Op::AddSet(spec.id)));
        let stale = self.chain_steps(desired, &mut ops);
        self.element_steps(desired, &mut ops);
        ops.extend(stale.into_iter().map(Op::DeleteChain));
        ops.extend(self.foreign_chains.iter().cloned().map(Op::DeleteForeignChain));
        ops.extend(self.foreign_sets.iter().cloned().map(Op::DeleteForeignSet));
        ops
    }

    /// Mends the chains; returns those that must go once nothing leads to them.
    fn chain_steps(&self, desired: &Desired, ops: &mut Vec<Op>) -> Vec<ChainId> {
        for chain in &desired.chains {
            let held = self.chains.get(&chain.id);
            if held.is_none_or(|held| held.attachment != chain.attachment) {
                if held.is_some() {
                    ops.extend([Op::FlushChain(chain.id), Op::DeleteChain(chain.id)]);
                }
                ops.push(Op::AddChain(chain.id, chain.attachment));
            }
        }
        for chain in &desired.chains {
            let held = self.chains.get(&chain.id);
            let kept = held.filter(|held| held.attachment == chain.attachment);
            if kept.is_some_and(|kept| kept.rules == chain.rules) {
                continue;
            }
            if kept.is_some_and(|kept| !kept.rules.is_empty()) {
                ops.push(Op::FlushChain(chain.id));
            }
            let rules = chain.rules.iter().cloned();
            ops.extend(
                rules.map(|exprs| Op::AddRule(crate::program::Rule { chain: chain.id, exprs })),
            );
        }
        let is_stale = |id: &&ChainId| desired.chains.iter().all(|chain| chain.id != **id);
        let stale: Vec<ChainId> = self.chains.keys().filter(is_stale).copied().collect();
        ops.extend(stale.iter().copied().map(Op::FlushChain));
        stale
    }

    fn element_steps(&self, desired: &Desired, ops: &mut Vec<Op>) {
        ops.extend(element_steps(&self.own_elements(), &desired.elements));
    }
}

/// Whether elements can stay when the declaration is replaced: all but the bound of a set that
/// packets write, which an agent with another setting leaves as it is rather than forget clients.
fn is_same_layout(held: &SetSpec, wanted: &SetSpec) -> bool {
    let is_same_kind = match (held.kind, wanted.kind) {
        (SetKind::Dynamic { .. }, SetKind::Dynamic { .. })
        | (SetKind::Counting { .. }, SetKind::Counting { .. }) => true,
        (held, wanted) => held == wanted,
    };
    is_same_kind
        && held.key == wanted.key
        && held.target == wanted.target
        && held.has_counters == wanted.has_counters
}

/// The steps from one sorted list of elements to another: first all that goes, then all that comes.
#[must_use]
pub(crate) fn element_steps(old: &[Element], new: &[Element]) -> Vec<Op> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(before), after) if after.is_none_or(|after| *before < *after) => {
                gone.push(Op::DeleteElement(**before));
                old.next();
            }
            (before, Some(after)) if before.is_none_or(|before| *before > *after) => {
                come.push(Op::AddElement(**after));
                new.next();
            }
            _ => {
                old.next();
                new.next();
            }
        }
    }
    gone.extend(come);
    gone
}
