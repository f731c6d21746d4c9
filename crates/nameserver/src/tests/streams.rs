//! Are streams pipelined, answered out of order, and closed when they do not get on?

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use dns::forward::{Settings as ForwardSettings, Upstream};
use dns::zone::Transfer;
use hickory_proto::rr::RecordType;

use super::upstream::{Answer, FakeUpstream};
use super::*;
use crate::StreamBounds;

const SLOW: &str = "slow.example.com.";

fn bounded(streams: StreamBounds) -> Running {
    let options = Options { streams, ..options(&["127.0.0.1:0"]) };
    start(options, responder(SERVICES, Vec::new()), &ForwardSettings::default()).unwrap()
}

/// Whether the server closed it without a further word.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest.is_empty(),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn what_is_known_is_answered_before_what_an_upstream_must_say() {
    let upstream = FakeUpstream::new(&[(SLOW, Answer::Held("192.0.2.9"))]);
    let (routes, settings) = everywhere_to(vec![Upstream { address: upstream.address, tls: None }]);
    let server = start(options(&["127.0.0.1:0"]), responder(SERVICES, routes), &settings).unwrap();
    let mut stream = tcp_client(server.addresses()[0]);
    let questions = [(1, SLOW), (2, WEB), (3, WEB)];
    let frames = questions.map(|(id, name)| framed(&question(id, name, RecordType::A)));
    stream.write_all(&frames.concat()).unwrap();
    // No more will come, but the answers are still wanted.
    stream.shutdown(Shutdown::Write).unwrap();
    let first = [said(&read_frame(&mut stream)), said(&read_frame(&mut stream))];
    assert_eq!(first, [says(2, &["10.96.0.7"]), says(3, &["10.96.0.7"])]);
    until("the upstream is asked", || !upstream.asked().is_empty());
    upstream.release();
    assert_eq!(said(&read_frame(&mut stream)), says(1, &["192.0.2.9"]));
    assert!(is_closed(&mut stream));
}

#[test]
fn with_enough_questions_on_their_way_the_next_is_not_read() {
    let another = "another.example.com.";
    let upstream = FakeUpstream::new(&[
        (SLOW, Answer::Held("192.0.2.9")),
        (another, Answer::Held("192.0.2.8")),
    ]);
    let (routes, settings) = everywhere_to(vec![Upstream { address: upstream.address, tls: None }]);
    let streams = StreamBounds { in_flight_max: 2, ..StreamBounds::default() };
    let options = Options { streams, ..options(&["127.0.0.1:0"]) };
    let server = start(options, responder(SERVICES, routes), &settings).unwrap();
    let mut stream = tcp_client(server.addresses()[0]);
    let questions = [(1, SLOW), (2, another), (3, WEB)];
    let frames = questions.map(|(id, name)| framed(&question(id, name, RecordType::A)));
    stream.write_all(&frames.concat()).unwrap();
    until("the upstream is asked", || upstream.asked().len() == 2);
    upstream.release();
    let mut found = [0; 3].map(|_| said(&read_frame(&mut stream)));
    assert_ne!(found[0].id, 3);
    found.sort_by_key(|it| it.id);
    let answers = [["192.0.2.9"], ["192.0.2.8"], ["10.96.0.7"]];
    assert_eq!(
        found.to_vec(),
        (1..).zip(&answers).map(|(id, it)| says(id, it)).collect::<Vec<_>>()
    );
}

#[test]
fn a_client_that_never_reads_its_answers_is_not_waited_for() {
    let stall_most = Duration::from_millis(100);
    let server = bounded(StreamBounds { stall_most, ..StreamBounds::default() });
    let mut stream = tcp_client(server.addresses()[0]);
    stream.set_write_timeout(Some(SOON)).unwrap();
    let many = framed(&question(1, WEB, RecordType::A)).repeat(1_000);
    let error = loop {
        if let Err(error) = stream.write_all(&many) {
            break error.kind();
        }
    };
    assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert_eq!(server.stats().connections.stalled, 1);
}

#[test]
fn a_client_that_asks_much_before_it_reads_gets_every_answer() {
    let server = serve(&["127.0.0.1:0"]);
    let mut stream = tcp_client(server.addresses()[0]);
    let n_questions = 20_000_u16;
    let mut reading = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for id in 0..n_questions {
            stream.write_all(&framed(&question(id, WEB, RecordType::A))).unwrap();
        }
        stream
    });
    let found: Vec<_> = (0..n_questions).map(|_| said(&read_frame(&mut reading))).collect();
    let expected: Vec<_> = (0..n_questions).map(|id| says(id, &["10.96.0.7"])).collect();
    assert_eq!(found, expected);
    drop(writing.join().unwrap());
}

