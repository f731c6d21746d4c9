//! Which steps bring the kernel from one state of the Services to the next?

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use model::{Frontend, NodeContext, NodeService, PoolKind, ServiceName};
use thiserror::Error;

use crate::adopt::Hints;
use crate::element::{Surroundings, elements, is_shared, picking_chain_of, pools_in_use};
use crate::kind::Kinds;
use crate::layout::{Options, picking_chain};
use crate::name::{ChainId, SetId};
use crate::pool::{Numbers, Pool, PoolName, place};
use crate::program::{Bytes, Element, Op};
use crate::ruleset::element_steps;
use crate::step::KIND_MASK;

mod whole;

use whole::{chain_ops, dispatch_element};

/// What is in the kernel, as far as it is ours: each Service with its pools. Rules and elements
/// follow from that and are not kept.
///
/// Steps that are handed out count as done; when the kernel refuses them, `undo` what they stood for.
#[derive(Debug, Clone)]
pub struct Planner {
    node: Arc<NodeContext>,
    options: Options,
    services: HashMap<ServiceName, Programmed>,
    pool_numbers: Numbers,
    kinds: Kinds,
    /// How many Services have an element of a shared set.
    shared: HashMap<(SetId, Bytes), u32>,
    /// How many Services are programmed to have a frontend: more than one only while changes are
    /// planned, or wait.
    holders: HashMap<Frontend, u32>,
}

#[derive(Debug, Clone)]
struct Programmed {
    service: Arc<NodeService>,
    pools: Vec<Pool>,
}

fn frontends(programmed: &Programmed) -> impl Iterator<Item = Frontend> {
    let ports = programmed.service.ports.iter();
    ports.flat_map(|port| port.frontends.iter().map(|known| known.frontend))
}

/// Chains that one change removes because numbers have run out: enough that it seldom happens.
const CHAINS_REMOVED_AT_ONCE_MAX: usize = 256;

/// How to take back what one `set` changed in the planner.
#[derive(Debug)]
#[must_use = "a refused step must be undone"]
pub struct Undo {
    name: ServiceName,
    before: Option<Programmed>,
    numbers_taken: Vec<u32>,
    numbers_freed: Vec<u32>,
    shared_added: Vec<(SetId, Bytes)>,
    shared_removed: Vec<(SetId, Bytes)>,
    kinds_added: Vec<ChainId>,
    kinds_removed: Vec<(ChainId, u32)>,
}

impl Undo {
    /// What was programmed of the Service until then.
    #[must_use]
    pub fn before(&self) -> Option<&Arc<NodeService>> {
        self.before.as_ref().map(|known| &known.service)
    }
}

/// The table has no room for the Service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Full {
    #[error("no room for another pool of endpoints: {max} are in use")]
    Pools { max: u32 },
    #[error("no room for another chain that picks among endpoints: {max} are in use")]
    Kinds { max: u32 },
}

impl Planner {
    /// A planner for an empty kernel.
    #[must_use]
    pub fn new(node: Arc<NodeContext>, options: Options) -> Self {
        Self {
            node,
            options,
            services: HashMap::new(),
            pool_numbers: Numbers::up_to(model::limits::POOLS_MAX),
            kinds: Kinds::default(),
            shared: HashMap::new(),
            holders: HashMap::new(),
        }
    }

    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The decisions that are programmed for a Service.
    #[must_use]
    pub fn programmed(&self, name: &ServiceName) -> Option<&Arc<NodeService>> {
        self.services.get(name).map(|programmed| &programmed.service)
    }

