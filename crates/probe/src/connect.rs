//! How is a connection made, and what comes back? In the namespace of the calling thread.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};

use explain::Reaction;

use crate::answer::is_whole;
use crate::{Request, TIMEOUT};

const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What was seen from the client's side.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) from: Option<SocketAddr>,
    pub(crate) reaction: Reaction,
    pub(crate) error: String,
    pub(crate) answer: Vec<u8>,
}

impl Exchange {
    fn failed(from: Option<SocketAddr>, error: &io::Error) -> Self {
        let is = |kinds: &[ErrorKind]| kinds.contains(&error.kind());
        let reaction = if is(&[ErrorKind::ConnectionRefused]) {
            Reaction::Refused
        } else if is(&[ErrorKind::TimedOut, ErrorKind::WouldBlock]) {
            Reaction::Silent
        } else {
            Reaction::Failed
        };
        let error = if reaction == Reaction::Failed { error.to_string() } else { String::new() };
        Self { from, reaction, error, answer: Vec::new() }
    }
}

/// A connection that comes about is an answer, whatever the server then says.
pub(crate) fn tcp(request: &Request) -> Exchange {
    let mut stream = match TcpStream::connect_timeout(&request.to, TIMEOUT) {
        Ok(stream) => stream,
        Err(error) => return Exchange::failed(None, &error),
    };
    let from = stream.local_addr().ok();
    let answer = ask(&mut stream, request).unwrap_or_default();
    Exchange { from, reaction: Reaction::Answered, error: String::new(), answer }
}

fn ask(stream: &mut TcpStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let Request { host, path, .. } = request;
    let question = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json, */*\r\n\
         User-Agent: pogu\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(question.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while answer.len() < ANSWER_BYTES_MAX && !is_whole(&answer) {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => answer.extend(part.iter().take(length)),
            // What came until then is the answer.
            Err(_) => break,
        }
    }
    Ok(answer)
}

pub(crate) fn udp(to: SocketAddr) -> Exchange {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let opened = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(to)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(socket)
    });
    let socket = match opened {
        Ok(socket) => socket,
        Err(error) => return Exchange::failed(None, &error),
    };
    let from = socket.local_addr().ok();
    let mut datagram = vec![0; ANSWER_BYTES_MAX];
    match socket.send(b"pogu").and_then(|_| socket.recv(&mut datagram)) {
        Ok(length) => {
            datagram.truncate(length);
            Exchange { from, reaction: Reaction::Answered, error: String::new(), answer: datagram }
        }
        Err(error) => Exchange::failed(from, &error),
    }
}
