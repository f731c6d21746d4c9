//! How does xtask run another program? The only place that does.

use std::fmt;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// One call of a program, from the root of the workspace.
pub(crate) struct Call {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Call {
    pub(crate) fn new<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            environment: Vec::new(),
        }
    }

    /// The cargo that started us.
    pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new("cargo", arguments)
    }

    #[must_use]
    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    #[must_use]
    pub(crate) fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs it with our own standard streams.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.start()?.status().with_context(|| format!("cannot start: {self}"))?;
        self.check(status)
    }

    /// Runs it and gives what it wrote to its standard output.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self
            .start()?
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start: {self}"))?;
        self.check(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("output is not UTF-8: {self}"))
    }

    /// Runs it and gives what it wrote to its standard output, though it may have failed.
    pub(crate) fn read_however_it_ends(&self) -> Result<String> {
        let output = self.start()?.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start: {self}"))?;
        String::from_utf8(output.stdout).with_context(|| format!("output is not UTF-8: {self}"))
    }

    /// Whether it is there and ends well; what it writes is thrown away.
    pub(crate) fn works(&self) -> Result<bool> {
        let status = self.start()?.stdout(Stdio::null()).stderr(Stdio::null()).status();
        Ok(status.is_ok_and(|status| status.success()))
    }

    #[expect(clippy::disallowed_methods, reason = "running programs is what a build system does")]
    fn start(&self) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(workspace::root()?);
        Ok(command)
    }

    fn check(&self, status: ExitStatus) -> Result<()> {
        ensure!(status.success(), "failed with {status}: {self}");
        Ok(())
    }
}

/// As one would type it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={value} ")?;
        }
        f.write_str(&self.program)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_what_the_program_wrote() {
        let output = Call::new("printf", ["%s", "berth"]).read().unwrap();
        assert_eq!(output, "berth");
    }

    #[test]
    fn a_failure_names_the_call() {
        let error = Call::new("false", []).arg("now").env("MODE", "quiet").run().unwrap_err();
        assert_eq!(error.to_string(), "failed with exit status: 1: MODE=quiet false now");
    }

    #[test]
    fn a_missing_program_does_not_work_and_names_the_call() {
        let missing = Call::new("pogu-no-such-program", []);
        assert!(!missing.works().unwrap());
        assert_eq!(missing.run().unwrap_err().to_string(), "cannot start: pogu-no-such-program");
    }
}
