//! How is an EndpointSlice written?

use super::wire::{Message, Problem, Value};
use crate::api::{Conditions, Endpoint, EndpointPort, EndpointSlice, ForName, Hints};

impl Message<'_> for EndpointSlice {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => self.endpoints.push(value.message()?),
            3 => self.ports.push(value.message()?),
            4 => self.address_type = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Endpoint {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.addresses.push(value.text()?),
            2 => value.merge_into(&mut self.conditions)?,
            3 => self.hostname = Some(value.text()?),
            4 => value.merge_into_some(&mut self.target_ref)?,
            6 => self.node_name = Some(value.text()?),
            7 => self.zone = Some(value.text()?),
            8 => value.merge_into_some(&mut self.hints)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Conditions {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.ready = Some(value.flag()?),
            2 => self.serving = Some(value.flag()?),
            3 => self.terminating = Some(value.flag()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Hints {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.for_zones.push(value.message()?),
            2 => self.for_nodes.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ForName {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.name = value.text()?;
        }
        Ok(())
    }
}

impl Message<'_> for EndpointPort {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.name = Some(value.text()?),
            2 => self.protocol = Some(value.text()?),
            3 => self.port = Some(value.number()?),
            4 => self.app_protocol = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}
