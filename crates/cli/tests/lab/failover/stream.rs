//! A client outside that sends a datagram each millisecond.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::rig::PATIENCE;

/// How late an answer may come and still be one.
const LATE: Duration = Duration::from_millis(100);

/// How long the stream pauses between datagrams.
const BETWEEN: Duration = Duration::from_millis(1);

/// What a client saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The longest time without an answer.
    pub(super) gap: Duration,
    /// Datagrams without one.
    pub(super) lost: usize,
}

/// A client that sends a datagram each millisecond.
pub(super) struct Stream {
    socket: UdpSocket,
    sent: usize,
    answered: usize,
    last: Instant,
    longest: Duration,
}

impl Stream {
    pub(super) fn open(target: SocketAddr) -> Self {
        let any: SocketAddr =
            if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(target).unwrap();
        socket.set_nonblocking(true).unwrap();
        let last = host::clock::monotonic();
        Self { socket, sent: 0, answered: 0, last, longest: Duration::ZERO }
    }

    fn send(&mut self) {
        // Refused where an ICMP message came: the next one is sent all the same.
        self.sent += usize::from(self.socket.send(b"ahoy").is_ok());
    }

    fn hear(&mut self) {
        while self.socket.recv(&mut [0; 2048]).is_ok() {
            self.longest = self.longest.max(self.last.elapsed());
            self.last = host::clock::monotonic();
            self.answered += 1;
        }
    }

    /// The first one finds its way: neighbours are asked for, and the flow begins.
    pub(super) fn await_answer(&mut self) {
        let start = host::clock::monotonic();
        while self.answered == 0 {
            assert!(start.elapsed() < PATIENCE, "no answer at all");
            self.send();
            host::clock::pause(BETWEEN);
            self.hear();
        }
        host::clock::pause(LATE);
        self.hear();
        (self.sent, self.answered, self.longest) = (0, 0, Duration::ZERO);
        self.last = host::clock::monotonic();
    }

    pub(super) fn run(mut self, is_over: &AtomicBool) -> Seen {
        while !is_over.load(Ordering::Relaxed) {
            self.send();
            self.hear();
            host::clock::pause(BETWEEN);
        }
        let gap = self.longest.max(self.last.elapsed());
        host::clock::pause(LATE);
        self.hear();
        Seen { gap, lost: self.sent.saturating_sub(self.answered) }
    }
}
