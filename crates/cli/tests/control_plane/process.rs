//! A pogu that runs until a test ends it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use host::clock::{monotonic, pause};
use rustix::process::{Pid, Signal, kill_process};

/// So long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(words: &[&str], kubeconfig: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pogu-{}-{number}.log", std::process::id());
        let log = std::env::temp_dir().join(name);
        let child = pogu()
            .args(words)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it; gives how it ended.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
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

#[expect(clippy::disallowed_methods, reason = "runs pogu itself")]
fn pogu() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pogu"))
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
