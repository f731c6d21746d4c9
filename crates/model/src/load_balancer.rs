//! Who gives a Service of type LoadBalancer its addresses, and in which way?

use std::fmt;
use std::sync::Arc;

use crate::label_selector::Labels;

/// What a Service of type LoadBalancer says to whoever allocates and announces its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadBalancer {
    /// `spec.loadBalancerClass`; absent for whoever is the default.
    pub class: Option<Arc<str>>,
    /// The labels of the Service: advertisements select by them.
    pub labels: Labels,
    /// It consents to share its addresses.
    pub is_sharing: bool,
    /// Why it lacks an address, by the condition `pogu.dev/Allocated` of its status.
    pub lacks: Option<Arc<str>>,
}

/// A way to lead packets from outside to a Service of type LoadBalancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// By an address of a pool that no node has: one node at a time answers for it.
    Vip,
    /// By the addresses of nodes, at the Service's own ports.
    NodeIp,
    /// By a balancer outside of the cluster, which sends to node ports.
    NodePort,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Vip, Self::NodeIp, Self::NodePort];

    /// What `spec.loadBalancerClass` says for it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Vip => "pogu.dev/vip",
            Self::NodeIp => "pogu.dev/node-ip",
            Self::NodePort => "pogu.dev/node-port",
        }
    }

    /// The way of a Service of this class; `default` is that of Services that name none. Absent where
    /// the Service is somebody else's.
    #[must_use]
    pub fn of(class: Option<&str>, default: Option<Self>) -> Option<Self> {
        match class {
            None => default,
            Some(class) => Self::ALL.into_iter().find(|way| way.class() == class),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_says_whose_a_service_is() {
        let (vip, none) = (Some(Way::Vip), None);
        let cases = [
            (None, vip, vip),
            (None, none, None),
            (Some("pogu.dev/node-ip"), vip, Some(Way::NodeIp)),
            (Some("pogu.dev/node-port"), none, Some(Way::NodePort)),
            (Some("pogu.dev/vip"), Some(Way::NodePort), vip),
            (Some("metallb"), vip, None),
            (Some("pogu.dev/VIP"), vip, None),
        ];
        for (class, default, expected) in cases {
            assert_eq!(Way::of(class, default), expected, "{class:?} {default:?}");
        }
    }
}
