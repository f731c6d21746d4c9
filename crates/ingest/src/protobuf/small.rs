//! How are kinds written of which little is read?

use super::wire::{Message, Problem, Value};
use crate::api::{ConfigMap, Metadata, Namespace, ServiceCidr, ServiceCidrSpec};

/// What every object has, whatever its kind.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) metadata: Metadata,
}

impl Message<'_> for Named {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            value.merge_into(&mut self.metadata)?;
        }
        Ok(())
    }
}

impl Message<'_> for Namespace {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            value.merge_into(&mut self.metadata)?;
        }
        Ok(())
    }
}

impl Message<'_> for ConfigMap {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => value.entry_into(&mut self.data)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ServiceCidr {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => value.merge_into(&mut self.spec)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ServiceCidrSpec {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.cidrs.push(value.text()?);
        }
        Ok(())
    }
}
