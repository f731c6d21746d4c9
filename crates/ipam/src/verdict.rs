//! May a Service have this very address?

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use model::{Mac, Protocol, ServiceName};

use crate::surroundings::Whose;

/// What stands in the way of giving an address to a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// Nobody has it.
    Free,
    /// Others have it, and all of them may share it with this one.
    ShareOk,
    /// This one has it, and not both of the two consent to sharing.
    HeldBy(ServiceName),
    /// The other consents, by another key.
    ShareKeyDiffers { theirs: Arc<str>, ours: Arc<str>, holder: ServiceName },
    /// The key is the same, but is not meant for this one's namespace.
    NamespaceDiffers(ServiceName),
    /// The port is what packets are told apart by.
    PortTaken(Protocol, NonZeroU16, ServiceName),
    /// The external policy of one of the two is Local, and they have different pods: then packets of
    /// the two would have to arrive at different nodes.
    SelectorDiffers(ServiceName),
    /// It ends in 0 or 255, and the pool avoids these.
    Edge,
    /// It is not to be given.
    Excluded(Exclusion),
    /// A machine outside the cluster answers for it.
    Conflict(Mac),
    /// Another Service had it so shortly before that clients may take one for the other. Since the
    /// moment from which the allocator's time counts.
    Quarantined(Duration),
}

/// Why an address of a pool is not given to anybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclusion {
    /// The pool says so.
    Reserved,
    /// It is in use for something else.
    Taken(Whose),
}

impl Candidate {
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Free | Self::ShareOk)
    }

    /// Whether what stands in the way goes when somebody else gives something up, or with time.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Edge | Self::Excluded(_))
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Free | Self::ShareOk | Self::Quarantined(_) => None,
            Self::HeldBy(holder) => Some(format!(
                "to share it, give this Service and {holder} the same annotation pogu.dev/sharing-key"
            )),
            Self::ShareKeyDiffers { theirs, .. } => {
                Some(format!("to share it, use the sharing key {theirs:?}"))
            }
            Self::NamespaceDiffers(holder) => Some(format!(
                "both must name the other's namespace in pogu.dev/sharing-namespaces: {holder} too"
            )),
            Self::PortTaken(..) => Some("use another port, or another address".to_owned()),
            Self::SelectorDiffers(_) => Some(
                "Services of one address need externalTrafficPolicy Cluster, or the same selector"
                    .to_owned(),
            ),
            Self::Edge => {
                Some("ask for another, or set avoidEdges of the pool to false".to_owned())
            }
            Self::Excluded(Exclusion::Reserved) => {
                Some("ask for another, or take it out of the pool's reserved".to_owned())
            }
            Self::Excluded(Exclusion::Taken(_)) => Some("ask for another".to_owned()),
            Self::Conflict(mac) => {
                Some(format!("find the machine {mac}, or add the address to the pool's reserved"))
            }
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.write_str("free"),
            Self::ShareOk => f.write_str("may be shared"),
            Self::HeldBy(holder) => write!(f, "held by {holder}"),
            Self::ShareKeyDiffers { theirs, ours, holder } => {
                write!(f, "held by {holder} with sharing key {theirs:?}, not {ours:?}")
            }
            Self::NamespaceDiffers(holder) => {
                write!(f, "held by {holder}, whose sharing key is not for this namespace")
            }
            Self::PortTaken(protocol, port, holder) => {
                write!(f, "port {port}/{protocol} is taken by {holder}")
            }
            Self::SelectorDiffers(holder) => write!(
                f,
                "held by {holder}, which has other pods, and externalTrafficPolicy is Local"
            ),
            Self::Edge => f.write_str("it ends in 0 or 255, which the pool avoids"),
            Self::Excluded(Exclusion::Reserved) => f.write_str("reserved by the pool"),
            Self::Excluded(Exclusion::Taken(whose)) => write!(f, "in use for {whose}"),
            Self::Conflict(mac) => {
                write!(f, "the machine {mac} outside the cluster answers for it")
            }
            Self::Quarantined(_) => f.write_str("another Service had it a short time ago"),
        }
    }
}
