//! What are our table, sets and chains called? The only place where their names are made.

use std::fmt;
use std::str::FromStr;

use model::{DropReason, Family, RejectReason};

/// The table's name, family `inet`. Its contents are no public interface.
pub const TABLE: &str = "pogu";

/// The tables, of the same family, that keep DNS traffic of this host from being tracked. A process
/// has one; with the second, the next process can begin before the former has ended.
pub const LOCAL_DNS_TABLES: [&str; 2] = ["pogu-dns", "pogu-dns-next"];

/// A set or map. All but `Dispatch` exist once for each family, and all but `LocalDns` in our table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetId {
    /// kind of chain -> chain that picks an endpoint
    Dispatch,
    /// frontend -> pool and kind
    Services(Family),
    /// frontends whose external policy is Local
    LocalPolicy(Family),
    /// such a frontend -> pool and kind, for traffic from inside the node
    Inside(Family),
    /// such a frontend -> pool and kind, for traffic from outside
    Outside(Family),
    /// pool, slot -> endpoint
    Endpoints(Family),
    /// pool, slot -> member, where clients stick to their endpoint
    Slots(Family),
    /// pool, member -> endpoint
    Members(Family),
    /// client, pool -> member: written by packets
    Affinity(Family),
    /// frontends without an endpoint anywhere
    Rejected(Family),
    /// ClusterIP frontends of policy Local without an endpoint here
    DroppedInternal(Family),
    /// external frontends of policy Local without an endpoint here
    DroppedExternal(Family),
    /// addresses that only frontends may be used of
    ClusterIps(Family),
    /// frontends that admit only some sources
    Restricted(Family),
    /// frontend, source range
    Allowed(Family),
    /// frontends whose packets are always masqueraded
    External(Family),
    /// local endpoints, each with itself
    Hairpin(Family),
    /// frontend, endpoint: counts new connections, written by packets
    Connections(Family),
    /// frontend, endpoint: counts what clients send, written by packets
    Sent(Family),
    /// frontend, endpoint: counts what endpoints answer, written by packets
    Received(Family),
    /// transport addresses at which this host answers DNS itself: in a table of its own
    LocalDns(Family),
}

type MakeSet = fn(Family) -> SetId;

/// The sets that exist for each family, with the stem of their names.
const BY_FAMILY: [(MakeSet, &str); 19] = [
    (SetId::Services, "services"),
    (SetId::LocalPolicy, "local_policy"),
    (SetId::Inside, "inside"),
    (SetId::Outside, "outside"),
    (SetId::Endpoints, "endpoints"),
    (SetId::Slots, "slots"),
    (SetId::Members, "members"),
    (SetId::Affinity, "affinity"),
    (SetId::Rejected, "rejected"),
    (SetId::DroppedInternal, "dropped_internal"),
    (SetId::DroppedExternal, "dropped_external"),
    (SetId::ClusterIps, "cluster_ips"),
    (SetId::Restricted, "restricted"),
    (SetId::Allowed, "allowed"),
    (SetId::External, "external"),
    (SetId::Hairpin, "hairpin"),
    (SetId::Connections, "connections"),
    (SetId::Sent, "sent"),
    (SetId::Received, "received"),
];

impl SetId {
    /// Every set of our table.
    pub fn all() -> impl Iterator<Item = Self> {
        let by_family = BY_FAMILY.iter().flat_map(|(make, _)| Family::ALL.map(make));
        std::iter::once(Self::Dispatch).chain(by_family)
    }

    /// The family of its keys; `None` for `Dispatch`, which has no addresses.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        let made = BY_FAMILY.iter().map(|(make, _)| *make).chain([Self::LocalDns as MakeSet]);
        Family::ALL.into_iter().find(|&family| made.clone().any(|make| make(family) == self))
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (make, stem) in BY_FAMILY.into_iter().chain([(Self::LocalDns as MakeSet, "local_dns")])
        {
            if make(Family::V4) == *self {
                return write!(f, "{stem}4");
            }
            if make(Family::V6) == *self {
                return write!(f, "{stem}6");
            }
        }
        f.write_str("dispatch")
    }
}

/// The name is none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign;

