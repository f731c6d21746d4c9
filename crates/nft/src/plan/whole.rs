//! What should the kernel hold as a whole?

use super::{Planner, Programmed};
use crate::layout::{Options, fixed_chains, picking_chain};
use crate::name::{ChainId, SetId};
use crate::program::{Chain, Data, Element, Op, Rule};
use crate::ruleset::Desired;
use crate::set::{SetSpec, number};
use model::ServiceName;

impl Planner {
    /// All that the kernel should hold.
    #[must_use]
    pub fn desired(&self) -> Desired {
        self.desired_with(self.services.values())
    }

    /// What it should hold but for the elements of all other Services.
    #[must_use]
    pub fn desired_of(&self, name: &ServiceName) -> Desired {
        self.desired_with(self.services.get(name))
    }

    fn desired_with<'a>(&self, services: impl IntoIterator<Item = &'a Programmed>) -> Desired {
        let clients_max = self.options.affinity_clients_max;
        let mut elements: Vec<Element> =
            self.kinds.iter().map(|(chain, kind)| dispatch_element(chain, kind)).collect();
        // In whatever order: they are sorted.
        elements.extend(services.into_iter().flat_map(|programmed| self.elements_of(programmed)));
        elements.sort_unstable();
        elements.dedup();
        let picking = self.kinds.iter().filter_map(|(chain, _)| picking_chain(chain));
        Desired {
            sets: SetId::all().map(|id| SetSpec::of(id, clients_max)).collect(),
            chains: picking.chain(fixed_chains(&self.options)).collect(),
            elements,
        }
    }

    /// The steps for other options: only the fixed chains that read differently are rewritten.
    #[must_use]
    pub fn set_options(&mut self, options: Options) -> Vec<Op> {
        let mut ops = Vec::new();
        let old = fixed_chains(&self.options);
        for (old, new) in old.iter().zip(fixed_chains(&options)) {
            if old.rules != new.rules {
                ops.push(Op::FlushChain(new.id));
                ops.extend(rule_ops(new));
            }
        }
        self.options = options;
        ops
    }
}

pub(super) fn dispatch_element(chain: ChainId, kind: u32) -> Element {
    Element { set: SetId::Dispatch, key: number(kind), data: Data::Goto(chain) }
}

fn rule_ops(chain: Chain) -> impl Iterator<Item = Op> {
    let id = chain.id;
    chain.rules.into_iter().map(move |exprs| Op::AddRule(Rule { chain: id, exprs }))
}

pub(super) fn chain_ops(chain: Chain) -> impl Iterator<Item = Op> {
    std::iter::once(Op::AddChain(chain.id, chain.attachment)).chain(rule_ops(chain))
}
