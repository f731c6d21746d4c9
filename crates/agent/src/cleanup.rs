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

/// Removes everything that agents left in this kernel, and kube-proxy's tables when asked. Returns
/// the tables and links that were there.
pub fn cleanup(kube_proxy: bool) -> Result<Removed, Failure> {
    privilege::check()?;
    let failed = |error: &dyn std::fmt::Display| Failure::Dataplane(error.to_string());
    let mut socket = Nfnetlink::open().map_err(|error| failed(&error))?;
    let theirs = if kube_proxy { &KUBE_PROXY_TABLES[..] } else { &[] };
    let mut removed = Removed::default();
    for table in std::iter::once(&OWN_TABLE).chain(theirs) {
        match socket.transact(&delete_table(*table)) {
            Ok(_) => removed.tables.push(*table),
            Err(TransactError::Refused { errors, .. })
                if errors.iter().all(|error| error.errno == MISSING) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    if Dummy::delete(LOCAL_DNS_LINK).map_err(|error| failed(&error))? {
        removed.links.push(LOCAL_DNS_LINK);
    }
    Ok(removed)
}
