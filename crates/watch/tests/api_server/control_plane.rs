//! A control plane of a test's own, and somebody who uses it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use watch::Access;

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
            write(&format!("skipped: {VARIABLE} names no control plane; cargo xtask test does\n"));
            return None;
        };
        Some(Self::start(program))
    }

    fn start(program: PathBuf) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pogu-watch-{}-{number}", std::process::id());
        let state = std::env::temp_dir().join(name);
        let mut supervisor = command(&program)
            .args([Path::new("up"), Path::new("--state"), &state])
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(supervisor.stdout.take().unwrap());
        let lines: Vec<String> =
            out.lines().map(Result::unwrap).take_while(|line| line != "ready").collect();
        assert!(supervisor.try_wait().unwrap().is_none(), "it has ended: {lines:?}");
        Self { program, state, supervisor }
    }

    /// One of its own orders, such as `kill kube-apiserver`.
    pub(crate) fn order(&self, verb: &str, words: &[&str]) -> String {
        let state = self.state.to_str().unwrap();
        run(command(&self.program).args([verb, "--state", state]).args(words), "")
    }

    pub(crate) fn kubectl(&self, words: &str) -> String {
        self.kubectl_with(words, "")
    }

    pub(crate) fn apply(&self, manifests: &str) {
        self.kubectl_with("apply -f -", manifests);
    }

    fn kubectl_with(&self, words: &str, input: &str) -> String {
        let kubectl = self.program.with_file_name("kubectl");
        let config = self.state.join("admin.kubeconfig");
        let mut command = command(&kubectl);
        run(command.arg("--kubeconfig").arg(config).args(words.split(' ')), input)
    }

    /// As somebody who may do everything.
    pub(crate) fn admin(&self) -> Access {
        Access::Kubeconfig { path: self.state.join("admin.kubeconfig"), context: None }
    }

    /// As somebody who may do nothing until it is allowed.
    pub(crate) fn user(&self, name: &str, valid: &str) -> Access {
        let path = self.state.join("user.kubeconfig");
        // Whoever reads it meanwhile finds the old one or the new one.
        let draft = self.state.join("draft.kubeconfig");
        fs::write(&draft, self.order("kubeconfig", &["--user", name, "--valid", valid])).unwrap();
        fs::rename(draft, &path).unwrap();
        Access::Kubeconfig { path, context: None }
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

fn write(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
