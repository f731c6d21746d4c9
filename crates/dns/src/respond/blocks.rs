//! What holds for the questions of a zone: whom to ask, what is static, what is asked otherwise?
//!
//! A block is a server block of a Corefile. The longest zone that a name is in decides; nothing of
//! another block applies.

use std::sync::Arc;

use crate::config::Hosts;
use crate::forward::RuleId;
use crate::respond::rewrite::Rewrites;
use crate::wire::{Lowered, Name};

/// The group of upstreams for the names of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// In lower case; the root's is for all names.
    pub zone: Name,
    /// Zones below it that are not this route's.
    pub except: Vec<Name>,
    pub rule: RuleId,
}

/// What holds for a zone.
#[derive(Debug, Clone)]
pub struct Block {
    /// In lower case.
    pub zone: Name,
    /// The first that covers a name is taken.
    pub routes: Vec<Route>,
    pub hosts: Option<Arc<Hosts>>,
    pub rewrites: Rewrites,
    /// Whether what stands beside an answer is left out.
    pub is_minimal: bool,
}

impl Block {
    /// One for all names, that knows nobody to ask.
    #[must_use]
    pub fn everything() -> Self {
        let zone = Name::root();
        let rewrites = Rewrites::default();
        Self { zone, routes: Vec::new(), hosts: None, rewrites, is_minimal: false }
    }

    /// Where a name is asked; `None` where nobody is.
    #[must_use]
    pub fn route(&self, name: &Lowered) -> Option<RuleId> {
        let is_in = |zone: &Name| name.labels_before(zone.as_wire()).is_some();
        let covers = |route: &&Route| is_in(&route.zone) && !route.except.iter().any(is_in);
        self.routes.iter().find(covers).map(|route| route.rule)
    }
}

/// All blocks, the longest zones first.
#[derive(Debug, Clone)]
pub struct Blocks {
    all: Vec<Block>,
    /// Whether any block has rewrites: most servers have none, and then no question is looked at.
    rewrites: bool,
    /// Whether any leaves something out.
    minimal: bool,
}

impl Blocks {
    #[must_use]
    pub fn new(mut blocks: Vec<Block>) -> Self {
        blocks.sort_by_key(|block| std::cmp::Reverse(block.zone.as_wire().len()));
        let rewrites = blocks.iter().any(|block| !block.rewrites.is_empty());
        let minimal = blocks.iter().any(|block| block.is_minimal);
        Self { all: blocks, rewrites, minimal }
    }

    /// The block of a name.
    #[must_use]
    pub fn find(&self, name: &Lowered) -> Option<&Block> {
        self.all.iter().find(|block| name.labels_before(block.zone.as_wire()).is_some())
    }

    pub(super) const fn have_rewrites(&self) -> bool {
        self.rewrites
    }

    pub(super) fn is_minimal(&self, name: &Lowered) -> bool {
        self.minimal && self.find(name).is_some_and(|block| block.is_minimal)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Block> {
        self.all.iter()
    }
}