#[test]
fn a_frame_without_a_question_closes_the_stream_after_what_came_before() {
    let server = serve(&["127.0.0.1:0"]);
    for garbage in [&[0, 0][..], &[0, 3, 1, 2, 3], &framed(&[0x80; 40])] {
        let mut stream = tcp_client(server.addresses()[0]);
        let good = framed(&question(4, WEB, RecordType::A));
        stream.write_all(&[&good, garbage].concat()).unwrap();
        assert_eq!(said(&read_frame(&mut stream)), says(4, &["10.96.0.7"]));
        assert!(is_closed(&mut stream), "{garbage:?}");
    }
}

#[test]
fn a_frame_that_dribbles_in_and_a_silent_client_are_not_waited_for() {
    let at_once = Duration::from_millis(50);
    let hour = Duration::from_secs(3_600);
    let idle = StreamBounds { idle_most: at_once, message_most: hour, ..StreamBounds::default() };
    let slow = StreamBounds { idle_most: hour, message_most: at_once, ..StreamBounds::default() };
    let silent = bounded(idle);
    assert!(is_closed(&mut tcp_client(silent.addresses()[0])));
    let dribbled = bounded(slow);
    let mut stream = tcp_client(dribbled.addresses()[0]);
    stream.write_all(&framed(&question(4, WEB, RecordType::A))[..9]).unwrap();
    assert!(is_closed(&mut stream));
    let stalled = [&silent, &dribbled].map(|server| server.stats().connections.stalled);
    assert_eq!(stalled, [0, 1]);
}

#[test]
fn at_the_bound_the_longest_idle_gives_way_to_a_newcomer() {
    let server = bounded(StreamBounds { connections_max: 2, ..StreamBounds::default() });
    let address = server.addresses()[0];
    let ask = |stream: &mut TcpStream, id| {
        stream.write_all(&framed(&question(id, WEB, RecordType::A))).unwrap();
        said(&read_frame(stream))
    };
    let (mut first, mut second) = (tcp_client(address), tcp_client(address));
    let mut found = vec![ask(&mut first, 1), ask(&mut second, 2), ask(&mut first, 3)];
    let mut third = tcp_client(address);
    found.push(ask(&mut third, 4));
    found.push(ask(&mut first, 5));
    let expected: Vec<_> = (1..=5).map(|id| says(id, &["10.96.0.7"])).collect();
    assert_eq!(found, expected);
    assert!(is_closed(&mut second));
    let connections = server.stats().connections;
    assert_eq!((connections.accepted, connections.evicted, connections.open), (3, 1, 2));
}

#[test]
fn a_zone_is_transferred_in_one_stream_to_those_who_may_have_it() {
    let mut responder = Arc::unwrap_or_clone(responder(SERVICES, Vec::new()));
    let settings = Arc::clone(responder.zone.settings());
    let transfer = Transfer { to: vec!["127.0.0.0/8".parse().unwrap()] };
    let settings = Arc::new(Settings { transfer, ..Settings::clone(&settings) });
    let empty = Zone::empty(settings);
    responder.zone = empty.advance(&ServiceTable::default(), &table(SERVICES), 1);
    let server =
        start(options(&["127.0.0.1:0"]), Arc::new(responder), &ForwardSettings::default()).unwrap();
    let mut stream = tcp_client(server.addresses()[0]);
    let ask = framed(&question(1, "cluster.local.", RecordType::AXFR));
    // What follows is answered behind the whole zone.
    let next = framed(&question(2, WEB, RecordType::A));
    stream.write_all(&[ask, next].concat()).unwrap();
    let mut types = Vec::new();
    let last = loop {
        let message = read_frame(&mut stream);
        if said(&message).id == 2 {
            break said(&message);
        }
        let message = Message::from_vec(&message).unwrap();
        types.extend(message.answers.iter().map(|record| record.record_type()));
    };
    assert_eq!(last, says(2, &["10.96.0.7"]));
    let ends = [types.first(), types.last()];
    assert_eq!(ends, [Some(&RecordType::SOA); 2]);
    let count = |rtype| types.iter().filter(|it| **it == rtype).count();
    assert_eq!([count(RecordType::SOA), count(RecordType::AAAA)], [2, 1]);
}
