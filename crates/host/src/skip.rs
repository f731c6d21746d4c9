//! May a test that needs privileges run here, be skipped, or must it fail?

use crate::capability::{Capability, missing};

/// Whether a test must end at once because it lacks the privileges to make network namespaces.
/// Says so; with `CI=true` in the environment it panics instead, since a test that is skipped
/// there looks like one that has passed.
#[must_use]
#[expect(clippy::panic, reason = "fails the test that calls it")]
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
pub fn without_root() -> bool {
    let reason = match missing(&[Capability::NetAdmin, Capability::SysAdmin]) {
        Ok(missing) if missing.is_empty() => return false,
        Ok(missing) => format!("missing privileges: {missing:?}"),
        Err(error) => error.to_string(),
    };
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        panic!("cannot be skipped when CI=true: {reason}");
    }
    println!("skipped: {reason}");
    true
}
