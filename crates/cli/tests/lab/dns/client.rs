//! How does a client ask that must not miss anything? With sockets of its own, in somebody's network.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use host::netns::Netns;
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use testkit::dns::{Question, Reply, decode, encode};

/// So long an answer may take before the question counts as lost.
pub(super) const TIMEOUT: Duration = Duration::from_secs(4);

/// Bytes: of all answers of a test at once.
const RECEIVE_BUFFER: usize = 8 << 20;

/// A question with an ID of its own.
pub(crate) fn question(id: u16, name: &str, kind: &str) -> Vec<u8> {
    let mut bytes = encode(&Question::new(name, kind));
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    bytes
}

pub(super) fn id_of(message: &[u8]) -> u16 {
    u16::from_be_bytes(*message.first_chunk().unwrap())
}

/// Connected, so that a refusal is heard at once.
pub(super) fn udp(from: &Netns, server: SocketAddr) -> UdpSocket {
    from.run(|| {
        let any = if server.is_ipv4() { "0.0.0.0:0".parse().unwrap() } else { any_v6() };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        // What is lost is not to be lost here.
        set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).unwrap();
        socket
    })
    .unwrap()
}

fn any_v6() -> SocketAddr {
    SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)
}

/// One question of a new socket: the response code and the data of the answers.
pub(super) fn ask(
    from: &Netns,
    server: SocketAddr,
    name: &str,
    kind: &str,
) -> io::Result<(String, BTreeSet<String>)> {
    let socket = udp(from, server);
    socket.send(&question(7, name, kind))?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer)?;
    Ok(said(&buffer[..length]))
}

pub(crate) fn said(message: &[u8]) -> (String, BTreeSet<String>) {
    match decode(message) {
        Reply::Message(answered) => {
            let rows = answered.answer.iter();
            let data = rows.filter_map(|row| row.rsplit_once(' '));
            let data = data.map(|(_, data)| data.to_owned()).collect();
            (answered.rcode.to_string(), data)
        }
        Reply::Malformed(why) => (why, BTreeSet::new()),
        Reply::Nothing => ("nothing".to_owned(), BTreeSet::new()),
    }
}

/// Takes answers until all are there, or one is late: those that never came.
pub(super) fn await_all(
    socket: &UdpSocket,
    mut awaited: BTreeMap<u16, &'static str>,
) -> BTreeMap<u16, &'static str> {
    let mut buffer = [0; 4096];
    while !awaited.is_empty() {
        let Ok(length) = socket.recv(&mut buffer) else { break };
        awaited.remove(&id_of(&buffer[..length]));
    }
    awaited
}
