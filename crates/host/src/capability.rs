//! May this process do what it is about to do?

use std::fmt;

use caps::{CapSet, errors::CapsError};

/// A privilege that some part of pogu needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// nftables, conntrack, links, addresses.
    NetAdmin,
    /// Raw sockets: ARP and NDP.
    NetRaw,
    /// Ports below 1024.
    NetBindService,
    /// Network namespaces.
    SysAdmin,
}

impl Capability {
    const fn kernel(self) -> caps::Capability {
        match self {
            Self::NetAdmin => caps::Capability::CAP_NET_ADMIN,
            Self::NetRaw => caps::Capability::CAP_NET_RAW,
            Self::NetBindService => caps::Capability::CAP_NET_BIND_SERVICE,
            Self::SysAdmin => caps::Capability::CAP_SYS_ADMIN,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kernel())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    #[error("missing privilege: {}", names(.0))]
    Missing(Vec<Capability>),
    #[error("cannot read this process's privileges: {0}")]
    Unreadable(#[from] CapsError),
}

fn names(capabilities: &[Capability]) -> String {
    capabilities.iter().map(Capability::to_string).collect::<Vec<_>>().join(", ")
}

/// Those of the wanted capabilities that the calling thread can not use now.
pub fn missing(wanted: &[Capability]) -> Result<Vec<Capability>, CapabilityError> {
    let effective = caps::read(None, CapSet::Effective)?;
    Ok(wanted.iter().copied().filter(|wanted| !effective.contains(&wanted.kernel())).collect())
}

/// An error that names what is missing, if anything is.
pub fn require(wanted: &[Capability]) -> Result<(), CapabilityError> {
    let missing = missing(wanted)?;
    if missing.is_empty() { Ok(()) } else { Err(CapabilityError::Missing(missing)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_each_missing_capability() {
        let error = CapabilityError::Missing(vec![Capability::NetAdmin, Capability::SysAdmin]);
        assert_eq!(error.to_string(), "missing privilege: CAP_NET_ADMIN, CAP_SYS_ADMIN");
    }

    /// A thread of its own gives a capability up, so that no other test misses it.
    #[test]
    fn a_capability_that_was_given_up_is_missing() {
        let found = std::thread::spawn(|| {
            caps::drop(None, CapSet::Effective, caps::Capability::CAP_NET_RAW).unwrap();
            missing(&[Capability::NetRaw]).unwrap()
        });
        assert_eq!(found.join().unwrap(), [Capability::NetRaw]);
    }
}
