//! What of an upstream's answer is given to clients?

use std::ops::Range;
use std::sync::Arc;

use crate::received::{Received, number, u32_at};

/// TTLs are 31 bits; above, they are to be read as zero (RFC 2181, section 8).
const TTL_MAX: u32 = i32::MAX.unsigned_abs();

/// An upstream's answer, fit for any client that asks the same.
///
/// OPT and what follows it is not in it: both are about one hop. The ID is zero, and the question's
/// name is as it was sent upstream, not in the client's case.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    bytes: Arc<[u8]>,
    ttls_at: Box<[u16]>,
    rcode: u16,
    keeps_names: bool,
}

/// What clients are told of an answer's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttls {
    /// Each TTL less what has passed, and none longer than what is left to the answer as a whole.
    Aged {
        /// Seconds since the upstream said so.
        passed_s: u32,
        /// Seconds that are left.
        left_s: u32,
    },
    /// The answer is stale; all are this many seconds.
    Flat(u32),
}

impl Ttls {
    /// Those of an answer that just came.
    pub const NEW: Self = Self::Aged { passed_s: 0, left_s: TTL_MAX };

    /// What becomes of one TTL.
    pub fn apply(self, ttl: u32) -> u32 {
        match self {
            Self::Aged { passed_s, left_s } => {
                let ttl = if ttl > TTL_MAX { 0 } else { ttl };
                ttl.saturating_sub(passed_s).min(left_s)
            }
            Self::Flat(ttl_s) => ttl_s,
        }
    }
}

impl Reply {
    /// What may be given on.
    ///
    /// The upstream's AA is cleared: it is not our word. Records after OPT go with it, since they
    /// may point at names that lie beyond; only additional ones, which nobody may rely on, can be.
    pub fn new(received: &Received<'_>) -> Self {
        let end = received.opt().map_or(usize::MAX, |opt| opt.at);
        let whole = received.bytes();
        let mut bytes = whole.get(..end).unwrap_or(whole).to_vec();
        let mut kept = received.records().take_while(|record| record.rtype != number::OPT);
        let (mut ttls_at, mut additionals) = (Vec::new(), 0_u16);
        for record in kept.clone() {
            if record.section == crate::received::Section::Additional {
                additionals += 1;
            }
            // A message is no longer than 65,535 octets.
            ttls_at.extend(u16::try_from(record.ttl_at));
        }
        write_u16(&mut bytes, 0, 0);
        write_u16(&mut bytes, 2, received.header().flags & !0x0400);
        write_u16(&mut bytes, 10, additionals);
        let keeps_names = kept.all(|record| {
            let mut parts = record.names().flat_map(|name| name.parts());
            record.has_its_names() && !parts.any(|part| is_in_ttl(&ttls_at, &part))
        });
        let (bytes, ttls_at, rcode) = (bytes.into(), ttls_at.into(), received.rcode());
        Self { bytes, ttls_at, rcode, keeps_names }
    }

    /// The message, with its TTLs as they came.
    pub const fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Where each TTL's four octets begin.
    pub const fn ttls_at(&self) -> &[u16] {
        &self.ttls_at
    }

    /// Whether names stay what they are under another header and with other TTLs. Pointers may lead
    /// into those, which only somebody with bad intentions writes.
    pub const fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    /// NOERROR or NXDOMAIN, or what else the upstream said.
    pub const fn rcode(&self) -> u16 {
        self.rcode
    }

    /// Appends the message with the TTLs of this moment. ID, flags and question are the caller's.
    pub fn append_to(&self, out: &mut Vec<u8>, ttls: Ttls) {
        let begin = out.len();
        out.extend_from_slice(&self.bytes);
        for &at in &self.ttls_at {
            let at = begin + usize::from(at);
            if let (Some(ttl), Some(octets)) = (u32_at(out, at), out.get_mut(at..at + 4)) {
                octets.copy_from_slice(&ttls.apply(ttl).to_be_bytes());
            }
        }
    }

    /// What it takes in memory, without the allocator's part.
    pub(super) fn octets(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.ttls_at)
    }
}

/// Whether some of these octets are of a TTL. `ttls_at` is sorted.
fn is_in_ttl(ttls_at: &[u16], octets: &Range<usize>) -> bool {
    let next = ttls_at.partition_point(|at| usize::from(*at) + 4 <= octets.start);
    ttls_at.get(next).is_some_and(|at| usize::from(*at) < octets.end)
}

/// Overwrites two octets, when they are there.
pub(crate) fn write_u16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(octets) = bytes.get_mut(at..at + 2) {
        octets.copy_from_slice(&value.to_be_bytes());
    }
}
