//! How does traffic to the DNS that this host answers itself go past the connection tracking, and
//! the ordinary way as soon as nobody here answers any more?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use host::netfilter::{Nfnetlink, TransactError};
use host::netlink::SocketError;
use nft::wire::local_dns_table;
use nft::{LOCAL_DNS_MAX, LOCAL_DNS_TABLES, Untracked};
use thiserror::Error;

/// The link that holds the addresses at which this host answers DNS itself. Unlike the table, it stays
/// when the agent ends: an address that nobody serves here is rewritten before it is looked for.
/// `host::dummy::Dummy::delete` removes it.
pub const LOCAL_DNS_LINK: &str = "pogu-dns";

/// A table of its own that lives as long as this value: when it is dropped, or the process ends in
/// whatever way, the kernel removes the table before it does anything else.
///
/// It stands in the network namespace of the thread that opens it.
#[derive(Debug)]
pub struct LocalDns {
    socket: Nfnetlink,
    table: &'static str,
}

/// Why DNS traffic goes the ordinary way, or still as before.
#[derive(Debug, Error)]
pub enum LocalDnsError {
    #[error(
        "other processes own the tables for local DNS: {}\nhint: one more agent runs on this node",
        LOCAL_DNS_TABLES.join(", ")
    )]
    Taken,
    #[error("tables that end with their owner are not supported: {0}\nhint: Linux 5.12 has them")]
    NotSupported(#[source] TransactError),
    #[error("cannot answer DNS at so many addresses: {n_addresses}: at most {LOCAL_DNS_MAX}")]
    TooMany { n_addresses: usize },
    #[error("cannot write the table for local DNS: {0}")]
    Failed(#[from] TransactError),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// EPERM, where not the whole transaction is denied: another socket owns the table.
const OWNED: i32 = 1;
/// EOPNOTSUPP, EINVAL: of flags that the kernel does not know.
const UNKNOWN_FLAGS: [i32; 2] = [95, 22];

impl LocalDns {
    /// Makes the table, without addresses. While a former process still has its own, the other name
    /// is taken: both tables do the same, and do not harm each other.
    ///
    /// # Errors
    /// Where the kernel is older than 5.12, without CAP_NET_ADMIN, and beside two others.
    pub fn open() -> Result<Self, LocalDnsError> {
        let mut socket = Nfnetlink::open()?;
        for table in LOCAL_DNS_TABLES {
            match write(&mut socket, table, &BTreeSet::new(), Untracked::QuestionsAndAnswers) {
                Err(LocalDnsError::Taken) => {}
                written => return written.map(|()| Self { socket, table }),
            }
        }
        Err(LocalDnsError::Taken)
    }

    /// The table's name, of family `inet`.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// Lets packets to and from just these transport addresses, of UDP and TCP, pass untracked from
    /// now on. One transaction: there is no moment in between.
    ///
    /// # Errors
    /// What was set before still holds.
    pub fn set(&mut self, addresses: &BTreeSet<SocketAddr>) -> Result<(), LocalDnsError> {
        write(&mut self.socket, self.table, addresses, Untracked::QuestionsAndAnswers)
    }

    /// Lets questions go the ordinary way from now on, and what is still answered here to the former
    /// ones at these addresses go untracked. Whoever has answered the last drops the value.
    ///
    /// # Errors
    /// What was set before still holds. Drop the value then: that cannot fail.
    pub fn leave(&mut self, addresses: &BTreeSet<SocketAddr>) -> Result<(), LocalDnsError> {
        write(&mut self.socket, self.table, addresses, Untracked::Answers)
    }

    /// Lets everything go the ordinary way from now on.
    ///
    /// # Errors
    /// As of `set`. Drop the value then: that cannot fail.
    pub fn clear(&mut self) -> Result<(), LocalDnsError> {
        self.set(&BTreeSet::new())
    }
}

fn write(
    socket: &mut Nfnetlink,
    table: &str,
    addresses: &BTreeSet<SocketAddr>,
    untracked: Untracked,
) -> Result<(), LocalDnsError> {
    if addresses.len() > LOCAL_DNS_MAX {
        return Err(LocalDnsError::TooMany { n_addresses: addresses.len() });
    }
    let Err(error) = socket.transact(&local_dns_table(table, addresses, untracked)) else {
        return Ok(());
    };
    let first = match &error {
        TransactError::Refused { errors, .. } => errors.first().map(|error| error.errno),
        TransactError::Malformed { .. }
        | TransactError::Denied
        | TransactError::GenerationChanged
        | TransactError::AnswersLost
        | TransactError::Unacknowledged
        | TransactError::Socket(_) => None,
    };
    Err(match first {
        Some(OWNED) => LocalDnsError::Taken,
        Some(errno) if UNKNOWN_FLAGS.contains(&errno) => LocalDnsError::NotSupported(error),
        _ => LocalDnsError::Failed(error),
    })
}
