//! Do many datagrams come and go together, whatever becomes of one of them?

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket as Client};
use std::os::fd::AsFd;
use std::time::Duration;

use ipnet::IpNet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::address::await_local;
use crate::bind::{BindOptions, tcp_listener};
use crate::datagram::{BATCH_MAX, Batch, Ends, Sent, UdpSocket};
use crate::link::Links;
use crate::netns::Netns;
use crate::skip;

const DEADLINE: Duration = Duration::from_secs(20);

fn at(address: &str) -> BindOptions {
    BindOptions::at(address.parse().unwrap())
}

fn await_readable(socket: impl AsFd) {
    let deadline = Timespec::try_from(DEADLINE).unwrap();
    let ready = poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&deadline)).unwrap();
    assert_eq!(ready, 1, "nothing came");
}

/// A client that hears only what comes from the address that it asks.
fn client(server: SocketAddr) -> Client {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = Client::bind(any).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn heard(client: &Client) -> Vec<u8> {
    let mut bytes = [0; 2048];
    let length = client.recv(&mut bytes).unwrap();
    bytes[..length].to_vec()
}

/// Answers each datagram of one batch with itself backwards.
fn answer_backwards(batch: &mut Batch, server: &UdpSocket) -> (usize, Sent) {
    await_readable(server);
    let n_received = batch.receive(server).unwrap();
    for (datagram, mut reply) in batch.exchanges() {
        let length = datagram.payload.len();
        let backwards = datagram.payload.iter().rev();
        reply.buffer().iter_mut().zip(backwards).for_each(|(to, from)| *to = *from);
        reply.complete(length);
    }
    (n_received, batch.send(server))
}

fn all_sent(n: usize) -> (usize, Sent) {
    (n, Sent { sent: n, dropped: 0, errno: None })
}

#[track_caller]
fn check_answered_from(bound: &str, asked: &[&str]) {
    let server = UdpSocket::bind(&at(bound)).unwrap();
    let mut batch = Batch::new(8, 512, 512);
    for asked in asked {
        let asked: IpAddr = asked.parse().unwrap();
        let client = client(SocketAddr::new(asked, server.local_address().port()));
        client.send(b"harbour").unwrap();
        assert_eq!(answer_backwards(&mut batch, &server), all_sent(1));
        assert_eq!(heard(&client), b"ruobrah");
        let ends: Vec<Ends> = batch.exchanges().map(|(datagram, _)| datagram.ends).collect();
        let lo = rustix::net::netdevice::name_to_index(&client, "lo").unwrap();
        let remote = client.local_addr().unwrap();
        assert_eq!(ends, [Ends { remote, local: asked, link: lo }]);
        // And what is not ready at once, later.
        server.send(b"late", &ends[0]).unwrap();
        assert_eq!(heard(&client), b"late");
    }
}

#[test]
fn a_wildcard_answers_from_the_address_that_was_asked() {
    check_answered_from("0.0.0.0:0", &["127.0.0.1", "127.0.0.2"]);
    check_answered_from("[::]:0", &["::1"]);
    check_answered_from("127.0.0.3:0", &["127.0.0.3"]);
    check_answered_from("[::1]:0", &["::1"]);
}

#[test]
fn a_wildcard_answers_from_each_of_several_ipv6_addresses() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut links = Links::open().unwrap();
            for address in ["fd00:9::1/128", "fd00:9::2/128"] {
                let address: IpNet = address.parse().unwrap();
                links.add_address("lo", address).unwrap();
                await_local([address.addr()]).unwrap();
            }
            check_answered_from("[::]:0", &["fd00:9::1", "fd00:9::2", "::1"]);
        })
        .unwrap();
}

#[test]
fn a_whole_batch_is_taken_and_answered_at_once_and_the_rest_with_the_next() {
    for bound in ["127.0.0.1:0", "[::1]:0"] {
        let server = UdpSocket::bind(&at(bound)).unwrap();
        let client = client(server.local_address());
        let questions: Vec<_> = (0..=64u8).map(|n| vec![n; usize::from(n)]).collect();
        for question in &questions {
            client.send(question).unwrap();
        }
        let mut batch = Batch::new(BATCH_MAX, 512, 512);
        assert_eq!(answer_backwards(&mut batch, &server), all_sent(64));
        assert_eq!(answer_backwards(&mut batch, &server), all_sent(1));
        assert_eq!(batch.receive(&server).unwrap(), 0);
        // The first of them is empty.
        let answers: Vec<_> = questions.iter().map(|_| heard(&client)).collect();
        assert_eq!(answers, questions);
    }
}

#[test]
fn what_is_longer_than_its_room_is_marked_and_does_not_spill() {
    let server = UdpSocket::bind(&at("127.0.0.1:0")).unwrap();
    let client = client(server.local_address());
    for question in [b"fits".as_slice(), b"too long", b"next"] {
        client.send(question).unwrap();
    }
    let mut batch = Batch::new(4, 4, 2);
    await_readable(&server);
    assert_eq!(batch.receive(&server).unwrap(), 3);
    let mut found = Vec::new();
    for (datagram, mut reply) in batch.exchanges() {
        found.push((datagram.payload.to_vec(), datagram.is_truncated));
        reply.buffer().fill(b'x');
        reply.complete(100);
    }
    let expected = [(b"fits", false), (b"too ", true), (b"next", false)];
    assert_eq!(found, expected.map(|(payload, truncated)| (payload.to_vec(), truncated)));
    batch.send(&server);
    assert_eq!(heard(&client), b"xx");
}

