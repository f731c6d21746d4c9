//! How is a Node written?

use super::wire::{Message, Problem, Value};
use crate::api::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, Taint};

impl Message<'_> for Node {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => value.merge_into(&mut self.spec)?,
            3 => value.merge_into(&mut self.status)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for NodeSpec {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.pod_cidr = value.text_or_none()?,
            5 => self.taints.push(value.message()?),
            7 => self.pod_cidrs.push(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Taint {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.key = value.text()?,
            2 => self.value = value.text_or_none()?,
            3 => self.effect = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for NodeStatus {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            4 => self.conditions.push(value.message()?),
            5 => self.addresses.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for NodeCondition {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.text()?,
            2 => self.status = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for NodeAddress {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.text()?,
            2 => self.address = value.text()?,
            _ => {}
        }
        Ok(())
    }
}
