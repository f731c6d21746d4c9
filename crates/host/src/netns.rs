//! How is something done in another network namespace?

mod occupants;
mod thread;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::link::{LinkError, Links};
use crate::netlink::SocketError;
pub(crate) use thread::fresh;

/// Where `ip netns` looks for names too.
const DIRECTORY: &str = "/run/netns";

/// The calling thread's namespace; `/proc/self` would be that of the process's first thread.
const OF_THREAD: &str = "/proc/thread-self/ns/net";

/// A network namespace. It lives as long as a value, a name, a thread or a socket holds it.
#[derive(Debug)]
pub struct Netns {
    handle: OwnedFd,
}

#[derive(Debug, thiserror::Error)]
pub enum NetnsError {
    #[error("not a name for a network namespace: {0:?}")]
    InvalidName(String),
    #[error("cannot {operation} network namespace: {subject}: {source}")]
    Failed { operation: &'static str, subject: String, source: io::Error },
    #[error("cannot set up a network namespace: {0}")]
    Socket(#[from] SocketError),
    #[error("cannot set up a network namespace: {0}")]
    Loopback(#[from] LinkError),
}

impl Netns {
    /// A new namespace without a name, its loopback link up. It is gone with the value, when
    /// nothing else holds it.
    pub fn unshared() -> Result<Self, NetnsError> {
        fresh(|| {
            thread::unshare_net().map_err(failed("create", "unnamed"))?;
            let handle = File::open(OF_THREAD).map_err(failed("open", OF_THREAD))?;
            Links::open()?.set_up("lo")?;
            Ok(Self { handle: handle.into() })
        })
        .map_err(failed("start a thread for", "unnamed"))?
    }

    /// A new namespace that `ip netns exec NAME` finds, its loopback link up. It stays until
    /// [`Self::delete`].
    pub fn create(name: &str) -> Result<Self, NetnsError> {
        let path = path_of(name)?;
        fs::create_dir_all(DIRECTORY).map_err(failed("create directory for", DIRECTORY))?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(failed("create", name))?;
        let created = Self::unshared().and_then(|netns| {
            netns.run(|| mount_bind(OF_THREAD, &path))?.map_err(failed("name", name))?;
            Ok(netns)
        });
        if created.is_err() {
            fs::remove_file(&path).map_err(failed("remove half-made", name))?;
        }
        created
    }

    pub fn open(name: &str) -> Result<Self, NetnsError> {
        let handle = File::open(path_of(name)?).map_err(failed("open", name))?;
        Ok(Self { handle: handle.into() })
    }

    /// All names that begin so, sorted.
    pub fn names(prefix: &str) -> Result<Vec<String>, NetnsError> {
        let entries = match fs::read_dir(DIRECTORY) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list names of", DIRECTORY)(error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        Ok(names)
    }

    /// The processes that are in the namespace now.
    pub fn processes(&self) -> Result<Vec<u32>, NetnsError> {
        let found = occupants::find(self.as_fd());
        let found = found.map_err(failed("list what runs in", "by descriptor"))?;
        Ok(found.into_iter().map(|(pid, _handle)| pid.as_raw_pid().unsigned_abs()).collect())
    }

    /// Kills every program that is in the namespace: how many.
    pub fn kill_all(&self) -> Result<usize, NetnsError> {
        occupants::kill_all(self.as_fd()).map_err(failed("kill what runs in", "by descriptor"))
    }

    /// Takes the name away.
    pub fn delete(name: &str) -> Result<(), NetnsError> {
        let path = path_of(name)?;
        match unmount(&path, UnmountFlags::DETACH) {
            // A name without a namespace: what an interrupted creation leaves.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(errno) => return Err(failed("delete", name)(errno)),
        }
        fs::remove_file(&path).map_err(failed("delete", name))
    }

    /// Does some work in the namespace, on a thread of its own: the calling thread stays where it
    /// is. Programs started and sockets opened there are in the namespace. A panic goes on here.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, NetnsError> {
        fresh(|| {
            move_into_link_name_space(self.handle.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(failed("enter", "by descriptor"))?;
            Ok(work())
        })
        .map_err(failed("start a thread for", "by descriptor"))?
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

fn failed<E: Into<io::Error>>(
    operation: &'static str,
    subject: &str,
) -> impl FnOnce(E) -> NetnsError {
    let subject = subject.to_owned();
    move |source| NetnsError::Failed { operation, subject, source: source.into() }
}

fn path_of(name: &str) -> Result<PathBuf, NetnsError> {
    let is_plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
    if is_plain {
        Ok(Path::new(DIRECTORY).join(name))
    } else {
        Err(NetnsError::InvalidName(name.to_owned()))
    }
}
