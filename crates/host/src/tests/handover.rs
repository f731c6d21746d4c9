//! Does the next process get open sockets with all that waits in them, and nobody else?

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept, bind,
    connect, listen, send, socket_with,
};
use rustix::process::Uid;

use crate::handover::{DESCRIPTORS_MAX, HandoverError, Named, Offer, take};
use crate::skip;

const DEADLINE: Duration = Duration::from_secs(20);

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(role: &str) -> Self {
        let name = format!("pogu-test-handover-{role}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("sockets")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// What the taker gets, and what the giver is told.
type Outcome = (Result<Option<Vec<Named<OwnedFd>>>, HandoverError>, Result<(), HandoverError>);

fn hand_over(path: &Path, offered: &[(String, OwnedFd)]) -> Outcome {
    let offer = Offer::open(path).unwrap();
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| take(path, DEADLINE));
        let offered: Vec<_> = offered
            .iter()
            .map(|(name, descriptor)| Named { name: name.clone(), descriptor: descriptor.as_fd() })
            .collect();
        let given = offer.accept(DEADLINE).unwrap().unwrap().give(&offered, DEADLINE);
        (taker.join().unwrap(), given)
    })
}

/// A taker that does nothing more.
fn connected(path: &Path) -> OwnedFd {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let connection = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
    connect(&connection, &SocketAddrUnix::new(path).unwrap()).unwrap();
    connection
}

#[test]
fn what_waits_in_a_socket_is_read_by_the_next_process() {
    let folder = Folder::new("queued");
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let datagrams = UdpSocket::bind(local).unwrap();
        let connections = TcpListener::bind(local).unwrap();
        let sender = UdpSocket::bind(local).unwrap();
        sender.send_to(b"first", datagrams.local_addr().unwrap()).unwrap();
        sender.send_to(b"second", datagrams.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(connections.local_addr().unwrap()).unwrap();
        client.write_all(b"third").unwrap();
        let offered = [
            (format!("udp {}", datagrams.local_addr().unwrap()), datagrams.into()),
            (format!("tcp {}", connections.local_addr().unwrap()), connections.into()),
        ];
        let (taken, given) = hand_over(&folder.socket(), &offered);
        given.unwrap();
        let mut taken = taken.unwrap().unwrap();
        let names: Vec<_> = taken.iter().map(|named| named.name.clone()).collect();
        let expected: Vec<_> = offered.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, expected);
        // The former holder is gone.
        drop(offered);
        let connections = TcpListener::from(taken.pop().unwrap().descriptor);
        let datagrams = UdpSocket::from(taken.pop().unwrap().descriptor);
        let queued = [(); 2].map(|()| {
            let mut bytes = [0; 16];
            let length = datagrams.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        });
        drop(client);
        let mut streamed = String::new();
        connections.accept().unwrap().0.read_to_string(&mut streamed).unwrap();
        assert_eq!((queued, streamed.as_str()), (["first", "second"].map(str::to_owned), "third"));
    }
}

#[test]
fn more_descriptors_than_one_message_holds_come_in_order() {
    let folder = Folder::new("many");
    let name = |n: usize| format!("{n:0>255}");
    let descriptor = || UnixDatagram::unbound().unwrap().into();
    let offered: Vec<(String, OwnedFd)> = (0..300).map(|n| (name(n), descriptor())).collect();
    let (taken, given) = hand_over(&folder.socket(), &offered);
    given.unwrap();
    let names: Vec<_> = taken.unwrap().unwrap().into_iter().map(|named| named.name).collect();
    assert_eq!(names, (0..300).map(name).collect::<Vec<_>>());
}

#[test]
fn nothing_can_be_handed_over_too() {
    let folder = Folder::new("nothing");
    let (taken, given) = hand_over(&folder.socket(), &[]);
    given.unwrap();
    assert_eq!(taken.unwrap().map(|taken| taken.len()), Some(0));
}

#[test]
fn where_nobody_offers_nothing_is_taken() {
    let folder = Folder::new("nobody");
    let path = folder.socket();
    let found = || take(&path, DEADLINE).unwrap().map(|taken| taken.len());
    let never = found();
    drop(Offer::open(&path).unwrap());
    assert_eq!((never, found()), (None, None));
}

#[test]
fn an_offer_takes_the_place_of_another_living_or_stale() {
    let folder = Folder::new("replaced");
    let path = folder.socket();
    drop(Offer::open(&path).unwrap());
    let living = Offer::open(&path).unwrap();
    let (taken, given) = hand_over(&path, &[]);
    given.unwrap();
    let asked_before = living.accept(Duration::ZERO).unwrap().is_some();
    assert_eq!((taken.unwrap().map(|taken| taken.len()), asked_before), (Some(0), false));
    let left: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(left, [path]);
}

