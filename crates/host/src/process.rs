//! What does another program say? Tests ask, development tasks, and who gets credentials by a plugin.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::clock::monotonic;

mod pipes;

use pipes::Pipes;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// How long a program may take, and how much it may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub deadline: Duration,
    /// Of its output, and of its errors, each.
    pub bytes_max: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("cannot run {program}: {call}: {source}")]
    Failed { program: String, call: &'static str, source: io::Error },
    #[error("{program} did not end within {} ms", .deadline.as_millis())]
    TooSlow { program: String, deadline: Duration },
    #[error("{program} wrote more than {bytes_max} bytes")]
    TooMuch { program: String, bytes_max: usize },
    #[error("{program} failed: {status}: {stderr}")]
    Unsuccessful { program: String, status: ExitStatus, stderr: String },
}

/// How it ended that a program was heard.
enum Heard {
    Ended,
    TooSlow,
    TooMuch,
}

/// Runs a program to its end, in the network namespace of the calling thread. At its end or at the
/// deadline all that it left running in its process group is killed. For programs that are trusted
/// not to write without end.
pub fn run(
    program: &str,
    args: &[&str],
    stdin: &str,
    deadline: Duration,
) -> Result<Output, ProcessError> {
    run_with(program, args, &[], stdin, Bounds { deadline, bytes_max: usize::MAX })
}

/// The same for any program, with more variables than it inherits. Whatever it leaves running, and
/// whoever holds its pipes open, this returns soon after the deadline.
#[expect(clippy::disallowed_methods, reason = "the one place that runs programs")]
pub fn run_with(
    program: &str,
    args: &[&str],
    variables: &[(String, String)],
    stdin: &str,
    bounds: Bounds,
) -> Result<Output, ProcessError> {
    let failed =
        |call| move |source| ProcessError::Failed { program: program.to_owned(), call, source };
    let until = monotonic() + bounds.deadline;
    let mut child = Command::new(program)
        .args(args)
        .envs(variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed("spawn"))?;
    let heard = Pipes::of(&mut child, stdin.as_bytes()).and_then(|mut pipes| {
        let heard = hear(&child, &mut pipes, bounds.bytes_max, until)?;
        Ok((pipes, heard))
    });
    // Until it is waited for, the group is there, and its number nobody else's.
    kill_process_group(Pid::from_child(&child), Signal::KILL)
        .map_err(|errno| failed("kill")(errno.into()))?;
    let status = child.wait().map_err(failed("wait"))?;
    let (mut pipes, mut heard) = heard.map_err(failed("hear"))?;
    if matches!(heard, Heard::Ended) {
        heard = hear_rest(&mut pipes, bounds.bytes_max, until).map_err(failed("hear"))?;
    }
    let program = program.to_owned();
    match heard {
        Heard::Ended => {
            let (stdout, stderr) = pipes.heard();
            Ok(Output { status, stdout, stderr })
        }
        Heard::TooSlow => Err(ProcessError::TooSlow { program, deadline: bounds.deadline }),
        Heard::TooMuch => Err(ProcessError::TooMuch { program, bytes_max: bounds.bytes_max }),
    }
}

