//! Is a kernel that lacks something told what?

use nft::{Bytes, Expr, Op, Ruleset, SetId};

use super::program::CLIENTS_MAX;
use crate::{Kernel, MemoryKernel, ReadError, Refused, Taken, TransactError, missing_features};

/// A kernel that was built without these expressions.
struct Lacking {
    kernel: MemoryKernel,
    lacks: fn(&Expr) -> bool,
}

impl Kernel for Lacking {
    fn transact(&mut self, ops: &[Op]) -> Result<Taken, TransactError> {
        let lacks = |op: &Op| matches!(op, Op::AddRule(rule) if rule.exprs.iter().any(self.lacks));
        match ops.iter().position(lacks) {
            Some(at) => {
                let reason = "No such file or directory".to_owned();
                Err(TransactError::Refused(vec![Refused { steps: at..at + 1, reason }]))
            }
            None => self.kernel.transact(ops),
        }
    }

    fn read(&mut self) -> Result<Ruleset, ReadError> {
        self.kernel.read()
    }

    fn read_only(&mut self, keys: &[(SetId, Bytes)]) -> Result<Ruleset, ReadError> {
        self.kernel.read_only(keys)
    }

    fn is_untouched(&mut self) -> bool {
        self.kernel.is_untouched()
    }
}

#[track_caller]
fn check(lacks: fn(&Expr) -> bool, expected: &[&str]) {
    let mut kernel = Lacking { kernel: MemoryKernel::new(CLIENTS_MAX), lacks };
    let missing = missing_features(&mut kernel).expect("it can be tried");
    let found: Vec<&str> = missing.iter().map(|feature| feature.option).collect();
    assert_eq!(found, expected);
    assert_eq!(kernel.kernel.ruleset, Ruleset::default(), "nothing is left behind");
}

#[test]
fn what_is_missing_is_named() {
    check(|_| false, &[]);
    check(|expr| matches!(expr, Expr::Random { .. }), &["NFT_NUMGEN"]);
    check(|expr| matches!(expr, Expr::SourceType { .. }), &["NFT_FIB_INET"]);
    check(|expr| matches!(expr, Expr::Masquerade | Expr::Reject), &["NFT_MASQ", "NFT_REJECT_INET"]);
}

#[test]
fn this_kernel_has_everything_and_nothing_is_left_behind() {
    if host::skip::without_root() {
        return;
    }
    let netns = host::netns::Netns::unshared().expect("a namespace");
    let tried = netns.run(|| {
        let mut kernel = crate::Netlink::open(CLIENTS_MAX).expect("a socket");
        let missing = missing_features(&mut kernel).expect("it can be tried");
        (missing, kernel.read().expect("it can be read"))
    });
    assert_eq!(tried.expect("a thread"), (vec![], Ruleset::default()));
}
