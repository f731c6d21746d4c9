//! What does another program say? Tests ask, development tasks, and who gets credentials by a plugin.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("cannot run {program}: {call}: {source}")]
    Failed { program: String, call: &'static str, source: io::Error },
    #[error("{program} did not end within {} ms", .deadline.as_millis())]
    TooSlow { program: String, deadline: Duration },
    #[error("{program} failed: {status}: {stderr}")]
    Unsuccessful { program: String, status: ExitStatus, stderr: String },
}

/// Runs a program to its end, in the network namespace of the calling thread. At its end or at the
/// deadline all that it left running in its process group is killed.
pub fn run(
    program: &str,
    args: &[&str],
    stdin: &str,
    deadline: Duration,
) -> Result<Output, ProcessError> {
    run_with(program, args, &[], stdin, deadline)
}

/// The same with more variables than it inherits.
#[expect(clippy::disallowed_methods, reason = "the one place that runs programs")]
pub fn run_with(
    program: &str,
    args: &[&str],
    variables: &[(String, String)],
    stdin: &str,
    deadline: Duration,
) -> Result<Output, ProcessError> {
    let failed =
        |call| move |source| ProcessError::Failed { program: program.to_owned(), call, source };
    let mut child = Command::new(program)
        .args(args)
        .envs(variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed("spawn"))?;
    let input = child.stdin.take();
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let writer = scope.spawn(|| match input {
            Some(mut pipe) => pipe.write_all(stdin.as_bytes()),
            None => Ok(()),
        });
        let output = scope.spawn(|| read_all(output));
        let errors = scope.spawn(|| read_all(errors));
        let ended = ends_within(&child, deadline);
        // Until it is waited for, the group is there, and its number nobody else's.
        kill_process_group(Pid::from_child(&child), Signal::KILL)
            .map_err(|errno| failed("kill")(errno.into()))?;
        let status = child.wait().map_err(failed("wait"))?;
        let panicked = |_| failed("pipe")(io::ErrorKind::Other.into());
        // A program that ends without reading its input is no failure of ours.
        let written = writer.join().map_err(panicked)?;
        let stdout = output.join().map_err(panicked)?.map_err(failed("read stdout"))?;
        let stderr = errors.join().map_err(panicked)?.map_err(failed("read stderr"))?;
        if !ended.map_err(failed("poll"))? {
            return Err(ProcessError::TooSlow { program: program.to_owned(), deadline });
        }
        match written {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(failed("write stdin")(source))
            }
            _ => Ok(Output { status, stdout, stderr }),
        }
    })
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

fn read_all(pipe: Option<impl Read>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn ends_within(child: &Child, deadline: Duration) -> io::Result<bool> {
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let timeout = Timespec::try_from(deadline).ok();
    let ready = poll(&mut [PollFd::new(&handle, PollFlags::IN)], timeout.as_ref())?;
    Ok(ready > 0)
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
        let output = run_with("sh", &["-c", script], &given, "", DEADLINE).unwrap();
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

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = run("/no/such/program", &[], "", DEADLINE).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot run /no/such/program: spawn: No such file or directory (os error 2)"
        );
    }
}
