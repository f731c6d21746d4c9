//! What do clients of a server on the loopback get?

mod answers;
mod datagrams;
mod forwarding;
mod handover;
mod streams;
mod upstream;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use dns::forward::{Group, RuleId, Settings as ForwardSettings, Upstream};
use dns::respond::{Block, Blocks, Responder, Route, Search};
use dns::wire::Name;
use dns::zone::{Settings, Zone};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::RecordType;
use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use model::ServiceTable;

use crate::{Listen, Options, Running, start};

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(10);

const SERVICES: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.7, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: six, namespace: shop}
spec: {clusterIP: 'fd00::7', ipFamilies: [IPv6], ports: [{port: 80}]}
";

const WEB: &str = "web.shop.svc.cluster.local.";

fn table(services: &str) -> ServiceTable {
    let (manifests, rejections) = parse("services.yaml", services);
    assert_eq!(rejections, []);
    let mut objects = Objects::new();
    for manifest in manifests {
        let Manifest::Object(object) = manifest else { panic!("not an object: {manifest:?}") };
        objects.apply(object);
    }
    objects.table()
}

/// A responder for these Services, with the root's names asked elsewhere where there is a route.
fn responder(services: &str, routes: Vec<Route>) -> Arc<Responder> {
    let domain = Name::from_text("cluster.local").unwrap();
    let empty = Zone::empty(Arc::new(Settings::new(domain)));
    let mut zone = empty.advance(&ServiceTable::default(), &table(services), 1);
    zone.set_synced();
    let block = Block { routes, ..Block::everything() };
    let blocks = Arc::new(Blocks::new(vec![block]));
    Arc::new(Responder { zone, blocks, search: Search::new(Vec::new()) })
}

/// One group of upstreams for all names that are not the zone's.
fn everywhere_to(upstreams: Vec<Upstream>) -> (Vec<Route>, ForwardSettings) {
    let route = Route { zone: Name::root(), except: Vec::new(), rule: RuleId(0) };
    let group = Group::new(b"\0", upstreams);
    (vec![route], ForwardSettings { groups: vec![group], ..ForwardSettings::default() })
}

fn options(addresses: &[&str]) -> Options {
    let listen = |address: &&str| Listen::at(address.parse().unwrap());
    Options { workers: 2, ..Options::new(addresses.iter().map(listen).collect()) }
}

/// A server of `SERVICES` that asks nobody.
fn serve(addresses: &[&str]) -> Running {
    let (routes, settings) = (Vec::new(), ForwardSettings::default());
    start(options(addresses), responder(SERVICES, routes), &settings).unwrap()
}

fn question(id: u16, name: &str, rtype: RecordType) -> Vec<u8> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.parse().unwrap(), rtype));
    message.to_vec().unwrap()
}

/// What an answer says, as another program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    id: u16,
    rcode: ResponseCode,
    answers: Vec<String>,
}

fn said(message: &[u8]) -> Said {
    let message = Message::from_vec(message).unwrap();
    let answers = message.answers.iter().map(|it| it.data.to_string()).collect();
    Said { id: message.metadata.id, rcode: message.metadata.response_code, answers }
}

fn says(id: u16, answers: &[&str]) -> Said {
    let answers = answers.iter().copied().map(str::to_owned).collect();
    Said { id, rcode: ResponseCode::NoError, answers }
}

fn fails(id: u16, rcode: ResponseCode) -> Said {
    Said { id, rcode, answers: Vec::new() }
}

fn udp_client(server: SocketAddr) -> UdpSocket {
    let own = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let client = UdpSocket::bind(own).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.connect(server).unwrap();
    client
}

fn ask_by_udp(server: SocketAddr, question: &[u8]) -> Said {
    let client = udp_client(server);
    client.send(question).unwrap();
    let mut answer = [0; 4_096];
    let len = client.recv(&mut answer).unwrap();
    said(&answer[..len])
}

fn tcp_client(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn framed(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len()).unwrap();
    [&len.to_be_bytes(), message].concat()
}

fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 2];
    stream.read_exact(&mut len).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut message).unwrap();
    message
}

fn ask_by_tcp(server: SocketAddr, question: &[u8]) -> Said {
    let mut stream = tcp_client(server);
    stream.write_all(&framed(question)).unwrap();
    said(&read_frame(&mut stream))
}

/// Waits until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = host::clock::monotonic() + SOON;
    while !is_so() {
        assert!(host::clock::monotonic() < deadline, "not so in time: {what}");
        host::clock::pause(Duration::from_millis(1));
    }
}
