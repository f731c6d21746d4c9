//! Which upstreams are asked for a name?

use crate::forward::RuleId;
use crate::wire::{Lowered, Name};

/// The group of upstreams for the names of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// In lower case; the root's is for all names.
    pub zone: Name,
    /// Zones below it that are not this route's.
    pub except: Vec<Name>,
    pub rule: RuleId,
}

/// All routes. The longest zone that a name is in decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    #[must_use]
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| std::cmp::Reverse(route.zone.as_wire().len()));
        Self(routes)
    }

    /// Whether any name is asked elsewhere.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a name is asked; `None` where nobody is.
    #[must_use]
    pub fn find(&self, name: &Lowered) -> Option<RuleId> {
        let is_in = |zone: &Name| name.labels_before(zone.as_wire()).is_some();
        let covers = |route: &&Route| is_in(&route.zone) && !route.except.iter().any(is_in);
        self.0.iter().find(covers).map(|route| route.rule)
    }
}
