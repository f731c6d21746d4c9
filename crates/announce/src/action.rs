//! What does a node do and tell because of what it heard?

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use model::{Mac, NodeName};

/// What the owner of the sockets is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A datagram for another node's agent.
    Hello {
        to: IpAddr,
        bytes: Vec<u8>,
    },
    /// A frame for a link.
    Frame {
        link: u32,
        bytes: Vec<u8>,
    },
    /// Be a member of a group there, so that switches send its frames here.
    Join {
        link: u32,
        group: Ipv6Addr,
    },
    Leave {
        link: u32,
        group: Ipv6Addr,
    },
    /// A person may want to know.
    Tell(Event),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This node answers for the address from here on.
    Owned {
        address: IpAddr,
    },
    Released {
        address: IpAddr,
        reason: Release,
    },
    /// Somebody whose agent is not heard, or who has none, says that it has the address.
    Conflict {
        address: IpAddr,
        mac: Mac,
        is_owned: bool,
    },
    /// This process stood still for so long, and begins anew.
    Slept(Duration),
    /// Nobody on this link answers any more, nor does any standby.
    CutOff {
        link: u32,
    },
    /// Somebody does again.
    Reached {
        link: u32,
    },
    Up(NodeName),
    Down(NodeName),
}

/// Why a node no longer answers for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// The one that it belongs to has it.
    Preempted,
    /// Another took it because this node ends, or is no candidate any more.
    HandedOver,
    /// This node ends, or is no candidate any more, and there is nobody to take it.
    Abandoned,
    /// No Service that is announced has the address.
    Withdrawn,
    Unable(Unable),
    /// This process stood still; others may have it.
    Slept,
}

/// Why a node cannot answer for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unable {
    /// It has just begun, and waits for what the others say.
    Starting,
    /// Its rules are not in the kernel.
    NotServed,
    /// No link that is up leads to where the address belongs.
    NoLink,
    /// It hears nobody.
    CutOff,
    /// Somebody who is no candidate has it.
    Conflict,
}

impl Unable {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "its agent has just started",
            Self::NotServed => "its rules are not in the kernel",
            Self::NoLink => "no link that is up has a connected route to the address",
            Self::CutOff => "it hears neither a standby nor anybody else on the link",
            Self::Conflict => "a host, or a node whose agent is not heard, answers for the address",
        }
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What this node is for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Owner,
    Standby,
    /// Asks whether anybody has the address, before the first use.
    Detecting,
    Conflict(Mac),
    Unable(Unable),
    /// Not among the candidates.
    Bystander,
}

/// What this node knows of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub role: Role,
    /// Since when the role is that.
    pub since: Duration,
    /// Who says that it answers. More than one while an address changes hands.
    pub owners: Vec<NodeName>,
}

/// What this node knows of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `None`: it is not known yet.
    pub is_up: Option<bool>,
    pub since: Duration,
    pub is_leaving: bool,
}
