//! How do open sockets get from a process to the one that takes its place?
//!
//! The process that has them offers them at a path; the next one takes them there. A socket that is
//! handed over stays open all the while, with whatever waits in its queue.

mod frame;

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen,
    socket_with, sockopt,
};

use frame::Frame;

/// So many descriptors are handed over at most.
pub const DESCRIPTORS_MAX: usize = 4096;

/// A name has so many bytes at most.
pub const NAME_MAX: usize = 255;

/// Takers that may wait while one is served.
const BACKLOG: i32 = 4;

/// A descriptor and what it is for, such as `udp 10.96.0.10:53`.
#[derive(Debug)]
pub struct Named<Descriptor> {
    pub name: String,
    pub descriptor: Descriptor,
}

/// Why nothing, or not all, was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("cannot {operation}: {}: {source}", path.display())]
    Failed { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("not a socket, and not replaced by one: {}\nhint: choose another path", .0.display())]
    NotASocket(PathBuf),
    #[error("cannot hand over with a process of another user: {}: user {uid}", path.display())]
    WrongUser { path: PathBuf, uid: u32 },
    #[error("cannot hand over so many descriptors: {n_descriptors}: at most {DESCRIPTORS_MAX}")]
    TooMany { n_descriptors: usize },
    #[error("not a name for a descriptor: {0:?}: it has 1 to {NAME_MAX} bytes")]
    InvalidName(String),
    #[error("what was handed over cannot be read: {}: {what}", path.display())]
    Malformed { path: PathBuf, what: &'static str },
}

/// A path where descriptors are offered.
///
/// The path stays when this is dropped, as after a crash. Nobody answers at it then, which [`take`]
/// tells, and the next offer replaces it.
#[derive(Debug)]
pub struct Offer {
    listener: OwnedFd,
    path: PathBuf,
    /// Device and number of what was put at the path.
    put: (u64, u64),
}

/// A process that asks for the descriptors, of this user or root.
#[derive(Debug)]
pub struct Taker<'a> {
    connection: OwnedFd,
    path: &'a Path,
}

impl Offer {
    /// Replaces the socket that is at the path in one step, whoever offers there.
    ///
    /// # Errors
    /// When something else is at the path, or nothing can be put there.
    pub fn open(path: &Path) -> Result<Self, HandoverError> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(HandoverError::NotASocket(path.to_owned()));
            }
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(failed("look for an offer", path)(source));
            }
            Ok(_) | Err(_) => {}
        }
        let mut new_path = path.to_owned().into_os_string();
        new_path.push(format!(".{}", std::process::id()));
        let new_path = PathBuf::from(new_path);
        let opened = listening(&new_path).and_then(|listener| {
            let put = identity(&new_path)?;
            fs::rename(&new_path, path)?;
            Ok((listener, put))
        });
        match opened {
            Ok((listener, put)) => Ok(Self { listener, path: path.to_owned(), put }),
            Err(source) => {
                // What is not there need not be removed, and the first failure says more.
                drop(fs::remove_file(&new_path));
                Err(failed("offer descriptors", path)(source))
            }
        }
    }

    /// Offers nothing any more, and leaves nothing at the path, unless another process has put its own
    /// offer there.
    pub fn withdraw(self) {
        if identity(&self.path).is_ok_and(|there| there == self.put) {
            // Whoever removes it first, it is gone.
            drop(fs::remove_file(&self.path));
        }
    }

    /// The next process that asks, `None` when nobody does in this time. Wait for it by polling the
    /// descriptor.
    ///
    /// # Errors
    /// `WrongUser`: others may ask later.
    pub fn accept(&self, wait: Duration) -> Result<Option<Taker<'_>>, HandoverError> {
        let failed = || failed("accept a taker", &self.path);
        if !is_readable(&self.listener, wait).map_err(failed())? {
            return Ok(None);
        }
        match accept_with(&self.listener, SocketFlags::CLOEXEC) {
            Ok(connection) => {
                judge_peer(&connection, &self.path)?;
                Ok(Some(Taker { connection, path: &self.path }))
            }
            Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => Ok(None),
            Err(errno) => Err(failed()(errno.into())),
        }
    }
}

