//! What does a client get of a program?

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::channel::OUTPUT_FRAMES_MAX;

/// What a client reads: the channel, and the words.
type Read = Vec<(u8, Vec<u8>)>;

async fn all(mut messages: mpsc::Receiver<Message>) -> Read {
    let mut all = Vec::new();
    while let Some(message) = messages.recv().await {
        let bytes = message.into_data();
        all.push((bytes[0], bytes[1..].to_vec()));
    }
    all
}

fn client(stdin: Option<Input>, resize: Option<Input>) -> (Streams, mpsc::Receiver<Message>) {
    let (messages, read) = mpsc::channel(OUTPUT_FRAMES_MAX);
    let output = |channel| Output::WebSocket { channel, messages: messages.clone() };
    let (stdout, stderr) = (Some(output(1)), Some(output(2)));
    (Streams { stdin, stdout, stderr, resize, error: output(3) }, read)
}

fn status_of(outcome: Result<Exit, Refusal>) -> (u8, Vec<u8>) {
    (3, status(&outcome))
}

#[tokio::test]
async fn words_end_and_status_come_in_this_order() {
    let (streams, read) = client(None, None);
    let process = Process {
        stdin: None,
        stdout: Some(Box::pin(&b"out"[..])),
        stderr: Some(Box::pin(&b"err"[..])),
        resize: None,
        exit: Box::pin(async { Ok(Exit(3)) }),
    };
    let (outcome, mut found) = tokio::join!(run(streams, Ok(process)), all(read));
    found[..2].sort();
    let wanted = vec![(1, b"out".to_vec()), (2, b"err".to_vec()), status_of(Ok(Exit(3)))];
    assert_eq!((outcome, found), (Ok(()), wanted));
}

#[tokio::test]
async fn a_program_that_cannot_start_is_told_of() {
    let (streams, read) = client(None, None);
    let refusal = Refusal::NotFound("no such program: sch".to_owned());
    let (outcome, found) = tokio::join!(run(streams, Err(refusal.clone())), all(read));
    let wanted = vec![status_of(Err(refusal))];
    assert_eq!((outcome, found), (Ok(()), wanted));
}

#[tokio::test]
async fn input_reaches_the_program_with_its_end() {
    let (said, stdin) = mpsc::channel(4);
    let (streams, read) = client(Some(stdin), None);
    let (to, mut from) = tokio::io::duplex(64);
    let (heard, exit) = oneshot::channel();
    tokio::spawn(async move {
        let mut words = String::new();
        from.read_to_string(&mut words).await.unwrap();
        heard.send(words).unwrap();
    });
    let words = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&words);
    let process = Process {
        stdin: Some(Box::pin(to)),
        stdout: None,
        stderr: None,
        resize: None,
        exit: Box::pin(async move {
            *kept.lock().unwrap() = exit.await.unwrap();
            Ok(Exit(0))
        }),
    };
    for said_now in [Said::Bytes(Bytes::from("hel")), Said::Bytes("lo".into()), Said::End] {
        said.send(said_now).await.unwrap();
    }
    let (outcome, _read) = tokio::join!(run(streams, Ok(process)), all(read));
    assert_eq!((outcome, &**words.lock().unwrap()), (Ok(()), "hello"));
}

#[tokio::test(start_paused = true)]
async fn what_a_program_left_running_does_not_hold_the_session() {
    let (streams, read) = client(None, None);
    let (from, _held_open) = tokio::io::duplex(64);
    let process = Process {
        stdin: None,
        stdout: Some(Box::pin(from)),
        stderr: None,
        resize: None,
        exit: Box::pin(async { Ok(Exit(0)) }),
    };
    let (outcome, found) = tokio::join!(run(streams, Ok(process)), all(read));
    let wanted = vec![status_of(Ok(Exit(0)))];
    assert_eq!((outcome, found), (Ok(()), wanted));
}

#[tokio::test]
async fn the_terminal_follows_the_clients_size() {
    let (said, resize) = mpsc::channel(4);
    let (streams, _read) = client(None, Some(resize));
    let (sizes, mut set) = mpsc::unbounded_channel();
    let process = Process {
        stdin: None,
        stdout: None,
        stderr: None,
        resize: Some(Box::new(move |size| sizes.send(size).map_err(io::Error::other))),
        exit: Box::pin(std::future::pending()),
    };
    let session = tokio::spawn(run(streams, Ok(process)));
    for part in [
        r#"{"Width":80,"He"#,
        r#"ight":24}{"Width":1,"Height":2}"#,
        "{}",
        r#"{"Width":3,"Height":4}"#,
    ] {
        said.send(Said::Bytes(part.into())).await.unwrap();
    }
    let mut found = Vec::new();
    while found.len() < 3 {
        found.push(set.recv().await.unwrap());
    }
    session.abort();
    let wanted = [(80, 24), (1, 2), (3, 4)].map(|(width, height)| TerminalSize { width, height });
    assert_eq!(found, wanted);
}
