//! What does a node notice that somebody should put right?

use std::fmt;
use std::net::IpAddr;

use model::NodeName;

/// Something that lasts, unlike an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// Another node says that it answers for an address, and so does this one, for longer than it takes
    /// to agree: they do not know the same of the cluster.
    Contested { address: IpAddr, node: NodeName },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contested { address, node } => write!(
                f,
                "{address}: node {node} answers for it as well, as it knows other candidates\n\
                 hint: one of the two does not follow the cluster's objects: look for errors of its watches"
            ),
        }
    }
}
