//! Which addresses of the cluster are no load balancer's?

use std::fmt;

use model::{AddressRange, NodeName, ServiceName, ServiceTable};

/// Ranges and addresses that are in use for something else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings(pub Vec<(AddressRange, Whose)>);

/// What an address is in use for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// It is the Node's own.
    Node(NodeName),
    /// It is for pods of the Node.
    Pods(NodeName),
    /// It is for ClusterIPs.
    Services,
    /// Somebody else gave it to the Service.
    Service(ServiceName),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "Node {name}"),
            Self::Pods(name) => write!(f, "the pods of Node {name}"),
            Self::Services => f.write_str("ClusterIPs"),
            Self::Service(name) => write!(f, "Service {name}, which has it of somebody else"),
        }
    }
}

impl Surroundings {
    /// Those that the cluster tells of.
    #[must_use]
    pub fn of(cluster: &ServiceTable) -> Self {
        let nodes = cluster.nodes.values().flat_map(|node| {
            let own = node.addresses.iter();
            let own = own.map(|it| (AddressRange::from(*it), Whose::Node(node.name.clone())));
            let pods = node.pod_cidrs.iter();
            own.chain(pods.map(|it| (AddressRange::from(*it), Whose::Pods(node.name.clone()))))
        });
        let services = cluster.service_cidrs.iter();
        let services = services.map(|it| (AddressRange::from(*it), Whose::Services));
        Self(nodes.chain(services).collect())
    }
}
