//! A real control plane of a test's own, and somebody who uses it.
//!
//! The program is `test/control-plane`, which `cargo xtask test` builds.
#![expect(clippy::unwrap_used, reason = "only tests use it, and a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

mod between;

pub use between::Between;

/// Where `cargo xtask test` puts the path of the program.
const VARIABLE: &str = "POGU_CONTROL_PLANE";

/// Ends with this value, and when the test ends in whatever way.
#[derive(Debug)]
pub struct ControlPlane {
    program: PathBuf,
    state: PathBuf,
    supervisor: Child,
    api_servers: u32,
}

/// The kind ServiceImport, as far as a server needs to know it.
pub const SERVICE_IMPORTS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: serviceimports.multicluster.x-k8s.io
  annotations: {api-approved.kubernetes.io: 'https://github.com/kubernetes/enhancements/pull/1'}
spec:
  group: multicluster.x-k8s.io
  scope: Namespaced
  names: {plural: serviceimports, singular: serviceimport, kind: ServiceImport}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

impl ControlPlane {
    /// None, with a word why, where there is no program; a failure where there has to be one.
    #[must_use]
    pub fn up() -> Option<Self> {
        Self::up_with(1, &[])
    }

    /// The same with so many API servers over the same objects, and with more words for `up`.
    ///
    /// What is told below of a kubeconfig and of the audit log is that of the first, `kube-apiserver`;
    /// kubectl and the controllers ask the last. So the first may be away for a program under test
    /// while objects change.
    #[must_use]
    pub fn up_with(api_servers: u32, words: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "{VARIABLE} names no control plane");
            say(&format!("skipped: {VARIABLE} names no control plane; cargo xtask test does\n"));
            return None;
        };
        Some(Self::start(program, api_servers, words))
    }

    fn start(program: PathBuf, api_servers: u32, words: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pogu-{}-{number}", std::process::id());
        let state = std::env::temp_dir().join(name);
        let mut supervisor = command(&program)
            .args([Path::new("up"), Path::new("--state"), &state])
            .args(["--until-stdin-closes", "--api-servers", &api_servers.to_string()])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(supervisor.stdout.take().unwrap());
        let lines: Vec<String> =
            out.lines().map(Result::unwrap).take_while(|line| line != "ready").collect();
        assert!(supervisor.try_wait().unwrap().is_none(), "it has ended: {lines:?}");
        Self { program, state, supervisor, api_servers }
    }

    /// One of its own orders, such as `kill kube-apiserver`.
    pub fn order(&self, verb: &str, words: &[&str]) -> String {
        let state = self.state.to_str().unwrap();
        run(command(&self.program).args([verb, "--state", state]).args(words), "")
    }

    /// Sends a signal to a component, as such as none of the orders does.
    pub fn signal(&self, component: &str, signal: Signal) {
        let status = self.order("status", &[]);
        // Each component's lines: its name, then its process.
        let after = status.split(&format!("\"name\": \"{component}\"")).nth(1).unwrap();
        let pid = after.split("\"pid\": ").nth(1).and_then(|it| it.split(',').next()).unwrap();
        kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), signal).unwrap();
    }

    /// What it prints; that it fails is a failure.
    pub fn kubectl(&self, words: &str) -> String {
        self.kubectl_with(words, "")
    }

    /// Creates objects, or makes them so.
    pub fn apply(&self, manifests: &str) {
        drop(self.kubectl_with("apply -f -", manifests));
    }

    /// The same of objects that name no namespace.
    pub fn apply_in(&self, namespace: &str, manifests: &str) {
        drop(self.kubectl_with(&format!("apply -n {namespace} -f -"), manifests));
    }

    /// Whether the server would take these objects; that it would not is a failure.
    pub fn dry_run(&self, manifests: &str) {
        drop(self.kubectl_with("apply --dry-run=server -f -", manifests));
    }

    /// Whether kubectl ends well.
    #[must_use]
    pub fn kubectl_succeeds(&self, words: &str) -> bool {
        let words: Vec<&str> = words.split(' ').collect();
        let output = self.kubectl_command(&words).stdin(Stdio::null()).output().unwrap();
        output.status.success()
    }

    /// Why the server would not take these objects, as kubectl says it; empty where it would.
    #[must_use]
    pub fn refusal(&self, manifests: &str) -> String {
        let words = ["apply", "--dry-run=server", "-f", "-"];
        let output = finish(&mut self.kubectl_command(&words), manifests);
        String::from_utf8(output.stderr).unwrap()
    }

    fn kubectl_with(&self, words: &str, input: &str) -> String {
        self.kubectl_told(&words.split(' ').collect::<Vec<_>>(), input)
    }

    /// What it prints when it is told something; that it fails is a failure.
    pub fn kubectl_told(&self, words: &[&str], input: &str) -> String {
        run(&mut self.kubectl_command(words), input)
    }

    fn kubectl_command(&self, words: &[&str]) -> Command {
        let mut command = command(&self.program.with_file_name("kubectl"));
        // kubectl keeps what it has learned in the user's home.
        command.env("HOME", &self.state).arg("--kubeconfig").arg(self.admin_of(self.api_servers));
        command.args(words);
        command
    }

    /// Its folder, which goes with it.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The program; kubectl and kube-proxy stand beside it.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What a Helm chart becomes with these values, as `NAME=VALUE`.
    #[must_use]
    pub fn chart(&self, folder: &Path, values: &[&str]) -> String {
        let mut command = command(&self.program);
        command.args([Path::new("chart"), Path::new("--folder"), folder]);
        run(command.args(values.iter().flat_map(|value| ["--set", value])), "")
    }

    /// The kubeconfig of somebody who may do everything.
    #[must_use]
    pub fn admin(&self) -> PathBuf {
        self.admin_of(1)
    }

    /// The same at another API server.
    #[must_use]
    pub fn admin_of(&self, api_server: u32) -> PathBuf {
        let name = if api_server == 1 { "admin".to_owned() } else { format!("admin-{api_server}") };
        self.state.join(format!("{name}.kubeconfig"))
    }

    /// One JSON object a line for each stage of each request.
    #[must_use]
    pub fn audit_log(&self) -> String {
        fs::read_to_string(self.state.join("audit.log")).unwrap()
    }

    /// The kubeconfig of somebody who may do nothing until it is allowed, with a certificate that is
    /// valid for so long.
    #[must_use]
    pub fn user(&self, name: &str, valid: &str) -> PathBuf {
        let text = self.order("kubeconfig", &["--user", name, "--valid", valid]);
        self.write(&format!("{}.kubeconfig", name.replace(':', "-")), &text)
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
    let output = finish(command, input);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {err}");
    String::from_utf8(output.stdout).unwrap()
}

fn finish(command: &mut Command, input: &str) -> Output {
    let all = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = all.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "runs the control plane and kubectl")]
fn command(program: &Path) -> Command {
    Command::new(program)
}

fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
