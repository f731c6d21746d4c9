//! What does a client of SPDY get? The bytes are those that the library of kubectl writes.

use bytes::{Bytes, BytesMut};

use super::headers::{Packer, Unpacker};
use super::*;

/// Opens stream 1 with `streamtype: error`, stream 3 with `streamtype: data`.
const OPEN_1: &str = "80030001000000290000000100000000000078f9e3c6a7c26260606004a7b392a2d4c45c6851c\
                      29a0a0a6800000000ffff";
const OPEN_3: &str = "800300010000001600000003000000000000c22a052a651201000000ffff";
const HELLO_3: &str = "000000030000000568656c6c6f";
const END_3: &str = "0000000301000000";
const PING_1: &str = "800300060000000400000001";
const RESET_1: &str = "80030003000000080000000100000005";
const GO_AWAY: &str = "80030007000000080000000000000000";
const SETTINGS: &str = "800300040000000c000000010000000400000064";
const WINDOW_3: &str = "80030009000000080000000300000064";

fn bytes(hex: &[&str]) -> Bytes {
    let digits = hex.concat().into_bytes();
    let value = |digit: &u8| u8::try_from(char::from(*digit).to_digit(16).unwrap()).unwrap();
    let (pairs, _none) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| value(high) << 4 | value(low);
    pairs.iter().map(byte).collect::<Vec<u8>>().into()
}

fn receiver() -> Receiver {
    Receiver::new().unwrap()
}

fn opened(stream: u32, kind: &str) -> Event {
    Event::Opened { stream: StreamId(stream), headers: Headers::from([("streamtype", kind)]) }
}

fn hello() -> Event {
    Event::Data { stream: StreamId(3), bytes: "hello".into() }
}

/// A frame that opens a stream, in the zlib stream of `packer`.
fn open(packer: &mut Packer, stream: u32, headers: &Headers) -> Bytes {
    let mut payload = stream.to_be_bytes().to_vec();
    payload.extend_from_slice(&[0; 6]);
    payload.extend_from_slice(&packer.pack(headers).unwrap());
    let mut out = BytesMut::from(&[0x80, 3, 0, 1][..]);
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend_from_slice(&payload);
    out.freeze()
}

#[test]
fn streams_open_speak_and_end() {
    let found = receiver().receive(bytes(&[OPEN_1, OPEN_3, HELLO_3, END_3, RESET_1, GO_AWAY]));
    let wanted = vec![
        opened(1, "error"),
        opened(3, "data"),
        hello(),
        Event::Ended(StreamId(3)),
        Event::Reset(StreamId(1)),
        Event::GoneAway,
    ];
    assert_eq!(found, Ok(wanted));
}

#[test]
fn it_does_not_matter_where_reads_begin_and_end() {
    let mut receiver = receiver();
    let mut found = Vec::new();
    for byte in bytes(&[OPEN_1, SETTINGS, OPEN_3, WINDOW_3, HELLO_3, END_3]) {
        found.extend(receiver.receive(Bytes::copy_from_slice(&[byte])).unwrap());
    }
    let letters = "hello".split("").filter(|letter| !letter.is_empty());
    let said = letters.map(|letter| Event::Data {
        stream: StreamId(3),
        bytes: Bytes::copy_from_slice(letter.as_bytes()),
    });
    let mut wanted = vec![opened(1, "error"), opened(3, "data")];
    wanted.extend(said);
    wanted.push(Event::Ended(StreamId(3)));
    assert_eq!(found, wanted);
}

#[test]
fn each_stream_gets_a_reply_and_each_ping_comes_back() {
    let mut receiver = receiver();
    receiver.receive(bytes(&[OPEN_1, PING_1])).unwrap();
    let replies = receiver.take_replies();
    let (reply, ping) = replies.split_at(replies.len() - 12);
    assert!(reply.len() > 12);
    let mut unpacker = Unpacker::new();
    let headers = unpacker.unpack(&reply[12..]);
    assert_eq!(
        (&reply[..6], &reply[8..12], headers, ping),
        (&[0x80, 3, 0, 2, 0, 0][..], &[0, 0, 0, 1][..], Ok(Headers::default()), &*bytes(&[PING_1]))
    );
}

#[test]
fn headers_survive_the_way_through_one_zlib_stream() {
    let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new());
    let sent = [
        Headers::from([("streamtype", "data"), ("port", "8080"), ("requestid", "0")]),
        Headers::default(),
        Headers::from([("streamtype", "error"), ("port", "8080"), ("requestid", "1")]),
    ];
    let found = sent.clone().map(|headers| unpacker.unpack(&packer.pack(&headers).unwrap()));
    assert_eq!(found, sent.map(Ok));
}

#[test]
fn words_for_a_stream_that_is_not_open_are_refused_and_passed_over() {
    let mut receiver = receiver();
    let found = receiver.receive(bytes(&[OPEN_1, HELLO_3, RESET_1]));
    assert_eq!(found, Ok(vec![opened(1, "error"), Event::Reset(StreamId(1))]));
    let replies = receiver.take_replies();
    let refusal = bytes(&["80030003000000080000000300000002"]);
    assert_eq!(replies[replies.len() - 16..], refusal);
}

