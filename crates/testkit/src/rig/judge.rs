//! Does what the kernel did agree with a verdict?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::{Affinity, Delivery, Packet, Verdict};

use super::{Rig, RigError, Seen};
use crate::engine::Dissent;

/// Tries for one endpoint of a choice: the chance that n × 24 tries miss one of n equally likely
/// endpoints is below n / e^24, one in 26,000 million for each.
const TRIES_PER_ENDPOINT: usize = 24;

impl Rig {
    /// Whether the kernel gives the verdict to such packets.
    ///
    /// With several endpoints it sends until each was seen. With affinity it sends twice: the second
    /// must go where the first went, and the others cannot be seen from this client.
    ///
    /// # Errors
    /// What the kernel did instead.
    pub fn check(&mut self, packet: &Packet, expected: &Verdict) -> Result<(), Dissent> {
        match expected {
            Verdict::Forward { deliveries, affinity } => {
                self.check_forward(packet, deliveries, *affinity)
            }
            Verdict::Reject(_) => self.check_seen(packet, &Seen::Rejected),
            Verdict::Drop(_) => self.check_seen(packet, &Seen::Nothing),
            Verdict::NotService => {
                let (sent, seen) = self.send(packet).map_err(broken)?;
                let destination =
                    SocketAddr::new(packet.destination, packet.destination_port.get());
                let untouched = Seen::Arrived { source: sent, destination };
                if seen == untouched { Ok(()) } else { Err(Dissent(seen.to_string())) }
            }
        }
    }

    fn check_seen(&mut self, packet: &Packet, expected: &Seen) -> Result<(), Dissent> {
        let (_, seen) = self.send(packet).map_err(broken)?;
        if seen == *expected { Ok(()) } else { Err(Dissent(seen.to_string())) }
    }

    fn check_forward(
        &mut self,
        packet: &Packet,
        deliveries: &BTreeSet<Delivery>,
        affinity: Option<Affinity>,
    ) -> Result<(), Dissent> {
        if affinity.is_some() {
            let first = self.delivery(packet, deliveries)?;
            let second = self.delivery(packet, deliveries)?;
            return if first == second {
                Ok(())
            } else {
                Err(Dissent(format!("no affinity: {} then {}", Shown(first), Shown(second))))
            };
        }
        let mut missing = deliveries.clone();
        for _ in 0..deliveries.len() * TRIES_PER_ENDPOINT {
            let found = self.delivery(packet, deliveries)?;
            missing.remove(&found);
            if missing.is_empty() {
                return Ok(());
            }
        }
        let missing: Vec<String> = missing.into_iter().map(|it| Shown(it).to_string()).collect();
        Err(Dissent(format!("never forwards to {}", missing.join(" "))))
    }

    /// Sends one packet, which must be delivered as expected.
    ///
    /// The node's own packets keep their address when they are masqueraded, so that only the port
    /// tells; and the port that is drawn is the old one once in 64,512 times. Then another is sent.
    fn delivery(
        &mut self,
        packet: &Packet,
        expected: &BTreeSet<Delivery>,
    ) -> Result<Delivery, Dissent> {
        let mut found = self.delivered(packet)?;
        let other = Delivery { masquerade: true, ..found };
        if packet.interface.is_none() && !found.masquerade && expected.contains(&other) {
            found = self.delivered(packet)?;
        }
        if expected.contains(&found) { Ok(found) } else { Err(Dissent(Shown(found).to_string())) }
    }

    fn delivered(&mut self, packet: &Packet) -> Result<Delivery, Dissent> {
        let (sent, seen) = self.send(packet).map_err(broken)?;
        let Seen::Arrived { source, destination } = seen else {
            return Err(Dissent(seen.to_string()));
        };
        let is_own = self.addresses.contains(&source.ip()) || source.ip().is_loopback();
        if source.ip() != sent.ip() && !is_own {
            return Err(Dissent(format!("forward {destination}, source rewritten to {source}")));
        }
        Ok(Delivery { endpoint: destination, masquerade: source != sent })
    }
}

fn broken(error: RigError) -> Dissent {
    Dissent(format!("the rig does not work: {error}"))
}

struct Shown(Delivery);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = if self.0.masquerade { "+masquerade" } else { "" };
        write!(f, "forward {}{mark}", self.0.endpoint)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Arrived { source, destination } => write!(f, "{source} at {destination}"),
            Self::Rejected => f.write_str("reject"),
            Self::Nothing => f.write_str("drop"),
            Self::Odd(what) => write!(f, "odd: {what}"),
        }
    }
}
