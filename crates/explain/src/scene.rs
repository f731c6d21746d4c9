//! What is at hand when a node decides on a packet?

use std::net::IpAddr;

use model::{Endpoint, NodeName, NodeService, NodeTable, Packet, Pod, Service};

use crate::trace::{Hop, Object, Origin, Stage};
use crate::view::View;

/// A packet at the node that decides on it.
pub(crate) struct Scene<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) table: &'a NodeTable,
    /// The table is another node's, made under the flags of this one.
    pub(crate) is_assumed: bool,
    pub(crate) packet: &'a Packet,
    /// The node that the client is on, where that is known.
    pub(crate) client_node: Option<&'a NodeName>,
    /// The Service that was asked for by name, if one was.
    pub(crate) named: Option<&'a Service>,
}

impl<'a> Scene<'a> {
    pub(crate) fn node(&self) -> &'a NodeName {
        &self.table.node.name
    }

    pub(crate) fn hop(&self, stage: Stage, says: impl Into<String>, origins: Vec<Origin>) -> Hop {
        Hop::new(stage, Some(self.node()), says, origins)
    }

    /// Where an address is: on the node that its endpoint names, or that bears it, or that its pod
    /// is on.
    pub(crate) fn place_of(&self, endpoint: &Endpoint) -> Option<NodeName> {
        endpoint.node.clone().or_else(|| self.view.node_of(endpoint.address.ip()))
    }

    pub(crate) fn pod_at(&self, address: IpAddr) -> Option<&'a Pod> {
        self.view.pod_at(address)
    }
}

/// The endpoints of one port in one family, used or not.
pub(crate) fn all_endpoints<'a>(
    service: &'a NodeService,
    port: &model::NodePort,
) -> &'a [Endpoint] {
    let same =
        |known: &&model::ServicePort| known.name == port.name && known.protocol == port.protocol;
    let found = service.service.ports.iter().find(same);
    found.map_or(&[], |found| found.endpoints.get(port.family))
}

/// A field of a Service, with its value.
pub(crate) fn field_of(
    service: &NodeService,
    field: &str,
    value: impl std::fmt::Display,
) -> Origin {
    Origin::new(Object::service(service.name()), field, value)
}
