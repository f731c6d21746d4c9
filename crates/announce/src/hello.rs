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
    /// Counts the hellos to this receiver.
    pub sequence: u64,
    /// What the sender knows of the receiver's state.
    pub knows: u64,
    /// The version of the sender's state.
    pub version: u64,
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
            self.version,
            self.from,
            self.to,
        ];
        bytes.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        self.changes.iter().for_each(|change| change.write(&mut bytes));
        bytes
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
            version: rest.number()?,
            from: rest.number()?,
            to: rest.number()?,
            changes: Vec::new(),
        };
        while !rest.0.is_empty() {
            hello.changes.push(Change::read(&mut rest)?);
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
    /// The bytes that it takes.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Vip { address: IpAddr::V4(_), .. } => 6,
            Self::Vip { address: IpAddr::V6(_), .. } => 18,
            Self::Peer { node, .. } => 3 + node.0.len(),
            Self::Mac { .. } => 8,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Vip { address, standing } => {
                match address {
                    IpAddr::V4(address) => {
                        bytes.push(VIP4);
                        bytes.extend(address.octets());
                    }
                    IpAddr::V6(address) => {
                        bytes.push(VIP6);
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
                // The API allows 253 bytes.
                let name = node.0.as_bytes().get(..255).unwrap_or(node.0.as_bytes());
                bytes.extend([PEER, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
                bytes.extend(name);
                bytes.push(match is_up {
                    None => 0,
                    Some(false) => 1,
                    Some(true) => 2,
                });
            }
            Self::Mac { mac, is_own } => {
                bytes.push(MAC);
                bytes.extend(mac.0);
                bytes.push(u8::from(*is_own));
            }
        }
    }

    fn read(rest: &mut Bytes<'_>) -> Option<Self> {
        match rest.byte()? {
            VIP4 => {
                let address = Ipv4Addr::from(rest.take()?).into();
                Some(Self::Vip { address, standing: Standing::read(rest)? })
            }
            VIP6 => {
                let address = Ipv6Addr::from(rest.take()?).into();
                Some(Self::Vip { address, standing: Standing::read(rest)? })
            }
            PEER => {
                let length = usize::from(rest.byte()?);
                let name = std::str::from_utf8(rest.slice(length)?).ok()?;
                let is_up = match rest.byte()? {
                    0 => None,
                    1 => Some(false),
                    2 => Some(true),
                    _ => return None,
                };
                Some(Self::Peer { node: NodeName::new(name), is_up })
            }
            MAC => {
                let mac = Mac(rest.take()?);
                let is_own = match rest.byte()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                Some(Self::Mac { mac, is_own })
            }
            _ => None,
        }
    }
}

impl Standing {
    fn read(rest: &mut Bytes<'_>) -> Option<Self> {
        match rest.byte()? {
            0 => Some(Self::Standby),
            1 => Some(Self::Owner),
            2 => Some(Self::Unable),
            _ => None,
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
