//! How is a Pod written, as far as names and readiness go?

use super::wire::{Message, Problem, Value};
use crate::api::{Pod, PodCondition, PodIp, PodSpec, PodStatus};

impl Message<'_> for Pod {
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

impl Message<'_> for PodSpec {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            10 => self.node_name = value.text_or_none()?,
            11 => self.host_network = value.flag()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for PodStatus {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.phase = value.text()?,
            2 => self.conditions.push(value.message()?),
            6 => self.pod_ip = value.text_or_none()?,
            12 => self.pod_ips.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for PodIp {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.ip = value.text()?;
        }
        Ok(())
    }
}

impl Message<'_> for PodCondition {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.text()?,
            2 => self.status = value.text()?,
            5 => self.reason = value.text()?,
            6 => self.message = value.text()?,
            _ => {}
        }
        Ok(())
    }
}