impl FromStr for SetId {
    type Err = Foreign;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "dispatch" {
            return Ok(Self::Dispatch);
        }
        let (family, stem) = match (name.strip_suffix('4'), name.strip_suffix('6')) {
            (Some(stem), _) => (Family::V4, stem),
            (_, Some(stem)) => (Family::V6, stem),
            (None, None) => return Err(Foreign),
        };
        let found = BY_FAMILY.iter().find(|(_, known)| *known == stem);
        found.map(|(make, _)| make(family)).ok_or(Foreign)
    }
}

/// A chain of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainId {
    // attached to hooks
    RestrictPrerouting,
    RestrictOutput,
    NatPrerouting,
    NatOutput,
    AgainPrerouting,
    AgainOutput,
    AfterPrerouting,
    AfterOutput,
    FilterInput,
    FilterForward,
    FilterOutput,
    NatPostrouting,
    // jumped to
    Restrict,
    Services,
    ExternalLocal,
    Traffic,
    TrafficConnections,
    TrafficReceived,
    Unserved,
    ClusterIps,
    Masquerade,
    MasqueradeNotLocalPod,
    Drop(DropReason),
    Reject(RejectReason),
    /// Picks one of `n` endpoints.
    Pick {
        n: u32,
    },
    /// Picks one of `n`, unless the client has one from its last connections.
    Sticky {
        n: u32,
        timeout_s: u32,
    },
}

const FIXED: [(ChainId, &str); 22] = [
    (ChainId::RestrictPrerouting, "restrict-prerouting"),
    (ChainId::RestrictOutput, "restrict-output"),
    (ChainId::NatPrerouting, "nat-prerouting"),
    (ChainId::NatOutput, "nat-output"),
    (ChainId::AgainPrerouting, "again-prerouting"),
    (ChainId::AgainOutput, "again-output"),
    (ChainId::AfterPrerouting, "after-prerouting"),
    (ChainId::AfterOutput, "after-output"),
    (ChainId::FilterInput, "filter-input"),
    (ChainId::FilterForward, "filter-forward"),
    (ChainId::FilterOutput, "filter-output"),
    (ChainId::NatPostrouting, "nat-postrouting"),
    (ChainId::Restrict, "restrict"),
    (ChainId::Services, "services"),
    (ChainId::ExternalLocal, "external-local"),
    (ChainId::Traffic, "traffic"),
    (ChainId::TrafficConnections, "traffic-connections"),
    (ChainId::TrafficReceived, "traffic-received"),
    (ChainId::Unserved, "unserved"),
    (ChainId::ClusterIps, "cluster-ips"),
    (ChainId::Masquerade, "masquerading"),
    (ChainId::MasqueradeNotLocalPod, "masquerade-not-local-pod"),
];

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Drop(reason) = self {
            write!(f, "drop-{reason}")
        } else if let Self::Reject(reason) = self {
            write!(f, "reject-{reason}")
        } else if let Self::Pick { n } = self {
            write!(f, "pick-{n}")
        } else if let Self::Sticky { n, timeout_s } = self {
            write!(f, "sticky-{n}-{timeout_s}")
        } else {
            let fixed = FIXED.iter().find(|(chain, _)| chain == self);
            f.write_str(fixed.map_or("", |(_, name)| name))
        }
    }
}

impl FromStr for ChainId {
    type Err = Foreign;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let reasons =
            DropReason::ALL.map(Self::Drop).into_iter().chain(RejectReason::ALL.map(Self::Reject));
        let known = FIXED.iter().map(|(chain, _)| *chain).chain(reasons);
        for chain in known {
            if chain.to_string() == name {
                return Ok(chain);
            }
        }
        let number = |text: &str| text.parse().ok().ok_or(Foreign);
        let chain = if let Some(n) = name.strip_prefix("pick-") {
            Self::Pick { n: number(n)? }
        } else {
            let rest = name.strip_prefix("sticky-").ok_or(Foreign)?;
            let (n, timeout) = rest.split_once('-').ok_or(Foreign)?;
            Self::Sticky { n: number(n)?, timeout_s: number(timeout)? }
        };
        // `pick-010` would be another chain of the same meaning.
        if chain.to_string() == name { Ok(chain) } else { Err(Foreign) }
    }
}
