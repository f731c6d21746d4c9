//! How does a new agent take over what an older one left in the kernel?
//!
//! It keeps the numbers of pools and chains and the slots of endpoints that are there, so that what
//! differs is what really changed meanwhile.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use model::{NodePort, NodeTable, PoolKind, Route};

use crate::layout::Options;
use crate::name::SetId;
use crate::plan::{Full, Planner};
use crate::program::Data;
use crate::ruleset::Ruleset;
use crate::set::{frontend_key, read_endpoint, read_number};
use crate::step::KIND_BITS;

/// A pool's number and slots, where the kernel already has the pool.
type FindPool<'a> = dyn Fn(&NodePort, PoolKind) -> Option<(u32, Vec<SocketAddr>)> + 'a;

/// What the kernel already has.
pub(crate) struct Hints<'a> {
    pub(crate) pool: Box<FindPool<'a>>,
}

impl Hints<'_> {
    pub(crate) fn none() -> Self {
        Self { pool: Box::new(|_, _| None) }
    }
}

/// A planner for `table` that agrees with `held` as far as can be. What still differs is
/// `held.steps_to(&planner.desired())`.
///
/// Returned beside it: the Services that there is no room for.
#[must_use]
pub fn adopt(
    table: &NodeTable,
    options: Options,
    held: &Ruleset,
) -> (Planner, Vec<(model::ServiceName, Full)>) {
    let mut planner = Planner::new(Arc::clone(&table.node), options);
    for element in held.own_elements() {
        if let (SetId::Dispatch, Data::Goto(chain), Some(kind)) =
            (element.set, element.data, read_number(&element.key))
        {
            planner.kinds().take_over(chain, kind);
        }
    }
    let slots = held_slots(held);
    let hints = Hints {
        pool: Box::new(|port, kind| {
            let number = held_pool(held, port, kind)?;
            Some((number, slots.get(&number).cloned().unwrap_or_default()))
        }),
    };
    let mut refused = Vec::new();
    let mut ops = Vec::new();
    for (name, service) in &table.services {
        if let Err(full) = planner.set_with(name, Some(service), &hints, &mut ops) {
            refused.push((name.clone(), full));
        }
        ops.clear();
    }
    let used = planner.chains_in_use();
    planner.kinds().keep_only(&used);
    (planner, refused)
}

/// The pool to which the kernel sends a frontend of the port.
fn held_pool(held: &Ruleset, port: &NodePort, kind: PoolKind) -> Option<u32> {
    port.frontends.iter().find_map(|frontend| {
        let decision = &frontend.decision;
        let (family, wanted) = (frontend.frontend.family(), Route::Pool(kind));
        let map = if decision.inside == decision.outside {
            (decision.inside == wanted).then_some(SetId::Services(family))
        } else if decision.inside == wanted {
            Some(SetId::Inside(family))
        } else {
            (decision.outside == wanted).then_some(SetId::Outside(family))
        }?;
        match held.elements.get(&(map, frontend_key(&frontend.frontend))) {
            Some(Data::Value(value)) => read_number(value).map(|value| value >> KIND_BITS),
            _ => None,
        }
    })
}

/// The endpoints of each pool in the kernel, by slot. A pool with a hole in it is cut there.
fn held_slots(held: &Ruleset) -> HashMap<u32, Vec<SocketAddr>> {
    let mut found: HashMap<u32, Vec<(u32, SocketAddr)>> = HashMap::new();
    for element in held.own_elements() {
        let (SetId::Endpoints(_) | SetId::Slots(_), Data::Value(value)) =
            (element.set, element.data)
        else {
            continue;
        };
        let Some((class, slot)) = element.key.split_first_chunk::<4>() else { continue };
        let (class, Some(slot)) = (u32::from_ne_bytes(*class), read_number(slot)) else { continue };
        let address = if matches!(element.set, SetId::Slots(_)) {
            held_member(held, class, element.set, &value)
        } else {
            read_endpoint(&value)
        };
        if let Some(address) = address {
            found.entry(class >> KIND_BITS).or_default().push((slot, address));
        }
    }
    let whole = |(number, mut slots): (u32, Vec<(u32, SocketAddr)>)| {
        slots.sort_unstable();
        let unbroken = (0_u32..).zip(slots).take_while(|(at, (slot, _))| at == slot);
        (number, unbroken.map(|(_, (_, address))| address).collect())
    };
    found.into_iter().map(whole).collect()
}

/// The endpoint that a member stands for.
fn held_member(held: &Ruleset, class: u32, slots: SetId, member: &[u8]) -> Option<SocketAddr> {
    let key = crate::set::number(class).with(member);
    match held.elements.get(&(SetId::Members(slots.family()?), key)) {
        Some(Data::Value(value)) => read_endpoint(value),
        _ => None,
    }
}
