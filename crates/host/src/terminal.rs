//! How does a program get a terminal?

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Our end of a terminal. When all copies of it are gone, the program on it is told to hang up; when
/// the program's end is gone, reading fails with `EIO`.
#[derive(Debug)]
pub struct Terminal(OwnedFd);

impl Terminal {
    /// A terminal, and the end for a program.
    pub(crate) fn open() -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = ptsname(&ours, Vec::new())?;
        let theirs = open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        Ok((Self(ours), theirs))
    }

    /// Sets how many characters are in a row, and how many rows there are.
    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.0, size)?)
    }

    /// One more descriptor of our end: what is written to it is typed, what is read was shown.
    pub fn stream(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }
}
