//! What must a kernel be able to do for us?

use std::ops::Range;

use nft::{Bytes, Op, Ruleset, SetId};
use thiserror::Error;

/// The kernel's nftables, or what stands in for it. Two exist: the one that netlink leads to, and
/// one in memory that can be told to fail.
pub trait Kernel {
    /// Takes all steps as one transaction.
    ///
    /// # Errors
    /// Nothing was changed.
    fn transact(&mut self, ops: &[Op]) -> Result<Taken, TransactError>;

    /// Everything that is in our table.
    ///
    /// # Errors
    /// When it cannot be read: that is not the same as an empty table.
    fn read(&mut self) -> Result<Ruleset, ReadError>;

    /// The same, but of the elements only those with one of these keys.
    ///
    /// # Errors
    /// As of `read`.
    fn read_only(&mut self, keys: &[(SetId, Bytes)]) -> Result<Ruleset, ReadError>;

    /// Has nobody else changed anything since the last whole `read`? False also when that cannot be
    /// told.
    fn is_untouched(&mut self) -> bool;
}

/// What a transaction took: counted, so that growth is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    pub messages: usize,
    pub elements: usize,
    pub bytes: usize,
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.elements += other.elements;
        self.bytes += other.bytes;
    }
}

/// Why a transaction was not taken.
#[derive(Debug, Error)]
pub enum TransactError {
    /// The kernel looked at the steps and did not like these.
    #[error("{}", .0.first().map_or("refused", |refused| refused.reason.as_str()))]
    Refused(Vec<Refused>),
    /// It did not come so far: no permission, no memory, no socket.
    #[error("{0}")]
    Failed(String),
}

/// Steps that were refused, by their places in the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub steps: Range<usize>,
    pub reason: String,
}

/// The table could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ReadError(pub String);
