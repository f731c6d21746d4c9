//! What is heard of a client's messages, and what is it told?

use super::*;
use crate::channel::Input;

const WANTED: Wanted = Wanted { stdin: true, stdout: true, stderr: false, terminal: true };

type Client = WebSocketStream<DuplexStream>;

async fn client(io: DuplexStream) -> Client {
    WebSocketStream::from_raw_socket(io, Role::Client, None).await
}

async fn told(client: &mut Client) -> Vec<Message> {
    let mut all = Vec::new();
    while let Some(Ok(message)) = client.next().await {
        all.push(message);
    }
    all
}

async fn heard(mut input: Input) -> Vec<Said> {
    let mut all = Vec::new();
    while let Some(said) = input.recv().await {
        let is_end = said == Said::End;
        all.push(said);
        if is_end {
            break;
        }
    }
    all
}

fn binary(bytes: &'static [u8]) -> Message {
    Message::Binary(Bytes::from_static(bytes))
}

fn said(words: &'static str) -> Said {
    Said::Bytes(words.into())
}

#[tokio::test]
async fn each_message_goes_to_its_channel() {
    let (theirs, io) = tokio::io::duplex(1024);
    let (results, mut result) = mpsc::channel(1);
    let serving = tokio::spawn(serve_command(io, WANTED, |streams| async move {
        let Streams { stdin, stdout, resize, error, .. } = streams;
        let input = heard(stdin.unwrap()).await;
        let size = resize.unwrap().recv().await;
        stdout.unwrap().write(b"out").await.unwrap();
        error.write(b"status").await.unwrap();
        results.send((input, size)).await.unwrap();
    }));
    let mut client = client(theirs).await;
    for message in [
        binary(b"\x00"),
        binary(b"\x04{}"),
        binary(b"\x00hel"),
        Message::Text("\0lo".into()),
        binary(b"\x07what?"),
        binary(b"\xff\x01"),
        binary(b"\xff\x00"),
    ] {
        client.send(message).await.unwrap();
    }
    let found = told(&mut client).await;
    let wanted = vec![binary(b"\x01out"), binary(b"\x03status"), Message::Close(Some(END))];
    let heard = (vec![said("hel"), said("lo"), Said::End], Some(said("{}")));
    assert_eq!((found, result.recv().await), (wanted, Some(heard)));
    drop(client);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_message_beyond_the_bound_ends_the_session() {
    let (theirs, io) = tokio::io::duplex(1024);
    let session = |_streams| std::future::pending::<()>();
    let serving = tokio::spawn(serve_command(io, WANTED, session));
    let mut client = client(theirs).await;
    let long = Message::Binary(vec![0; MESSAGE_BYTES_MAX + 1].into());
    // It is cut off while it sends.
    drop(client.send(long).await);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_tunnel_carries_bytes_whatever_the_messages_are() {
    let (theirs, io) = tokio::io::duplex(1024);
    let serving = tokio::spawn(serve_tunnel(io, |mut tunnel| async move {
        let mut heard = [0; 5];
        tunnel.read_exact(&mut heard).await.unwrap();
        tunnel.write_all(&heard).await.unwrap();
    }));
    let mut client = client(theirs).await;
    for message in [binary(b"he"), binary(b"l"), binary(b"lo")] {
        client.send(message).await.unwrap();
    }
    let found = told(&mut client).await;
    assert_eq!(found, [binary(b"hello"), Message::Close(Some(END))]);
    drop(client);
    serving.await.unwrap();
}
