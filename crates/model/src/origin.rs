//! Which object's field decided?

use std::fmt;
use std::sync::Arc;

use crate::name::{NodeName, ServiceName};

/// An object of the API that a decision or a rejection speaks of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    Service(ServiceName),
    EndpointSlice {
        namespace: Arc<str>,
        name: Arc<str>,
    },
    Node(NodeName),
    ServiceCidr(Arc<str>),
    /// A file of manifests, by its path: what stands in it could not be read as an object.
    File(Arc<str>),
    /// An object of a kind that has no meaning for the model.
    Other {
        kind: Arc<str>,
        name: Arc<str>,
    },
    /// The agent's own configuration.
    Agent,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "Service {name}"),
            Self::EndpointSlice { namespace, name } => {
                write!(f, "EndpointSlice {namespace}/{name}")
            }
            Self::Node(name) => write!(f, "Node {name}"),
            Self::ServiceCidr(name) => write!(f, "ServiceCIDR {name}"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Other { kind, name } => write!(f, "{kind} {name}"),
            Self::Agent => f.write_str("agent"),
        }
    }
}

/// Why a decision is as it is: the object and the field that made it so, as a person writes them.
///
/// Shown as `Service shop/web spec.externalTrafficPolicy=Local`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    pub object: Object,
    /// A path in the object, without its value.
    pub field: &'static str,
    /// The value that was decisive; empty where the field's mere presence was.
    pub value: String,
}

impl Origin {
    pub fn new(object: Object, field: &'static str, value: impl fmt::Display) -> Self {
        Self { object, field, value: value.to_string() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.field)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, "={}", self.value) }
    }
}
