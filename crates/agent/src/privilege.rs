//! May this process do what the agent does?

use caps::{CapSet, Capability};

use crate::failure::Failure;

/// To change nftables and connection tracking, and to hear of their changes.
const NEEDED: Capability = Capability::CAP_NET_ADMIN;

/// To answer for addresses on links.
const TO_ANNOUNCE: Capability = Capability::CAP_NET_RAW;

/// Names the first capability that is missing.
pub fn check() -> Result<(), Failure> {
    require(NEEDED)
}

/// Likewise of whoever answers for addresses of Services.
pub(crate) fn check_announcing() -> Result<(), Failure> {
    require(TO_ANNOUNCE)
}

fn require(capability: Capability) -> Result<(), Failure> {
    let has = caps::has_cap(None, CapSet::Effective, capability);
    if has.map_err(Failure::Capabilities)? { Ok(()) } else { Err(Failure::Capability(capability)) }
}
