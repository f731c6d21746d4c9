//! How is a program started in a sandbox, followed and ended?
#![expect(unsafe_code, reason = "what a child does before it becomes the program is unsafe")]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

/// What is to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// A path, or a name that is looked for in `PATH` of `env`.
    pub name: String,
    pub args: Vec<String>,
    /// All variables: none are inherited.
    pub env: Vec<(String, String)>,
    /// The caller's own, if nothing is said.
    pub directory: Option<PathBuf>,
    pub sandbox: Arc<Sandbox>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("no such program: {0}")]
    Absent(String),
    #[error("not a program that can be run: {}", .0.display())]
    NotExecutable(PathBuf),
    #[error("no such directory to run in: {}", .0.display())]
    NoDirectory(PathBuf),
    #[error("cannot {call} {program}: {source}")]
    Failed { program: String, call: &'static str, source: io::Error },
}

/// A program that was started; it leads a process group of its own. It goes on when the value is
/// dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    handle: OwnedFd,
}

/// Our ends of a program's streams.
#[derive(Debug)]
pub struct Pipes {
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

/// Starts a program that goes on without us: in a session of its own, without input; it inherits the
/// variables, and all that it writes is added to the end of a file.
#[expect(clippy::disallowed_methods, reason = "one of the places that run programs")]
pub fn in_background(program: &Path, args: &[String], log: &Path) -> Result<Running, ProgramError> {
    let failed = |call| {
        let program = program.display().to_string();
        move |source| ProgramError::Failed { program, call, source }
    };
    let output =
        File::options().create(true).append(true).open(log).map_err(failed("write for"))?;
    let errors = output.try_clone().map_err(failed("write for"))?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(output).stderr(errors);
    // SAFETY: between fork and exec the child makes one system call.
    unsafe { command.pre_exec(begin_session) };
    let child = command.spawn().map_err(failed("run"))?;
    let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::NONBLOCK);
    let handle = handle.map_err(|errno| failed("follow")(errno.into()))?;
    Ok(Running { child, handle })
}

