//! Is anything lost of what clients ask all the time, while something is changed?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use host::conntrack::{Conntrack, Entry, Filter};
use model::{Frontend, Protocol};
use serde_json::Value;

use crate::dns::client::{question, said};
use crate::rig::Lab;

/// Between two questions of one client.
const PAUSE: Duration = Duration::from_millis(10);

/// After so long a question counts as lost.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What all clients ask and are answered before a change, and after it.
const QUESTIONS_BETWEEN: usize = 50;

/// Losses that are told of one client; more say the same.
const LOST_MAX: usize = 5;

/// How a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// One connection after another.
    NewTcp,
    /// One connection to the end.
    LastingTcp,
    /// Each datagram from another port.
    NewUdp,
    /// All datagrams from one port, however many answers are missing.
    LastingUdp,
    /// Questions for this name, each from another port; what is answered must be an address.
    Name(&'static str),
    /// The same, all from one port.
    LastingName(&'static str),
}

/// Somebody of a lab who asks again and again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client {
    /// `pod.default.client`, `outside`
    pub(crate) from: String,
    pub(crate) target: SocketAddr,
    pub(crate) way: Way,
}

impl Way {
    const fn protocol(self) -> Protocol {
        match self {
            Self::NewTcp | Self::LastingTcp => Protocol::Tcp,
            Self::NewUdp | Self::LastingUdp | Self::Name(_) | Self::LastingName(_) => Protocol::Udp,
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {:?}", self.from, self.target, self.way)
    }
}

impl Client {
    fn asks_once(&self) -> io::Result<()> {
        match self.way {
            Way::NewTcp | Way::LastingTcp => Stream::open(self.target).map(drop),
            Way::NewUdp | Way::LastingUdp => ask_by_datagram(self.target),
            Way::Name(name) | Way::LastingName(name) => ask_name(&connected(self.target)?, name),
        }
    }
}

/// What has become of all that one client asked.
#[derive(Debug, Default)]
struct Count {
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

/// Clients at work.
pub(crate) struct Traffic<'a> {
    lab: &'a Lab,
    began: Instant,
    is_over: AtomicBool,
    clients: BTreeMap<Client, Count>,
}

/// Lets clients ask while something is done, and as long before and after: nothing may be lost that is
/// asked once each of them was answered.
pub(crate) fn under<T>(
    lab: &Lab,
    clients: impl IntoIterator<Item = Client>,
    act: impl FnOnce(&Traffic<'_>) -> T,
) -> T {
    let clients: BTreeMap<Client, Count> =
        clients.into_iter().map(|client| (client, Count::default())).collect();
    for client in clients.keys() {
        let netns = lab.netns(&client.from);
        lab.await_that(&format!("{client} has no answer"), |_| {
            netns.run(|| client.asks_once()).unwrap().is_ok()
        });
    }
    forget_what_came_too_soon(lab, clients.keys());
    let began = host::clock::monotonic();
    let traffic = Traffic { lab, began, is_over: AtomicBool::new(false), clients };
    let done = thread::scope(|scope| {
        let _end = End(&traffic.is_over);
        for (client, count) in &traffic.clients {
            let (netns, traffic) = (lab.netns(&client.from), &traffic);
            scope.spawn(move || {
                netns.run(|| traffic.work(client, count)).unwrap();
            });
        }
        traffic.goes_on("the beginning");
        let done = act(&traffic);
        traffic.goes_on("the end");
        done
    });
    // What was late is lost by now.
    traffic.nothing_is_lost("the last answers");
    done
}

/// What was sent to an address before anybody's rules led it anywhere is remembered as a connection to just
/// that address, for two minutes if nothing answered. Whoever gets its port until then is not led either.
fn forget_what_came_too_soon<'a>(lab: &Lab, clients: impl Iterator<Item = &'a Client>) {
    let targets: BTreeSet<(Protocol, SocketAddr)> =
        clients.map(|client| (client.way.protocol(), client.target)).collect();
    for node in lab.status()["nodes"].as_array().unwrap() {
        let netns = lab.netns(&format!("node.{}", node["name"].as_str().unwrap()));
        let forget = || {
            let mut conntrack = Conntrack::open().unwrap();
            for (protocol, target) in &targets {
                let port = target.port().try_into().unwrap();
                let frontend = Frontend { address: target.ip(), protocol: *protocol, port };
                let is_not_led = |entry: &Entry| entry.reply.source == *target;
                conntrack.delete_matching(&Filter::frontend(&frontend), &is_not_led).unwrap();
            }
        };
        netns.run(forget).unwrap();
    }
}

/// Ends all clients, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Traffic<'_> {
    /// Waits until each client was answered again and again, and nothing was lost.
    pub(crate) fn goes_on(&self, since: &str) {
        let answered = |count: &Count| count.answered.load(Ordering::Relaxed);
        let before: Vec<usize> = self.clients.values().map(answered).collect();
        self.lab.await_that(&format!("no traffic since {since}"), |_| {
            self.nothing_is_lost(since);
            let mut all = self.clients.values().zip(&before);
            all.all(|(count, before)| answered(count) >= before + QUESTIONS_BETWEEN)
        });
    }

