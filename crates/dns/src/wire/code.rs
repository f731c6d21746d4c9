//! Which numbers of the DNS have names?

use std::fmt;

/// The type of a record or a question (RFC 1035, 3.2.2, and the registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

impl RecordType {
    pub const A: Self = Self(1);
    pub const NS: Self = Self(2);
    pub const CNAME: Self = Self(5);
    pub const SOA: Self = Self(6);
    pub const PTR: Self = Self(12);
    pub const HINFO: Self = Self(13);
    pub const MX: Self = Self(15);
    pub const TXT: Self = Self(16);
    pub const AAAA: Self = Self(28);
    pub const SRV: Self = Self(33);
    pub const OPT: Self = Self(41);
    pub const DS: Self = Self(43);
    pub const HTTPS: Self = Self(65);
    pub const IXFR: Self = Self(251);
    pub const AXFR: Self = Self(252);
    pub const ANY: Self = Self(255);

    const NAMED: [(Self, &'static str); 16] = [
        (Self::A, "A"),
        (Self::NS, "NS"),
        (Self::CNAME, "CNAME"),
        (Self::SOA, "SOA"),
        (Self::PTR, "PTR"),
        (Self::HINFO, "HINFO"),
        (Self::MX, "MX"),
        (Self::TXT, "TXT"),
        (Self::AAAA, "AAAA"),
        (Self::SRV, "SRV"),
        (Self::OPT, "OPT"),
        (Self::DS, "DS"),
        (Self::HTTPS, "HTTPS"),
        (Self::IXFR, "IXFR"),
        (Self::AXFR, "AXFR"),
        (Self::ANY, "ANY"),
    ];

    /// By its mnemonic in any case, or as `TYPE65280` (RFC 3597).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let named = Self::NAMED.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map(|(it, _)| it).or_else(|| {
            let (prefix, number) = text.split_at_checked(4)?;
            prefix.eq_ignore_ascii_case("TYPE").then(|| number.parse().ok()).flatten().map(Self)
        })
    }

    /// The mnemonic; `None` for the many that are only numbers here.
    #[must_use]
    pub fn mnemonic(self) -> Option<&'static str> {
        Self::NAMED.into_iter().find(|(it, _)| *it == self).map(|(_, name)| name)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(name) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// The class of a question; everything here is of class IN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

impl Class {
    pub const IN: Self = Self(1);
}

/// How an answer ends (RFC 1035, 4.1.1; RFC 6891 for those above 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    pub const NOERROR: Self = Self(0);
    pub const FORMERR: Self = Self(1);
    pub const SERVFAIL: Self = Self(2);
    pub const NXDOMAIN: Self = Self(3);
    pub const NOTIMP: Self = Self(4);
    pub const REFUSED: Self = Self(5);
    pub const NOTAUTH: Self = Self(9);
    pub const BADVERS: Self = Self(16);

    const NAMED: [(Self, &'static str); 8] = [
        (Self::NOERROR, "NOERROR"),
        (Self::FORMERR, "FORMERR"),
        (Self::SERVFAIL, "SERVFAIL"),
        (Self::NXDOMAIN, "NXDOMAIN"),
        (Self::NOTIMP, "NOTIMP"),
        (Self::REFUSED, "REFUSED"),
        (Self::NOTAUTH, "NOTAUTH"),
        (Self::BADVERS, "BADVERS"),
    ];

    /// The mnemonic; `None` for those that are only numbers here.
    #[must_use]
    pub fn mnemonic(self) -> Option<&'static str> {
        Self::NAMED.into_iter().find(|(it, _)| *it == self).map(|(_, name)| name)
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(name) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

/// What an OPT record may add to a failure (RFC 8914): a number, and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedError<'a> {
    pub code: u16,
    pub text: &'a str,
}

impl<'a> ExtendedError<'a> {
    pub const OTHER: u16 = 0;
    pub const STALE_ANSWER: u16 = 3;
    pub const NOT_READY: u16 = 14;
    pub const PROHIBITED: u16 = 18;
    pub const NO_REACHABLE_AUTHORITY: u16 = 22;
    pub const NETWORK_ERROR: u16 = 23;

    #[must_use]
    pub const fn new(code: u16, text: &'a str) -> Self {
        Self { code, text }
    }
}
