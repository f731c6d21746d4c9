//! In which order do nodes answer for an address, and which nodes never do?

use std::fmt;
use std::net::IpAddr;

use model::NodeName;
use sha2::{Digest as _, Sha256};

/// A node that might answer for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    pub node: NodeName,
    /// The sum of the weights of the preferences that it fulfils; more goes first.
    pub score: i64,
    /// What keeps it from being a candidate.
    pub exclusions: Vec<Exclusion>,
}

/// Why a node is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    /// It has the label `node.kubernetes.io/exclude-from-external-load-balancers`.
    Labelled,
    /// It is being deleted, or about to be.
    Leaving,
    /// No advertisement of the pool selects it.
    NotSelected,
    /// The external traffic policy is Local, and no endpoint on it can serve.
    NoEndpoint,
}

impl Exclusion {
    /// For a person, after "node X is no candidate: ".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Labelled => "label node.kubernetes.io/exclude-from-external-load-balancers",
            Self::Leaving => "it is being deleted",
            Self::NotSelected => "no advertisement selects it",
            Self::NoEndpoint => "externalTrafficPolicy is Local, and no endpoint there can serve",
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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

/// The candidates for one address in their order, and who is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranking {
    /// The first that can answers.
    pub candidates: Vec<Candidate>,
    /// By name.
    pub excluded: Vec<(NodeName, Vec<Exclusion>)>,
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
    let mut ranking = Ranking::default();
    for Contender { node, score, exclusions } in contenders {
        if exclusions.is_empty() {
            let lot = lot(&node, address);
            ranking.candidates.push(Candidate { node, score, lot });
        } else {
            ranking.excluded.push((node, exclusions));
        }
    }
    ranking.candidates.sort_by(|a, b| {
        b.score.cmp(&a.score).then_with(|| a.lot.cmp(&b.lot)).then_with(|| a.node.cmp(&b.node))
    });
    ranking.excluded.sort();
    ranking
}

fn lot(node: &NodeName, address: IpAddr) -> Lot {
    let text = format!("{node}#{address}");
    Lot(Sha256::digest(text.as_bytes()).into())
}
