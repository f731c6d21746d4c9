//! May this process do what the agent does?

use caps::{CapSet, Capability};

use crate::failure::Failure;

/// To change nftables and connection tracking, and to hear of their changes.
const NEEDED: [Capability; 1] = [Capability::CAP_NET_ADMIN];

/// Names the first capability that is missing.
pub fn check() -> Result<(), Failure> {
    for capability in NEEDED {
        let has = caps::has_cap(None, CapSet::Effective, capability);
        if !has.map_err(Failure::Capabilities)? {
            return Err(Failure::Capability(capability));
        }
    }
    Ok(())
}
