//! What do agents tell each other, and how does it look as bytes?
//!
//! A hello says that its sender is there, whom it hears, and what changed of its state since the
//! version that the receiver has said it knows. So a hello is small, whatever the state's size.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use model::{Mac, NodeName};

/// A hello fits into one packet of any link that carries IPv6.
pub const HELLO_BYTES_MAX: usize = 1200;

/// Where agents listen, unless they are told otherwise.
pub const PORT: u16 = 7947;

const MAGIC: [u8; 4] = *b"pogu";
const VERSION: u8 = 1;
/// The API allows 253 bytes.
const NAME_MAX: usize = 253;
const LEAVING: u8 = 1;
const HEARS: u8 = 2;
const NEEDED: u8 = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Which of the sender's lives: another after each start.
    pub life: u64,
    /// Which of the receiver's lives the sender hears at this time.
    pub hears: Option<u64>,
    /// The sender is about to end, and hands over what it has.
    pub is_leaving: bool,
    /// The sender itself needs to hear the receiver, and does not only answer.
    pub is_needed: bool,
    /// How long until the next hello, at most.
    pub interval: Duration,
    /// Grows with each hello, whoever it is for: sessions come and go, and a life remains.
    pub sequence: u64,
    /// What the sender knows of the receiver's state.
    pub knows: u64,
    /// Up to which version the sender has left out of that what is as if it had never been told.
    pub has_forgotten: u64,
    /// How new the sender's view of the cluster is, where that can be compared; 0: unknown.
    pub revision: u64,
    /// The version of the sender's state.
    pub version: u64,
    /// What became as if it had never been told, up to this version, is not told any more. Whoever knows
    /// less starts again with nothing.
    pub forgets: u64,
    /// `changes` lead from this version of the sender's state to that one.
    pub from: u64,
    pub to: u64,
    pub changes: Vec<Change>,
}

/// A thing that a node tells others of itself. What was never told is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Vip {
        address: IpAddr,
        standing: Standing,
    },
    /// What it knows of another node: `None` when they have nothing to do with each other.
    Peer {
        node: NodeName,
        is_up: Option<bool>,
    },
    /// A link-layer address of its own.
    Mac {
        mac: Mac,
        is_own: bool,
    },
}

/// What a node is for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Standing {
    /// It could answer and does not.
    #[default]
    Standby,
    /// It answers.
    Owner,
    /// It cannot answer, whoever else can or cannot: also when it was a candidate and is none any more.
    Unable,
}

impl Hello {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(MAGIC);
        let leaving = if self.is_leaving { LEAVING } else { 0 };
        let hears = if self.hears.is_some() { HEARS } else { 0 };
        let needed = if self.is_needed { NEEDED } else { 0 };
        bytes.extend([VERSION, leaving | hears | needed]);
        let interval = u16::try_from(self.interval.as_millis()).unwrap_or(u16::MAX);
        bytes.extend(interval.to_be_bytes());
        let numbers = [
            self.life,
            self.hears.unwrap_or_default(),
            self.sequence,
            self.knows,
            self.has_forgotten,
            self.revision,
            self.version,
            self.forgets,
            self.from,
            self.to,
        ];
        bytes.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        self.changes.iter().for_each(|change| change.write(&mut bytes));
        bytes
    }

    /// Whether it is a hello that must be read in another way. One that only says more than is known here,
    /// by flags and kinds of changes, has this version.
    #[must_use]
    pub fn is_of_other_version(bytes: &[u8]) -> bool {
        let rest = bytes.strip_prefix(&MAGIC);
        rest.and_then(|rest| rest.first()).is_some_and(|version| *version != VERSION)
    }

    /// `None` for what is no hello, or one of another version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        if bytes.len() > HELLO_BYTES_MAX || rest.take()? != MAGIC || rest.byte()? != VERSION {
            return None;
        }
        let flags = rest.byte()?;
        let interval = Duration::from_millis(u16::from_be_bytes(rest.take()?).into());
        let life = rest.number()?;
        let hears = rest.number()?;
        let mut hello = Self {
            life,
            hears: (flags & HEARS != 0).then_some(hears),
            is_leaving: flags & LEAVING != 0,
            is_needed: flags & NEEDED != 0,
            interval,
            sequence: rest.number()?,
            knows: rest.number()?,
            has_forgotten: rest.number()?,
            revision: rest.number()?,
            version: rest.number()?,
            forgets: rest.number()?,
            from: rest.number()?,
            to: rest.number()?,
            changes: Vec::new(),
        };
        while !rest.0.is_empty() {
            hello.changes.extend(Change::read(&mut rest)?);
        }
        let is_sound = hello.from <= hello.to && hello.to <= hello.version;
        (is_sound && !hello.interval.is_zero()).then_some(hello)
    }
}

