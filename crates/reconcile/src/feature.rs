//! Does this kernel have what the table is made of?
//!
//! Found by trying, since configuration and modules cannot be asked: a table that does not exist
//! is made, given one rule, and deleted again, all in one transaction that nobody else ever sees.

use model::{Family, Protocol};
use nft::{
    Attachment, Base, ChainId, CtKey, DynamicOp, Expr, Hook, HookKind, Into, MetaKey, Op, Reg,
    Rule, RuleVerdict, SetId,
};

use crate::kernel::{Kernel, TransactError};

/// Something that a kernel may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What it is, in nftables' words.
    pub name: &'static str,
    /// What a kernel needs to have been built with.
    pub option: &'static str,
    steps: Vec<Op>,
}

/// The features that this kernel refuses, in the order in which they matter. Nothing is tried
/// while our table exists: it could not, if they were missing.
///
/// # Errors
/// When it cannot be found out: no permission, no socket.
pub fn missing_features(kernel: &mut impl Kernel) -> Result<Vec<Feature>, TransactError> {
    let held = kernel.read().map_err(|error| TransactError::Failed(error.to_string()))?;
    if held.exists {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    for feature in features() {
        let mut steps = vec![Op::AddTable];
        steps.extend(feature.steps.iter().cloned());
        steps.push(Op::DeleteTable);
        match kernel.transact(&steps) {
            Ok(_) => {}
            Err(TransactError::Refused(_)) => missing.push(feature),
            Err(failed @ TransactError::Failed(_)) => return Err(failed),
        }
    }
    Ok(missing)
}

const AT: Reg = Reg(0);

/// A feature that shows in a set.
fn set(name: &'static str, option: &'static str, set: SetId) -> Feature {
    Feature { name, option, steps: vec![Op::AddSet(set)] }
}

/// A feature that shows in a rule of a chain attached so; the rule may use the sets before it.
fn rule(
    name: &'static str,
    option: &'static str,
    (hook, kind): (Hook, HookKind),
    sets: &[SetId],
    exprs: Vec<Expr>,
) -> Feature {
    let chain = ChainId::Services;
    let mut steps: Vec<Op> = sets.iter().copied().map(Op::AddSet).collect();
    steps.push(Op::AddChain(chain, Some(Attachment { hook, priority: 0, kind })));
    steps.push(Op::AddRule(Rule { chain, exprs }));
    Feature { name, option, steps }
}

fn features() -> Vec<Feature> {
    let nat = (Hook::Prerouting, HookKind::Nat);
    let last = (Hook::Postrouting, HookKind::Nat);
    let filter = (Hook::Forward, HookKind::Filter);
    let address = |to| Expr::Payload { base: Base::Network, offset: 12, len: 4, to };
    let priority = |to| Expr::Meta { key: MetaKey::Priority, to };
    let tcp = || {
        let compare = Expr::Compare { from: AT, equal: true, value: vec![Protocol::Tcp.number()] };
        vec![Expr::Meta { key: MetaKey::TransportProtocol, to: AT }, compare]
    };
    let mut dnat = tcp();
    dnat.extend([
        address(AT),
        Expr::Payload { base: Base::Transport, offset: 2, len: 2, to: Reg(1) },
        Expr::Dnat { family: Family::V4, address: AT, port: Reg(1) },
    ]);
    let affinity = SetId::Affinity(Family::V4);
    let remember = Expr::Dynamic {
        set: affinity,
        op: DynamicOp::Update,
        key: AT,
        data: Reg(4),
        timeout_ms: 1000,
    };
    let lookup =
        Expr::Lookup { set: SetId::Dispatch, from: AT, into: Into::Verdict, invert: false };
    let drop = Expr::Verdict(RuleVerdict::Drop);
    vec![
        Feature { name: "nf_tables, family inet", option: "NF_TABLES_INET", steps: vec![] },
        set("maps with element counters (Linux 5.7)", "NF_TABLES", SetId::Endpoints(Family::V4)),
        set("sets of concatenated ranges (Linux 5.6)", "NF_TABLES", SetId::Allowed(Family::V6)),
        rule("ct", "NFT_CT", filter, &[], vec![Expr::Ct { key: CtKey::State, to: AT }, drop]),
        rule("dnat in family inet (Linux 5.2)", "NFT_NAT", nat, &[], dnat),
        rule("masquerade", "NFT_MASQ", last, &[], vec![Expr::Masquerade]),
        rule("numgen", "NFT_NUMGEN", nat, &[], vec![Expr::Random { modulus: 2, to: AT }]),
        rule("fib", "NFT_FIB_INET", nat, &[], vec![Expr::SourceType { to: AT }]),
        rule("reject", "NFT_REJECT_INET", filter, &[], vec![Expr::Reject]),
        rule("maps of verdicts", "NF_TABLES", nat, &[SetId::Dispatch], vec![priority(AT), lookup]),
        rule(
            "maps that packets update (Linux 5.4)",
            "NF_TABLES",
            nat,
            &[affinity],
            vec![address(AT), priority(Reg(1)), address(Reg(4)), remember],
        ),
    ]
}