/// In a session of its own, and with the signals of a terminal as a program expects them: whoever
/// started us under `nohup` or in the background has them ignored, which a program would inherit.
fn begin_session() -> io::Result<()> {
    rustix::process::setsid()?;
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: the default is no function of ours, and the call is one of those allowed after fork.
        if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

impl Program {
    /// Starts it, without input; all that it writes is added to the end of a file.
    pub fn spawn(&self, output: &File) -> Result<Running, ProgramError> {
        let mut command = self.command()?;
        let stream = || output.try_clone().map(Stdio::from).map_err(self.failed("write for"));
        command.stdin(Stdio::null()).stdout(stream()?).stderr(stream()?);
        let enter = self.enter()?;
        let begin = move || {
            begin_session()?;
            enter()
        };
        // SAFETY: between fork and exec the child only makes system calls: `begin` neither
        // allocates nor takes a lock.
        unsafe { command.pre_exec(begin) };
        self.start(command)
    }

    /// Starts it with pipes to its streams. Without input it reads an end.
    pub fn spawn_with_pipes(&self, has_stdin: bool) -> Result<(Running, Pipes), ProgramError> {
        let mut command = self.command()?;
        let stdin = if has_stdin { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let enter = self.enter()?;
        let begin = move || {
            begin_session()?;
            enter()
        };
        // SAFETY: between fork and exec the child only makes system calls: `begin` neither
        // allocates nor takes a lock.
        unsafe { command.pre_exec(begin) };
        let mut running = self.start(command)?;
        let pipes = Pipes {
            stdin: running.child.stdin.take().map(OwnedFd::from),
            stdout: running.child.stdout.take().map(OwnedFd::from),
            stderr: running.child.stderr.take().map(OwnedFd::from),
        };
        Ok((running, pipes))
    }

    /// Starts it on a terminal of its own, which is all of its streams.
    pub fn spawn_on_terminal(&self) -> Result<(Running, Terminal), ProgramError> {
        let mut command = self.command()?;
        let failed = || self.failed("make a terminal for");
        let (terminal, theirs) = Terminal::open().map_err(failed())?;
        let stream = || theirs.try_clone().map(Stdio::from).map_err(failed());
        command.stdin(stream()?).stdout(stream()?).stderr(stream()?);
        let enter = self.enter()?;
        let begin = move || {
            begin_session()?;
            rustix::process::ioctl_tiocsctty(&theirs)?;
            enter()
        };
        // SAFETY: between fork and exec the child only makes system calls: `begin` neither
        // allocates nor takes a lock.
        unsafe { command.pre_exec(begin) };
        Ok((self.start(command)?, terminal))
    }

    fn start(&self, mut command: Command) -> Result<Running, ProgramError> {
        let child = command.spawn().map_err(self.failed("run"))?;
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::NONBLOCK);
        let handle = handle.map_err(|errno| self.failed("follow")(errno.into()))?;
        Ok(Running { child, handle })
    }

    /// Becomes it, with the streams of the calling process. Returns only when it cannot.
    #[must_use]
    pub fn replace(&self) -> ProgramError {
        let mut command = match self.command() {
            Ok(command) => command,
            Err(error) => return error,
        };
        match self.enter() {
            Ok(enter) => {
                if let Err(source) = enter() {
                    return self.failed("make a place for")(source);
                }
            }
            Err(error) => return error,
        }
        self.failed("run")(command.exec())
    }

    #[expect(clippy::disallowed_methods, reason = "one of the places that run programs")]
    fn command(&self) -> Result<Command, ProgramError> {
        let found = self.sandbox.run(|| self.look_around());
        let path = found.map_err(self.failed("look for"))??;
        let mut command = Command::new(path);
        command.arg0(&self.name).args(&self.args).env_clear().envs(self.env.iter().cloned());
        Ok(command)
    }

    /// Puts the calling thread where the program is to run. It only makes system calls.
    fn enter(&self) -> Result<impl Fn() -> io::Result<()> + Send + Sync + 'static, ProgramError> {
        let sandbox = Arc::clone(&self.sandbox);
        // Whoever says nothing stays where the caller is, if that is to be seen there.
        let here = || std::env::current_dir().unwrap_or_default();
        let directory = self.directory.clone().unwrap_or_else(here);
        let directory = CString::new(directory.as_os_str().as_bytes());
        let directory =
            directory.map_err(|error| self.failed("go to the directory of")(error.into()))?;
        let is_told = self.directory.is_some();
        Ok(move || {
            sandbox.enter()?;
            match rustix::process::chdir(directory.as_c_str()) {
                Err(errno) if is_told => Err(errno.into()),
                Ok(()) | Err(_) => Ok(()),
            }
        })
    }

    /// What is needed is looked for beforehand, so that its absence is told from that of anything
    /// else: the program itself.
    fn look_around(&self) -> Result<PathBuf, ProgramError> {
        if let Some(directory) = self.directory.as_ref().filter(|path| !path.is_dir()) {
            return Err(ProgramError::NoDirectory(directory.clone()));
        }
        self.find()
    }

    fn find(&self) -> Result<PathBuf, ProgramError> {
        let named = Path::new(&self.name);
        let candidates: Vec<PathBuf> = if self.name.contains('/') {
            vec![self.directory.as_deref().unwrap_or_else(|| Path::new("/")).join(named)]
        } else {
            let path = self.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value);
            path.into_iter().flat_map(std::env::split_paths).map(|it| it.join(named)).collect()
        };
        let mut found = candidates.into_iter().filter(|path| path.is_file()).peekable();
        let Some(first) = found.peek().cloned() else {
            return Err(ProgramError::Absent(self.name.clone()));
        };
        found.find(|path| is_executable(path)).ok_or(ProgramError::NotExecutable(first))
    }

    fn failed(&self, call: &'static str) -> impl Fn(io::Error) -> ProgramError {
        let program = self.name.clone();
        move |source| ProgramError::Failed { program: program.clone(), call, source }
    }
}

fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

impl Running {
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended; its status can be taken then, and until that its number is its own.
    pub fn has_ended(&self) -> io::Result<bool> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&now))?;
        Ok(ready > 0)
    }

    /// How it ended, if it did.
    pub fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Tells the program itself to end, and not the others of its group.
    pub fn terminate(&self) -> io::Result<()> {
        gone_is_fine(kill_process(Pid::from_child(&self.child), Signal::TERM))
    }

    /// Ends it and all that it started in its group. Not to be called once its status was taken:
    /// its number may then be another's.
    pub fn kill(&self) -> io::Result<()> {
        gone_is_fine(kill_process_group(Pid::from_child(&self.child), Signal::KILL))
    }
}

fn gone_is_fine(outcome: rustix::io::Result<()>) -> io::Result<()> {
    match outcome {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

impl AsFd for Running {
    /// Readable when the program has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
