//! How is written what every object, list and refusal says of itself?

use super::wire::{Entry, Message, Problem, Value, What};
use crate::api::{LAST_APPLIED, ListMetadata, Metadata, ObjectReference, Status};
use crate::time::show_time;

impl Message<'_> for Metadata {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.name = value.text()?,
            3 => self.namespace = value.text()?,
            5 => self.uid = value.text_or_none()?,
            6 => self.resource_version = value.text_or_none()?,
            7 => self.generation = value.int_or_none()?,
            8 => self.creation_timestamp = moment(value)?,
            9 => self.deletion_timestamp = moment(value)?,
            11 => value.entry_into(&mut self.labels)?,
            12 => {
                let Entry { key, value } = value.message()?;
                if key != LAST_APPLIED {
                    self.annotations.insert(key.to_owned(), value.to_owned());
                }
            }
            14 => self.finalizers.push(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

/// A moment as JSON writes it. One that is not set is an empty message.
pub(super) fn moment(value: Value<'_>) -> Result<Option<String>, Problem> {
    let Moment { seconds } = value.message()?;
    let Some(seconds) = seconds else { return Ok(None) };
    match show_time(seconds) {
        Some(text) => Ok(Some(text)),
        None => Err(What::NoTime(seconds).into()),
    }
}

/// Parts of a second are in neither form.
#[derive(Debug, Default)]
struct Moment {
    seconds: Option<i64>,
}

impl Message<'_> for Moment {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.seconds = Some(value.int()?);
        }
        Ok(())
    }
}

impl Message<'_> for ObjectReference {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.text_or_none()?,
            2 => self.namespace = value.text_or_none()?,
            3 => self.name = value.text_or_none()?,
            4 => self.uid = value.text_or_none()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ListMetadata {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            2 => self.resource_version = value.text()?,
            3 => self.next = value.text_or_none()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Status {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            3 => self.message = value.text()?,
            4 => self.reason = value.text()?,
            6 => {
                let code = value.int()?;
                self.code = u16::try_from(code).map_err(|_out_of_range| What::NoCode(code))?;
            }
            _ => {}
        }
        Ok(())
    }
}
