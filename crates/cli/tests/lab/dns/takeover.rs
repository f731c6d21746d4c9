//! Is a question lost when an agent takes another's place, or leaves it?

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use host::netns::Netns;
use rustix::process::{Pid, Signal, kill_process};

use super::client::{TIMEOUT, await_all, id_of, question, udp};
use super::{NODES, is_asked_directly, names_lab, server};
use crate::rig::Lab;

const WEB: &str = "web.shop.svc.cluster.local";

/// Questions each second, of all clients together.
const RATE: u32 = 5_000;
/// Two of each family.
const CLIENTS: u32 = 4;
/// Before, between and after successors: a second's.
const QUESTIONS_BETWEEN: usize = 5_000;

struct Load {
    is_over: AtomicBool,
    asked: AtomicUsize,
}

impl Load {
    /// Ends when the test does, however it does: whoever waits for clients that never end shows nothing.
    fn until_the_end(&self) -> impl Drop + '_ {
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        End(&self.is_over)
    }

    /// Waits for the time of the next question; whether there is one.
    fn goes_on(&self, next: &mut std::time::Instant) -> bool {
        *next += Duration::from_secs(1) * CLIENTS / RATE;
        host::clock::pause(next.saturating_duration_since(host::clock::monotonic()));
        self.asked.fetch_add(1, Ordering::Relaxed);
        !self.is_over.load(Ordering::Relaxed)
    }

    fn wait(&self, lab: &Lab) {
        let until = self.asked.load(Ordering::Relaxed) + QUESTIONS_BETWEEN;
        lab.await_that("the load stands still", |_| self.asked.load(Ordering::Relaxed) >= until);
    }
}

/// How many were never answered.
fn by_udp(pod: &Netns, family: usize, load: &Load) -> usize {
    let socket = udp(pod, server(family));
    let mut awaited = BTreeMap::new();
    let mut next = host::clock::monotonic();
    let (mut id, mut buffer) = (0_u16, [0; 512]);
    while load.goes_on(&mut next) {
        id = id.wrapping_add(1);
        awaited.insert(id, "A");
        socket.send(&question(id, WEB, "A")).unwrap();
        socket.set_nonblocking(true).unwrap();
        while let Ok(length) = socket.recv(&mut buffer) {
            awaited.remove(&id_of(&buffer[..length]));
        }
        socket.set_nonblocking(false).unwrap();
    }
    await_all(&socket, awaited).len()
}

/// One question after another on one stream; those that never got an answer, for which the stream must
/// have been closed.
fn by_tcp(pod: &Netns, family: usize, load: &Load) -> usize {
    let open = || {
        let stream = pod.run(|| TcpStream::connect_timeout(&server(family), TIMEOUT)).unwrap();
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let mut stream = open();
    let mut next = host::clock::monotonic();
    let (mut id, mut lost) = (0_u16, 0);
    while load.goes_on(&mut next) {
        id = id.wrapping_add(1);
        let message = question(id, WEB, "A");
        let mut frame = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(message);
        let mut ask = || -> std::io::Result<bool> {
            stream.write_all(&frame)?;
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut answer = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut answer)?;
            Ok(id_of(&answer) == id)
        };
        if !matches!(ask(), Ok(true)) {
            lost += 1;
            stream = open();
        }
    }
    lost
}

/// A second agent on the node, as the first one was started; it ends with the lab.
fn successor(lab: &Lab, node: usize) -> Child {
    let status = lab.status()["nodes"][node].clone();
    let words = fs::read_to_string(format!("/proc/{}/cmdline", status["agentPid"])).unwrap();
    let words: Vec<&str> = words.trim_end_matches('\0').split('\0').collect();
    let who = format!("node/{}", status["name"].as_str().unwrap());
    let mut args = vec!["lab", "exec", &who, "--", env!("CARGO_BIN_EXE_pogu")];
    args.extend(&words[1..]);
    args.push("--take-over");
    let mut command = lab.command(&args);
    let log = fs::File::create(lab.path("successor.log")).unwrap();
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

#[test]
fn no_question_is_lost_when_a_successor_takes_over_under_load() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    let pod = lab.netns("pod.shop.one");
    let first = lab.status()["nodes"][0]["agentPid"].as_u64().unwrap();
    let load = Load { is_over: AtomicBool::new(false), asked: AtomicUsize::new(0) };
    let (lost, mut second) = thread::scope(|scope| {
        let (pod, load) = (&pod, &load);
        let _end = load.until_the_end();
        let udp = [0, 1].map(|family| scope.spawn(move || by_udp(pod, family, load)));
        let tcp = [0, 1].map(|family| scope.spawn(move || by_tcp(pod, family, load)));
        load.wait(&lab);
        let second = successor(&lab, 0);
        lab.await_that("the first agent goes on", |_| {
            let status = fs::read_to_string(format!("/proc/{first}/stat"));
            status.is_ok_and(|text| text.contains(") Z "))
                || !fs::exists(format!("/proc/{first}")).unwrap()
        });
        load.wait(&lab);
        load.is_over.store(true, Ordering::Relaxed);
        let lost: Vec<usize> =
            udp.into_iter().chain(tcp).map(|client| client.join().unwrap()).collect();
        (lost, second)
    });
    let log = fs::read_to_string(lab.path("successor.log")).unwrap();
    let is_running = second.try_wait().unwrap().is_none();
    drop(lab);
    second.wait().unwrap();
    assert!(is_running, "{log}");
    assert_eq!(lost, [0; 4], "{log}");
}

#[test]
fn no_datagram_is_lost_when_an_agent_ends_and_begins_under_load() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    let pod = lab.netns("pod.shop.one");
    let load = Load { is_over: AtomicBool::new(false), asked: AtomicUsize::new(0) };
    let lost = thread::scope(|scope| {
        let (pod, load) = (&pod, &load);
        let _end = load.until_the_end();
        let clients = [0, 1, 0, 1].map(|family| scope.spawn(move || by_udp(pod, family, load)));
        load.wait(&lab);
        let pid = i32::try_from(lab.status()["nodes"][0]["agentPid"].as_u64().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        // Another agent answers meanwhile.
        lab.await_that("the agent is not back", |lab| {
            lab.status()["nodes"][0]["agentRestarts"] == 1 && is_asked_directly(lab, NODES[0])
        });
        load.wait(&lab);
        load.is_over.store(true, Ordering::Relaxed);
        clients.map(|client| client.join().unwrap())
    });
    assert_eq!(lost, [0; 4]);
}
