//! How is what agents left in the kernel removed?

use host::netfilter::{Nfnetlink, TransactError};
use nft::wire::{KUBE_PROXY_TABLES, OWN_TABLE, TableName, delete_table};

use crate::failure::Failure;
use crate::privilege;

/// `ENOENT`: the table is not there, which is what was wanted.
const MISSING: i32 = 2;

/// Removes everything that agents left in this kernel, and kube-proxy's tables when asked. Returns
/// the tables that were there.
pub fn cleanup(kube_proxy: bool) -> Result<Vec<TableName>, Failure> {
    privilege::check()?;
    let failed = |error: &dyn std::fmt::Display| Failure::Dataplane(error.to_string());
    let mut socket = Nfnetlink::open().map_err(|error| failed(&error))?;
    let theirs = if kube_proxy { &KUBE_PROXY_TABLES[..] } else { &[] };
    let mut removed = Vec::new();
    for table in std::iter::once(&OWN_TABLE).chain(theirs) {
        match socket.transact(&delete_table(*table)) {
            Ok(_) => removed.push(*table),
            Err(TransactError::Refused { errors, .. })
                if errors.iter().all(|error| error.errno == MISSING) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(removed)
}
