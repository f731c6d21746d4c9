//! What does a node notice that somebody should put right?

use std::fmt;
use std::net::IpAddr;

use model::NodeName;

use crate::hello::PORT;

/// Something that lasts, unlike an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// Another node says that it answers for an address, and so does this one, for longer than it takes
    /// to agree: they do not know the same of the cluster.
    Contested { address: IpAddr, node: NodeName },
    /// Another node's kernel answers for an address, though that node says that it cannot.
    Intruding { address: IpAddr, node: NodeName },
    /// None of so many other nodes was ever heard.
    Unheard { nodes: usize },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contested { address, node } => write!(
                f,
                "{address}: node {node} answers for it as well, as it knows other candidates\n\
                 hint: one of the two does not follow the cluster's objects: look for errors of its watches"
            ),
            Self::Intruding { address, node } => write!(
                f,
                "{address}: node {node} answers for it on the wire, though it is not to\n\
                 hint: look there whether an interface has the address: ip address show to {address}"
            ),
            Self::Unheard { nodes } => write!(
                f,
                "none of {nodes} other nodes that may answer for addresses was ever heard\n\
                 hint: is UDP port {PORT} open between the nodes? firewalld closes it by default"
            ),
        }
    }
}