#[test]
fn only_what_is_complete_is_sent_and_only_once() {
    let server = UdpSocket::bind(&at("[::1]:0")).unwrap();
    let client = client(server.local_address());
    client.send(b"a").unwrap();
    client.send(b"b").unwrap();
    let mut batch = Batch::new(4, 16, 16);
    await_readable(&server);
    assert_eq!(batch.receive(&server).unwrap(), 2);
    for (datagram, mut reply) in batch.exchanges() {
        reply.buffer()[..1].copy_from_slice(datagram.payload);
        if datagram.payload == b"b" {
            reply.complete(1);
        }
    }
    let sent = [batch.send(&server), batch.send(&server)];
    assert_eq!(sent, [Sent { sent: 1, dropped: 0, errno: None }, Sent::default()]);
    assert_eq!(heard(&client), b"b");
}

#[test]
fn clients_that_are_gone_do_not_stop_the_others() {
    for bound in ["127.0.0.1:0", "[::1]:0"] {
        let server = UdpSocket::bind(&at(bound)).unwrap();
        let stays = client(server.local_address());
        let mut batch = Batch::new(BATCH_MAX, 512, 512);
        for round in 0..3 {
            for _ in 0..4 {
                client(server.local_address()).send(b"gone").unwrap();
                stays.send(&[b'0' + round]).unwrap();
            }
            assert_eq!(answer_backwards(&mut batch, &server), all_sent(8));
            for _ in 0..4 {
                assert_eq!(heard(&stays), [b'0' + round]);
            }
        }
    }
}

#[test]
fn a_reply_that_the_kernel_refuses_does_not_stop_those_behind_it() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    netns
        .run(|| {
            let mut links = Links::open().unwrap();
            links.add_address("lo", "192.0.2.1/32".parse().unwrap()).unwrap();
            let server = UdpSocket::bind(&at("0.0.0.0:0")).unwrap();
            let port = server.local_address().port();
            let asked = ["192.0.2.1", "127.0.0.1"].map(|address| address.parse().unwrap());
            let clients = asked.map(|address: IpAddr| client(SocketAddr::new(address, port)));
            for client in &clients {
                client.send(b"ab").unwrap();
            }
            await_readable(&server);
            // The first client's address goes away before it is answered.
            links.delete_address("lo", "192.0.2.1/32".parse().unwrap()).unwrap();
            let mut batch = Batch::new(8, 16, 16);
            let found = answer_backwards(&mut batch, &server);
            let sent = Sent { sent: 1, dropped: 1, errno: Some(libc::ENETUNREACH) };
            assert_eq!((found, heard(&clients[1])), ((2, sent), b"ba".to_vec()));
        })
        .unwrap();
}

#[test]
fn a_full_buffer_is_waited_for_only_a_little() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut links = Links::open().unwrap();
            links.create_veth("near", "far", None).unwrap();
            for name in ["near", "far"] {
                links.set_up(name).unwrap();
            }
            links.add_address("near", "10.9.0.1/24".parse().unwrap()).unwrap();
            let server = UdpSocket::bind(&at("10.9.0.1:0")).unwrap();
            rustix::net::sockopt::set_socket_send_buffer_size(&server, 1).unwrap();
            // Nobody has the address: what is sent waits for a neighbour that never answers.
            let remote = "10.9.0.7:53".parse().unwrap();
            let ends = Ends { remote, local: "10.9.0.1".parse().unwrap(), link: 0 };
            let error = (0..64).find_map(|_| server.send(&[0; 1000], &ends).err());
            assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        })
        .unwrap();
}

#[test]
fn a_socket_is_bound_where_no_address_is_and_shared_if_it_says_so() {
    for bound in ["192.0.2.1:0", "[2001:db8::1]:0"] {
        let options = BindOptions { free_bind: true, reuse_port: true, ..at(bound) };
        let first = UdpSocket::bind(&options).unwrap();
        let again = BindOptions { address: first.local_address(), ..options };
        let second = UdpSocket::bind(&again).unwrap();
        assert_eq!(second.local_address(), first.local_address());
        let listener = tcp_listener(&options, 16).unwrap();
        assert_eq!(listener.local_addr().unwrap().ip(), options.address.ip());
    }
}

#[test]
fn an_address_that_cannot_be_had_is_named() {
    let taken = UdpSocket::bind(&at("127.0.0.1:0")).unwrap().local_address();
    let _holder = UdpSocket::bind(&BindOptions::at(taken)).unwrap();
    let errors = [
        UdpSocket::bind(&BindOptions::at(taken)).unwrap_err(),
        tcp_listener(&at("192.0.2.1:53"), 1).unwrap_err(),
    ];
    assert_eq!(
        errors.map(|error| error.to_string()),
        [
            format!("cannot open UDP {taken}: bind: Address already in use (os error 98)"),
            "cannot open TCP 192.0.2.1:53: bind: Cannot assign requested address (os error 99)"
                .to_owned(),
        ]
    );
}

#[test]
fn only_a_udp_socket_is_taken_over() {
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = UdpSocket::from_fd(stream.into()).unwrap_err();
    assert_eq!(error.to_string(), "not a UDP socket");
    let plain = Client::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    let socket = UdpSocket::from_fd(plain.into()).unwrap();
    let mut batch = Batch::new(1, 16, 16);
    // A socket that came blocking no longer does.
    assert_eq!((socket.local_address(), batch.receive(&socket).unwrap()), (address, 0));
}
