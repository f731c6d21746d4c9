//! How are the fields of a message of Protocol Buffers read, and what is wrong with those that are not?

use std::collections::BTreeMap;
use std::fmt;

use crate::api::IntOrString;

/// Something that is read field by field. A field that it has no place for is skipped.
pub(super) trait Message<'a>: Default {
    /// # Errors
    /// The value is not what the field holds.
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem>;

    /// A field that comes again replaces what it was, and a list grows, as the format wants it.
    ///
    /// # Errors
    /// The bytes are no such message.
    fn merge(&mut self, bytes: &'a [u8]) -> Result<(), Problem> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, value) = next_field(&mut rest)?;
            self.field(number, value).map_err(|problem| problem.inside(number))?;
        }
        Ok(())
    }

    /// # Errors
    /// The bytes are no such message.
    fn read(bytes: &'a [u8]) -> Result<Self, Problem> {
        let mut message = Self::default();
        message.merge(bytes)?;
        Ok(message)
    }
}

/// What a field holds, as far as the wire tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of no field that is read here.
    Fixed,
}

/// What is wrong, and in which field of which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The innermost first.
    path: Vec<u32>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    CutOff,
    LongNumber,
    FieldNumber,
    WireType(u8),
    NotNumber,
    NotBytes,
    NotText,
    NoTime(i64),
    NoCode(i64),
}

impl From<What> for Problem {
    fn from(what: What) -> Self {
        Self { path: Vec::new(), what }
    }
}

impl Problem {
    fn inside(mut self, number: u32) -> Self {
        self.path.push(number);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = self.path.iter().rev();
        if let Some(first) = path.next() {
            write!(f, "field {first}")?;
            for number in path {
                write!(f, ".{number}")?;
            }
            f.write_str(": ")?;
        }
        match self.what {
            What::CutOff => f.write_str("the bytes end in the middle of a field"),
            What::LongNumber => f.write_str("a number is longer than 64 bits"),
            What::FieldNumber => f.write_str("a field has a number that no field may have"),
            What::WireType(found) => write!(f, "no field is of wire type {found}"),
            What::NotNumber => f.write_str("expected a number"),
            What::NotBytes => f.write_str("expected text or a message, found a number"),
            What::NotText => f.write_str("expected text in UTF-8"),
            What::NoTime(found) => {
                write!(f, "expected seconds since 1970 of a year from 0 to 9999, found {found}")
            }
            What::NoCode(found) => write!(f, "expected a status of HTTP, found {found}"),
        }
    }
}

impl<'a> Value<'a> {
    pub(super) const fn bytes(self) -> Result<&'a [u8], Problem> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Fixed => {
                Err(Problem { path: Vec::new(), what: What::NotBytes })
            }
        }
    }

    pub(super) fn str(self) -> Result<&'a str, Problem> {
        std::str::from_utf8(self.bytes()?).map_err(|_not_utf_8| What::NotText.into())
    }

    pub(super) fn text(self) -> Result<String, Problem> {
        self.str().map(str::to_owned)
    }

    /// Of a text that the server always writes here, and leaves out in JSON when it is empty.
    pub(super) fn text_or_none(self) -> Result<Option<String>, Problem> {
        let text = self.str()?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Narrower numbers are written as if they had 64 bits.
    pub(super) const fn int(self) -> Result<i64, Problem> {
        match self {
            Self::Number(number) => Ok(number.cast_signed()),
            Self::Bytes(_) | Self::Fixed => {
                Err(Problem { path: Vec::new(), what: What::NotNumber })
            }
        }
    }

    pub(super) fn number(self) -> Result<IntOrString, Problem> {
        self.int().map(IntOrString::Int)
    }

    /// Of a number that the server always writes here, and leaves out in JSON when it is zero.
    pub(super) fn int_or_none(self) -> Result<Option<i64>, Problem> {
        self.int().map(|number| (number != 0).then_some(number))
    }

    /// The same of one that is judged later.
    pub(super) fn number_or_none(self) -> Result<Option<IntOrString>, Problem> {
        Ok(self.int_or_none()?.map(IntOrString::Int))
    }

    pub(super) fn flag(self) -> Result<bool, Problem> {
        self.int().map(|number| number != 0)
    }

    pub(super) fn message<M: Message<'a>>(self) -> Result<M, Problem> {
        M::read(self.bytes()?)
    }

    pub(super) fn merge_into<M: Message<'a>>(self, message: &mut M) -> Result<(), Problem> {
        message.merge(self.bytes()?)
    }

    /// A message that may be absent, and that merges with what came of it before.
    pub(super) fn merge_into_some<M: Message<'a>>(
        self,
        message: &mut Option<M>,
    ) -> Result<(), Problem> {
        self.merge_into(message.get_or_insert_default())
    }

    /// One entry of a map of texts.
    pub(super) fn entry_into(self, map: &mut BTreeMap<String, String>) -> Result<(), Problem> {
        let Entry { key, value } = self.message()?;
        map.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Texts by name are a list of these.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Message<'a> for Entry<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        match number {
            1 => self.key = value.str()?,
            2 => self.value = value.str()?,
            _ => {}
        }
        Ok(())
    }
}

fn next_field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Value<'a>), Problem> {
    let tag = u32::try_from(varint(rest)?).map_err(|_too_large| What::FieldNumber)?;
    let number = tag >> 3;
    if number == 0 {
        return Err(What::FieldNumber.into());
    }
    let value = match tag & 7 {
        0 => varint(rest).map(Value::Number),
        1 => take(rest, 8).map(|_skipped| Value::Fixed),
        2 => varint(rest).and_then(|length| take(rest, length)).map(Value::Bytes),
        5 => take(rest, 4).map(|_skipped| Value::Fixed),
        3 => Err(What::WireType(3)),
        4 => Err(What::WireType(4)),
        6 => Err(What::WireType(6)),
        _ => Err(What::WireType(7)),
    };
    let value = value.map_err(|what| Problem::from(what).inside(number))?;
    Ok((number, value))
}

/// Seven bits a byte, the lowest first; the highest bit says that there is more.
fn varint(rest: &mut &[u8]) -> Result<u64, What> {
    let mut number = 0;
    for (index, byte) in rest.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && *byte > 1 {
            return Err(What::LongNumber);
        }
        number |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *rest = rest.get(index + 1..).unwrap_or_default();
            return Ok(number);
        }
    }
    Err(What::CutOff)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], What> {
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (taken, after) = split.ok_or(What::CutOff)?;
    *rest = after;
    Ok(taken)
}
