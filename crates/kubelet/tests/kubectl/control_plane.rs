//! A control plane of a test's own, and kubectl.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) struct ControlPlane(testkit::control_plane::ControlPlane);

/// Which way kubectl's words take to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Spdy,
    /// As WebSockets to the API server, and as SPDY from there.
    Translated,
    WebSocket,
}

pub(crate) const WAYS: [Way; 3] = [Way::Spdy, Way::Translated, Way::WebSocket];

impl Way {
    /// The pod on the node that this way leads to.
    pub(crate) const fn pod(self) -> &'static str {
        match self {
            Self::Spdy | Self::Translated => "web",
            Self::WebSocket => "web-direct",
        }
    }

    const fn variables(self) -> [(&'static str, &'static str); 2] {
        let value = match self {
            Self::Spdy => "false",
            Self::Translated | Self::WebSocket => "true",
        };
        [("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", value), ("KUBECTL_PORT_FORWARD_WEBSOCKETS", value)]
    }
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn new(code: i32, stdout: &str, stderr: &str) -> Self {
        Self { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
    }
}

impl ControlPlane {
    /// None, with a word why, where the test cannot run; a failure where it has to.
    pub(crate) fn up() -> Option<Self> {
        if host::skip::without_root() {
            return None;
        }
        testkit::control_plane::ControlPlane::up().map(Self)
    }

    /// A folder that goes with the control plane.
    pub(crate) fn folder(&self) -> &Path {
        self.0.state()
    }

    /// The program, with the words that make it this cluster's.
    pub(crate) fn kubectl_command(&self, way: Way) -> Command {
        let mut command = command(&self.kubectl_path());
        command.args(self.kubectl_access()).envs(self.kubectl_variables(way));
        command
    }

    pub(crate) fn kubectl_access(&self) -> [String; 2] {
        ["--kubeconfig".to_owned(), self.0.admin().display().to_string()]
    }

    /// kubectl keeps what it has learned in the user's home.
    pub(crate) fn kubectl_variables(&self, way: Way) -> Vec<(String, String)> {
        let home = ("HOME".to_owned(), self.folder().display().to_string());
        let all = way.variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
        [&[home][..], &all].concat()
    }

    pub(crate) fn kubectl_path(&self) -> PathBuf {
        self.0.program().with_file_name("kubectl")
    }

    /// Runs kubectl to its end, whatever it is.
    pub(crate) fn try_kubectl(&self, way: Way, words: &[&str], input: &[u8]) -> Said {
        run(self.kubectl_command(way).args(words), input)
    }

    /// What kubectl says, which has to succeed.
    pub(crate) fn kubectl(&self, words: &[&str], input: &str) -> String {
        let said = self.try_kubectl(Way::Spdy, words, input.as_bytes());
        assert_eq!((said.code, &*said.stderr), (0, ""), "{words:?}");
        said.stdout
    }

    /// One of its own orders, such as the kubeconfig of somebody else.
    pub(crate) fn order(&self, verb: &str, words: &[&str]) -> String {
        self.0.order(verb, words)
    }
}

pub(crate) fn run(command: &mut Command, input: &[u8]) -> Said {
    let all = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = all.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A program that does not read all of its input is no failure of ours.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    let stderr = text(output.stderr);
    let told: Vec<&str> = stderr.split_inclusive('\n').filter(|line| !is_logged(line)).collect();
    Said { code, stdout: text(output.stdout), stderr: told.concat() }
}

/// kubectl logs, to those who debug it, when a program ends before it has read all of its input; but
/// only if it happens to notice. `E1125 16:32:46.551092   29675 v2.go:105] "Copying stdin failed"`
fn is_logged(line: &str) -> bool {
    let date = line.strip_prefix('E').and_then(|rest| rest.get(..4));
    date.is_some_and(|date| date.bytes().all(|digit| digit.is_ascii_digit()))
        && line.contains("\"Copying stdin failed\"")
}

#[expect(clippy::disallowed_methods, reason = "runs the control plane and its clients")]
pub(crate) fn command(program: &Path) -> Command {
    Command::new(program)
}
