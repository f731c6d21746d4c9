//! What does a scenario say?
//!
//! A scenario is one file about one behaviour: a cluster, packets with the verdicts and questions with
//! the answers that they must get, then changes with new ones. `README.md` of this crate has the grammar.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{NodeName, Protocol, Verdict};

mod change;
mod cluster;
mod dns;
mod error;
mod grammar;
mod node;
mod packet;
mod parse;
mod query;
mod row;
mod service;
mod text;
mod write;

pub use error::{ParseError, Problem};

use crate::cluster::Cluster;
use crate::dns::QueryLine;

/// A whole file. For people it is always shown as the file's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Scenario {
    pub path: PathBuf,
    /// The behaviour, in one sentence.
    pub goal: String,
    /// The first is the cluster as it begins, each other follows a change. Never empty.
    pub steps: Vec<Step>,
}

/// The cluster at one moment and what must be true of it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The changes that led here, as the file words them; empty for the first step.
    pub title: String,
    pub line: usize,
    /// The whole cluster after the changes.
    pub cluster: Cluster,
    pub packets: Vec<PacketLine>,
    pub queries: Vec<QueryLine>,
    /// All rejections there must be, and no other.
    pub rejections: Vec<ExpectedRejection>,
}

/// One packet and the verdict on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketLine {
    pub line: usize,
    /// The node that the packet reaches first, or that sends it.
    pub node: NodeName,
    pub source: Source,
    pub destination: SocketAddr,
    pub protocol: Protocol,
    pub interface: Option<Arc<str>>,
    pub verdict: Verdict,
}

/// Who sends a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Address(IpAddr),
    /// The node itself, from the address that its kernel would choose.
    Node,
}

/// How a rejection must begin when it is shown: object, field and the start of the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRejection {
    pub line: usize,
    pub text: String,
}

impl Scenario {
    /// Reads the text of a scenario; `path` only names it in errors.
    ///
    /// # Errors
    /// The first line that is not of the format, by path and number.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ParseError> {
        parse::scenario(path, text)
    }

    /// The nodes that packets speak of, each once, in the order of their first packet.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeName> {
        let mut nodes: Vec<NodeName> = Vec::new();
        for packet in self.steps.iter().flat_map(|step| &step.packets) {
            if !nodes.contains(&packet.node) {
                nodes.push(packet.node.clone());
            }
        }
        nodes
    }
}
