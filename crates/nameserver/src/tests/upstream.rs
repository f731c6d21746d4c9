//! An upstream that answers as a test says.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{SOON, framed};

/// What is answered to a name: an address, now or when the test says.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Now(&'static str),
    /// By a stream only: the datagram's answer is cut.
    Cut(&'static str),
    /// Not before the test lets it go.
    Held(&'static str),
    Never,
}

type Answers = BTreeMap<&'static str, Answer>;

/// Listens by both transports at one port of the loopback, until the test's process ends.
#[derive(Debug)]
pub(super) struct FakeUpstream {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    held: Arc<Mutex<Vec<Sender<()>>>>,
}

impl FakeUpstream {
    pub(super) fn new(answers: &[(&'static str, Answer)]) -> Self {
        let (datagrams, listener) = both();
        let address = datagrams.local_addr().unwrap();
        let upstream = Self { address, asked: Arc::default(), held: Arc::default() };
        let script = Script {
            answers: Arc::new(answers.iter().cloned().collect()),
            asked: Arc::clone(&upstream.asked),
            held: Arc::clone(&upstream.held),
        };
        let by_stream = script.clone();
        std::thread::spawn(move || script.serve_datagrams(&datagrams));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, stream) = (by_stream.clone(), stream.unwrap());
                std::thread::spawn(move || script.serve_stream(stream));
            }
        });
        upstream
    }

    /// Speaks TLS with each client, and nothing else.
    pub(super) fn with_tls(answers: &[(&'static str, Answer)], config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = Self { address, asked: Arc::default(), held: Arc::default() };
        let script = Script {
            answers: Arc::new(answers.iter().cloned().collect()),
            asked: Arc::clone(&upstream.asked),
            held: Arc::clone(&upstream.held),
        };
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, config) = (script.clone(), Arc::clone(&config));
                std::thread::spawn(move || {
                    let session = ServerConnection::new(config).unwrap();
                    script.serve_in_turn(StreamOwned::new(session, stream.unwrap()));
                });
            }
        });
        upstream
    }

    /// The names that it was asked, in order, those of the server's own probes left out.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn release(&self) {
        for one in self.held.lock().unwrap().drain(..) {
            one.send(()).unwrap();
        }
    }
}

fn both() -> (UdpSocket, TcpListener) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(datagrams) = UdpSocket::bind(listener.local_addr().unwrap()) {
            return (datagrams, listener);
        }
    }
}

#[derive(Debug, Clone)]
struct Script {
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<String>>>,
    held: Arc<Mutex<Vec<Sender<()>>>>,
}

impl Script {
    /// What is answered to a message, and what must happen first.
    fn answer(&self, message: &[u8], is_stream: bool) -> Option<(Vec<u8>, Option<Receiver<()>>)> {
        let question = Message::from_vec(message).unwrap();
        let name = question.queries[0].name().clone();
        let Some(answer) = self.answers.get(&*name.to_ascii()) else {
            let mut denied = question.into_response();
            denied.metadata.response_code = hickory_proto::op::ResponseCode::NXDomain;
            return Some((denied.to_vec().unwrap(), None));
        };
        self.asked.lock().unwrap().push(name.to_ascii());
        let mut reply = question.into_response();
        reply.metadata.recursion_available = true;
        let mut wait = None;
        let address = match answer {
            Answer::Cut(_) if !is_stream => {
                reply.metadata.truncation = true;
                return Some((reply.to_vec().unwrap(), None));
            }
            Answer::Now(address) | Answer::Cut(address) => address,
            Answer::Held(address) => {
                let (sender, receiver) = channel();
                self.held.lock().unwrap().push(sender);
                wait = Some(receiver);
                address
            }
            Answer::Never => return None,
        };
        reply.add_answer(Record::from_rdata(name, 60, RData::A(A(address.parse().unwrap()))));
        Some((reply.to_vec().unwrap(), wait))
    }

    #[expect(clippy::infinite_loop, reason = "it ends with the process")]
    fn serve_datagrams(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4_096];
        loop {
            let (len, client) = socket.recv_from(&mut buffer).unwrap();
            let Some((answer, wait)) = self.answer(&buffer[..len], false) else { continue };
            let socket = socket.try_clone().unwrap();
            std::thread::spawn(move || {
                if wait.is_none_or(|it| it.recv_timeout(SOON).is_ok()) {
                    // Who asked may have closed the socket.
                    drop(socket.send_to(&answer, client));
                }
            });
        }
    }

    /// One question after the other.
    fn serve_in_turn(&self, mut stream: impl std::io::Read + std::io::Write) {
        while let Some(message) = next_message(&mut stream) {
            if let Some((answer, _)) = self.answer(&message, true) {
                stream.write_all(&framed(&answer)).unwrap();
                stream.flush().unwrap();
            }
        }
    }

    fn serve_stream(&self, mut stream: TcpStream) {
        while let Some(message) = next_message(&mut stream) {
            let Some((answer, wait)) = self.answer(&message, true) else { continue };
            let mut stream = stream.try_clone().unwrap();
            std::thread::spawn(move || {
                if wait.is_none_or(|it| it.recv_timeout(SOON).is_ok()) {
                    drop(stream.write_all(&framed(&answer)));
                }
            });
        }
    }
}

/// The next message of a stream; `None` at its end.
fn next_message(stream: &mut impl std::io::Read) -> Option<Vec<u8>> {
    let mut len = [0; 2];
    stream.read_exact(&mut len).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut message).expect("what was announced comes");
    Some(message)
}
