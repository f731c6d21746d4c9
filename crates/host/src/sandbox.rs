//! What does a program see that is to think it is on a machine of its own?
#![expect(unsafe_code, reason = "unshare(2) is unsafe for flags that are not used here")]

mod view;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::system::sethostname;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

pub use view::{Mount, MountError};

use crate::netns::fresh;
use view::View;

/// The calling thread's namespace; `/proc/self` would be that of the process's first thread.
const OF_THREAD: &str = "/proc/thread-self/ns/mnt";

/// A network namespace, a host name, and files and folders that are seen in places of the host's.
/// Everything else is the host's: this keeps programs apart, it does not lock them in. All programs
/// of one sandbox see the same mounts.
#[derive(Debug)]
pub struct Sandbox {
    netns: OwnedFd,
    mounts: OwnedFd,
    hostname: String,
}

impl Sandbox {
    /// Each pair of files is what is seen and where it is seen. A place where the host has no file
    /// is left out: there is nothing that could be covered.
    pub fn new(
        netns: BorrowedFd<'_>,
        hostname: &str,
        stand_ins: &[(&Path, &Path)],
    ) -> io::Result<Self> {
        Self::with_mounts(netns, hostname, stand_ins, &[]).map_err(io::Error::other)
    }

    /// With mounts beside the stand-ins, in this order, whose places are made where the host has
    /// none: in the sandbox alone.
    pub fn with_mounts(
        netns: BorrowedFd<'_>,
        hostname: &str,
        stand_ins: &[(&Path, &Path)],
        mounts: &[Mount],
    ) -> Result<Self, MountError> {
        let own = |source| MountError::own("make a sandbox of its own", source);
        let seen = fresh(|| see(netns, stand_ins, mounts)).map_err(own)??;
        let netns = netns.try_clone_to_owned().map_err(own)?;
        Ok(Self { netns, mounts: seen, hostname: hostname.to_owned() })
    }

    /// Puts the calling thread there, for good. It only makes system calls, so that a child may do
    /// it before it becomes another program. The working directory is `/` then.
    pub fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.netns.as_fd(), Some(LinkNameSpaceType::Network))?;
        // SAFETY: unsafe is only `FILES`, which splits the file descriptor table; these two change
        // what the thread's later system calls see, and no memory or descriptor.
        unsafe { unshare_unsafe(UnshareFlags::FS | UnshareFlags::NEWUTS) }?;
        move_into_link_name_space(self.mounts.as_fd(), Some(LinkNameSpaceType::Mount))?;
        sethostname(self.hostname.as_bytes())?;
        Ok(())
    }

    /// Does some work that sees what programs in the sandbox see, on a thread of its own.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        fresh(|| {
            self.enter()?;
            Ok(work())
        })?
    }
}

/// Makes a mount namespace on the calling thread, which is to end after that.
fn see(
    netns: BorrowedFd<'_>,
    stand_ins: &[(&Path, &Path)],
    mounts: &[Mount],
) -> Result<OwnedFd, MountError> {
    let own = |what| move |source: io::Error| MountError::own(what, source);
    move_into_link_name_space(netns, Some(LinkNameSpaceType::Network))
        .map_err(|errno| own("enter the network")(errno.into()))?;
    // SAFETY: unsafe is only `FILES`, which splits the file descriptor table; `NEWNS` changes what
    // the thread's later system calls see, and no memory or descriptor.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }
        .map_err(|errno| own("unshare the mounts")(errno.into()))?;
    // What is mounted from here on stays here.
    mount_change(c"/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)
        .map_err(|errno| own("keep mounts apart")(errno.into()))?;
    // Shows the links of this namespace; a host that forbids it shows its own.
    let _or_not = mount(c"pogu", c"/sys", c"sysfs", MountFlags::empty(), None);
    let mut view = View::default();
    for (seen, place) in stand_ins {
        // A link is followed here: where it leads is what must be covered.
        if let Ok(place) = place.canonicalize() {
            mount_bind(*seen, &place).map_err(|errno| MountError::at(&place, errno.into()))?;
        }
    }
    let found = mounts.iter().map(view::find).collect::<Result<Vec<_>, _>>()?;
    found.iter().try_for_each(|mount| view.add(mount))?;
    let seen = File::open(OF_THREAD).map_err(own("hold the mounts"))?;
    Ok(seen.into())
}