/// Passes what is written on either side, until the program ends or has to be ended.
fn hear(
    child: &Child,
    pipes: &mut Pipes<'_>,
    bytes_max: usize,
    until: Instant,
) -> io::Result<Heard> {
    let ends = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    loop {
        pipes.pass()?;
        if pipes.longest() > bytes_max {
            return Ok(Heard::TooMuch);
        }
        let left = until.saturating_duration_since(monotonic());
        if left.is_zero() {
            return Ok(Heard::TooSlow);
        }
        let mut waited = vec![PollFd::new(&ends, PollFlags::IN)];
        waited.extend(pipes.waited());
        match poll(&mut waited, Timespec::try_from(left).ok().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if waited.first().is_some_and(|ends| !ends.revents().is_empty()) {
            return Ok(Heard::Ended);
        }
    }
}

/// What it wrote is in the pipes when it has ended. Somebody who left its group may write more, and
/// is not waited for.
fn hear_rest(pipes: &mut Pipes<'_>, bytes_max: usize, until: Instant) -> io::Result<Heard> {
    while pipes.pass()? {
        if pipes.longest() > bytes_max {
            return Ok(Heard::TooMuch);
        }
        if monotonic() >= until {
            break;
        }
    }
    Ok(Heard::Ended)
}

/// Runs a program that has to succeed, and returns what it wrote.
pub fn stdout_of(
    program: &str,
    args: &[&str],
    stdin: &str,
    deadline: Duration,
) -> Result<String, ProcessError> {
    let Output { status, stdout, stderr } = run(program, args, stdin, deadline)?;
    if status.success() {
        Ok(stdout)
    } else {
        Err(ProcessError::Unsuccessful { program: program.to_owned(), status, stderr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    #[test]
    fn a_program_reads_its_input_and_is_heard() {
        let found = stdout_of("tr", &["a-z", "A-Z"], "harbour", DEADLINE).unwrap();
        assert_eq!(found, "HARBOUR");
    }

    #[test]
    fn a_program_has_the_variables_that_it_is_given_beside_ours() {
        let given = [("HARBOUR".to_owned(), "open".to_owned())];
        let script = "echo $HARBOUR ${PATH:+inherited}";
        let bounds = Bounds { deadline: DEADLINE, bytes_max: 100 };
        let output = run_with("sh", &["-c", script], &given, "", bounds).unwrap();
        assert_eq!(output.stdout, "open inherited\n");
    }

    #[test]
    fn more_input_than_a_pipe_holds_is_no_deadlock() {
        let input = "x".repeat(1 << 20);
        assert_eq!(stdout_of("cat", &[], &input, DEADLINE).unwrap(), input);
    }

    #[test]
    fn a_failure_names_program_status_and_words() {
        let error = stdout_of("sh", &["-c", "echo no >&2; exit 3"], "", DEADLINE).unwrap_err();
        assert_eq!(error.to_string(), "sh failed: exit status: 3: no\n");
    }

    #[test]
    fn after_the_deadline_the_program_and_its_children_are_killed() {
        let script = "sleep 1000 & sleep 1000";
        let deadline = Duration::from_millis(50);
        let error = run("sh", &["-c", script], "", deadline).unwrap_err();
        assert_eq!(error.to_string(), "sh did not end within 50 ms");
    }

    #[test]
    fn what_a_program_leaves_running_does_not_hold_its_output_open() {
        let found = stdout_of("sh", &["-c", "sleep 1000 & echo gone"], "", DEADLINE).unwrap();
        assert_eq!(found, "gone\n");
    }

    /// Whoever leaves the group is not killed with it, and holds the pipes open.
    const ESCAPED: &str = "away=$(setsid sh -c 'exec sleep 15 >&2' &)";

    #[test]
    fn whoever_leaves_the_group_and_holds_the_output_open_is_not_waited_for() {
        let began = monotonic();
        let script = format!("{ESCAPED}; echo gone");
        assert_eq!(stdout_of("sh", &["-c", &script], "", DEADLINE).unwrap(), "gone\n");
        let script = format!("{ESCAPED}; sleep 1000");
        let error = run("sh", &["-c", &script], "", Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "sh did not end within 50 ms");
        let took = monotonic().saturating_duration_since(began);
        assert!(took < DEADLINE, "{took:?}");
    }

    #[test]
    fn a_program_that_writes_more_than_it_may_is_ended() {
        let bounds = Bounds { deadline: DEADLINE, bytes_max: 100 };
        for script in ["yes", "yes >&2", "head -c 101 /dev/zero"] {
            let error = run_with("sh", &["-c", script], &[], "", bounds).unwrap_err();
            assert_eq!(error.to_string(), "sh wrote more than 100 bytes", "{script}");
        }
        let longest = ["-c", "head -c 100 /dev/zero"];
        let output = run_with("sh", &longest, &[], "", bounds).unwrap();
        assert_eq!(output.stdout.len(), 100);
    }

    #[test]
    fn a_program_that_does_not_read_its_input_is_no_failure() {
        let input = "x".repeat(1 << 20);
        assert_eq!(stdout_of("echo", &["deaf"], &input, DEADLINE).unwrap(), "deaf\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = run("/no/such/program", &[], "", DEADLINE).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot run /no/such/program: spawn: No such file or directory (os error 2)"
        );
    }
}
