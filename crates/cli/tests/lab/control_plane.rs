//! What does somebody see who uses the API server of a lab?

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use testkit::control_plane::ControlPlane;

/// An object as the API server has it.
pub(crate) fn get(control_plane: &ControlPlane, words: &str) -> Value {
    serde_json::from_str(&control_plane.kubectl(&format!("get {words} -o json"))).unwrap()
}

/// The names of all objects of a kind.
pub(crate) fn names(control_plane: &ControlPlane, words: &str) -> Vec<String> {
    let all = control_plane.kubectl(&format!("get {words} -o name"));
    all.lines().map(str::to_owned).collect()
}

/// Leads to a port of a pod, for as long as it lives.
pub(crate) struct Forward {
    child: Child,
    pub(crate) port: u16,
    /// It tells of each connection, and ends when nobody listens.
    _out: BufReader<ChildStdout>,
}

impl Forward {
    pub(crate) fn to(control_plane: &ControlPlane, pod: &str, port: u16) -> Self {
        let words = ["port-forward", pod, &format!(":{port}")];
        let mut child = kubectl(control_plane).args(words).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        // Forwarding from 127.0.0.1:40000 -> 80
        let (_, rest) = line.split_once("127.0.0.1:").unwrap();
        let (port, _) = rest.split_once(' ').unwrap();
        Self { child, port: port.parse().unwrap(), _out: out }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a container writes first to somebody who has just attached to it.
pub(crate) fn first_attached_line(control_plane: &ControlPlane, container: &str) -> String {
    let mut command = kubectl(control_plane);
    let mut child = command.arg("attach").args(container.split(' ')).spawn().unwrap();
    let mut line = String::new();
    let read = BufReader::new(child.stdout.take().unwrap()).read_line(&mut line);
    child.kill().unwrap();
    child.wait().unwrap();
    read.unwrap();
    line
}

/// Somebody who is attached to a pod and may say something, for as long as it lives.
pub(crate) struct Attached {
    child: Child,
    out: BufReader<ChildStdout>,
}

pub(crate) fn attached(control_plane: &ControlPlane, pod: &str) -> Attached {
    let mut command = kubectl(control_plane);
    let mut child =
        command.args(["attach", "-i", "-q", pod]).stdin(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    Attached { child, out }
}

impl Attached {
    pub(crate) fn tell(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One that goes on until it is killed.
#[expect(clippy::disallowed_methods, reason = "runs kubectl")]
fn kubectl(control_plane: &ControlPlane) -> Command {
    let mut command = Command::new(control_plane.program().with_file_name("kubectl"));
    command.arg("--kubeconfig").arg(control_plane.admin()).env("HOME", control_plane.state());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}
