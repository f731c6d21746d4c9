//! Does the program, as a person runs it, answer and fail as it should?

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "measured times, and logs of what failed")]

mod change;
mod container;
mod explain;
mod get;
mod measure;
mod node;
mod reference;
mod serve;
mod wrong;

use std::process::{Command, Output};

/// What the program wrote, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

#[expect(clippy::disallowed_methods, reason = "the program itself is what is tested")]
fn pogu(arguments: &[&str]) -> Ended {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_pogu")).args(arguments).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn check_failure(arguments: &[&str], code: i32, err: &str) {
    let expected = Ended { code, out: String::new(), err: err.to_owned() };
    assert_eq!(pogu(arguments), expected, "for pogu {}", arguments.join(" "));
}
