//! How does a request end?

use std::net::{IpAddr, SocketAddr};

use model::NodeName;
use serde::{Deserialize, Serialize};

use crate::trace::Object;

/// How it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub outcome: Outcome,
    pub says: String,
    /// Of a drop or a reject, by its name in the registry of reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The node whose table decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<Frontend>,
    /// Seconds that a client stays with its endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity_seconds: Option<u32>,
    /// Each that can be chosen, sorted by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A Service leads it to an endpoint.
    Forward,
    /// It goes to an endpoint's own address, past all Services.
    Direct,
    /// This node's own agent answers, past the Service's endpoints.
    AnsweredHere,
    Drop,
    Reject,
    /// The cluster DNS denies the name, or has no record of it that the client can use.
    NoSuchName,
    /// The name has an answer, and nothing more was asked.
    Resolved,
    /// No Service has the address: it is routed as any other, wherever that leads.
    NotService,
    /// No node answers for the address on the wire: the packet goes nowhere.
    Unanswered,
    /// It depends on something that is not known here.
    Unknown,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Direct => "direct",
            Self::AnsweredHere => "answered here",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::NoSuchName => "no such name",
            Self::Resolved => "resolved",
            Self::NotService => "not a Service",
            Self::Unanswered => "unanswered",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::Forward | Self::Direct | Self::AnsweredHere)
    }
}

/// Where a client's connection met a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frontend {
    pub address: SocketAddr,
    pub protocol: String,
    /// `ClusterIP`, `LoadBalancer`, `ExternalIP` or `NodePort`.
    #[serde(rename = "type")]
    pub kind: String,
    pub service: Object,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub port_name: String,
}

/// One that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The chance of a new connection to end here, from 0 to 1.
    pub probability: f64,
    /// Absent when nobody says where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The pod that bears the address, as `NAMESPACE/NAME`, where somebody tells of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    pub state: State,
    pub source: Source,
    pub answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ready,
    /// Terminating but serving: used since nothing is ready.
    Draining,
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// Which source address the endpoint sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    pub is_rewritten: bool,
    pub why: SourceWhy,
    /// The client's own, where it is kept. Rewritten, it is an address of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<IpAddr>,
}

/// Why the source address is kept or rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceWhy {
    /// Kept: no Service is in the way.
    NoService,
    /// Kept: a pod of the node asks for a ClusterIP.
    LocalPod,
    /// Kept: the agent cannot tell pods from others, so ClusterIP traffic is never rewritten.
    NoDetection,
    /// Kept: the external policy is Local.
    PolicyLocal,
    /// Kept: the packet came from elsewhere and ends on the node's own network.
    TakenIn,
    /// Kept: the client asked for the endpoint's own address, so nothing is translated.
    Untranslated,
    /// Rewritten: the agent masquerades all ClusterIP traffic.
    MasqueradeAll,
    /// Rewritten: not a pod of the node asks for a ClusterIP.
    NotLocalPod,
    /// Rewritten: the external policy is Cluster.
    PolicyCluster,
    /// Rewritten: the node itself asks for a frontend of policy Local.
    OwnToLocal,
    /// Rewritten: the endpoint asks for itself.
    Hairpin,
}

impl SourceWhy {
    #[must_use]
    pub const fn is_rewritten(self) -> bool {
        match self {
            Self::NoService
            | Self::LocalPod
            | Self::NoDetection
            | Self::PolicyLocal
            | Self::TakenIn
            | Self::Untranslated => false,
            Self::MasqueradeAll
            | Self::NotLocalPod
            | Self::PolicyCluster
            | Self::OwnToLocal
            | Self::Hairpin => true,
        }
    }
}

/// How the answer comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub way: AnswerWay,
    /// The node whose connection tracking turns the addresses back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerWay {
    /// To the node, since it stands as the source.
    ToNode,
    /// To the client, and passes the node on its way: the endpoint or the client is on it.
    ThroughNode,
    /// To the client; nobody says whether it passes the node, and it must.
    Unclear,
    /// To the client, past the node: the client does not know who answers, and the connection fails.
    PastNode,
    /// To the client, as no Service was in the way.
    Straight,
}

impl Verdict {
    /// By the table of a node.
    pub(crate) fn at(node: &NodeName, outcome: Outcome, says: String) -> Self {
        Self { node: Some(node.to_string()), ..Self::without_packet(outcome, says) }
    }

    pub(crate) const fn without_packet(outcome: Outcome, says: String) -> Self {
        Self {
            outcome,
            says,
            reason: None,
            node: None,
            frontend: None,
            affinity_seconds: None,
            endpoints: Vec::new(),
        }
    }
}
