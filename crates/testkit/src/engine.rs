//! Who gives verdicts that a scenario can check?

use std::fmt;

use model::{NodeTable, Packet, ServiceChange, Verdict};

/// Something that decides about packets: the oracle, the evaluator of a program, a kernel.
///
/// It serves any number of nodes; `table.node.name` tells them apart.
pub trait Engine {
    /// What a disagreement calls it.
    fn name(&self) -> &'static str;

    /// A node's table is another one now. Before the first call for a node its table was empty; when
    /// `table.node` differs from the last call's, the node itself changed.
    ///
    /// # Errors
    /// What it could not follow, in words.
    fn advance(&mut self, table: &NodeTable, changes: &[ServiceChange]) -> Result<(), Dissent>;

    /// Whether the first packet of a new connection gets the expected verdict on the node of `table`,
    /// which is the last one that the engine was told of. What cannot be observed (why a kernel
    /// drops) is not judged.
    ///
    /// # Errors
    /// What it found instead, in words.
    fn check(
        &mut self,
        table: &NodeTable,
        packet: &Packet,
        expected: &Verdict,
    ) -> Result<(), Dissent>;
}

/// What an engine found in place of what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dissent(pub String);

impl Dissent {
    /// For engines that give a whole verdict.
    ///
    /// # Errors
    /// The verdict found, if it is another one.
    pub fn unless_same(expected: &Verdict, found: &Verdict) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self(found.to_string())) }
    }
}

impl fmt::Display for Dissent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The definition of correct: `NodeTable::lookup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oracle;

impl Engine for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn advance(&mut self, _: &NodeTable, _: &[ServiceChange]) -> Result<(), Dissent> {
        Ok(())
    }

    fn check(
        &mut self,
        table: &NodeTable,
        packet: &Packet,
        expected: &Verdict,
    ) -> Result<(), Dissent> {
        Dissent::unless_same(expected, &table.lookup(packet).value)
    }
}
