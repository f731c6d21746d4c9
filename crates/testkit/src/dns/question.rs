//! What is the cluster DNS asked, by whom, and what must it say?

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::answered::{Answered, Flag};

/// The ID of every question of a scenario.
pub const QUESTION_ID: u16 = 0x706f;

/// Who asks where a line does not say: no Pod, no node.
pub const DEFAULT_CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// One question, and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLine {
    pub line: usize,
    pub question: Question,
    /// Absent: nothing may come back.
    pub expected: Option<Expected>,
}

/// What a message asks, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// As it is written; a backslash with three digits is an octet.
    pub name: String,
    pub kind: String,
    pub class: String,
    pub client: IpAddr,
    pub transport: Transport,
    /// The number: 0 is QUERY.
    pub opcode: u8,
    /// The message claims to be a reply.
    pub is_reply: bool,
    pub flags: BTreeSet<Flag>,
    pub edns: Option<QuestionEdns>,
    pub counts: Counts,
    /// What an IXFR says it has.
    pub serial: Option<Serial>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionEdns {
    /// What the client can take over UDP, in bytes.
    pub size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
    pub cookie: Option<Vec<u8>>,
}

/// How many entries each section has; what is beyond the one question is of no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub questions: usize,
    pub answers: usize,
    pub authorities: usize,
    /// Without the OPT record.
    pub additionals: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serial {
    Number(u32),
    /// That of the zone, which is asked first.
    Current,
}

/// What must come back.
///
/// The size is not compared: it must fit what the client can take. A star for the serial of a SOA, and
/// an extended error without a text, stand for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub answered: Answered,
    /// So many rows of the answer, no matter which; absent means all.
    pub answers: Option<usize>,
    /// The same of the additional section.
    pub additionals: Option<usize>,
}

impl Question {
    /// A plain question over UDP, with recursion desired.
    #[must_use]
    pub fn new(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            class: "IN".to_owned(),
            client: DEFAULT_CLIENT,
            transport: Transport::Udp,
            opcode: 0,
            is_reply: false,
            flags: BTreeSet::from([Flag::RecursionDesired]),
            edns: None,
            counts: Counts { questions: 1, answers: 0, authorities: 0, additionals: 0 },
            serial: None,
        }
    }

    /// What may come back at most, in bytes.
    #[must_use]
    pub fn size_limit(&self) -> usize {
        match (self.transport, &self.edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, None) => 512,
            (Transport::Udp, Some(edns)) => usize::from(edns.size.clamp(512, super::UDP_SIZE)),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.kind)?;
        if self.class != "IN" {
            write!(f, " class={}", self.class)?;
        }
        if self.client != DEFAULT_CLIENT {
            write!(f, " from {}", self.client)?;
        }
        match self.transport {
            Transport::Udp => {}
            Transport::Tcp => f.write_str(" over tcp")?,
        }
        self.edns.iter().try_for_each(|edns| write!(f, " edns={}", edns.size))
    }
}
