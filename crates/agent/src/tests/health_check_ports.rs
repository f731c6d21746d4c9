//! Are health check ports opened, moved, closed, and tried again?

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use tokio::sync::watch;

use super::answers::config;
use super::cluster::{SHOP, applied, published};
use super::{PATIENCE, try_ask};
use crate::event::Event;
use crate::health_check_ports::HealthCheckPorts;
use crate::published::Publisher;
use crate::site::View;

/// Each test has an address of its own, so that nobody else has its ports.
struct Node {
    address: &'static str,
    publisher: Publisher,
    events: Receiver<Event>,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Node {
    fn new(address: &'static str, port: u16) -> Self {
        let (publisher, published) = watch::channel(Arc::new(shop(address, port)));
        let (sender, events) = sync_channel(4);
        let (stop, stop_ports) = watch::channel(false);
        let view = View {
            config: Arc::new(config("")),
            published,
            dns: None,
            api_server: None,
            announced: None,
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(HealthCheckPorts::new(view, sender).run(stop_ports));
        });
        Self { address, publisher, events, stop, thread: Some(thread) }
    }

    fn move_to(&self, port: u16) {
        self.publisher.send_replace(Arc::new(shop(self.address, port)));
    }

    /// Waits until the port answers so.
    #[track_caller]
    fn wait(&self, port: u16, expected: Option<&str>) {
        let address: SocketAddr = format!("{}:{port}", self.address).parse().unwrap();
        let found = wait_for(|| {
            let status = match TcpStream::connect(address) {
                // A port that closes resets what was not yet accepted.
                Ok(stream) => match try_ask(stream, "GET /") {
                    Ok(answer) => answer.lines().next().map(str::to_owned),
                    Err(error) => Some(error.to_string()),
                },
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => None,
                Err(error) => panic!("cannot connect to {address}: {error}"),
            };
            (status.as_deref() == expected).then_some(()).ok_or(status)
        });
        assert_eq!(found, Ok(()), "expected {expected:?} on port {port}");
    }

    fn rejections(&self) -> Vec<String> {
        let Event::HealthCheckPorts(rejections) = self.events.recv_timeout(PATIENCE).unwrap()
        else {
            panic!("only health check ports are told");
        };
        rejections.iter().map(ToString::to_string).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Tries until it succeeds or the patience ends; gives the last failure then.
#[expect(clippy::disallowed_methods, reason = "a deadline in real time")]
fn wait_for<T, E>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(_) if Instant::now() < deadline => std::thread::yield_now(),
            ended => return ended,
        }
    }
}

fn shop(address: &str, port: u16) -> crate::published::Published {
    published(&SHOP.replace("31000", &port.to_string()), address, applied())
}

#[test]
fn a_port_moves_and_the_old_one_closes() {
    let node = Node::new("127.0.71.1", 31_001);
    node.wait(31_001, Some("HTTP/1.1 200 OK"));
    node.move_to(31_002);
    node.wait(31_002, Some("HTTP/1.1 200 OK"));
    node.wait(31_001, None);
    node.publisher.send_replace(Arc::new(published("", node.address, applied())));
    node.wait(31_002, None);
}

#[test]
fn a_port_that_is_taken_is_rejected_and_tried_again() {
    let taken = TcpListener::bind("127.0.71.2:31001").unwrap();
    let node = Node::new("127.0.71.2", 31_001);
    assert_eq!(
        node.rejections(),
        ["Service shop/web spec.healthCheckNodePort: cannot listen on 127.0.71.2:31001: \
          Address already in use (os error 98); it is tried again"]
    );
    drop(taken);
    assert_eq!(node.rejections(), [""; 0]);
    node.wait(31_001, Some("HTTP/1.1 200 OK"));
}

#[test]
fn the_first_of_two_services_has_the_port() {
    let node = Node::new("127.0.71.3", 31_001);
    let other = SHOP.replace("name: web", "name: zeb").replace("10.96.0.1", "10.96.1.1");
    let both = format!("{SHOP}---{other}").replace("31000", "31001");
    node.publisher.send_replace(Arc::new(published(&both, node.address, applied())));
    assert_eq!(
        node.rejections(),
        ["Service shop/zeb spec.healthCheckNodePort: 31001 is already the health check port of \
          Service shop/web; give one of the two another port"]
    );
    node.wait(31_001, Some("HTTP/1.1 200 OK"));
}
