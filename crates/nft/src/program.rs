//! What is an nftables program made of? Sets, chains, rules and elements as plain data.

use std::fmt;
use std::ops::Deref;

use crate::name::{ChainId, SetId};

/// A key or value of a set: up to 44 bytes, each field padded to four, as the kernel's registers
/// hold them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes {
    bytes: [u8; Self::LEN_MAX],
    len: u8,
}

impl Bytes {
    /// The longest key: an IPv6 frontend and an IPv6 endpoint.
    pub const LEN_MAX: usize = 44;

    /// Takes over `bytes`; `None` when they are longer than any key of ours.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut all = [0; Self::LEN_MAX];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { bytes: all, len: u8::try_from(bytes.len()).ok()? })
    }

    #[must_use]
    pub const fn empty() -> Self {
        Self { bytes: [0; Self::LEN_MAX], len: 0 }
    }

    /// Adds a field, padded to a whole number of registers.
    ///
    /// # Panics
    /// When the key would grow beyond the longest one: the layout is wrong, not the input.
    #[must_use]
    pub fn with(mut self, field: &[u8]) -> Self {
        let start = usize::from(self.len);
        self.bytes[start..start + field.len()].copy_from_slice(field);
        let end = start + field.len().next_multiple_of(4);
        assert!(end <= Self::LEN_MAX, "a key of {end} bytes");
        self.len = u8::try_from(end).unwrap_or(u8::MAX);
        self
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.iter() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// One element of a set or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    pub set: SetId,
    pub key: Bytes,
    pub data: Data,
}

/// What an element has besides its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Data {
    None,
    /// What a map's key leads to.
    Value(Bytes),
    Goto(ChainId),
    /// The last key of the range that begins at the key.
    RangeEnd(Bytes),
}

/// One of the sixteen 32-bit registers, 0 to 15. A longer value takes the following ones too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(pub u8);

/// What a rule matches and does, one step each. The same steps as in the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// Loads a property of the packet outside of its headers.
    Meta {
        key: MetaKey,
        to: Reg,
    },
    /// Writes `skb->priority`, our scratch register.
    SetPriority {
        from: Reg,
    },
    /// Loads header bytes.
    Payload {
        base: Base,
        offset: u32,
        len: u32,
        to: Reg,
    },
    /// Writes the destination address in the network header and mends the checksums.
    SetDestination {
        offset: u32,
        len: u32,
        from: Reg,
    },
    /// Loads a property of the connection.
    Ct {
        key: CtKey,
        to: Reg,
    },
    /// Goes on only if the register compares so.
    Compare {
        from: Reg,
        equal: bool,
        value: Vec<u8>,
    },
    /// `to = from & mask`, 32 bits or an address.
    Mask {
        from: Reg,
        to: Reg,
        mask: Vec<u8>,
    },
    /// A constant.
    Constant {
        to: Reg,
        value: Vec<u8>,
    },
    /// Looks the key up. `into` a register for maps; a map of verdicts has `Register(None)`.
    Lookup {
        set: SetId,
        from: Reg,
        into: Into,
        invert: bool,
    },
    /// A random number below the modulus.
    Random {
        modulus: u32,
        to: Reg,
    },
    /// Whether the source address is one of the node's own: 2 (local) if so.
    SourceType {
        to: Reg,
    },
    /// Adds or refreshes, or deletes, an element of a dynamic map.
    Dynamic {
        set: SetId,
        op: DynamicOp,
        key: Reg,
        data: Reg,
        timeout_ms: u64,
    },
    /// Counts the packet in the element of a counting set, which is made where there is none.
    Count {
        set: SetId,
        key: Reg,
    },
    /// Rewrites the destination; the packet's chain ends.
    Dnat {
        family: model::Family,
        address: Reg,
        port: Reg,
    },
    /// Rewrites the source to the node's own address; the packet's chain ends.
    Masquerade,
    /// Answers with port unreachable.
    Reject,
    /// Lets the packet pass without a connection: what is not tracked is not rewritten.
    Notrack,
    /// Counts what comes here. What it has counted is no part of the program.
    Counter,
    Verdict(RuleVerdict),
    /// Something in the kernel that we never write: somebody else's work in our table.
    Foreign(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Into {
    /// Only whether it is there.
    Nothing,
    Register(Reg),
    Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetaKey {
    Priority,
    InterfaceName,
    NetworkProtocol,
    TransportProtocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    Network,
    Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CtKey {
    State,
    Status,
    Direction,
    /// The destination address that the client used.
    OriginalDestination(model::Family),
    /// The destination port that the client used.
    OriginalPort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DynamicOp {
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleVerdict {
    Drop,
    Return,
    Jump(ChainId),
    Goto(ChainId),
}

/// Values that the kernel gives or takes in registers.
pub mod value {
    /// `NFPROTO_IPV4`, `NFPROTO_IPV6`.
    pub const NFPROTO_IPV4: u8 = 2;
    pub const NFPROTO_IPV6: u8 = 10;
    /// `ct state new`, as nftables numbers the states.
    pub const CT_STATE_NEW: u32 = 8;
    /// `IPS_DST_NAT`.
    pub const CT_STATUS_DNAT: u32 = 0x20;
    pub const CT_DIRECTION_ORIGINAL: u8 = 0;
    pub const CT_DIRECTION_REPLY: u8 = 1;
    /// `RTN_LOCAL`.
    pub const ADDRESS_LOCAL: u32 = 2;
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    pub chain: ChainId,
    pub exprs: Vec<Expr>,
}

/// Where the kernel calls a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attachment {
    pub hook: Hook,
    pub priority: i32,
    pub kind: HookKind,
}

/// The values are the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookKind {
    Filter,
    Nat,
}

/// A chain with all its rules; without an attachment it is only jumped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub id: ChainId,
    pub attachment: Option<Attachment>,
    pub rules: Vec<Vec<Expr>>,
}

/// One step of a transaction. The kernel takes them in order and all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    AddTable,
    /// With everything in it. Fails when there is none.
    DeleteTable,
    AddSet(SetId),
    AddChain(ChainId, Option<Attachment>),
    FlushChain(ChainId),
    DeleteChain(ChainId),
    /// A chain in our table that is none of ours: its rules, then itself.
    DeleteForeignChain(String),
    /// A set in our table that is none of ours.
    DeleteForeignSet(String),
    AddRule(Rule),
    AddElement(Element),
    DeleteElement(Element),
}
