//! What is an explanation made of? These are also the words of its JSON.

use std::fmt;

use model::NodeName;
use serde::{Deserialize, Serialize};

use crate::dns_question::DnsQuestion;
use crate::observation::{Difference, Observation};
use crate::verdict::Verdict;
use crate::warning::Warning;

/// The version of the JSON. It changes when a field goes or changes its meaning; fields, stages and
/// kinds of warnings may come at any time.
pub const API_VERSION: &str = "pogu.dev/v1";

/// What the JSON says that it is.
pub const KIND: &str = "Trace";

/// A request's way, hop by hop, and how it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub api_version: String,
    pub kind: String,
    /// As it was asked.
    pub target: String,
    pub from: String,
    pub hops: Vec<Hop>,
    pub verdict: Verdict,
    pub warnings: Vec<Warning>,
    /// What is asked of the cluster DNS on the way, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_questions: Vec<DnsQuestion>,
    /// What really happened, where somebody tried it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// Where that was otherwise than foretold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    pub stage: Stage,
    /// Where it happens, if on a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub says: String,
    /// Who decides, the most decisive one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    pub certainty: Certainty,
    /// What would make it another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// What a hop is about, in the order in which a request meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Who asks, from which address.
    From,
    /// What a name becomes.
    Name,
    /// Where a load balancer's address comes from.
    Allocate,
    /// Which node answers for it on the wire.
    Announce,
    /// Which node sees the packet.
    Arrive,
    /// Which frontend it is for.
    Frontend,
    /// Whether the client may use the frontend.
    Admit,
    /// Which endpoints the traffic policy leaves, or why none.
    Policy,
    /// Which of them can be chosen.
    Choose,
    /// Whether the source address is rewritten.
    Source,
    /// Where the endpoint is.
    Deliver,
    /// How the answer comes back.
    Answer,
}

impl Stage {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Name => "name",
            Self::Allocate => "allocate",
            Self::Announce => "announce",
            Self::Arrive => "arrive",
            Self::Frontend => "frontend",
            Self::Admit => "admit",
            Self::Policy => "policy",
            Self::Choose => "choose",
            Self::Source => "source",
            Self::Deliver => "deliver",
            Self::Answer => "answer",
        }
    }

    /// Whether a node's kernel does it by what is programmed for the frontend.
    #[must_use]
    pub const fn is_programmed_on_a_node(self) -> bool {
        matches!(self, Self::Frontend | Self::Admit | Self::Policy | Self::Choose | Self::Source)
    }
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// It follows from the objects.
    Expected,
    /// Besides, the kernel was read and has what was planned.
    Programmed,
    /// It was seen to happen.
    Observed,
}

impl Certainty {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Programmed => "programmed",
            Self::Observed => "observed",
        }
    }
}

/// Which object's field decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub object: Object,
    pub field: String,
    /// Empty where the field's mere presence was decisive.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// The agent's own settings are an object of kind `agent`, whose fields are its flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Empty where it is not known which one, or there is one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Hop {
    pub(crate) fn new(
        stage: Stage,
        node: Option<&NodeName>,
        says: impl Into<String>,
        origins: Vec<Origin>,
    ) -> Self {
        Self {
            stage,
            node: node.map(ToString::to_string),
            says: says.into(),
            origins,
            certainty: Certainty::Expected,
            change: None,
        }
    }
}

impl Object {
    pub(crate) fn new(kind: &str, name: impl fmt::Display) -> Self {
        Self { kind: kind.to_owned(), namespace: String::new(), name: name.to_string() }
    }

    pub(crate) fn service(name: &model::ServiceName) -> Self {
        Self::namespaced("Service", &name.namespace, &name.name)
    }

    pub(crate) fn import(name: &model::ServiceName) -> Self {
        Self::namespaced("ServiceImport", &name.namespace, &name.name)
    }

    pub(crate) fn pod(namespace: &str, name: &str) -> Self {
        Self::namespaced("Pod", namespace, name)
    }

    pub(crate) fn agent() -> Self {
        Self::new("agent", "")
    }

    /// One of a Service's.
    pub(crate) fn slice(service: &model::ServiceName, slice: &model::EndpointSlice) -> Self {
        Self::namespaced("EndpointSlice", &service.namespace, &slice.name)
    }

    /// A port's list of endpoints does not tell which slice each came from.
    pub(crate) fn endpoint_slice() -> Self {
        Self::new("EndpointSlice", "")
    }

    fn namespaced(kind: &str, namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..Self::new(kind, name) }
    }
}

impl From<&model::Object> for Object {
    fn from(object: &model::Object) -> Self {
        match object {
            model::Object::Service(name) => Self::service(name),
            model::Object::EndpointSlice { namespace, name } => {
                Self::namespaced("EndpointSlice", namespace, name)
            }
            model::Object::Node(name) => Self::new("Node", name),
            model::Object::ServiceCidr(name) => Self::new("ServiceCIDR", name),
            model::Object::File(path) => Self::new("file", path),
            model::Object::Other { kind, name } => Self::new(kind, name),
            model::Object::Agent => Self::agent(),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        match (self.namespace.as_str(), self.name.as_str()) {
            (_, "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}

impl Origin {
    pub(crate) fn new(object: Object, field: &str, value: impl fmt::Display) -> Self {
        Self { object, field: field.to_owned(), value: value.to_string() }
    }
}

impl From<&model::Origin> for Origin {
    fn from(origin: &model::Origin) -> Self {
        Self::new((&origin.object).into(), origin.field, &origin.value)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.field)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, "={}", self.value) }
    }
}