#[test]
fn a_stream_number_that_was_used_is_refused() {
    let (mut packer, mut receiver) = (Packer::new().unwrap(), receiver());
    let none = Headers::default();
    receiver.receive(open(&mut packer, 3, &none)).unwrap();
    let _reply = receiver.take_replies();
    let events = [1, 3, 4].map(|stream| receiver.receive(open(&mut packer, stream, &none)));
    assert_eq!(events, [Ok(vec![]), Ok(vec![]), Ok(vec![])]);
    let refusal = |stream: &str| format!("8003000300000008{stream}00000001");
    let wanted = ["00000001", "00000003", "00000004"].map(refusal);
    assert_eq!(receiver.take_replies(), bytes(&wanted.each_ref().map(String::as_str)));
}

#[test]
fn one_stream_more_than_the_bound_is_refused_until_another_ends() {
    let (mut packer, mut receiver) = (Packer::new().unwrap(), receiver());
    let none = Headers::default();
    let opened = |stream: u32| Event::Opened { stream: StreamId(stream), headers: none.clone() };
    let bound = u32::try_from(STREAMS_MAX).unwrap();
    for number in 0..bound {
        receiver.receive(open(&mut packer, 2 * number + 1, &none)).unwrap();
    }
    let _replies = receiver.take_replies();
    let one_more = receiver.receive(open(&mut packer, 2 * bound + 1, &none));
    let refusal = receiver.take_replies();
    receiver.receive(bytes(&[RESET_1])).unwrap();
    let after = receiver.receive(open(&mut packer, 2 * bound + 3, &none));
    assert_eq!(
        (one_more, refusal, after),
        (Ok(vec![]), bytes(&["80030003000000080000020100000003"]), Ok(vec![opened(2 * bound + 3)]))
    );
}

#[test]
fn what_is_too_long_ends_the_connection() {
    let long = "x".repeat(HEADER_BYTES_MAX);
    let many: String = (0..=HEADERS_MAX).map(|number| format!("{number} ")).collect();
    let many = Headers::from_names(many.split_whitespace());
    let headers = [Headers::from([("long", &*long)]), many];
    let found =
        headers.map(|headers| receiver().receive(open(&mut Packer::new().unwrap(), 1, &headers)));
    assert_eq!(found, [Err(ProtocolError::Headers), Err(ProtocolError::Headers)]);
    let frame = receiver().receive(bytes(&["8003000100004001"]));
    assert_eq!(frame, Err(ProtocolError::TooLong(CONTROL_BYTES_MAX + 1)));
}

#[test]
fn what_is_not_spdy_ends_the_connection() {
    let found = [
        bytes(&["8002000100000000"]),
        bytes(&["8003000100000002ffff"]),
        bytes(&["80030001000000060000000100000000"]),
        bytes(&["800300010000000e000000010000000000000badcafe"]),
        Bytes::from_static(b"\x80GET / HTTP/1.1\r\n"),
    ]
    .map(|input| receiver().receive(input));
    assert_eq!(
        found,
        [
            Err(ProtocolError::Version(2)),
            Err(ProtocolError::TooShort),
            Err(ProtocolError::TooShort),
            Err(ProtocolError::Headers),
            Err(ProtocolError::Version(71)),
        ]
    );
}

#[test]
fn words_are_split_at_the_bound_and_only_the_last_part_ends_the_stream() {
    let written = data(StreamId(2), &vec![b'x'; DATA_BYTES_MAX + 1], true);
    let heads = [&written[..8], &written[8 + DATA_BYTES_MAX..16 + DATA_BYTES_MAX]];
    assert_eq!(heads, [[0, 0, 0, 2, 0, 1, 0, 0], [0, 0, 0, 2, 1, 0, 0, 1]]);
    assert_eq!(data(StreamId(3), b"", true), bytes(&[END_3]));
    assert_eq!(data(StreamId(3), b"hello", false), bytes(&[HELLO_3]));
    assert_eq!((reset(StreamId(1)), go_away(StreamId(0))), (bytes(&[RESET_1]), bytes(&[GO_AWAY])));
}

/// Whatever comes, there is an answer, and what is kept stays within its bounds.
#[test]
fn garbage_never_breaks_it() {
    let good = bytes(&[OPEN_1, OPEN_3, HELLO_3, PING_1, SETTINGS, WINDOW_3, END_3, RESET_1]);
    // A small generator is enough: each case changes one byte of what is right.
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 8).unwrap()
    };
    for _ in 0..2_000 {
        let mut input = good.to_vec();
        let at = next() % input.len();
        input[at] = next().to_le_bytes()[0];
        let mut receiver = receiver();
        for chunk in input.chunks(next() % 40 + 1) {
            if receiver.receive(Bytes::copy_from_slice(chunk)).is_err() {
                break;
            }
            assert!(receiver.is_within_bounds());
        }
    }
}
