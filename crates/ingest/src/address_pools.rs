//! Which of the objects that name a pool is the pool?

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{AddressPool, Object, Rejection};

use crate::api::ObjectKey;

/// What an object says, and what was wrong with it.
pub(crate) type PoolAndRejections = (Arc<AddressPool>, Vec<Rejection>);

/// An object, and what is wrong with it now.
pub(crate) type ObjectAndRejections = (Object, Vec<Rejection>);

/// All that objects say of pools. Services name a pool without its kind or namespace, so of several
/// objects with one name only the first is the pool: ours before MetalLB's, then by namespace.
#[derive(Debug, Default)]
pub(crate) struct AddressPools(BTreeMap<String, BTreeMap<ObjectKey, PoolAndRejections>>);

impl AddressPools {
    /// An object is so, or gone. Gives the pool of that name, and all that is wrong with the objects.
    pub(crate) fn set(
        &mut self,
        key: &ObjectKey,
        read: Option<PoolAndRejections>,
    ) -> (Option<Arc<AddressPool>>, Vec<ObjectAndRejections>) {
        let named = self.0.entry(key.name.clone()).or_default();
        match read {
            Some(read) => drop(named.insert(key.clone(), read)),
            None => drop(named.remove(key)),
        }
        let pool = named.values().next().map(|(pool, _)| Arc::clone(pool));
        let rejections = named.values().map(|(other, rejections)| {
            let mut rejections = rejections.clone();
            if let Some(pool) = pool.as_ref().filter(|pool| !Arc::ptr_eq(pool, other)) {
                let reason = format!(
                    "expected a name that no other pool has; it is that of {}",
                    pool.object
                );
                rejections.push(Rejection::new(other.object.clone(), "metadata.name", reason));
            }
            (other.object.clone(), rejections)
        });
        let rejections = rejections.collect();
        if named.is_empty() {
            self.0.remove(&key.name);
        }
        (pool, rejections)
    }
}
