//! Where do people fall?

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::trace::Origin;

/// Something that people take for other than it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    pub kind: WarningKind,
    pub says: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// The endpoints that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<SocketAddr>,
    /// The nodes that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// What the agent holds may not be all that the objects say.
    AgentBehind,
    /// The kernel has something else than what was planned.
    NotProgrammed,
    /// The address is asked for by a Service that does not hold it.
    HeldByAnother,
    /// A part of the Service could not be accepted.
    Rejected,
    /// Another proxy serves the Service.
    OtherProxy,
    /// Readiness took endpoints out.
    NotReady,
    /// Nothing is ready, so endpoints that are terminating serve.
    Draining,
    /// Only some clients may use the frontend.
    SourceRanges,
    /// Policy Local drops here; other nodes would answer.
    LocalElsewhere,
    /// Endpoints do not see the client's address.
    ClientHidden,
    /// The node port is accepted on other addresses only.
    NodePortAddress,
    /// The address is a Service's, at another port.
    OtherPort,
    /// The Service has no load balancer address yet, or not all that it asked for.
    Pending,
    /// The address is a pool's, and no Service has it.
    Unallocated,
    /// Connections end when another node answers for the address.
    OwnerChange,
    /// The packet never left the node, so it proves nothing about other clients.
    ShortCircuit,
    /// Clients stay with their endpoint.
    Affinity,
    /// Topology hints narrowed the choice.
    Topology,
    /// The answer takes another way than the request.
    AnswerPast,
    /// The name is another's, and the HTTP Host stays what the client typed.
    HostKept,
    /// The certificate must be for what the client typed.
    TlsName,
    /// A headless Service does not translate ports.
    HeadlessPort,
    /// An external name that is no name.
    AddressAsName,
    /// Each look-up costs several questions.
    SearchPath,
    /// The libraries that resolve names make different things of the answers.
    ResolversDiffer,
    /// An answer does not fit into a datagram.
    Truncated,
    /// The Service has an address of the other family too.
    OtherFamily,
    /// Another node's agent is taken to have the flags of this one.
    AssumedFlags,
}

impl WarningKind {
    pub const ALL: [Self; 28] = [
        Self::AgentBehind,
        Self::NotProgrammed,
        Self::HeldByAnother,
        Self::Rejected,
        Self::OtherProxy,
        Self::NotReady,
        Self::Draining,
        Self::SourceRanges,
        Self::LocalElsewhere,
        Self::ClientHidden,
        Self::NodePortAddress,
        Self::OtherPort,
        Self::Pending,
        Self::Unallocated,
        Self::OwnerChange,
        Self::ShortCircuit,
        Self::Affinity,
        Self::Topology,
        Self::AnswerPast,
        Self::HostKept,
        Self::TlsName,
        Self::HeadlessPort,
        Self::AddressAsName,
        Self::SearchPath,
        Self::ResolversDiffer,
        Self::Truncated,
        Self::OtherFamily,
        Self::AssumedFlags,
    ];
}

impl Warning {
    pub(crate) const fn new(kind: WarningKind, says: String) -> Self {
        Self { kind, says, origins: Vec::new(), endpoints: Vec::new(), nodes: Vec::new() }
    }
}