    fn nothing_is_lost(&self, since: &str) {
        let lost = self.clients.iter().filter_map(|(client, count)| {
            let lost = count.lost.lock().unwrap();
            (!lost.is_empty()).then(|| format!("{client}: {}", lost.join(", ")))
        });
        let lost: Vec<String> = lost.collect();
        assert!(lost.is_empty(), "lost since {since}:\n{}", lost.join("\n"));
    }

    /// Asks until the end, in the namespace that the thread is in.
    fn work(&self, client: &Client, count: &Count) {
        let each = |ask: &mut dyn FnMut() -> io::Result<()>| {
            while self.has_time() {
                self.count(count, ask());
            }
        };
        match client.way {
            Way::NewTcp | Way::NewUdp | Way::Name(_) => each(&mut || client.asks_once()),
            Way::LastingTcp => {
                let mut stream = Stream::open(client.target);
                each(&mut || match &mut stream {
                    Ok(open) => open.exchange(),
                    Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
                });
            }
            Way::LastingName(name) => match connected(client.target) {
                Ok(socket) => each(&mut || ask_name(&socket, name)),
                Err(error) => self.count(count, Err(error)),
            },
            Way::LastingUdp => match connected(client.target) {
                Ok(socket) => self.send_on(&socket, count),
                Err(error) => self.count(count, Err(error)),
            },
        }
    }

    fn has_time(&self) -> bool {
        host::clock::pause(PAUSE);
        !self.is_over.load(Ordering::Relaxed)
    }

    fn count(&self, count: &Count, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => drop(count.answered.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                let at = host::clock::monotonic().duration_since(self.began);
                let mut lost = count.lost.lock().unwrap();
                if lost.len() < LOST_MAX {
                    lost.push(format!("{error} at {:.2} s", at.as_secs_f64()));
                }
            }
        }
    }

    /// Sends datagrams whether or not earlier ones were answered, and waits for the last at the end.
    fn send_on(&self, socket: &UdpSocket, count: &Count) {
        let mut awaited = BTreeMap::new();
        socket.set_read_timeout(Some(PAUSE)).unwrap();
        let mut number = 0_u64;
        while !self.is_over.load(Ordering::Relaxed) {
            number += 1;
            awaited.insert(number.to_string(), host::clock::monotonic());
            if let Err(error) = socket.send(number.to_string().as_bytes()) {
                self.count(count, Err(error));
            }
            self.receive(socket, &mut awaited, count);
        }
        while !awaited.is_empty() {
            self.receive(socket, &mut awaited, count);
        }
    }

    /// Takes in what comes in a pause, and gives up what is late.
    fn receive(&self, socket: &UdpSocket, awaited: &mut BTreeMap<String, Instant>, count: &Count) {
        let mut answer = [0; 4096];
        let until = host::clock::monotonic() + PAUSE;
        while host::clock::monotonic() < until {
            match socket.recv(&mut answer) {
                Ok(length) => {
                    let value: Value = serde_json::from_slice(&answer[..length]).unwrap();
                    if awaited.remove(value["said"].as_str().unwrap()).is_some() {
                        self.count(count, Ok(()));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A refusal of what was sent, which is late then.
                Err(_) => break,
            }
        }
        let late = |_: &String, sent: &mut Instant| {
            host::clock::monotonic().duration_since(*sent) > TIMEOUT
        };
        for (number, _) in awaited.extract_if(.., late) {
            self.count(count, Err(io::Error::other(format!("no answer to datagram {number}"))));
        }
    }
}

/// A connection to the built-in server, which has said who answers.
struct Stream {
    reader: BufReader<TcpStream>,
    exchanged: u64,
}

impl Stream {
    fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&target, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.is_empty() { Err(closed()) } else { Ok(Self { reader, exchanged: 0 }) }
    }

    /// A line there, and the same line back.
    fn exchange(&mut self) -> io::Result<()> {
        self.exchanged += 1;
        let line = format!("{}\n", self.exchanged);
        self.reader.get_mut().write_all(line.as_bytes())?;
        let mut back = String::new();
        self.reader.read_line(&mut back)?;
        if back == line { Ok(()) } else { Err(closed()) }
    }
}

fn closed() -> io::Error {
    io::Error::from(io::ErrorKind::UnexpectedEof)
}

/// Connected, so that a refusal is heard.
fn connected(target: SocketAddr) -> io::Result<UdpSocket> {
    let socket = if target.is_ipv4() {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?
    } else {
        UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?
    };
    socket.connect(target)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

fn ask_by_datagram(target: SocketAddr) -> io::Result<()> {
    let socket = connected(target)?;
    socket.send(b"ahoy")?;
    socket.recv(&mut [0; 4096]).map(drop)
}

fn ask_name(socket: &UdpSocket, name: &str) -> io::Result<()> {
    socket.send(&question(7, name, "A"))?;
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer)?;
    let (code, data) = said(&answer[..length]);
    let is_answer = code == "NOERROR" && data.len() == 1;
    if is_answer { Ok(()) } else { Err(io::Error::other(format!("{code} {data:?}"))) }
}
