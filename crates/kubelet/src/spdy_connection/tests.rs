//! How does a connection begin and end?

use tokio::io::DuplexStream;

use super::*;
use crate::spdy::{data, reset};

/// Opens stream 1 with `streamtype: error`, as the library of kubectl writes it.
const OPEN_1: &[u8] = b"\x80\x03\0\x01\0\0\0\x29\0\0\0\x01\0\0\0\0\0\0\x78\xf9\xe3\xc6\xa7\xc2\
    \x62\x60\x60\x60\x04\xa7\xb3\x92\xa2\xd4\xc4\x5c\x68\x51\xc2\x9a\x0a\x0a\x68\0\0\0\0\xff\xff";

/// The next frame.
async fn frame(client: &mut DuplexStream) -> Vec<u8> {
    let mut frame = vec![0; 8];
    client.read_exact(&mut frame).await.unwrap();
    let length = usize::from(u16::from_be_bytes([frame[6], frame[7]]));
    frame.resize(8 + length, 0);
    client.read_exact(&mut frame[8..]).await.unwrap();
    frame
}

async fn told(client: &mut DuplexStream) -> Vec<u8> {
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap();
    all
}

#[tokio::test]
async fn the_last_words_arrive_though_the_client_goes_on() {
    let (mut client, io) = tokio::io::duplex(64);
    let serving = tokio::spawn(serve(io, |mut opened| async move {
        let stream: Opened = opened.recv().await.unwrap();
        stream.output.write(&[b'x'; 100]).await.unwrap();
        stream.output.finish().await.unwrap();
    }));
    client.write_all(OPEN_1).await.unwrap();
    assert_eq!(frame(&mut client).await[..6], [0x80, 3, 0, 2, 0, 0]);
    client.write_all(&data(StreamId(1), b"and another thing", false)).await.unwrap();
    let wanted = [data(StreamId(1), &[b'x'; 100], false), data(StreamId(1), b"", true)].concat();
    assert_eq!(told(&mut client).await, wanted);
    drop(client);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_client_that_has_gone_ends_the_session() {
    let (mut client, io) = tokio::io::duplex(1024);
    let (gone, mut is_gone) = mpsc::channel::<()>(1);
    let serving = tokio::spawn(serve(io, |_opened| async move {
        let _held = gone;
        std::future::pending::<()>().await;
    }));
    client.write_all(OPEN_1).await.unwrap();
    drop(client);
    serving.await.unwrap();
    assert_eq!(is_gone.recv().await, None);
}

#[tokio::test]
async fn a_client_that_speaks_something_else_is_cut_off() {
    let (mut client, io) = tokio::io::duplex(1024);
    let session = |_opened| std::future::pending::<()>();
    let serving = tokio::spawn(serve(io, session));
    client.write_all(b"\x80GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(told(&mut client).await, go_away(StreamId(0)));
    drop(client);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn words_wait_at_the_connection_when_nobody_takes_them() {
    let (mut client, io) = tokio::io::duplex(64);
    let (hand, mut handed) = mpsc::channel(1);
    let _serving = tokio::spawn(serve(io, |mut opened| async move {
        hand.send(opened.recv().await.unwrap()).await.unwrap();
        std::future::pending::<()>().await;
    }));
    client.write_all(OPEN_1).await.unwrap();
    let stream: Opened = handed.recv().await.unwrap();
    let word = data(StreamId(1), &[b'x'; 56], false);
    let mut written = 0;
    let patience = Duration::from_millis(200);
    while timeout(patience, client.write_all(&word)).await.is_ok() {
        written += 1;
        assert!(written < 100, "it takes words without end");
    }
    let Opened { mut input, output, .. } = stream;
    let mut heard = 0;
    while heard < written * 56 {
        let Some(Said::Bytes(bytes)) = input.recv().await else { panic!("it has ended") };
        heard += bytes.len();
    }
    output.reset().await.unwrap();
    let _reply = frame(&mut client).await;
    assert_eq!(frame(&mut client).await, reset(StreamId(1)));
}
