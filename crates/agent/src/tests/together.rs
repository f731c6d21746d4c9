//! Does everything around a core start with it and end with it?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::answers::config;
use super::cluster::SHOP;
use super::{PATIENCE, ask};
use crate::config::{Config, ObjectSource};
use crate::event::Event;
use crate::failure::Failure;
use crate::run::run_with;

/// A folder with manifests and a socket, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pogu-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("shop.yaml"), SHOP).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("agent.sock")
    }

    fn config(&self) -> Config {
        let any_port = "--healthz-bind-address 127.0.0.1:0 --metrics-bind-address none";
        let config = config(&format!("{any_port} --socket {}", self.socket().display()));
        Config { source: ObjectSource::Folder(self.0.clone()), ..config }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_core_gets_the_objects_and_its_end_is_the_end_of_all() {
    let place = Place::new("together");
    let socket = place.socket();
    let ended = run_with(place.config(), |side| {
        let mut kinds = Vec::new();
        loop {
            let Ok(Event::Objects(events)) = side.events.recv_timeout(PATIENCE) else {
                panic!("no objects came");
            };
            kinds.extend(events.iter().map(|event| {
                if let watch::Event::Applied(object) = event {
                    object.kind().to_string()
                } else {
                    format!("{event:?}")
                }
            }));
            if kinds.last().is_some_and(|kind| kind == "Synced") {
                break;
            }
        }
        assert_eq!(kinds, ["Service", "Service", "EndpointSlice", "Synced"]);
        let mode = fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let answer = ask(UnixStream::connect(&socket).unwrap(), "GET /v1/services");
        assert_eq!(answer.split_once("\n\n").unwrap().1, "[]\n");
        Ok(())
    });
    assert_eq!(ended.map_err(|failure| failure.to_string()), Ok(()));
    assert!(!place.socket().exists(), "the socket is gone with the agent");
}

#[test]
fn what_the_core_fails_of_is_what_is_returned() {
    let place = Place::new("fails");
    let ended = run_with(place.config(), |_side| Err(Failure::Dataplane("no table".to_owned())));
    assert_eq!(ended.map_err(|failure| failure.to_string()), Err("no table".to_owned()));
}

#[test]
fn a_socket_that_answers_is_left_alone_and_a_dead_one_replaced() {
    let place = Place::new("socket");
    drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
    let ended = run_with(place.config(), |_side| {
        let second = run_with(place.config(), |_side| Ok(()));
        let expected = format!("another agent answers on the socket: {}", place.socket().display());
        assert_eq!(second.map_err(|failure| failure.to_string()), Err(expected));
        Ok(())
    });
    assert_eq!(ended.map_err(|failure| failure.to_string()), Ok(()));
}

#[test]
fn an_address_that_is_taken_is_named_with_its_flag() {
    let place = Place::new("taken");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = crate::config::Listen { address, required: true };
    let config = Config { metrics: vec![listen], ..place.config() };
    let failure = run_with(config, |_side| Ok(())).unwrap_err();
    assert_eq!(
        (failure.to_string(), failure.hint()),
        (
            format!(
                "cannot listen for /metrics on {address}: Address already in use (os error 98)"
            ),
            Some(
                "another program has the port (kube-proxy?); \
                 choose another with --metrics-bind-address"
                    .to_owned()
            ),
        )
    );
}
