//! What does a real kernel do with the first packet of a connection?
//!
//! A namespace stands for the node. Packets arrive on its interfaces or are sent by the node itself,
//! so that they take the same hooks as in life; what comes out is read as frames. There is no
//! waiting: after each packet goes a marker on the same way, and when that has come out, nothing
//! of the packet is still to come.

use std::net::{IpAddr, SocketAddr};

use host::netns::Netns;
use model::{Family, Packet, Protocol};

mod checksum;
mod frame;
mod judge;
mod node;

use frame::{First, Frame};
use node::Node;

/// Where markers go: addresses for benchmarks, which no scenario uses.
const MARKER_ENDS: [(&str, &str); 2] = [("198.18.0.1", "198.19.0.1"), ("2001:2::1", "2001:2::2")];

/// Nobody listens there, and no Service should claim it.
const MARKER_PORT: u16 = 9;

const FIRST_SOURCE_PORT: u16 = 1024;

/// Why the rig itself does not work.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    #[error("cannot {operation}: {source}")]
    Failed { operation: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("nothing came out of the node, not even a marker")]
    Silent,
}

pub(crate) fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    operation: &'static str,
) -> impl FnOnce(E) -> RigError {
    move |source| RigError::Failed { operation, source: source.into() }
}

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It left the node for `destination`, or was taken in where that is the node's own.
    Arrived { source: SocketAddr, destination: SocketAddr },
    /// Its sender was told that the port is unreachable.
    Rejected,
    /// Nothing at all came of it.
    Nothing,
    /// More than one thing, or one that no verdict means.
    Odd(String),
}

/// A node in a namespace, and the hands that feed it.
pub struct Rig {
    node: Node,
    addresses: Vec<IpAddr>,
    next_mark: u32,
    next_source_port: u16,
}

impl Rig {
    /// A node with these addresses, the primary one of each family first. Loopback ones are there
    /// anyway.
    ///
    /// # Errors
    /// The namespace cannot be set up.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, RigError> {
        let mut addresses = addresses.to_vec();
        addresses.retain(|address| !address.is_loopback());
        let node = Node::new(&addresses)?;
        Ok(Self { node, addresses, next_mark: 1, next_source_port: FIRST_SOURCE_PORT })
    }

    /// The node's namespace, to program it.
    #[must_use]
    pub const fn netns(&self) -> &Netns {
        self.node.netns()
    }

    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Sends the first packet of a new connection and sees what becomes of it.
    ///
    /// # Errors
    /// The rig does not work.
    pub fn send(&mut self, packet: &Packet) -> Result<(SocketAddr, Seen), RigError> {
        let first = First {
            source: SocketAddr::new(packet.source, self.source_port()),
            destination: SocketAddr::new(packet.destination, packet.destination_port.get()),
            protocol: packet.protocol,
            mark: self.mark(),
        };
        self.inject(packet.interface.as_deref(), first)?;
        let mut events = Vec::new();
        // Twice: what the node sends to itself passes a queue, and a thread may change its
        // processor between a packet and its marker.
        let rounds = if packet.interface.is_some() { 1 } else { 2 };
        for _ in 0..rounds {
            for marker in self.markers(packet) {
                self.inject(packet.interface.as_deref(), marker)?;
                self.collect_until(marker, first.mark, &mut events)?;
            }
        }
        let seen = match events.as_slice() {
            [] => Seen::Nothing,
            [one] => one.clone(),
            several => Seen::Odd(format!("{several:?}")),
        };
        Ok((first.source, seen))
    }

    fn inject(&mut self, interface: Option<&str>, first: First) -> Result<(), RigError> {
        match interface {
            Some(interface) => self.node.arrive(interface, &first.bytes()),
            None => self.node.emit(first.destination.ip(), &first.bytes()),
        }
    }

    /// One marker for each way that the packet can take: through the node, and for its own also into
    /// it.
    fn markers(&mut self, packet: &Packet) -> Vec<First> {
        let family = Family::of(packet.destination);
        let [v4, v6] = MARKER_ENDS;
        let (source, destination) = if family == Family::V4 { v4 } else { v6 };
        let parse = |text: &str| -> IpAddr { text.parse().expect("a constant is an address") };
        let own = self.addresses.iter().copied().find(|address| Family::of(*address) == family);
        let mut ends = vec![(parse(source), parse(destination))];
        if packet.interface.is_none() {
            ends = own.map_or(Vec::new(), |own| vec![(own, parse(destination)), (own, own)]);
        }
        ends.into_iter()
            .map(|(source, destination)| First {
                source: SocketAddr::new(source, self.source_port()),
                destination: SocketAddr::new(destination, MARKER_PORT),
                protocol: Protocol::Udp,
                mark: self.mark(),
            })
            .collect()
    }

    /// Reads frames up to the marker and keeps what speaks of the packet.
    fn collect_until(
        &self,
        marker: First,
        mark: u32,
        events: &mut Vec<Seen>,
    ) -> Result<(), RigError> {
        loop {
            match Frame::parse(&self.node.next_frame()?) {
                Frame::First(first) if first.mark == marker.mark => return Ok(()),
                Frame::First(first) if first.mark == mark => {
                    let First { source, destination, .. } = first;
                    events.push(Seen::Arrived { source, destination });
                }
                Frame::Error { about, is_port_unreachable } if about.mark == mark => {
                    events.push(if is_port_unreachable {
                        Seen::Rejected
                    } else {
                        Seen::Odd("an ICMP error that is not port unreachable".to_owned())
                    });
                }
                Frame::First(_) | Frame::Error { .. } | Frame::Other => {}
            }
        }
    }

    const fn mark(&mut self) -> u32 {
        let mark = self.next_mark;
        self.next_mark = if mark == u32::MAX { 1 } else { mark + 1 };
        mark
    }

    /// Each packet begins a connection that the kernel has not seen.
    const fn source_port(&mut self) -> u16 {
        let port = self.next_source_port;
        self.next_source_port = if port == u16::MAX { FIRST_SOURCE_PORT } else { port + 1 };
        port
    }
}