const VIP4: u8 = 4;
const VIP6: u8 = 6;
const PEER: u8 = 1;
const MAC: u8 = 2;

impl Change {
    /// The bytes that it takes: what it is, how long, and its value.
    #[must_use]
    pub fn length(&self) -> usize {
        2 + match self {
            Self::Vip { address: IpAddr::V4(_), .. } => 5,
            Self::Vip { address: IpAddr::V6(_), .. } => 17,
            Self::Peer { node, .. } => 1 + node.0.len().min(NAME_MAX),
            Self::Mac { .. } => 7,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let length = u8::try_from(self.length() - 2).unwrap_or(u8::MAX);
        match self {
            Self::Vip { address, standing } => {
                match address {
                    IpAddr::V4(address) => {
                        bytes.extend([VIP4, length]);
                        bytes.extend(address.octets());
                    }
                    IpAddr::V6(address) => {
                        bytes.extend([VIP6, length]);
                        bytes.extend(address.octets());
                    }
                }
                bytes.push(match standing {
                    Standing::Standby => 0,
                    Standing::Owner => 1,
                    Standing::Unable => 2,
                });
            }
            Self::Peer { node, is_up } => {
                let name = node.0.as_bytes();
                bytes.extend([PEER, length]);
                bytes.extend(name.get(..NAME_MAX).unwrap_or(name));
                bytes.push(match is_up {
                    None => 0,
                    Some(false) => 1,
                    Some(true) => 2,
                });
            }
            Self::Mac { mac, is_own } => {
                bytes.extend([MAC, length]);
                bytes.extend(mac.0);
                bytes.push(u8::from(*is_own));
            }
        }
    }

    /// `None` inside for what only another version knows.
    fn read(rest: &mut Bytes<'_>) -> Option<Option<Self>> {
        let kind = rest.byte()?;
        let length = usize::from(rest.byte()?);
        let mut value = Bytes(rest.slice(length)?);
        let change = match kind {
            VIP4 => {
                let address = Ipv4Addr::from(value.take()?).into();
                Self::Vip { address, standing: Standing::read(value.byte()?) }
            }
            VIP6 => {
                let address = Ipv6Addr::from(value.take()?).into();
                Self::Vip { address, standing: Standing::read(value.byte()?) }
            }
            PEER => {
                let length = length.checked_sub(1).filter(|length| *length <= NAME_MAX)?;
                let name = std::str::from_utf8(value.slice(length)?).ok()?;
                let is_up = match value.byte()? {
                    1 => Some(false),
                    2 => Some(true),
                    _ => None,
                };
                Self::Peer { node: NodeName::new(name), is_up }
            }
            MAC => Self::Mac { mac: Mac(value.take()?), is_own: value.byte()? == 1 },
            _ => return Some(None),
        };
        Some(Some(change))
    }
}

impl Standing {
    /// Whatever another version means by more than these is not to be counted on.
    const fn read(byte: u8) -> Self {
        match byte {
            0 => Self::Standby,
            1 => Self::Owner,
            _ => Self::Unable,
        }
    }
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }
}
