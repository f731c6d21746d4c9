//! Where does a program that watches a cluster read the objects?
//!
//! The least that a client for Kubernetes is content with: each kind is listed whole, and nothing ever
//! changes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use super::records::Objects;

const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Lines of a request's head.
const LINES_MAX: usize = 100;

/// Answers until it is told to stop, and until those who asked have closed their connections.
pub(crate) fn serve(listener: &TcpListener, objects: &Objects, stop: &AtomicBool) -> Result<()> {
    thread::scope(|scope| {
        while !stop.load(Ordering::Relaxed) {
            let ready = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&PAUSE))?;
            if ready > 0 {
                let (stream, _) = listener.accept().context("accept")?;
                // A client that went away needs no answer.
                scope.spawn(move || answer_all(stream, objects).ok());
            }
        }
        Ok(())
    })
}

fn answer_all(stream: TcpStream, objects: &Objects) -> Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(target) = request(&mut reader)? {
        let (path, parameters) = target.split_once('?').unwrap_or((&target, ""));
        let list = list(path, objects);
        let is_watch = parameters.split('&').any(|it| it == "watch=true" || it == "watch=1");
        let wants_list = parameters.split('&').any(|it| it == "sendInitialEvents=true");
        let stream = reader.get_mut();
        match list {
            Some(_) if is_watch && !wants_list => {
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                      Transfer-Encoding: chunked\r\n\r\n",
                )?;
            }
            // Clients that would get the list by watching then ask for it in the old way.
            Some(_) if is_watch => respond(stream, "422 Unprocessable Entity", &status(422))?,
            Some(list) => respond(stream, "200 OK", &list)?,
            None => respond(stream, "404 Not Found", &status(404))?,
        }
    }
    Ok(())
}

/// What the next request asks for; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let mut first = String::new();
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if first.is_empty() {
            first = line;
        } else if line.trim_end().is_empty() {
            break;
        }
    }
    let target = first.split_whitespace().nth(1).context("no target in a request")?;
    Ok(Some(target.to_owned()))
}

fn respond(stream: &mut TcpStream, status: &str, body: &Value) -> Result<()> {
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body.as_bytes())?;
    Ok(())
}

fn status(code: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code})
}

/// All objects of the kind that is at this path.
fn list(path: &str, objects: &Objects) -> Option<Value> {
    let (version, kind, items) = match path {
        "/api/v1/namespaces" => ("v1", "NamespaceList", &objects.namespaces),
        "/api/v1/services" => ("v1", "ServiceList", &objects.services),
        "/apis/discovery.k8s.io/v1/endpointslices" => {
            ("discovery.k8s.io/v1", "EndpointSliceList", &objects.slices)
        }
        _ => return None,
    };
    let metadata = json!({"resourceVersion": "1"});
    Some(json!({"apiVersion": version, "kind": kind, "metadata": metadata, "items": items}))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::Shutdown;

    use super::*;

    /// What is answered to a connection with these requests, each answer's head line and its body.
    fn answers(targets: &[&str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (objects, stop) = (Objects::new(2, 1), AtomicBool::new(false));
        thread::scope(|scope| {
            let serving = scope.spawn(|| serve(&listener, &objects, &stop));
            let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            for target in targets {
                write!(stream, "GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n").unwrap();
            }
            stream.shutdown(Shutdown::Write).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            stop.store(true, Ordering::Relaxed);
            serving.join().unwrap().unwrap();
            text
        })
    }

    #[test]
    fn every_kind_is_listed_whole_on_one_connection() {
        let paths = ["/api/v1/namespaces", "/apis/discovery.k8s.io/v1/endpointslices?limit=500"];
        let text = answers(&paths);
        let names: Vec<Vec<String>> = text
            .split("\r\n\r\n")
            .skip(1)
            .map(|body| {
                let body = body.split("HTTP/1.1").next().unwrap_or_default();
                let list: Value = serde_json::from_str(body).unwrap();
                let items = list["items"].as_array().unwrap();
                items.iter().map(|it| it["metadata"]["name"].to_string()).collect()
            })
            .collect();
        let slices = ["crew", "service-0", "service-1"]
            .iter()
            .flat_map(|name| ["ipv4", "ipv6"].map(|family| format!("\"{name}-{family}\"")))
            .collect();
        assert_eq!(names, [vec!["\"default\"".to_owned()], slices]);
    }

    #[test]
    fn a_watch_is_silent_and_other_paths_are_absent() {
        let heads = |targets: &[&str]| {
            answers(targets)
                .lines()
                .filter_map(|line| line.find("HTTP/1.1").and_then(|at| line.get(at..)))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let targets = [
            "/api/v1/pods",
            "/api/v1/services?sendInitialEvents=true&watch=true",
            "/api/v1/services?watch=true",
        ];
        assert_eq!(
            heads(&targets),
            ["HTTP/1.1 404 Not Found", "HTTP/1.1 422 Unprocessable Entity", "HTTP/1.1 200 OK"]
        );
    }
}
