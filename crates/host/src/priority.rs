//! Does the calling thread run before others when the processors are busy?
#![expect(unsafe_code, reason = "sched_setscheduler(2) has no safe form")]

use std::fmt;
use std::io;

use rustix::process::setpriority_process;

/// The lowest of those that go before all that share the processors.
const REAL_TIME: libc::c_int = 1;
const NICE: i32 = -15;

/// What the calling thread has got.
#[derive(Debug)]
pub enum Priority {
    /// It runs as soon as it has something to do.
    RealTime,
    /// It gets a larger share than others; why not more.
    Share(io::Error),
    /// It is one of many; why.
    None(io::Error),
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealTime => f.write_str("real-time"),
            Self::Share(error) => write!(f, "a larger share: real-time is refused: {error}"),
            Self::None(error) => write!(f, "none: {error}"),
        }
    }
}

/// As much as this process may have, for the calling thread alone: its children and later threads do
/// not inherit it. For threads that do little, and at once. Needs `CAP_SYS_NICE`.
pub fn raise() -> Priority {
    // The kernel's `struct sched_param`. By the system call, since the function of musl only says that it is
    // not implemented: POSIX means whole processes by it.
    let parameters: libc::c_int = REAL_TIME;
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    let call = libc::SYS_sched_setscheduler;
    // SAFETY: 0 is the calling thread; the pointer is to a value that lives until the call returns,
    // and the kernel only reads it.
    let result = unsafe { libc::syscall(call, 0, policy, &raw const parameters) };
    if result == 0 {
        return Priority::RealTime;
    }
    let refused = io::Error::last_os_error();
    match setpriority_process(None, NICE) {
        Ok(()) => Priority::Share(refused),
        Err(errno) => Priority::None(errno.into()),
    }
}
