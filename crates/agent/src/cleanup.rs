//! How is what agents left in the kernel removed?

use host::dummy::Dummy;
use host::netfilter::{Nfnetlink, TransactError};
use nft::wire::{KUBE_PROXY_TABLES, OWN_TABLE, TableName, delete_table};

use reconcile::LOCAL_DNS_LINK;

use crate::failure::Failure;
use crate::privilege;

/// `ENOENT`: the table is not there, which is what was wanted.
const MISSING: i32 = 2;

/// What was there, and no longer is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    pub tables: Vec<TableName>,
    /// The link that had the cluster DNS's addresses.
    pub links: Vec<&'static str>,
}

/// Whose leavings are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavings {
    /// All that agents leave.
    Agent,
    /// The tables of kube-proxy: an agent that has taken its place goes on.
    KubeProxy,
}

/// Removes everything that somebody left in this kernel. Returns the tables and links that were there.
pub fn cleanup(of: Leavings) -> Result<Removed, Failure> {
    privilege::check()?;
    let failed = |error: &dyn std::fmt::Display| Failure::Dataplane(error.to_string());
    let mut socket = Nfnetlink::open().map_err(|error| failed(&error))?;
    let tables = match of {
        Leavings::Agent => &[OWN_TABLE][..],
        Leavings::KubeProxy => &KUBE_PROXY_TABLES[..],
    };
    let mut removed = Removed::default();
    for table in tables {
        match socket.transact(&delete_table(*table)) {
            Ok(_) => removed.tables.push(*table),
            Err(TransactError::Refused { errors, .. })
                if errors.iter().all(|error| error.errno == MISSING) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    if of == Leavings::Agent && Dummy::delete(LOCAL_DNS_LINK).map_err(|error| failed(&error))? {
        removed.links.push(LOCAL_DNS_LINK);
    }
    Ok(removed)
}
