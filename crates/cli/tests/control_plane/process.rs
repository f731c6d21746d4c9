//! A pogu that runs until a test ends it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use host::clock::{monotonic, pause};
use rustix::process::{Pid, Signal, kill_process};
use testkit::control_plane::ControlPlane;

/// So long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Each is the only one of its test that listens at these.
pub(crate) const CONTROLLER: [&str; 5] =
    ["controller", "--http-bind-address", "none", "--identity", "one"];
pub(crate) const DNS: [&str; 5] = ["dns", "--listen", "127.0.0.1:0", "--http-bind-address", "none"];

pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(words: &[&str], kubeconfig: &Path) -> Self {
        Self::spawn(pogu().args(words).arg("--kubeconfig").arg(kubeconfig))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pogu-{}-{number}.log", std::process::id());
        let log = std::env::temp_dir().join(name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        Self { child: command.spawn().unwrap(), log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// What it warned of: without the moments, with the lines that belong to it.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let (mut warnings, mut is_warning) = (Vec::<String>::new(), false);
        for line in self.log().lines() {
            let message = line.split_once(' ').map(|(_moment, rest)| rest.trim_start());
            let begins = line.starts_with(|it: char| it.is_ascii_digit());
            if begins {
                let warning = message.and_then(|it| it.strip_prefix("WARN "));
                is_warning = warning.is_some();
                warnings.extend(warning.map(str::to_owned));
            } else if is_warning && let Some(last) = warnings.last_mut() {
                last.push('\n');
                last.push_str(line);
            }
        }
        warnings
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Ends it; gives how it ended.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(self.pid(), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.log();
            std::io::stderr().write_all(log.as_bytes()).unwrap();
        }
        drop(fs::remove_file(&self.log));
    }
}

pub(crate) fn pogu() -> Command {
    command(env!("CARGO_BIN_EXE_pogu"))
}

/// A DNS at ports of its own; no other one is in its network namespace.
pub(crate) struct Dns {
    pub(crate) process: Process,
}

/// Where it answers questions, and what it tells of itself.
const DNS_PORT: &str = "5353";
const DNS_SITE: &str = "127.0.0.1:8181";

impl Dns {
    pub(crate) fn start(server: &ControlPlane, kubeconfig: &Path) -> Self {
        Self::start_as(pogu(), server, &["--kubeconfig", kubeconfig.to_str().unwrap()])
    }

    /// `pogu` may be a program that runs it; `source` says where objects come from.
    pub(crate) fn start_as(mut pogu: Command, server: &ControlPlane, source: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{DNS_PORT}");
        pogu.args(["dns", "--listen", &listen, "--http-bind-address", DNS_SITE]);
        pogu.arg("--socket").arg(server.state().join("dns.sock")).args(source);
        Self { process: Process::spawn(&mut pogu) }
    }

    /// All has been read once, and nothing is wrong.
    pub(crate) fn is_ready(&self) -> bool {
        self.page("/readyz") == "ok\n"
    }

    /// What it tells of itself.
    pub(crate) fn page(&self, path: &str) -> String {
        said_by("curl", &["-s", &format!("http://{DNS_SITE}{path}")])
    }

    /// Whether it has an address of this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let words = ["+short", "+tries=1", "+time=1", "-p", DNS_PORT, "@127.0.0.1", name];
        said_by("dig", &words).starts_with("10.")
    }
}

pub(crate) fn said_by(program: &str, words: &[&str]) -> String {
    host::process::run(program, words, "", PATIENCE).map(|it| it.stdout).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "runs pogu itself, or what runs it")]
pub(crate) fn command(program: &str) -> Command {
    Command::new(program)
}

/// Looks until there is something to be seen.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = monotonic() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(monotonic() < until, "in vain: {what}");
        pause(Duration::from_millis(50));
    }
}
