//! Which processes are in a network namespace?

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Looks at a namespace's processes until none is left, so that what one of them starts meanwhile
/// goes too.
pub(super) fn kill_all(netns: BorrowedFd<'_>) -> io::Result<usize> {
    /// Programs that start others faster than this are not ours to fight.
    const LOOKS_MAX: usize = 100;
    let mut killed = 0;
    for _ in 0..LOOKS_MAX {
        let found = find(netns)?;
        if found.is_empty() {
            break;
        }
        for (_, handle) in &found {
            if pidfd_send_signal(handle, Signal::KILL).is_ok() {
                killed += 1;
            }
        }
        for (_, handle) in found {
            await_end(&handle)?;
        }
    }
    Ok(killed)
}

/// By handles, which stay those of the processes that were looked at.
pub(super) fn find(netns: BorrowedFd<'_>) -> io::Result<Vec<(Pid, OwnedFd)>> {
    let wanted = fstat(netns)?;
    let is_there = |pid: Pid| {
        let path = format!("/proc/{}/ns/net", pid.as_raw_pid());
        rustix::fs::stat(path)
            .is_ok_and(|it| it.st_ino == wanted.st_ino && it.st_dev == wanted.st_dev)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let pid = entry.ok().and_then(|entry| entry.file_name().to_str()?.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
        if !is_there(pid) {
            continue;
        }
        if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
            && is_there(pid)
        {
            found.push((pid, handle));
        }
    }
    Ok(found)
}

/// A killed process is gone from its namespace a little later.
fn await_end(handle: &OwnedFd) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let deadline = Timespec { tv_sec: 5, tv_nsec: 0 };
    // Signals come while it is waited: of our own children's ends, to begin with.
    rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&deadline)))?;
    Ok(())
}
