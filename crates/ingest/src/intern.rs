//! How is a text that thousands of objects repeat held once?

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Below this many values nothing is purged.
const PURGE_FROM: usize = 1024;

/// Values that are held once however often they occur. What nobody else holds any more goes when
/// the number of values has doubled since it was last looked at, so that names that come and go do
/// not pile up.
#[derive(Debug)]
pub(crate) struct Interned<T: ?Sized> {
    values: BTreeSet<Arc<T>>,
    purge_at: usize,
}

impl<T: ?Sized> Default for Interned<T> {
    fn default() -> Self {
        Self { values: BTreeSet::new(), purge_at: PURGE_FROM }
    }
}

impl<T: ?Sized + Ord> Interned<T> {
    pub(crate) fn intern<V>(&mut self, value: V) -> Arc<T>
    where
        V: Borrow<T>,
        Arc<T>: From<V>,
    {
        if let Some(known) = self.values.get(value.borrow()) {
            return Arc::clone(known);
        }
        if self.values.len() >= self.purge_at {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.purge_at = PURGE_FROM.max(self.values.len() * 2);
        }
        let new: Arc<T> = value.into();
        self.values.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_equal_texts_once_and_forgets_what_nobody_uses() {
        let mut names: Interned<str> = Interned::default();
        let first = names.intern("node-a");
        assert!(Arc::ptr_eq(&first, &names.intern("node-a")));
        for index in 0..10 * PURGE_FROM {
            drop(names.intern(format!("gone-{index}").as_str()));
        }
        assert!(names.values.len() <= PURGE_FROM, "{} values are held", names.values.len());
        assert!(Arc::ptr_eq(&first, &names.intern("node-a")));
    }
}