#[test]
fn what_is_withdrawn_leaves_nothing_but_the_offer_of_another() {
    let folder = Folder::new("withdraw");
    let path = folder.socket();
    let entries = || fs::read_dir(&folder.0).unwrap().count();
    Offer::open(&path).unwrap().withdraw();
    assert_eq!(entries(), 0);
    let first = Offer::open(&path).unwrap();
    let second = Offer::open(&path).unwrap();
    first.withdraw();
    assert_eq!(entries(), 1);
    connected(&path);
    assert!(second.accept(DEADLINE).unwrap().is_some());
    second.withdraw();
    assert_eq!(entries(), 0);
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    let folder = Folder::new("file");
    let path = folder.socket();
    fs::write(&path, "precious").unwrap();
    let error = Offer::open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "not a socket, and not replaced by one: {}\nhint: choose another path",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_name_that_cannot_be_told_is_an_error_at_both_ends() {
    let folder = Folder::new("names");
    let path = folder.socket();
    let long = "x".repeat(256);
    for name in [String::new(), long] {
        let descriptor = UnixDatagram::unbound().unwrap().into();
        let (taken, given) = hand_over(&path, &[(name.clone(), descriptor)]);
        assert_eq!(
            [taken.map(drop).unwrap_err().to_string(), given.unwrap_err().to_string()],
            [
                format!(
                    "what was handed over cannot be read: {}: the other process ended before the \
                     end",
                    path.display()
                ),
                format!("not a name for a descriptor: {name:?}: it has 1 to 255 bytes"),
            ]
        );
    }
}

#[test]
fn what_is_offered_is_not_believed() {
    let folder = Folder::new("garbage");
    let path = folder.socket();
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let listener = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 1).unwrap();
    let unreadable = "names cannot be read";
    let unequal = "there are not as many names as descriptors";
    let too_long = [b"N".as_slice(), &[b'x'; 70_000]].concat();
    for (frame, what) in [
        (b"?".as_slice(), unreadable),
        (b"N\x05abc", unreadable),
        (b"N\x01\xff", unreadable),
        // The count of all does not fit to what came.
        (b"E\0\0\0\x01", unreadable),
        (b"N", unequal),
        (b"N\x03abc", unequal),
        (&too_long, "a message is too long"),
    ] {
        let taken = std::thread::scope(|scope| {
            let taker = scope.spawn(|| take(&path, DEADLINE));
            let connection = accept(&listener).unwrap();
            send(connection, frame, SendFlags::empty()).unwrap();
            taker.join().unwrap()
        });
        assert_eq!(
            taken.map(drop).unwrap_err().to_string(),
            format!("what was handed over cannot be read: {}: {what}", path.display())
        );
    }
}

#[test]
fn more_descriptors_than_the_bound_are_not_offered() {
    let folder = Folder::new("bound");
    let path = folder.socket();
    let offer = Offer::open(&path).unwrap();
    let connection = connected(&path);
    let descriptor = UnixDatagram::unbound().unwrap();
    let named = |n: usize| Named { name: n.to_string(), descriptor: descriptor.as_fd() };
    let many: Vec<_> = (0..=DESCRIPTORS_MAX).map(named).collect();
    let error = offer.accept(DEADLINE).unwrap().unwrap().give(&many, DEADLINE).unwrap_err();
    assert_eq!(error.to_string(), "cannot hand over so many descriptors: 4097: at most 4096");
    drop(connection);
}

#[test]
fn a_taker_that_says_nothing_is_not_waited_for() {
    let folder = Folder::new("silent");
    let path = folder.socket();
    let offer = Offer::open(&path).unwrap();
    let connection = connected(&path);
    let taker = offer.accept(DEADLINE).unwrap().unwrap();
    let given = taker.give(&[], Duration::from_millis(20));
    drop(connection);
    assert_eq!(
        given.unwrap_err().to_string(),
        format!(
            "cannot receive descriptors: {}: Resource temporarily unavailable (os error 11)",
            path.display()
        )
    );
}

#[test]
fn a_process_of_another_user_gets_nothing() {
    if skip::without_root() {
        return;
    }
    let folder = Folder::new("user");
    let path = folder.socket();
    let offer = Offer::open(&path).unwrap();
    let anyone = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&folder.0, Clone::clone(&anyone)).unwrap();
    fs::set_permissions(&path, anyone).unwrap();
    let (refused, seen) = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            // Of this thread alone.
            rustix::thread::set_thread_uid(Uid::from_raw(65534)).unwrap();
            let connection = connected(&path);
            let mut bytes = [0; 16];
            rustix::net::recv(connection, &mut bytes, RecvFlags::empty()).map(|(length, _)| length)
        });
        let refused = offer.accept(DEADLINE).map(|taker| taker.is_some());
        (refused, other.join().unwrap())
    });
    assert_eq!(
        (refused.unwrap_err().to_string(), seen),
        (
            format!(
                "cannot hand over with a process of another user: {}: user 65534",
                path.display()
            ),
            Ok(0)
        )
    );
}
