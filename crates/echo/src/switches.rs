//! How does the server answer until it is told otherwise?

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use hyper::StatusCode;

/// What requests can switch.
#[derive(Debug)]
pub(crate) struct Switches {
    ready: AtomicBool,
    status: AtomicU16,
}

impl Switches {
    pub(crate) const fn new(ready: bool) -> Self {
        Self { ready: AtomicBool::new(ready), status: AtomicU16::new(200) }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status.load(Ordering::Relaxed)).unwrap_or(StatusCode::OK)
    }

    pub(crate) fn set_status(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }
}
