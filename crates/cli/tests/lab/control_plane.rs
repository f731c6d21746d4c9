//! What does somebody see who uses the API server of a lab?

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
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
    #[expect(clippy::disallowed_methods, reason = "runs kubectl")]
    pub(crate) fn to(control_plane: &ControlPlane, pod: &str, port: u16) -> Self {
        let program = PathBuf::from(std::env::var_os("POGU_CONTROL_PLANE").unwrap());
        let mut command = Command::new(program.with_file_name("kubectl"));
        command.arg("--kubeconfig").arg(control_plane.admin());
        command.args(["port-forward", pod, &format!(":{port}")]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
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
