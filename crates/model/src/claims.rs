//! Which Service holds a frontend that several ask for?

use std::sync::Arc;

use imbl::OrdMap;

use crate::address::{Frontend, FrontendKind};
use crate::name::ServiceName;

/// One Service port's wish for a frontend. The order is the order of precedence. First the kind:
/// a ClusterIP is given by the API server and a load balancer's address by a controller, but an
/// external IP is whatever somebody wrote, and must not take another Service's traffic; a node port
/// is only a node's address at large. Then the older Service wins, then the lower name. Even two
/// ports of one Service can collide: an external IP may be a node's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) kind: FrontendKind,
    pub(crate) created_s: i64,
    pub(crate) service: ServiceName,
    /// The name of the Service's port.
    pub(crate) port: Arc<str>,
}

/// All claims. Nearly always one for each frontend.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims(OrdMap<Frontend, Held>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    One(Claim),
    /// Sorted, at least two.
    Many(Arc<[Claim]>),
}

impl Held {
    fn as_slice(&self) -> &[Claim] {
        match self {
            Self::One(claim) => std::slice::from_ref(claim),
            Self::Many(claims) => claims,
        }
    }
}

impl Claims {
    /// Whether both are the same value, found without looking into them.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }

    /// Who holds the frontend.
    pub(crate) fn holder(&self, frontend: &Frontend) -> Option<&Claim> {
        self.0.get(frontend).and_then(|held| held.as_slice().first())
    }

    /// Every Service that asks for the frontend, the holder first.
    pub(crate) fn all(&self, frontend: &Frontend) -> &[Claim] {
        self.0.get(frontend).map_or(&[], Held::as_slice)
    }

    pub(crate) fn insert(&mut self, frontend: Frontend, claim: Claim) {
        let held = match self.0.get(&frontend) {
            None => Held::One(claim),
            Some(held) => {
                let mut claims = held.as_slice().to_vec();
                claims.push(claim);
                claims.sort();
                claims.dedup();
                Held::Many(claims.into())
            }
        };
        self.0.insert(frontend, held);
    }

    pub(crate) fn remove(&mut self, frontend: &Frontend, service: &ServiceName) {
        let Some(held) = self.0.get(frontend) else { return };
        let mut claims = held.as_slice().to_vec();
        claims.retain(|claim| claim.service != *service);
        match claims.pop() {
            None => self.0.remove(frontend),
            Some(last) if claims.is_empty() => self.0.insert(*frontend, Held::One(last)),
            Some(last) => {
                claims.push(last);
                self.0.insert(*frontend, Held::Many(claims.into()))
            }
        };
    }
}
