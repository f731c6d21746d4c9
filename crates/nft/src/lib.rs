#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod layout;
mod name;
mod plan;
mod pool;
mod program;
mod ruleset;
mod set;
mod step;

pub use layout::{Options, fixed_chains, picking_chain};
pub use name::{ChainId, Foreign, SetId, TABLE};
pub use program::{
    Attachment, Base, Bytes, Chain, CtKey, Data, DynamicOp, Element, Expr, Hook, HookKind, Into,
    MetaKey, Op, Reg, Rule, RuleVerdict, value,
};
pub use ruleset::{Desired, Failed, HeldChain, Refusal, Ruleset};
pub use set::{Field, SetKind, SetSpec, Target, read_endpoint, read_number, read_transport_key};
