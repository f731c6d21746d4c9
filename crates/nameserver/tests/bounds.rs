//! Does a question cost an allocation, and what does a server hold under floods?
//!
//! Counted by an allocator, not timed.
#![expect(clippy::unwrap_used, reason = "a test's own functions fail it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dns::forward::{Group, RuleId, Settings as ForwardSettings, Upstream};
use dns::respond::{Block, Blocks, Responder, Route, Search};
use dns::wire::{Name, flag};
use dns::zone::{Settings, Zone};
use model::ServiceTable;
use nameserver::{Listen, Options, Running, start};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SOON: Duration = Duration::from_secs(30);

/// Idle streams and such that never complete a question, half and half.
const STREAMS: usize = 10_000;

/// Descriptors for both ends of those that are kept, and for what else a test has.
const DESCRIPTORS: u64 = 16_000;

const GARBAGE: usize = 20_000;

/// Octets that a flood may make a server hold.
const HELD_MAX: usize = 24 << 20;

static HELD: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The tests count what the whole process does.
static ALONE: Mutex<()> = Mutex::new(());

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can be counted in no other way")]
// SAFETY: every call goes on to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// A cluster without Services: it has the name `dns-version`, and denies all others. What is not its
/// own is asked at the upstream.
fn serve(upstream: Option<SocketAddr>) -> Running {
    let domain = Name::from_text("cluster.local").unwrap();
    let empty = Zone::empty(Arc::new(Settings::new(domain)));
    let table = ServiceTable::default();
    let mut zone = empty.advance(&table, &table, 1);
    zone.set_synced();
    let upstreams: Vec<_> =
        upstream.into_iter().map(|address| Upstream { address, tls: None }).collect();
    let route = Route { zone: Name::root(), except: Vec::new(), rule: RuleId(0) };
    let block =
        Block { routes: upstreams.iter().map(|_| route.clone()).collect(), ..Block::everything() };
    let blocks = Arc::new(Blocks::new(vec![block]));
    let groups = vec![Group::new(b"\0", upstreams)];
    let forward = ForwardSettings { groups, ..ForwardSettings::default() };
    let responder = Arc::new(Responder { zone, blocks, search: Search::new(Vec::new()) });
    let listen = Listen::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let options = Options { workers: 2, ..Options::new(vec![listen]) };
    start(options, responder, &forward).unwrap()
}

/// One that answers every question with one record of no octets, which holds for a minute.
fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((_, client)) = socket.recv_from(&mut message) {
            let name_len = message[12..].iter().position(|octet| *octet == 0).unwrap() + 1;
            let end = 12 + name_len + 4;
            message[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            let record = [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 1, 0];
            message[end..end + record.len()].copy_from_slice(&record);
            socket.send_to(&message[..end + record.len()], client).unwrap();
        }
    });
    address
}

const TXT: u16 = 16;

fn question(label: &str) -> Vec<u8> {
    ask_for(&format!("{label}.cluster.local"))
}

fn ask_for(name: &str) -> Vec<u8> {
    let name = Name::from_text(name).unwrap();
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(name.as_wire());
    message.extend_from_slice(&TXT.to_be_bytes());
    message.extend_from_slice(&1_u16.to_be_bytes());
    message
}

/// The id, whether it is an answer, its rcode and how many records answer.
fn told(answer: &[u8]) -> (u16, bool, u16, u16) {
    let word = |at: usize| u16::from_be_bytes([answer[at], answer[at + 1]]);
    (word(0), word(2) & flag::RESPONSE != 0, word(2) & flag::RCODE, word(6))
}

const VERSION: (u16, bool, u16, u16) = (0x1234, true, 0, 1);
const DENIED: (u16, bool, u16, u16) = (0x1234, true, 3, 0);

fn client(server: SocketAddr) -> UdpSocket {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.connect(server).unwrap();
    client
}

