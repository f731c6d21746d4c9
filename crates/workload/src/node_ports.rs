//! Which node ports does a Service get?

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use ingest::api::{IntOrString, ServiceSpec};
use model::ServiceName;

use crate::name_hash::hash;
use crate::service_addresses::Refusal;

/// Ports at the beginning of the range that are given only to whom asks for one.
const STATIC_MIN: u16 = 16;
const STATIC_MAX: u16 = 128;

/// Who has which number. One number is one Service's, whatever the protocol; within that Service
/// it may stand for a port of each protocol.
#[derive(Debug, Clone)]
pub(crate) struct NodePorts {
    range: RangeInclusive<u16>,
    taken: BTreeMap<u16, ServiceName>,
}

/// What one Service has so far.
#[derive(Default)]
struct Own {
    /// Its node ports, with their protocols.
    used: Vec<(u16, String)>,
    /// The node port of each port number, to be shared by its protocols.
    of_port: BTreeMap<u16, u16>,
}

impl NodePorts {
    pub(crate) const fn new(range: RangeInclusive<u16>) -> Self {
        Self { range, taken: BTreeMap::new() }
    }

    pub(crate) fn release(&mut self, owner: &ServiceName) {
        self.taken.retain(|_, taken_by| taken_by != owner);
    }

    pub(crate) fn taken(&self) -> &BTreeMap<u16, ServiceName> {
        &self.taken
    }

    /// Fills in the node ports of a Service. On a refusal nothing was taken. `held` is what the
    /// Service has from before.
    pub(crate) fn admit(
        &mut self,
        spec: &mut ServiceSpec,
        owner: &ServiceName,
        held: &ServiceSpec,
    ) -> Result<(), Refusal> {
        let kind = spec.kind.as_deref().unwrap_or_default();
        let is_balanced = kind == "LoadBalancer";
        let allocates = kind == "NodePort"
            || (is_balanced && spec.allocate_load_balancer_node_ports != Some(false));
        let has_health_check =
            is_balanced && spec.external_traffic_policy.as_deref() == Some("Local");
        let mut own = Own::default();
        if kind == "NodePort" || is_balanced {
            self.admit_ports(spec, owner, held, allocates, &mut own)?;
        }
        if has_health_check {
            let written = spec.health_check_node_port.as_ref();
            let written = number(written, "spec.healthCheckNodePort")?;
            let before = number(held.health_check_node_port.as_ref(), "").unwrap_or_default();
            let number = match written {
                Some(number) => self.requested(number, "spec.healthCheckNodePort", owner)?,
                None => self
                    .kept(before, owner)
                    .map_or_else(|| self.automatic(owner, "healthCheck", &own), Ok)?,
            };
            if own.used.iter().any(|(used, _)| *used == number) {
                let reason = format!("expected a port of its own, found the node port {number}");
                return Err(("spec.healthCheckNodePort".to_owned(), reason));
            }
            own.used.push((number, String::new()));
            spec.health_check_node_port = Some(number.into());
        }
        self.taken.extend(own.used.into_iter().map(|(number, _)| (number, owner.clone())));
        Ok(())
    }

    fn admit_ports(
        &self,
        spec: &mut ServiceSpec,
        owner: &ServiceName,
        held: &ServiceSpec,
        allocates: bool,
        own: &mut Own,
    ) -> Result<(), Refusal> {
        // What is asked for goes first, so that no automatic number is in its way.
        let requested: Vec<Option<u16>> = (spec.ports.iter().enumerate())
            .map(|(index, port)| number(port.node_port.as_ref(), &field(index)))
            .collect::<Result<_, _>>()?;
        for (index, number) in requested.iter().enumerate() {
            let (Some(number), Some(port)) = (number, spec.ports.get(index)) else { continue };
            let number = self.requested(*number, &field(index), owner)?;
            own.add(number, port, &field(index))?;
        }
        for (index, port) in spec.ports.iter_mut().enumerate() {
            if requested.get(index).copied().flatten().is_some() || !allocates {
                continue;
            }
            let is_same = |other: &&ingest::api::ServicePort| {
                protocol(other) == protocol(port) && other.port == port.port
            };
            let before = held.ports.iter().find(is_same).and_then(|it| it.node_port.as_ref());
            let before = number(before, "").unwrap_or_default();
            let shared = own.shared(port);
            let number = match shared
                .or_else(|| self.kept(before, owner))
                .filter(|number| own.is_free(*number, port))
            {
                Some(number) => number,
                None => {
                    let what = format!("{}/{}", index, protocol(port));
                    self.automatic(owner, &what, own)?
                }
            };
            own.add(number, port, &field(index))?;
            port.node_port = Some(number.into());
        }
        Ok(())
    }

