//! What is known of the cluster DNS?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use dns::cache::CacheView;
use dns::forward::Group;
use dns::respond::{Blocks, Responder, Search};
use dns::wire::{InvalidName, Name};
use dns::zone::{Settings, Zone};
use model::ServiceTable;

use crate::trace::Origin;

/// The DNS that pods ask. Its own zone answers here, so that a name and its explanation are one.
#[derive(Debug, Clone)]
pub struct ClusterDns {
    pub zone: Zone,
    /// Who is asked for names that are not the zone's.
    pub upstreams: Upstreams,
    /// The pods whose search lists are walked for them; empty where that is off.
    pub search: Search,
    /// What the node's own resolver appends, and so those of its pods append last. In lower case,
    /// without a final dot.
    pub node_search: Vec<String>,
    /// What it answers from besides its zone; absent where none serves, but only objects are at hand.
    pub beside: Option<Beside>,
    /// Where this node's own agent answers, past the dataplane.
    pub answered_here: Vec<SocketAddr>,
}

/// What a DNS that serves answers from besides its zone.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Static entries, rewrites and routes.
    pub blocks: Arc<Blocks>,
    /// What upstreams said a moment ago.
    pub cache: CacheView,
    /// The time that answers of the cache are as old as.
    pub now: Instant,
}

/// Which upstreams are asked for which names. Empty where that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstreams {
    pub rules: Vec<UpstreamRule>,
}

/// The upstreams for the names of one zone; of several rules that of the longest zone holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamRule {
    /// In lower case; the root for all names.
    pub zone: Name,
    /// In lower case; zones below it that are not this rule's.
    pub except: Vec<Name>,
    pub addresses: Vec<SocketAddr>,
    /// Who says so.
    pub origin: Option<Origin>,
}

impl ClusterDns {
    /// As clusters ship it, for all that a table says, with the pods' search lists not walked and
    /// upstreams unknown.
    ///
    /// # Errors
    /// The domain is no name.
    pub fn as_shipped(domain: &str, table: &ServiceTable) -> Result<Self, InvalidName> {
        let settings = Settings::new(Name::from_text(domain)?);
        let zone = Zone::empty(Arc::new(settings));
        let mut zone = zone.advance(&ServiceTable::default(), table, 0);
        zone.set_synced();
        Ok(Self {
            zone,
            upstreams: Upstreams::default(),
            search: Search::default(),
            node_search: Vec::new(),
            beside: None,
            answered_here: Vec::new(),
        })
    }

    /// The one that serves: what its responder, its cache and its forwarder's groups say now.
    /// `node_search` is what the node's own resolver appends, `answered_here` where packets of this
    /// node's clients pass the dataplane by.
    #[must_use]
    pub fn serving(
        responder: &Responder,
        (cache, now): (CacheView, Instant),
        groups: &[Group],
        node_search: Vec<String>,
        answered_here: Vec<SocketAddr>,
    ) -> Self {
        Self {
            zone: responder.zone.clone(),
            upstreams: Upstreams::of(&responder.blocks, groups),
            search: responder.search.clone(),
            node_search,
            beside: Some(Beside { blocks: Arc::clone(&responder.blocks), cache, now }),
            answered_here,
        }
    }

    /// `cluster.local`
    pub(crate) fn domain(&self) -> String {
        self.zone.settings().domain.to_string()
    }
}

impl Upstreams {
    /// The routes of all blocks, with the addresses of the groups that they lead to.
    #[must_use]
    pub fn of(blocks: &Blocks, groups: &[Group]) -> Self {
        let routes = blocks.iter().flat_map(|block| &block.routes);
        let rules = routes.map(|route| {
            let group = groups.get(route.rule.0);
            let upstreams = group.map(|group| group.upstreams.as_slice()).unwrap_or_default();
            UpstreamRule {
                zone: route.zone.clone(),
                except: route.except.clone(),
                addresses: upstreams.iter().map(|upstream| upstream.address).collect(),
                origin: None,
            }
        });
        Self { rules: rules.collect() }
    }

    /// The rule for a name, if one is for it.
    #[must_use]
    pub fn rule(&self, name: &Name) -> Option<&UpstreamRule> {
        let covers = |rule: &&UpstreamRule| {
            name.is_within(&rule.zone) && !rule.except.iter().any(|zone| name.is_within(zone))
        };
        let rules = self.rules.iter().filter(covers);
        rules.max_by_key(|rule| rule.zone.as_wire().len())
    }
}

impl UpstreamRule {
    /// `10.0.0.2:53 or 10.0.0.3:53`
    pub(crate) fn whom(&self) -> String {
        let all: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        all.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(zone: &str) -> UpstreamRule {
        let zone = Name::from_text(zone).unwrap();
        UpstreamRule { zone, except: Vec::new(), addresses: Vec::new(), origin: None }
    }

    #[test]
    fn the_longest_zone_decides() {
        let upstreams = Upstreams { rules: [".", "corp.example", "example"].map(rule).into() };
        let found = |name| {
            let name = Name::from_text(name).unwrap();
            upstreams.rule(&name).map(|rule| rule.zone.to_string())
        };
        let zones = ["WWW.corp.example", "corp.example", "www.example", "xexample"].map(found);
        let expected = ["corp.example", "corp.example", "example", "."];
        assert_eq!(zones, expected.map(|zone| Some(zone.to_owned())));
        let mut upstreams = upstreams;
        upstreams.rules[1].except = vec![Name::from_text("old.corp.example").unwrap()];
        let old = upstreams.rule(&Name::from_text("a.old.corp.example").unwrap());
        assert_eq!(old.map(|rule| rule.zone.to_string()), Some("example".to_owned()));
        assert_eq!(Upstreams::default().rule(&Name::from_text("a").unwrap()), None);
    }
}
