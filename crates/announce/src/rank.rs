//! In which order do nodes answer for an address, and which nodes never do?

use std::fmt;
use std::net::IpAddr;

use model::NodeName;
use sha2::{Digest as _, Sha256};

/// A node that may answer for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    pub node: NodeName,
    /// The sum of the weights of the preferences that it fulfils; more goes first.
    pub score: i64,
}

/// What decides between candidates of one score. The lower goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lot(pub [u8; 32]);

impl fmt::Display for Lot {
    /// Its first bytes, which are enough to see the order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub node: NodeName,
    pub score: i64,
    pub lot: Lot,
}

/// The candidates for one address in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranking {
    /// The first that can answers.
    pub candidates: Vec<Candidate>,
}

impl Ranking {
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeName> {
        self.candidates.iter().map(|candidate| candidate.node.clone()).collect()
    }
}

/// The order is MetalLB's, so that a cluster that changes over keeps the owners of its addresses. A
/// node that goes moves only what it had; one that comes takes its share and moves nothing else.
#[must_use]
pub fn rank(address: IpAddr, contenders: impl IntoIterator<Item = Contender>) -> Ranking {
    let candidate = |Contender { node, score }| Candidate { lot: lot(&node, address), node, score };
    let mut candidates: Vec<Candidate> = contenders.into_iter().map(candidate).collect();
    candidates.sort_by(|a, b| {
        b.score.cmp(&a.score).then_with(|| a.lot.cmp(&b.lot)).then_with(|| a.node.cmp(&b.node))
    });
    Ranking { candidates }
}

fn lot(node: &NodeName, address: IpAddr) -> Lot {
    let text = format!("{node}#{address}");
    Lot(Sha256::digest(text.as_bytes()).into())
}