    fn requested(&self, number: u16, field: &str, owner: &ServiceName) -> Result<u16, Refusal> {
        if !self.range.contains(&number) {
            let (first, last) = (self.range.start(), self.range.end());
            let reason = format!("expected a node port from {first} to {last}, found {number}");
            return Err((field.to_owned(), reason));
        }
        match self.taken.get(&number) {
            Some(other) if other != owner => {
                let reason = format!("{number} is already a node port of Service {other}");
                Err((field.to_owned(), reason))
            }
            Some(_) | None => Ok(number),
        }
    }

    fn kept(&self, before: Option<u16>, owner: &ServiceName) -> Option<u16> {
        before.filter(|number| self.requested(*number, "", owner).is_ok())
    }

    fn automatic(&self, owner: &ServiceName, what: &str, own: &Own) -> Result<u16, Refusal> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let size = (u64::from(last) + 1).saturating_sub(first.into());
        let offset = static_part(size);
        let seed = hash(&[&owner.namespace, &owner.name, what]) >> 8;
        let is_free = |number: &u16| {
            let is_own = own.used.iter().any(|(used, _)| used == number);
            !is_own && !self.taken.contains_key(number)
        };
        for (begin, size) in [(offset, size - offset), (0, offset)] {
            let numbers = (0..size).map(|step| begin + (seed + step) % size);
            // The range is one of u16, so no number is lost here.
            let mut numbers =
                numbers.filter_map(|offset| first.checked_add(u16::try_from(offset).ok()?));
            if let Some(number) = numbers.find(is_free) {
                return Ok(number);
            }
        }
        Err(("spec.ports".to_owned(), format!("every node port from {first} to {last} is taken")))
    }
}

impl Own {
    fn is_free(&self, number: u16, port: &ingest::api::ServicePort) -> bool {
        !self.used.iter().any(|(used, of)| *used == number && of == protocol(port))
    }

    fn shared(&self, port: &ingest::api::ServicePort) -> Option<u16> {
        let number = port_number(port)?;
        self.of_port.get(&number).copied().filter(|number| self.is_free(*number, port))
    }

    fn add(
        &mut self,
        number: u16,
        port: &ingest::api::ServicePort,
        field: &str,
    ) -> Result<(), Refusal> {
        let protocol = protocol(port);
        if !self.is_free(number, port) {
            let reason = format!("expected each node port once, found {number}/{protocol} again");
            return Err((field.to_owned(), reason));
        }
        self.used.push((number, protocol.to_owned()));
        if let Some(port) = port_number(port) {
            self.of_port.entry(port).or_insert(number);
        }
        Ok(())
    }
}

fn field(index: usize) -> String {
    format!("spec.ports[{index}].nodePort")
}

fn protocol(port: &ingest::api::ServicePort) -> &str {
    port.protocol.as_deref().unwrap_or("TCP")
}

fn port_number(port: &ingest::api::ServicePort) -> Option<u16> {
    number(port.port.as_ref(), "").ok().flatten()
}

/// Zero means none, as in the API.
fn number(value: Option<&IntOrString>, field: &str) -> Result<Option<u16>, Refusal> {
    match value {
        None | Some(IntOrString::Int(0)) => Ok(None),
        Some(IntOrString::Int(number)) => {
            let port = u16::try_from(*number).ok().and_then(NonZeroU16::new);
            let wrong = || format!("expected a number from 1 to 65535, found {number}");
            port.map(|port| Some(port.get())).ok_or_else(|| (field.to_owned(), wrong()))
        }
        Some(IntOrString::String(text)) => {
            Err((field.to_owned(), format!("expected a number, found the text {text:?}")))
        }
    }
}

fn static_part(size: u64) -> u64 {
    if size <= STATIC_MIN.into() {
        return 0;
    }
    (size / 32).clamp(STATIC_MIN.into(), STATIC_MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_ports_for_those_who_ask() {
        assert_eq!([16, 17, 600, 2768, 65_000].map(static_part), [0, 16, 18, 86, 128]);
    }
}
