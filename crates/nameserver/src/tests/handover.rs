//! Is any question lost when a server takes another's place, or changes what it is?

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dns::forward::Settings as ForwardSettings;
use hickory_proto::rr::RecordType;
use host::handover::Offer;

use super::*;

const HANDOVERS: usize = 4;

/// Questions each second, of all clients together.
const RATE: u32 = 5_000;

/// Half of them ask by UDP, half by TCP.
const CLIENTS: u32 = 4;

/// Time for this much load before, between and after handovers.
const QUESTIONS_BETWEEN: usize = 1_000;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// What a client under load saw.
#[derive(Debug, PartialEq, Eq, Default)]
struct Seen {
    wrong: usize,
    lost: usize,
    streams: usize,
}

/// Asks at a steady rate, whether answers come or not, and counts what never came.
struct Load {
    is_over: Arc<AtomicBool>,
    asked: Arc<std::sync::atomic::AtomicUsize>,
    clients: Vec<JoinHandle<Seen>>,
}

impl Load {
    fn begin(server: SocketAddr) -> Self {
        let (is_over, asked) = (Arc::default(), Arc::default());
        let mut load = Self { is_over, asked, clients: Vec::new() };
        for number in 0..CLIENTS {
            let (is_over, asked) = (Arc::clone(&load.is_over), Arc::clone(&load.asked));
            let client = move || {
                let mut next = host::clock::monotonic();
                let goes_on = || {
                    next += Duration::from_secs(1) * CLIENTS / RATE;
                    let now = host::clock::monotonic();
                    host::clock::pause(next.saturating_duration_since(now));
                    asked.fetch_add(1, Ordering::Relaxed);
                    !is_over.load(Ordering::Relaxed)
                };
                if number % 2 == 0 { by_udp(server, goes_on) } else { by_tcp(server, goes_on) }
            };
            load.clients.push(std::thread::spawn(client));
        }
        load
    }

    fn wait(&self) {
        let until_asked = self.asked.load(Ordering::Relaxed) + QUESTIONS_BETWEEN;
        until("the load went on", || self.asked.load(Ordering::Relaxed) >= until_asked);
    }

    fn end(self) -> Vec<Seen> {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.into_iter().map(|client| client.join().unwrap()).collect()
    }
}

/// Takes answers off the list of what is awaited.
fn check(message: &[u8], awaited: &mut BTreeSet<u16>, seen: &mut Seen) {
    let said = said(message);
    if !awaited.remove(&said.id) || said != says(said.id, &["10.96.0.7"]) {
        seen.wrong += 1;
    }
}

fn by_udp(server: SocketAddr, mut goes_on: impl FnMut() -> bool) -> Seen {
    let client = udp_client(server);
    let (mut seen, mut awaited) = (Seen::default(), BTreeSet::new());
    let mut answer = [0; 512];
    let mut id = 0_u16;
    client.set_nonblocking(true).unwrap();
    while goes_on() {
        id = id.wrapping_add(1);
        awaited.insert(id);
        client.send(&question(id, WEB, RecordType::A)).unwrap();
        while let Ok(len) = client.recv(&mut answer) {
            check(&answer[..len], &mut awaited, &mut seen);
        }
    }
    client.set_nonblocking(false).unwrap();
    while !awaited.is_empty() {
        let Ok(len) = client.recv(&mut answer) else { break };
        check(&answer[..len], &mut awaited, &mut seen);
    }
    seen.lost = awaited.len();
    seen
}

/// One stream for all. When it is closed, what was asked on it and not answered is lost.
fn by_tcp(server: SocketAddr, mut goes_on: impl FnMut() -> bool) -> Seen {
    let mut stream = tcp_client(server);
    let (mut seen, mut awaited) = (Seen { streams: 1, ..Seen::default() }, BTreeSet::new());
    let mut input = Vec::new();
    let mut id = 0_u16;
    while goes_on() {
        id = id.wrapping_add(1);
        awaited.insert(id);
        let sent = stream.write_all(&framed(&question(id, WEB, RecordType::A)));
        if sent.is_err() || !take_frames(&mut stream, &mut input, &mut awaited, &mut seen) {
            seen.lost += std::mem::take(&mut awaited).len();
            seen.streams += 1;
            stream = tcp_client(server);
            input.clear();
        }
    }
    while !awaited.is_empty() {
        check(&read_frame(&mut stream), &mut awaited, &mut seen);
    }
    seen
}

