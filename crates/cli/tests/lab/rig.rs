//! A lab that goes when the test ends, and clients in it.
#![expect(
    clippy::unwrap_in_result,
    reason = "a client's failure is an outcome; others end the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use host::netns::Netns;
use serde_json::Value;

/// So long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A client's.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Lab {
    pub(crate) name: String,
    folder: PathBuf,
}

/// Who answered, and whom it saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) pod: String,
    pub(crate) client: IpAddr,
}

/// A name that no other lab of the tests has, at the same time or before.
pub(crate) fn fresh_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Lab {
    /// Waits until all of it is ready.
    pub(crate) fn up(manifests: &str, flags: &[&str]) -> Self {
        let lab = Self::named(fresh_name());
        lab.write("app.yaml", manifests);
        let folder = lab.folder.display().to_string();
        let mut args = vec!["lab", "up", "--detach", "-f", &folder];
        args.extend(flags);
        let output = lab.pogu(&args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        lab
    }

    /// Nothing but a name and a folder yet.
    pub(crate) fn named(name: String) -> Self {
        let folder = std::env::temp_dir().join(format!("pogu-lab-{name}"));
        fs::create_dir_all(&folder).unwrap();
        Self { name, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "runs the program under test")]
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pogu"));
        command.args(args).env("POGU_LAB", &self.name).env_remove("POGU_SOCKET");
        command
    }

    pub(crate) fn pogu(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that must succeed says.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        let output = self.pogu(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.says(&["lab", "status", "-o", "json"])).unwrap()
    }

    pub(crate) fn pods(&self) -> Vec<Value> {
        self.status()["pods"].as_array().unwrap().clone()
    }

    pub(crate) fn netns(&self, role: &str) -> Netns {
        Netns::open(&format!("pogu.{}.{role}", self.name)).unwrap()
    }

    /// Waits until the lab's own process, which was killed, has let go of the lab.
    pub(crate) fn await_lost(&self) {
        let is_lost = |lab: &Self| !lab.pogu(&["lab", "status"]).status.success();
        self.await_that("the lab still answers", is_lost);
    }

    /// Waits for a condition.
    #[expect(clippy::disallowed_methods, reason = "a deadline for what must come")]
    pub(crate) fn await_that(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            if Instant::now() >= deadline {
                let status = self.pogu(&["lab", "status"]);
                panic!("{what}: {}", String::from_utf8_lossy(&status.stdout));
            }
            host::clock::pause(Duration::from_millis(20));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let output = self.pogu(&["lab", "down"]);
        fs::remove_dir_all(&self.folder).unwrap();
        if !std::thread::panicking() {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Asks by TCP from a namespace: the built-in server's line.
pub(crate) fn ask_tcp(from: &Netns, target: SocketAddr) -> Result<Answer, String> {
    ask_tcp_within(TIMEOUT, from, target)
}

pub(crate) fn ask_tcp_within(
    timeout: Duration,
    from: &Netns,
    target: SocketAddr,
) -> Result<Answer, String> {
    from.run(|| {
        let mut stream =
            TcpStream::connect_timeout(&target, timeout).map_err(|it| it.to_string())?;
        stream.set_read_timeout(Some(timeout)).map_err(|it| it.to_string())?;
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            match stream.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                Ok(_) => return Err("closed".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
        answer(&line)
    })
    .unwrap()
}

pub(crate) fn ask_udp(from: &Netns, target: SocketAddr) -> Result<Answer, String> {
    ask_udp_within(TIMEOUT, from, target)
}

pub(crate) fn ask_udp_within(
    timeout: Duration,
    from: &Netns,
    target: SocketAddr,
) -> Result<Answer, String> {
    let any: SocketAddr = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
    from.run(|| {
        let socket = UdpSocket::bind(any).map_err(|it| it.to_string())?;
        socket.connect(target).map_err(|it| it.to_string())?;
        socket.set_read_timeout(Some(timeout)).map_err(|it| it.to_string())?;
        socket.send(b"ahoy").map_err(|it| it.to_string())?;
        let mut datagram = [0; 4096];
        let length = socket.recv(&mut datagram).map_err(|it| it.to_string())?;
        answer(&datagram[..length])
    })
    .unwrap()
}

fn answer(line: &[u8]) -> Result<Answer, String> {
    let value: Value = serde_json::from_slice(line).map_err(|it| it.to_string())?;
    let client: SocketAddr = value["client"].as_str().unwrap().parse().unwrap();
    Ok(Answer { pod: value["pod"].as_str().unwrap().to_owned(), client: client.ip() })
}

/// One request of HTTP: status and body.
pub(crate) fn http(
    from: &Netns,
    method: &str,
    target: SocketAddr,
    path: &str,
) -> Result<(u16, String), String> {
    from.run(|| {
        let mut stream = TcpStream::connect_timeout(&target, TIMEOUT).map_err(|it| it.to_string())?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(|it| it.to_string())?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).map_err(|it| it.to_string())?;
        let mut text = String::new();
        stream.read_to_string(&mut text).map_err(|it| it.to_string())?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        Ok((status.ok_or("no status")?, body.to_owned()))
    })
    .unwrap()
}

/// Each of two endpoints is missed by so many connections once in ten million times.
pub(crate) const MANY: usize = 24;

/// The answers of many connections; an error is one of them.
pub(crate) fn many(ask: impl Fn() -> Result<Answer, String>) -> BTreeSet<Result<Answer, String>> {
    (0..MANY).map(|_| ask()).collect()
}
