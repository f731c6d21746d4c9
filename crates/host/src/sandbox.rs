//! What does a program see that is to think it is on a machine of its own?
#![expect(unsafe_code, reason = "unshare(2) is unsafe for flags that are not used here")]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::system::sethostname;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// A network namespace, a host name, and files that stand in for others. Everything else is the
/// host's: this keeps programs apart, it does not lock them in.
#[derive(Debug)]
pub struct Sandbox {
    netns: OwnedFd,
    hostname: String,
    stand_ins: Vec<(CString, CString)>,
}

impl Sandbox {
    /// Each pair of files is what is seen and where it is seen. A place where the host has no file
    /// is left out: there is nothing that could be covered.
    pub fn new(
        netns: BorrowedFd<'_>,
        hostname: &str,
        stand_ins: &[(&Path, &Path)],
    ) -> io::Result<Self> {
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
        let mut covered = Vec::new();
        for (seen, place) in stand_ins {
            // A link is followed here: where it leads is what must be covered.
            if let Ok(place) = place.canonicalize() {
                covered.push((text(seen)?, text(&place)?));
            }
        }
        let netns = netns.try_clone_to_owned()?;
        Ok(Self { netns, hostname: hostname.to_owned(), stand_ins: covered })
    }

    /// Puts the calling thread there, for good. It only makes system calls, so that a child may do
    /// it before it becomes another program.
    pub fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.netns.as_fd(), Some(LinkNameSpaceType::Network))?;
        // SAFETY: unsafe is only `FILES`, which splits the file descriptor table; these two change
        // what the thread's later system calls see, and no memory or descriptor.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::NEWUTS) }?;
        // What is mounted from here on stays here.
        mount_change(c"/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)?;
        for (seen, place) in &self.stand_ins {
            mount_bind(seen.as_c_str(), place.as_c_str())?;
        }
        // Shows the links of this namespace; a host that forbids it shows its own.
        let _or_not = mount(c"pogu", c"/sys", c"sysfs", MountFlags::empty(), None);
        sethostname(self.hostname.as_bytes())?;
        Ok(())
    }
}
