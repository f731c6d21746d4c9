//! Which domain has name servers of its own?

use std::sync::Arc;

use super::notice::quoted;
use super::upstream::{Target, UPSTREAMS_MAX, UpstreamError};
use super::zone_name::zones;

/// A domain that is forwarded to name servers of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubDomain {
    /// The domain; several when a network was given: its reverse zones.
    pub zones: Vec<Arc<str>>,
    /// Who is asked: [`UPSTREAMS_MAX`] at most. A flag has one at least; a ConfigMap may have none that
    /// can be used, and then the domain's names get SERVFAIL.
    pub targets: Vec<Target>,
}

/// Why a text is no stub domain. It repeats what is wrong in quotes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StubDomainError {
    /// Without `=`.
    #[error("stub domain {0} has no name servers\nhint: write DOMAIN=ADDRESS[,ADDRESS]")]
    NoServers(String),
    /// What stands before `=`.
    #[error("stub domain {0} is no name\nhint: write a domain, or a network for its reverse zones")]
    Domain(String),
    /// What stands after it.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// How many there are.
    #[error("stub domain {domain} has {count} name servers\nhint: it may have {UPSTREAMS_MAX}")]
    TooMany {
        /// In quotes.
        domain: String,
        /// As given.
        count: usize,
    },
}

impl StubDomain {
    /// Reads a flag's `DOMAIN=ADDRESS[,ADDRESS]`.
    pub fn parse(text: &str) -> Result<Self, StubDomainError> {
        let Some((name, servers)) = text.split_once('=') else {
            return Err(StubDomainError::NoServers(quoted(text)));
        };
        let zones = zones(name).ok_or_else(|| StubDomainError::Domain(quoted(name)))?;
        if servers.is_empty() {
            return Err(StubDomainError::NoServers(quoted(text)));
        }
        let targets: Vec<Target> =
            servers.split(',').map(Target::parse).collect::<Result<_, _>>()?;
        if targets.len() > UPSTREAMS_MAX {
            return Err(StubDomainError::TooMany { domain: quoted(name), count: targets.len() });
        }
        Ok(Self { zones, targets })
    }
}
