//! Connections that are there when the owner changes: which of them go on?

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::rig::PATIENCE;

/// Each says something so often.
const BETWEEN: Duration = Duration::from_millis(100);

/// Whoever is not answered by then goes on no more.
const LATE: Duration = Duration::from_secs(1);

/// What became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fates {
    pub(super) alive: usize,
    pub(super) reset: usize,
    pub(super) silent: usize,
}

impl AddAssign for Fates {
    fn add_assign(&mut self, other: Self) {
        self.alive += other.alive;
        self.reset += other.reset;
        self.silent += other.silent;
    }
}

pub(super) struct Lasting(Vec<TcpStream>);

impl Lasting {
    /// So many to each address, all of which have been answered.
    pub(super) fn open(vips: [IpAddr; 2], each: usize) -> Self {
        let open = |vip: IpAddr| {
            let target = SocketAddr::new(vip, 90);
            let mut stream = TcpStream::connect_timeout(&target, PATIENCE).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // The server says who it is.
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.set_nonblocking(true).unwrap();
            stream
        };
        Self(vips.into_iter().flat_map(|vip| (0..each).map(move |_| open(vip))).collect())
    }

    /// Says something on all of them, until the end; and then once more, to be answered.
    pub(super) fn run(mut self, is_over: &AtomicBool) -> Fates {
        while !is_over.load(Ordering::Relaxed) {
            for stream in &mut self.0 {
                // What a dead one says of it is looked at in the end.
                let _failure = stream.write_all(b"ahoy\n").and_then(|()| hear(stream)).err();
            }
            host::clock::pause(BETWEEN);
        }
        let asked: Vec<io::Result<()>> = self.0.iter_mut().map(ask_last).collect();
        host::clock::pause(LATE);
        let mut fates = Fates::default();
        for (stream, asked) in self.0.iter_mut().zip(asked) {
            match asked.and_then(|()| hear(stream)) {
                Ok(true) => fates.alive += 1,
                Ok(false) => fates.silent += 1,
                Err(_) => fates.reset += 1,
            }
        }
        fates
    }
}

/// What was said until now is heard first.
fn ask_last(stream: &mut TcpStream) -> io::Result<()> {
    hear(stream)?;
    stream.write_all(b"ahoy\n")
}

/// Whether something came.
fn hear(stream: &mut TcpStream) -> io::Result<bool> {
    let mut came = false;
    loop {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => came = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(came),
            Err(error) => return Err(error),
        }
    }
}
