//! How are log lines written?

use std::io::{self, IsTerminal as _};

use agent::config::LogFormat;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

/// Starts logging to stderr: in colour on a terminal, unless `NO_COLOR` is set.
pub(crate) fn start(format: LogFormat) {
    let has_colour =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let lines = fmt()
        .with_writer(io::stderr)
        .with_max_level(LevelFilter::INFO)
        .with_target(false)
        .with_ansi(has_colour);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
