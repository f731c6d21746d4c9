#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adopt;
mod element;
mod evaluate;
mod kind;
mod layout;
mod local_dns;
mod name;
mod plan;
mod pool;
mod program;
mod ruleset;
mod set;
mod step;
pub mod wire;

pub use adopt::adopt;
pub use layout::{Options, fixed_chains, picking_chain};
pub use local_dns::{LOCAL_DNS_MAX, Untracked};
pub use name::{ChainId, Foreign, LOCAL_DNS_TABLES, SetId, TABLE};
pub use plan::{Full, Planner, Undo};
pub use program::{
    Attachment, Base, Bytes, Chain, CtKey, Data, DynamicOp, Element, Expr, Hook, HookKind, Into,
    MetaKey, Op, Reg, Rule, RuleVerdict, value,
};
pub use ruleset::{Desired, Failed, HeldChain, Refusal, Ruleset};
pub use set::{
    COUNTED_MAX, Field, SetKind, SetSpec, Target, frontend_keys, read_counted, read_endpoint,
    read_number,
};
