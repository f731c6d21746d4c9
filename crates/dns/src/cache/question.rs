//! When are two questions one?

use std::hash::{DefaultHasher, Hasher as _};

/// A question to upstreams, as the key of the cache and of what is in flight.
///
/// Answers differ with the bits DO and CD, so they are part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    name: Box<[u8]>,
    /// QTYPE.
    pub rtype: u16,
    /// QCLASS.
    pub class: u16,
    /// DO: the client wants signatures.
    pub dnssec_ok: bool,
    /// CD: the client judges signatures itself.
    pub checking_disabled: bool,
}

impl Question {
    /// A question of class IN without DO and CD. The name is on the wire's form without compression;
    /// upper case becomes lower.
    pub fn new(name: &[u8], rtype: u16) -> Self {
        Self {
            name: name.to_ascii_lowercase().into_boxed_slice(),
            rtype,
            class: crate::received::number::IN,
            dnssec_ok: false,
            checking_disabled: false,
        }
    }

    /// The name in the wire's form, without compression, in lower case.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            name: &self.name,
            rtype: self.rtype,
            class: self.class,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
        }
    }
}

/// A question whose name is somebody else's, so that looking up allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub name: &'a [u8],
    pub rtype: u16,
    pub class: u16,
    pub dnssec_ok: bool,
    pub checking_disabled: bool,
}

impl Asked<'_> {
    /// The hash with SipHash of the standard library, which cannot be foreseen without the key.
    pub(super) fn hash(&self, key: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(key);
        hasher.write_u16(self.rtype);
        hasher.write_u16(self.class);
        hasher.write_u8(u8::from(self.dnssec_ok) << 1 | u8::from(self.checking_disabled));
        hasher.write(self.name);
        hasher.finish()
    }
}