impl AsFd for Offer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Taker<'_> {
    /// Hands the descriptors over and waits until the other process says that it has all. It has
    /// duplicates: who hands over stops using its own after this.
    ///
    /// # Errors
    /// The other process does not have all, or did not say so in this time: go on as before.
    pub fn give(
        self,
        offered: &[Named<BorrowedFd<'_>>],
        wait: Duration,
    ) -> Result<(), HandoverError> {
        if offered.len() > DESCRIPTORS_MAX {
            return Err(HandoverError::TooMany { n_descriptors: offered.len() });
        }
        set_timeouts(&self.connection, wait).map_err(failed("set a deadline", self.path))?;
        let failed = || failed("hand descriptors over", self.path);
        for part in offered.chunks(frame::DESCRIPTORS_MAX) {
            let frame = Frame::of(part)?;
            frame.send(&self.connection, part).map_err(failed())?;
        }
        Frame::end(offered.len()).send(&self.connection, &[]).map_err(failed())?;
        let (answer, _) = Frame::receive(&self.connection, self.path)?;
        if answer.is_end_of(offered.len()) {
            Ok(())
        } else {
            Err(malformed(self.path, "the taker does not have all"))
        }
    }
}

/// Takes what is offered at the path, in order; `None` when nobody offers there.
///
/// # Errors
/// Somebody offers, but not everything came in this time, or they are of another user.
pub fn take(path: &Path, wait: Duration) -> Result<Option<Vec<Named<OwnedFd>>>, HandoverError> {
    let failed = || failed("take descriptors", path);
    let connection = new_socket().map_err(failed())?;
    set_timeouts(&connection, wait).map_err(failed())?;
    let address = SocketAddrUnix::new(path).map_err(|errno| failed()(errno.into()))?;
    match connect(&connection, &address) {
        Err(Errno::NOENT | Errno::CONNREFUSED) => return Ok(None),
        connected => connected.map_err(|errno| failed()(errno.into()))?,
    }
    judge_peer(&connection, path)?;
    let mut taken: Vec<Named<OwnedFd>> = Vec::new();
    loop {
        let (frame, descriptors) = Frame::receive(&connection, path)?;
        if frame.is_end_of(taken.len()) {
            frame.send(&connection, &[]).map_err(failed())?;
            return Ok(Some(taken));
        }
        let names = frame.names().ok_or_else(|| malformed(path, "names cannot be read"))?;
        if names.is_empty() || names.len() != descriptors.len() {
            return Err(malformed(path, "there are not as many names as descriptors"));
        }
        taken.extend(
            names.into_iter().zip(descriptors).map(|(name, descriptor)| Named { name, descriptor }),
        );
        if taken.len() > DESCRIPTORS_MAX {
            return Err(HandoverError::TooMany { n_descriptors: taken.len() });
        }
    }
}

fn new_socket() -> io::Result<OwnedFd> {
    // A message keeps its bounds and its descriptors.
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn listening(path: &Path) -> io::Result<OwnedFd> {
    let listener = new_socket()?;
    bind(&listener, &SocketAddrUnix::new(path)?)?;
    // Before `listen`, nobody can connect.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listen(&listener, BACKLOG)?;
    rustix::io::ioctl_fionbio(&listener, true)?;
    Ok(listener)
}

/// Root may do everything anyway.
fn judge_peer(connection: &OwnedFd, path: &Path) -> Result<(), HandoverError> {
    let peer = sockopt::socket_peercred(connection)
        .map_err(|errno| failed("tell who is at the other end", path)(errno.into()))?;
    if peer.uid.is_root() || peer.uid == rustix::process::geteuid() {
        Ok(())
    } else {
        Err(HandoverError::WrongUser { path: path.to_owned(), uid: peer.uid.as_raw() })
    }
}

fn set_timeouts(connection: &OwnedFd, wait: Duration) -> io::Result<()> {
    // No time at all would mean no deadline to the kernel.
    let wait = Some(wait.max(Duration::from_millis(1)));
    sockopt::set_socket_timeout(connection, sockopt::Timeout::Recv, wait)?;
    Ok(sockopt::set_socket_timeout(connection, sockopt::Timeout::Send, wait)?)
}

fn is_readable(listener: &OwnedFd, wait: Duration) -> io::Result<bool> {
    let wait = Timespec::try_from(wait).ok();
    match poll(&mut [PollFd::new(listener, PollFlags::IN)], wait.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        // The caller asks again anyway.
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HandoverError {
    let path = path.to_owned();
    move |source| HandoverError::Failed { operation, path, source }
}

fn malformed(path: &Path, what: &'static str) -> HandoverError {
    HandoverError::Malformed { path: path.to_owned(), what }
}
