//! How does an API server write objects as Protocol Buffers?
//!
//! Field by field into the structs of `api`, by the numbers of the published `generated.proto` of
//! each API group; other fields are skipped where they stand. A text or number that the server
//! writes here though it is empty or zero, and leaves out in JSON, is absent in both.

use crate::api::{Kind, ListMetadata, Metadata, Object, Status};

mod endpoint_slice;
mod metadata;
mod node;
mod pod;
mod service;
mod small;
mod wire;

use wire::{Message, Problem, Value};

/// How media types name this form.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every message begins with that can be told from others.
const MAGIC: &[u8] = b"k8s\0";

/// The bytes are not what the API writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("expected the four bytes before a message of the API")]
    NoMagic,
    #[error("the message holds nothing")]
    Nothing,
    /// Of a form that the API allows, and that its servers do not send.
    #[error("expected Protocol Buffers in the message, found {0:?}")]
    OtherContent(String),
    #[error("expected {expected}, found {found}")]
    OtherKind { expected: String, found: String },
    #[error("{0} is never written so")]
    NoForm(Kind),
    #[error("{what}: {why}")]
    Broken { what: String, why: String },
}

impl Malformed {
    fn of(what: &str) -> impl FnOnce(Problem) -> Self {
        move |problem| Self::Broken { what: what.to_owned(), why: problem.to_string() }
    }
}

/// A message that says what it is.
#[derive(Debug, Default)]
struct Unknown<'a> {
    kind: TypeMeta<'a>,
    raw: Option<&'a [u8]>,
    encoding: &'a str,
    content: &'a str,
}

#[derive(Debug, Default)]
struct TypeMeta<'a> {
    api_version: &'a str,
    kind: &'a str,
}

/// A message of a watch, whose object is not read yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchEvent<'a> {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub kind: &'a str,
    raw: &'a [u8],
}

/// A list, or a page of one, whose objects are not read yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List<'a> {
    pub metadata: ListMetadata,
    pub items: Vec<Item<'a>>,
}

/// The bytes of an object of a kind that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

impl<'a> WatchEvent<'a> {
    /// # Errors
    /// The bytes are no message of a watch.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Message::read(bytes).map_err(Malformed::of("a message of a watch"))
    }

    /// The object that it is about.
    ///
    /// # Errors
    /// It is of another kind, or does not say its own.
    pub fn item(&self, kind: Kind) -> Result<Item<'a>, Malformed> {
        let bytes = open(self.raw, kind.api_version(), kind.as_str())?;
        Ok(Item { kind, bytes })
    }

    /// What an `ERROR` says.
    ///
    /// # Errors
    /// It is no Status.
    pub fn status(&self) -> Result<Status, Malformed> {
        status(self.raw)
    }
}

impl<'a> List<'a> {
    /// # Errors
    /// The bytes are no list of objects of this kind.
    pub fn read(kind: Kind, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let name = format!("{kind}List");
        let raw = open(bytes, kind.api_version(), &name)?;
        let Items { metadata, items } = Message::read(raw).map_err(Malformed::of(&name))?;
        let items = items.into_iter().map(|bytes| Item { kind, bytes }).collect();
        Ok(Self { metadata, items })
    }
}

impl Item<'_> {
    /// # Errors
    /// The object cannot be read.
    pub fn object(self) -> Result<Object, Malformed> {
        fn read<'a, T: Message<'a>>(item: Item<'a>) -> Result<T, Malformed> {
            T::read(item.bytes).map_err(Malformed::of(item.kind.as_str()))
        }
        Ok(match self.kind {
            Kind::Service => Object::Service(Box::new(read(self)?)),
            Kind::EndpointSlice => Object::EndpointSlice(read(self)?),
            Kind::Node => Object::Node(read(self)?),
            Kind::ServiceCidr => Object::ServiceCidr(read(self)?),
            Kind::Pod => Object::Pod(read(self)?),
            Kind::Namespace => Object::Namespace(read(self)?),
            Kind::ConfigMap => Object::ConfigMap(read(self)?),
            Kind::ServiceImport
            | Kind::AddressPool
            | Kind::IpAddressPool
            | Kind::L2Advertisement => {
                return Err(Malformed::NoForm(self.kind));
            }
        })
    }

    /// What the object says of itself, whatever the rest of it is.
    ///
    /// # Errors
    /// Not even that can be read.
    pub fn metadata(self) -> Result<Metadata, Malformed> {
        let small::Named { metadata } =
            Message::read(self.bytes).map_err(Malformed::of(self.kind.as_str()))?;
        Ok(metadata)
    }
}

/// # Errors
/// The bytes are no Status.
pub fn status(bytes: &[u8]) -> Result<Status, Malformed> {
    Message::read(open(bytes, "v1", "Status")?).map_err(Malformed::of("Status"))
}

/// The message inside, where it is of this kind.
fn open<'a>(bytes: &'a [u8], api_version: &str, kind: &str) -> Result<&'a [u8], Malformed> {
    let bytes = bytes.strip_prefix(MAGIC).ok_or(Malformed::NoMagic)?;
    let unknown = Unknown::read(bytes).map_err(Malformed::of("a message of the API"))?;
    let Unknown { kind: found, raw, encoding, content } = unknown;
    if (found.api_version, found.kind) != (api_version, kind) {
        let expected = format!("{kind} of {api_version}");
        let found = format!("{:?} of {:?}", found.kind, found.api_version);
        return Err(Malformed::OtherKind { expected, found });
    }
    match (encoding, content) {
        // An empty list is written too; what is not there is no empty list.
        ("", "" | MEDIA_TYPE) => raw.ok_or(Malformed::Nothing),
        ("", content) => Err(Malformed::OtherContent(content.to_owned())),
        (encoding, _) => Err(Malformed::OtherContent(encoding.to_owned())),
    }
}

impl<'a> Message<'a> for Unknown<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.kind)?,
            2 => self.raw = Some(value.bytes()?),
            3 => self.encoding = value.str()?,
            4 => self.content = value.str()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for TypeMeta<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        match number {
            1 => self.api_version = value.str()?,
            2 => self.kind = value.str()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for WatchEvent<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.str()?,
            2 => {
                let Raw { bytes } = value.message()?;
                self.raw = bytes;
            }
            _ => {}
        }
        Ok(())
    }
}

/// An object in a message that does not know its kind.
#[derive(Debug, Default)]
struct Raw<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> for Raw<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        if number == 1 {
            self.bytes = value.bytes()?;
        }
        Ok(())
    }
}

/// A list of any kind.
#[derive(Debug, Default)]
struct Items<'a> {
    metadata: ListMetadata,
    items: Vec<&'a [u8]>,
}

impl<'a> Message<'a> for Items<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => self.items.push(value.bytes()?),
            _ => {}
        }
        Ok(())
    }
}
