//! How does the agent open the socket that `pogu get` asks?

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::{Mode, chmod};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use tokio::net::UnixListener;

use crate::failure::Failure;

/// Connections that wait in the kernel's queue.
const BACKLOG: i32 = 64;

/// Opens it for the owner alone; a file that an agent left behind is replaced, one that answers is not.
pub(crate) fn open(path: &Path) -> Result<UnixListener, Failure> {
    if is_stale(path).map_err(|source| Failure::Socket { path: path.into(), source })? {
        if UnixStream::connect(path).is_ok() {
            return Err(Failure::AlreadyRuns(path.into()));
        }
        fs::remove_file(path).map_err(|source| Failure::Socket { path: path.into(), source })?;
    }
    create(path).map_err(|source| Failure::Socket { path: path.into(), source })
}

/// Whether a socket is there already. Another kind of file is never touched.
fn is_stale(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file of another kind is there"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The mode is set before anybody can connect.
fn create(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    chmod(path, Mode::RUSR | Mode::WUSR)?;
    listen(&socket, BACKLOG)?;
    UnixListener::from_std(socket.into())
}