    /// The names of all Services that are programmed, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&ServiceName> {
        let mut names: Vec<&ServiceName> = self.services.keys().collect();
        names.sort_unstable();
        names
    }

    /// Appends the steps that make a Service so, or make it go.
    ///
    /// # Errors
    /// When there is no room for it; nothing is changed then.
    pub fn set(
        &mut self,
        name: &ServiceName,
        service: Option<&Arc<NodeService>>,
        ops: &mut Vec<Op>,
    ) -> Result<Undo, Full> {
        self.set_with(name, service, &Hints::none(), ops)
    }

    pub(crate) fn set_with(
        &mut self,
        name: &ServiceName,
        service: Option<&Arc<NodeService>>,
        hints: &Hints<'_>,
        ops: &mut Vec<Op>,
    ) -> Result<Undo, Full> {
        let start = ops.len();
        let before = self.take(name);
        let old_elements = before.as_ref().map(|known| self.elements_of(known)).unwrap_or_default();
        let mut undo = Undo {
            name: name.clone(),
            before,
            numbers_taken: Vec::new(),
            numbers_freed: Vec::new(),
            shared_added: Vec::new(),
            shared_removed: Vec::new(),
            kinds_added: Vec::new(),
            kinds_removed: Vec::new(),
        };
        let programmed = match service.map(|service| self.program(service, hints, &mut undo, ops)) {
            None => None,
            Some(Ok(programmed)) => Some(programmed),
            Some(Err(full)) => {
                self.undo(undo);
                // The chains that it would have needed.
                ops.truncate(start);
                return Err(full);
            }
        };
        self.free_unused(programmed.as_ref(), &mut undo);
        let new_elements =
            programmed.as_ref().map(|known| self.elements_of(known)).unwrap_or_default();
        self.count_shared(&old_elements, &new_elements, &mut undo, ops);
        if let Some(programmed) = programmed {
            self.put(name.clone(), programmed);
        }
        Ok(undo)
    }

    /// Gives the Service its pools and sees to it that the chains they need exist.
    fn program(
        &mut self,
        service: &Arc<NodeService>,
        hints: &Hints<'_>,
        undo: &mut Undo,
        ops: &mut Vec<Op>,
    ) -> Result<Programmed, Full> {
        let mut pools = Vec::new();
        let mut needed = BTreeSet::new();
        for port in &service.ports {
            for kind in pools_in_use(port) {
                let name = PoolName {
                    port: Arc::clone(&port.name),
                    protocol: port.protocol,
                    family: port.family,
                    kind,
                };
                let (number, slots) = self.old_pool(&name, port, kind, hints, undo)?;
                let slots = place(&slots, port.pool(kind));
                let pool = Pool { name, number, slots };
                needed.insert(picking_chain_of(&pool, port.affinity));
                self.need_chains(&needed, undo, ops)?;
                pools.push(pool);
            }
        }
        Ok(Programmed { service: Arc::clone(service), pools })
    }

    /// The number and slots that a pool has so far: its own, those that the kernel has for its
    /// frontends, or a new number.
    fn old_pool(
        &mut self,
        name: &PoolName,
        port: &model::NodePort,
        kind: PoolKind,
        hints: &Hints<'_>,
        undo: &mut Undo,
    ) -> Result<(u32, Vec<SocketAddr>), Full> {
        let before = undo.before.iter().flat_map(|known| &known.pools);
        if let Some(pool) = before.into_iter().find(|pool| pool.name == *name) {
            return Ok((pool.number, pool.slots.clone()));
        }
        if let Some((number, slots)) = (hints.pool)(port, kind)
            && self.pool_numbers.take_exactly(number)
        {
            undo.numbers_taken.push(number);
            return Ok((number, slots));
        }
        let full = Full::Pools { max: model::limits::POOLS_MAX };
        let number = self.pool_numbers.take().ok_or(full)?;
        undo.numbers_taken.push(number);
        Ok((number, Vec::new()))
    }

    /// Sees to it that these chains exist; when no number is left, those that nobody needs go.
    fn need_chains(
        &mut self,
        needed: &BTreeSet<ChainId>,
        undo: &mut Undo,
        ops: &mut Vec<Op>,
    ) -> Result<(), Full> {
        for chain in needed {
            if self.kinds.of(*chain).is_some() {
                continue;
            }
            let kind = match self.kinds.add(*chain) {
                Some(kind) => kind,
                None => {
                    self.remove_unused_chains(needed, undo, ops);
                    self.kinds.add(*chain).ok_or(Full::Kinds { max: KIND_MASK })?
                }
            };
            undo.kinds_added.push(*chain);
            ops.extend(picking_chain(*chain).into_iter().flat_map(chain_ops));
            ops.push(Op::AddElement(dispatch_element(*chain, kind)));
        }
        Ok(())
    }

    fn remove_unused_chains(
        &mut self,
        needed: &BTreeSet<ChainId>,
        undo: &mut Undo,
        ops: &mut Vec<Op>,
    ) {
        let mut used = self.chains_in_use();
        used.extend(needed);
        for (chain, kind) in self.kinds.unused(&used).into_iter().take(CHAINS_REMOVED_AT_ONCE_MAX) {
            self.kinds.remove(chain);
            undo.kinds_removed.push((chain, kind));
            ops.push(Op::DeleteElement(dispatch_element(chain, kind)));
            ops.extend([Op::FlushChain(chain), Op::DeleteChain(chain)]);
        }
    }

    /// Gives back the numbers of pools that the Service no longer has.
    fn free_unused(&mut self, after: Option<&Programmed>, undo: &mut Undo) {
        let kept = |number| {
            after.is_some_and(|known| known.pools.iter().any(|pool| pool.number == number))
        };
        let before = undo.before.iter().flat_map(|known| &known.pools);
        let freed: Vec<u32> = before.map(|pool| pool.number).filter(|n| !kept(*n)).collect();
        for number in &freed {
            self.pool_numbers.give_back(*number);
        }
        undo.numbers_freed = freed;
    }

    /// Appends the steps between the two lists; an element of a shared set comes with its first
    /// Service and goes with its last.
    fn count_shared(
        &mut self,
        old: &[Element],
        new: &[Element],
        undo: &mut Undo,
        ops: &mut Vec<Op>,
    ) {
        for op in element_steps(old, new) {
            if let Op::AddElement(element) = &op
                && is_shared(element.set)
            {
                let key = (element.set, element.key);
                undo.shared_added.push(key);
                if !self.count_up(key) {
                    continue;
                }
            }
            if let Op::DeleteElement(element) = &op
                && is_shared(element.set)
            {
                let key = (element.set, element.key);
                undo.shared_removed.push(key);
                if !self.count_down(key) {
                    continue;
                }
            }
            ops.push(op);
        }
    }

    fn count_up(&mut self, key: (SetId, Bytes)) -> bool {
        let count = self.shared.entry(key).or_insert(0);
        *count += 1;
        *count == 1
    }

    fn count_down(&mut self, key: (SetId, Bytes)) -> bool {
        match self.shared.get_mut(&key) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => self.shared.remove(&key).is_some(),
        }
    }

    /// Whether the Service has a frontend that another one is programmed to have too, as its own
    /// change waits: the kernel must not see that, even where it would take it.
    #[must_use]
    pub fn is_contested(&self, name: &ServiceName) -> bool {
        let programmed = self.services.get(name);
        programmed.is_some_and(|known| {
            let mut frontends = frontends(known);
            frontends.any(|frontend| self.holders.get(&frontend).is_some_and(|n| *n > 1))
        })
    }

    fn take(&mut self, name: &ServiceName) -> Option<Programmed> {
        let taken = self.services.remove(name)?;
        for frontend in frontends(&taken) {
            match self.holders.get_mut(&frontend) {
                Some(holders) if *holders > 1 => *holders -= 1,
                Some(_) | None => drop(self.holders.remove(&frontend)),
            }
        }
        Some(taken)
    }

    fn put(&mut self, name: ServiceName, programmed: Programmed) {
        for frontend in frontends(&programmed) {
            *self.holders.entry(frontend).or_insert(0) += 1;
        }
        self.services.insert(name, programmed);
    }

    /// Takes back what a `set` changed. Several are undone last first.
    pub fn undo(&mut self, undo: Undo) {
        for key in undo.shared_added {
            self.count_down(key);
        }
        for key in undo.shared_removed {
            self.count_up(key);
        }
        for chain in undo.kinds_added {
            self.kinds.remove(chain);
        }
        for (chain, kind) in undo.kinds_removed {
            self.kinds.take_over(chain, kind);
        }
        for number in undo.numbers_taken {
            self.pool_numbers.give_back(number);
        }
        for number in undo.numbers_freed {
            self.pool_numbers.take_exactly(number);
        }
        drop(self.take(&undo.name));
        if let Some(before) = undo.before {
            self.put(undo.name, before);
        }
    }

    fn elements_of(&self, programmed: &Programmed) -> Vec<Element> {
        let surroundings =
            Surroundings { node: &self.node, kind_of: &|chain| self.kinds.of(chain) };
        elements(&programmed.service, &programmed.pools, &surroundings)
    }

    /// The chains that pick, with their numbers.
    pub(crate) const fn kinds(&mut self) -> &mut Kinds {
        &mut self.kinds
    }

    /// The chains that pools of Services need.
    pub(crate) fn chains_in_use(&self) -> BTreeSet<ChainId> {
        let programmed = self.services.values();
        programmed
            .flat_map(|programmed| {
                programmed.pools.iter().filter_map(|pool| {
                    let port = programmed.service.ports.iter().find(|port| {
                        port.name == pool.name.port
                            && port.family == pool.name.family
                            && port.protocol == pool.name.protocol
                    })?;
                    Some(picking_chain_of(pool, port.affinity))
                })
            })
            .collect()
    }

    /// The node as the planner knows it: endpoints on it can be their own clients.
    pub fn set_node(&mut self, node: Arc<NodeContext>) {
        self.node = node;
    }
}
