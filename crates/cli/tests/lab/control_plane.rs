//! A control plane of a test's own, and somebody who uses it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::rig::fresh_name;

/// Where `cargo xtask test` puts the path of the program.
const VARIABLE: &str = "POGU_CONTROL_PLANE";

pub(crate) struct ControlPlane {
    program: PathBuf,
    state: PathBuf,
    supervisor: Child,
}

impl ControlPlane {
    /// None, with a word why, where there is no program; a failure where there has to be one.
    pub(crate) fn up() -> Option<Self> {
        let Some(program) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
            assert!(std::env::var_os("CI").is_none(), "{VARIABLE} names no control plane");
            let text =
                format!("skipped: {VARIABLE} names no control plane; cargo xtask test does\n");
            std::io::stderr().write_all(text.as_bytes()).unwrap();
            return None;
        };
        Some(Self::start(program))
    }

    fn start(program: PathBuf) -> Self {
        let state = std::env::temp_dir().join(format!("pogu-joined-{}", fresh_name()));
        let mut supervisor = command(&program)
            .args([Path::new("up"), Path::new("--state"), &state])
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(supervisor.stdout.take().unwrap());
        let lines: Vec<String> =
            out.lines().map(Result::unwrap).take_while(|line| line != "ready").collect();
        assert!(supervisor.try_wait().unwrap().is_none(), "it has ended: {lines:?}");
        Self { program, state, supervisor }
    }

    /// One of its own orders, such as `kill kube-apiserver`.
    pub(crate) fn order(&self, verb: &str, component: &str) {
        let state = self.state.to_str().unwrap();
        run(command(&self.program).args([verb, "--state", state, component]), "");
    }

    pub(crate) fn kubectl(&self, words: &str) -> String {
        run(self.kubectl_command().args(words.split(' ')), "")
    }

    pub(crate) fn apply(&self, manifests: &str) {
        run(self.kubectl_command().args(["apply", "-f", "-"]), manifests);
    }

    /// An object as the API server has it.
    pub(crate) fn get(&self, words: &str) -> Value {
        serde_json::from_str(&self.kubectl(&format!("get {words} -o json"))).unwrap()
    }

    /// The names of all objects of a kind.
    pub(crate) fn names(&self, words: &str) -> Vec<String> {
        let all = self.kubectl(&format!("get {words} -o name"));
        all.lines().map(str::to_owned).collect()
    }

    /// A port of this machine that leads to one of the pod, for as long as the value lives.
    pub(crate) fn forward(&self, pod: &str, port: u16) -> (u16, Forward) {
        let mut command = self.kubectl_command();
        command.args(["port-forward", pod, &format!(":{port}")]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        // Forwarding from 127.0.0.1:40000 -> 80
        let (_, rest) = line.split_once("127.0.0.1:").unwrap();
        let (port, _) = rest.split_once(' ').unwrap();
        (port.parse().unwrap(), Forward { child, _out: out })
    }

    fn kubectl_command(&self) -> Command {
        let mut command = command(&self.program.with_file_name("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.state.join("admin.kubeconfig")
    }
}

pub(crate) struct Forward {
    child: Child,
    /// It tells of each connection, and ends when nobody listens.
    _out: BufReader<ChildStdout>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        drop(self.supervisor.wait());
        drop(fs::remove_dir_all(&self.state));
    }
}

fn run(command: &mut Command, input: &str) -> String {
    let all = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = all.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {err}");
    String::from_utf8(output.stdout).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "runs the control plane and kubectl")]
fn command(program: &Path) -> Command {
    Command::new(program)
}
