//! Which upstreams are asked for a domain, and how?

use std::sync::Arc;
use std::time::Duration;

use super::notice::Origin;
use super::upstream::Upstream;
use super::zone_name::is_within;

/// Whom to ask for the names of a zone.
///
/// A block tries its rules in order: the longest zone first. The first that [covers](Self::covers) a
/// name is used; a later one only when the answer's code is one of `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardRule {
    /// The domain; "" for all.
    pub zone: Arc<str>,
    /// [`UPSTREAMS_MAX`](super::UPSTREAMS_MAX) at most. None when what was written could not be
    /// used: then such names get SERVFAIL, since another server would answer something else.
    pub upstreams: Vec<Upstream>,
    /// Domains that the rule does not cover.
    pub except: Vec<Arc<str>>,
    /// Which upstream comes first.
    pub policy: Policy,
    /// By which protocol plain DNS is asked.
    pub protocol: UpstreamProtocol,
    /// Failed health checks in a row that make an upstream count as down; 0: it never does, and is
    /// not checked.
    pub max_fails: u32,
    /// How an upstream is checked after an error.
    pub health_check: HealthCheck,
    /// How long an idle connection is kept.
    pub expire: Duration,
    /// Questions under way, above which a new one is refused; `None`: no bound of its own.
    pub max_concurrent: Option<u32>,
    /// Codes of answers after which the next rule is tried.
    pub next: Vec<u16>,
    /// Codes of answers after which another upstream of this rule is tried.
    pub failover: Vec<u16>,
    /// Whether a question gets SERVFAIL at once when all upstreams are down. Otherwise one of them
    /// is tried all the same.
    pub fails_fast: bool,
    /// Where it stands.
    pub origin: Origin,
}

impl ForwardRule {
    /// A rule with the defaults of the plugin `forward`.
    #[must_use]
    pub const fn new(zone: Arc<str>, upstreams: Vec<Upstream>, origin: Origin) -> Self {
        Self {
            zone,
            upstreams,
            except: Vec::new(),
            policy: Policy::Random,
            protocol: UpstreamProtocol::AsAsked,
            max_fails: 2,
            health_check: HealthCheck {
                interval: Duration::from_millis(500),
                is_recursive: true,
                domain: None,
            },
            expire: Duration::from_secs(10),
            max_concurrent: None,
            next: Vec::new(),
            failover: Vec::new(),
            fails_fast: false,
            origin,
        }
    }

    /// Whether the rule is about a name (lower case, no final dot).
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        is_within(name, &self.zone) && !self.except.iter().any(|zone| is_within(name, zone))
    }
}

/// Which upstream is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The first that is not down, in the order given.
    Sequential,
}

/// By which protocol a plain upstream is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// By the client's.
    AsAsked,
    /// UDP, and TCP after a truncated answer.
    PreferUdp,
    /// TCP.
    ForceTcp,
}

/// The question that tells whether an upstream is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Between two of them, while it is down.
    pub interval: Duration,
    /// Whether it asks for recursion.
    pub is_recursive: bool,
    /// Whose name servers it asks for; the root's when absent.
    pub domain: Option<Arc<str>>,
}