/// Takes what is there without waiting; whether the stream is still open.
fn take_frames(
    stream: &mut TcpStream,
    input: &mut Vec<u8>,
    awaited: &mut BTreeSet<u16>,
    seen: &mut Seen,
) -> bool {
    let mut buffer = [0; 4_096];
    // A message that was begun is waited for, so that nothing is half read.
    while !awaited.is_empty() {
        stream.set_nonblocking(input.is_empty()).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(len) => input.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
            Err(_) => return false,
        }
        while let Some(frame) = input.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len)))
        {
            let Some(message) = input.get(2..2 + frame) else { break };
            check(message, awaited, seen);
            input.drain(..2 + frame);
        }
    }
    stream.set_nonblocking(false).unwrap();
    true
}

fn successor(address: SocketAddr, path: &Path) -> Running {
    let take_over = Some(path.to_owned());
    let options = Options { take_over, ..options(&[&address.to_string()]) };
    start(options, responder(SERVICES, Vec::new()), &ForwardSettings::default()).unwrap()
}

/// Puts another server in a server's place.
fn replace(former: Running, path: &Path) -> Running {
    let offer = Offer::open(path).unwrap();
    let address = former.addresses()[0];
    let giving = std::thread::spawn(move || former.hand_over(&offer, SOON).unwrap());
    let next = successor(address, path);
    assert!(giving.join().unwrap());
    next
}

#[test]
fn no_question_is_lost_or_answered_wrongly_while_servers_take_over() {
    let folder = Folder::new("nameserver-handover");
    let path = folder.0.join("offer");
    let mut server = serve(&["127.0.0.1:0"]);
    let load = Load::begin(server.addresses()[0]);
    load.wait();
    for _ in 0..HANDOVERS {
        server = replace(server, &path);
        load.wait();
    }
    let seen = load.end();
    let of_streams = |streams| Seen { streams, ..Seen::default() };
    // Not one stream was even closed.
    assert_eq!(seen, [of_streams(0), of_streams(1), of_streams(0), of_streams(1)]);
}

#[test]
fn a_successor_has_the_places_that_nobody_lists_if_it_keeps_them() {
    let folder = Folder::new("nameserver-places");
    let path = folder.0.join("offer");
    let found = [true, false].map(|keeps_taken| {
        let former = serve(&["127.0.0.1:0"]);
        let address = former.addresses()[0];
        let offer = Offer::open(&path).unwrap();
        let giving = std::thread::spawn(move || former.hand_over(&offer, SOON).unwrap());
        let take_over = Some(path.clone());
        let options = Options { take_over, keeps_taken, ..options(&[]) };
        let next = start(options, responder(SERVICES, Vec::new()), &ForwardSettings::default());
        let next = next.unwrap();
        assert!(giving.join().unwrap());
        let answer = keeps_taken.then(|| ask_by_udp(address, &question(1, WEB, RecordType::A)));
        (next.addresses() == [address], next.addresses().len(), answer)
    });
    assert_eq!(found, [(true, 1, Some(says(1, &["10.96.0.7"]))), (false, 0, None)]);
}

#[test]
fn no_question_is_lost_or_answered_wrongly_while_settings_change() {
    let server = serve(&["127.0.0.1:0"]);
    let load = Load::begin(server.addresses()[0]);
    for _ in 0..10 {
        let asked = load.asked.load(Ordering::Relaxed);
        server.reconfigure(responder(SERVICES, Vec::new()), ForwardSettings::default()).unwrap();
        server.publish(responder(SERVICES, Vec::new()));
        until("the load went on", || load.asked.load(Ordering::Relaxed) > asked + 100);
    }
    let of_streams = |streams| Seen { streams, ..Seen::default() };
    assert_eq!(load.end(), [of_streams(0), of_streams(1), of_streams(0), of_streams(1)]);
}

#[test]
fn a_server_goes_on_when_nobody_takes_over_or_who_does_gives_up() {
    let folder = Folder::new("nameserver-kept");
    let path = folder.0.join("offer");
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    let offer = Offer::open(&path).unwrap();
    assert!(!server.hand_over(&offer, Duration::ZERO).unwrap());
    let mut stream = tcp_client(address);
    let ask = question(1, WEB, RecordType::A);
    stream.write_all(&framed(&ask)).unwrap();
    let mut found = vec![said(&read_frame(&mut stream))];
    drop(std::os::unix::net::UnixStream::connect(&path).unwrap_err());
    let taker = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::SEQPACKET,
        None,
    )
    .unwrap();
    let at = rustix::net::SocketAddrUnix::new(&path).unwrap();
    rustix::net::connect(&taker, &at).unwrap();
    drop(taker);
    let failure = server.hand_over(&offer, SOON).unwrap_err();
    assert!(matches!(failure, crate::Failure::Handover(_)));
    stream.write_all(&framed(&ask)).unwrap();
    found.push(said(&read_frame(&mut stream)));
    found.extend([ask_by_udp(address, &ask), ask_by_tcp(address, &ask)]);
    assert_eq!(found, [0; 4].map(|_| says(1, &["10.96.0.7"])));
}
