//! Which endpoint does a connection to a Service reach?

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cluster::Number;

const PORT: u16 = 8080;
/// Between two looks at whether it is to end.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The endpoint is on this machine: who is led nowhere is not waited for.
const PATIENCE: Duration = Duration::from_millis(20);
/// To an answer, once there is a connection.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// All endpoints at once: tells each who connects which of them it has reached.
#[derive(Debug)]
pub(crate) struct Endpoints {
    listener: TcpListener,
}

impl Endpoints {
    /// In the calling thread's namespace.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).context("listen")?;
        Ok(Self { listener })
    }

    pub(crate) fn answer(&self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            if poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], Some(&PAUSE))? > 0 {
                let (mut stream, _) = self.listener.accept().context("accept")?;
                // Who has gone needs no answer.
                if let Ok(SocketAddr::V4(reached)) = stream.local_addr() {
                    let _or_gone = stream.write_all(&reached.ip().octets());
                }
            }
        }
        Ok(())
    }
}

/// The endpoint that one connection reached; none if it reached none.
pub(crate) fn reached(service: Number) -> Result<Option<Ipv4Addr>> {
    let target = SocketAddr::from((service.cluster_ip(), 80));
    let mut stream = match TcpStream::connect_timeout(&target, PATIENCE) {
        Ok(stream) => stream,
        Err(error) if is_led_nowhere(&error) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("connect to {target}")),
    };
    stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
    let mut octets = [0; 4];
    stream.read_exact(&mut octets).with_context(|| format!("no answer from {target}"))?;
    Ok(Some(Ipv4Addr::from(octets)))
}

fn is_led_nowhere(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | TimedOut)
}
