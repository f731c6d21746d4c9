//! How do threads see the newest value without a lock for each question?

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A value that is replaced as a whole.
#[derive(Debug)]
pub(crate) struct Published<T> {
    /// How often it was replaced.
    epoch: AtomicU64,
    value: Mutex<Arc<T>>,
}

impl<T> Published<T> {
    pub(crate) fn new(value: T) -> Arc<Self> {
        Arc::new(Self { epoch: AtomicU64::new(0), value: Mutex::new(Arc::new(value)) })
    }

    pub(crate) fn publish(&self, value: T) {
        self.update(|_| value);
    }

    /// Replaces it by one that is made from it, with no other between the two.
    pub(crate) fn update(&self, next: impl FnOnce(&T) -> T) {
        let mut current = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(next(&current));
        self.epoch.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn newest(&self) -> Arc<T> {
        Arc::clone(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One thread's hold on a published value.
#[derive(Debug)]
pub(crate) struct Reader<T> {
    published: Arc<Published<T>>,
    epoch: u64,
    value: Arc<T>,
}

impl<T> Reader<T> {
    pub(crate) fn new(published: Arc<Published<T>>) -> Self {
        // The epoch is read first: if the value is replaced in between, it is only taken once more.
        let epoch = published.epoch.load(Ordering::Acquire);
        let value = published.newest();
        Self { published, epoch, value }
    }

    /// Takes the newest value, if there is another. Costs one load where there is none.
    pub(crate) fn refresh(&mut self) {
        let epoch = self.published.epoch.load(Ordering::Acquire);
        if epoch != self.epoch {
            self.epoch = epoch;
            self.value = self.published.newest();
        }
    }

    /// As of the last refresh.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_was_published_when_it_refreshes() {
        let published = Published::new(1);
        let mut reader = Reader::new(Arc::clone(&published));
        published.publish(2);
        published.update(|value| value + 1);
        let before = *reader.value();
        reader.refresh();
        assert_eq!((before, *reader.value(), *published.newest()), (1, 3, 3));
    }
}