fn ask(client: &UdpSocket, question: &[u8]) -> (u16, bool, u16, u16) {
    let mut answer = [0; 512];
    client.send(question).unwrap();
    let len = client.recv(&mut answer).unwrap();
    told(&answer[..len])
}

#[test]
fn questions_that_are_answered_at_once_allocate_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = serve(None);
    let client = client(server.addresses()[0]);
    let questions = [(question("dns-version"), VERSION), (question("nobody"), DENIED)];
    let ask_all = |times: usize| {
        let all = (0..times).flat_map(|_| &questions);
        all.filter(|(question, expected)| ask(&client, question) != *expected).count()
    };
    // The first takes the room for the client's failures.
    let wrong = ask_all(100);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let wrong = wrong + ask_all(5_000);
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!((allocations, wrong), (0, 0));
}

#[test]
fn questions_that_the_cache_answers_allocate_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = serve(Some(upstream()));
    let client = client(server.addresses()[0]);
    let question = ask_for("www.example.com");
    let n_questions = 10_000;
    let ask_all = |times| (0..times).filter(|_| ask(&client, &question) != VERSION).count();
    let wrong = ask_all(100);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let wrong = wrong + ask_all(n_questions);
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(wrong, 0);
    // Meanwhile the forwarder's thread asks whether what it asks comes back.
    assert!(allocations < n_questions / 50, "{allocations} allocations");
}

/// Another client for each address of the loopback's network.
fn stream_from(source: [u8; 4], server: SocketAddr) -> OwnedFd {
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&stream, &SocketAddr::from((source, 0))).unwrap();
    connect(&stream, &server).unwrap();
    stream
}

/// Whether so many descriptors can be had. Says so where not, and fails with `CI=true`.
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
fn has_descriptors() -> bool {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(u64::MAX);
    if most < DESCRIPTORS {
        assert_ne!(std::env::var_os("CI"), Some("true".into()), "only {most} descriptors");
        println!("skipped: only {most} descriptors, {DESCRIPTORS} are needed");
        return false;
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), maximum }).unwrap();
    true
}

#[test]
#[expect(clippy::print_stdout, reason = "the numbers are what the test is for")]
fn floods_leave_memory_bounded_and_good_clients_served() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !has_descriptors() {
        return;
    }
    let server = serve(None);
    let address = server.addresses()[0];
    let good = client(address);
    let question = question("dns-version");
    let mut wrong = usize::from(ask(&good, &question) != VERSION);
    let before = HELD.load(Ordering::Relaxed);
    let mut streams = Vec::with_capacity(STREAMS);
    for number in 0..STREAMS {
        let [.., high, low] = u32::try_from(number / 100).unwrap().to_be_bytes();
        let stream = stream_from([127, 1, high, low + 1], address);
        if number % 2 == 0 {
            // The beginning of a message. It may be closed already.
            let _sent =
                rustix::net::send(&stream, &[0, 40, 1, 2, 3], rustix::net::SendFlags::NOSIGNAL);
        }
        streams.push(stream);
        if number % 100 == 0 {
            wrong += usize::from(ask(&good, &question) != VERSION);
        }
    }
    let garbage = client(address);
    for number in 0..GARBAGE {
        garbage.send(&[0xff; 600][..number % 600]).unwrap();
        if number % 100 == 0 {
            wrong += usize::from(ask(&good, &question) != VERSION);
        }
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let len = u16::try_from(question.len()).unwrap();
    stream.write_all(&[&len.to_be_bytes()[..], &question].concat()).unwrap();
    let mut answer = [0; 14];
    stream.read_exact(&mut answer).unwrap();
    let held = HELD.load(Ordering::Relaxed).saturating_sub(before);
    let connections = server.stats().connections;
    println!("{held} octets held; {connections:?}");
    assert_eq!((wrong, told(&answer[2..])), (0, VERSION));
    assert!(held <= HELD_MAX, "{held} octets");
    assert!(connections.open <= 4_096 && connections.evicted > 0, "{connections:?}");
}
