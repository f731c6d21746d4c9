//! On which thread may a namespace change? Only on one that ends right after.
#![expect(unsafe_code, reason = "unshare(2) is unsafe for flags that are not used here")]

use std::io;
use std::panic::resume_unwind;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Does some work on a new thread and waits for it.
pub(crate) fn fresh<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Puts the calling thread into a new network namespace.
pub(super) fn unshare_net() -> io::Result<()> {
    // SAFETY: unsafe is only `FILES`, which splits the file descriptor table; `NEWNET` alone
    // changes which network the thread's later system calls see, and no memory or descriptor.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    Ok(())
}
