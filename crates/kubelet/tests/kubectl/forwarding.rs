//! Does kubectl forward connections to a pod?

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;

use super::control_plane::{WAYS, Way};
use super::node::Node;

struct Forwarding {
    kubectl: Child,
    /// Where it listens.
    port: u16,
    /// Kept open: kubectl goes on telling.
    _told: BufReader<ChildStdout>,
}

impl Forwarding {
    fn start(node: &Node, way: Way, port: u16) -> Self {
        let mut kubectl = node
            .control_plane
            .kubectl_command(way)
            .args(["port-forward", "--address", "127.0.0.1", way.pod(), &format!(":{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(kubectl.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        // Forwarding from 127.0.0.1:40000 -> 8080
        let local = line.split([':', ' ']).nth(3).and_then(|port| port.parse().ok());
        let port = local.unwrap_or_else(|| panic!("{line}"));
        Self { kubectl, port, _told: told }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        drop(self.kubectl.kill());
        drop(self.kubectl.wait());
    }
}

/// Says hello to each client, and at its end what it has heard.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.write_all(b"hello\n").unwrap();
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).unwrap();
                stream.write_all(&heard).unwrap();
            });
        }
    });
    port
}

fn words(stream: &mut TcpStream, count: usize) -> String {
    let mut all = vec![0; count];
    stream.read_exact(&mut all).unwrap();
    String::from_utf8(all).unwrap()
}

#[test]
fn kubectl_port_forward_carries_connections_each_way() {
    let Some(node) = Node::up() else { return };
    let port = server();
    for way in WAYS {
        let forwarding = Forwarding::start(&node, way, port);
        let (mut first, mut second) = (forwarding.connect(), forwarding.connect());
        let greetings = [words(&mut second, 6), words(&mut first, 6)];
        let sent = "x".repeat(2_000_000);
        second.write_all(sent.as_bytes()).unwrap();
        // The server answers only once it has heard this end.
        second.shutdown(Shutdown::Write).unwrap();
        let mut echoed = String::new();
        second.read_to_string(&mut echoed).unwrap();
        // The other connection lives on.
        first.write_all(b"bye").unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        let mut farewell = String::new();
        first.read_to_string(&mut farewell).unwrap();
        assert_eq!(
            (way, greetings, echoed == sent, &*farewell),
            (way, ["hello\n".to_owned(), "hello\n".to_owned()], true, "bye")
        );
    }
}

#[test]
fn a_port_where_nobody_listens_is_told_of() {
    let Some(node) = Node::up() else { return };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for way in WAYS {
        let mut forwarding = Forwarding::start(&node, way, closed);
        let mut found = Vec::new();
        drop(forwarding.connect().read_to_end(&mut found));
        let errors = BufReader::new(forwarding.kubectl.stderr.take().unwrap());
        let wanted = format!(
            "an error occurred forwarding {} -> {closed}: port {closed} of pod default/{}: \
             Connection refused (os error 111)",
            forwarding.port,
            way.pod()
        );
        let line = errors.lines().map(Result::unwrap).find(|line| line.contains("an error"));
        let line = line.unwrap();
        let told = line.split_once("an error").map(|(_, rest)| format!("an error{rest}"));
        let told = told.unwrap().replace('"', "");
        assert_eq!((way, found, told), (way, Vec::new(), wanted));
    }
}
