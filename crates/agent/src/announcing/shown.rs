//! What is shown of the announcement?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use announce::{Counts, Role};
use model::{Mac, NodeName};

/// One value that is replaced whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnnouncedState {
    pub addresses: BTreeMap<IpAddr, AddressShown>,
    pub nodes: BTreeMap<NodeName, NodeShown>,
    /// From which link-layer addresses nodes may announce.
    pub macs: BTreeMap<NodeName, Vec<Mac>>,
    pub counts: Counts,
    /// How the announcing thread runs, for a person.
    pub priority: String,
    /// What does not work, by what it is about; it is tried again.
    pub problems: BTreeMap<String, String>,
}

/// An address as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressShown {
    pub role: Role,
    pub since: SystemTime,
    /// Who says that it answers, as far as this node hears.
    pub owners: Vec<NodeName>,
    /// In their order.
    pub candidates: std::sync::Arc<[NodeName]>,
}

/// Another node whose agent this one has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeShown {
    /// `None`: not known yet.
    pub is_up: Option<bool>,
    pub since: SystemTime,
    pub is_leaving: bool,
}
