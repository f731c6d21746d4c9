//! What does the cluster DNS say, as plain data?

use std::collections::BTreeSet;
use std::fmt;

/// A response code: the words are those of the IANA registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    pub const FORMERR: Self = Self(1);
    pub const NOTIMP: Self = Self(4);

    const NAMES: [(u16, &str); 8] = [
        (0, "NOERROR"),
        (1, "FORMERR"),
        (2, "SERVFAIL"),
        (3, "NXDOMAIN"),
        (4, "NOTIMP"),
        (5, "REFUSED"),
        (9, "NOTAUTH"),
        (16, "BADVERS"),
    ];

    /// By its word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(code, _)| Self(*code))
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(code, _)| *code == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

/// A bit of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    Authoritative,
    Truncated,
    RecursionDesired,
    RecursionAvailable,
    AuthenticData,
    CheckingDisabled,
}

impl Flag {
    pub const ALL: [Self; 6] = [
        Self::Authoritative,
        Self::Truncated,
        Self::RecursionDesired,
        Self::RecursionAvailable,
        Self::AuthenticData,
        Self::CheckingDisabled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authoritative => "aa",
            Self::Truncated => "tc",
            Self::RecursionDesired => "rd",
            Self::RecursionAvailable => "ra",
            Self::AuthenticData => "ad",
            Self::CheckingDisabled => "cd",
        }
    }
}

/// What came back for a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Nothing,
    /// No message that a decoder reads, and why.
    Malformed(String),
    Message(Box<Answered>),
}

/// A message, every part of it. Rows are `NAME TTL TYPE DATA`, names without the dot at their end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub id: u16,
    pub is_reply: bool,
    /// The number: 0 is QUERY.
    pub opcode: u8,
    pub rcode: Rcode,
    pub flags: BTreeSet<Flag>,
    /// Rows `NAME CLASS TYPE`.
    pub question: Vec<String>,
    /// In the order of the message.
    pub answer: Vec<String>,
    pub authority: Vec<String>,
    /// Without the OPT record.
    pub additional: Vec<String>,
    pub edns: Option<Edns>,
    /// Of the whole message, in bytes.
    pub size: usize,
}

/// The OPT record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edns {
    /// What the sender can take over UDP, in bytes.
    pub size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
    /// Extended errors: code and text.
    pub errors: Vec<(u16, String)>,
    /// Other options: code and bytes.
    pub options: Vec<(u16, Vec<u8>)>,
}

impl Answered {
    /// Adds a further message of the same transfer.
    pub fn append(&mut self, next: Self) {
        self.answer.extend(next.answer);
        self.authority.extend(next.authority);
        self.additional.extend(next.additional);
        self.size += next.size;
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no reply"),
            Self::Malformed(why) => write!(f, "malformed: {why}"),
            Self::Message(answered) => write!(f, "{answered}"),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rcode)?;
        self.flags.iter().try_for_each(|flag| write!(f, " {}", flag.as_str()))?;
        match &self.edns {
            None => {}
            Some(edns) => write!(f, " {edns}")?,
        }
        if self.opcode != 0 {
            write!(f, " opcode={}", self.opcode)?;
        }
        if !self.is_reply {
            f.write_str(" no-qr")?;
        }
        write!(f, " id={}", self.id)?;
        let sections = [
            ("question", &self.question),
            ("answer", &self.answer),
            ("authority", &self.authority),
            ("additional", &self.additional),
        ];
        for (section, rows) in sections {
            rows.iter().try_for_each(|row| write!(f, "\n{section:<10}  {row}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Edns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edns={}", self.size)?;
        if self.version != 0 {
            write!(f, " edns-version={}", self.version)?;
        }
        if self.dnssec_ok {
            f.write_str(" do")?;
        }
        self.errors.iter().try_for_each(|(code, text)| write!(f, " ede={code}:{text:?}"))?;
        self.options.iter().try_for_each(|(code, bytes)| write!(f, " option={code}:{bytes:02x?}"))
    }
}
