//! What is said when the arguments are wrong?

use std::io::{self, IsTerminal as _, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Failure, write_out};

/// Help and version that were asked for are answers; everything else is a failure in our own words.
pub(crate) fn answer(error: &clap::Error) -> Result<(), Failure> {
    let rendered = error.render();
    if !error.use_stderr() {
        let text = if io::stdout().is_terminal() {
            rendered.ansi().to_string()
        } else {
            rendered.to_string()
        };
        return write_out(&text);
    }
    let of = |kind: ContextKind| error.get(kind).map(value);
    let argument = of(ContextKind::InvalidArg).unwrap_or_default();
    let found = of(ContextKind::InvalidValue).unwrap_or_default();
    #[expect(clippy::wildcard_enum_match_arm, reason = "clap may learn of more kinds")]
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("unknown argument: {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!("unknown command: {}", of(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("missing argument: {argument}"),
        ErrorKind::InvalidValue if found.is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("{argument} cannot be: {found}")
        }
        ErrorKind::ArgumentConflict => {
            let other = of(ContextKind::PriorArg).unwrap_or_default();
            format!("{argument} cannot be used with: {other}")
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            // Whoever names no command wants to know which there are.
            drop(write!(io::stderr(), "{rendered}"));
            "no command was named".to_owned()
        }
        // Seldom kinds, in the words of the parser.
        _ => {
            let text = rendered.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    };
    Err(Failure::usage(what, hint(error)))
}

/// What could be, or what was probably meant.
fn hint(error: &clap::Error) -> String {
    let of = |kind: ContextKind| error.get(kind).map(value).filter(|text| !text.is_empty());
    if let Some(valid) = of(ContextKind::ValidValue) {
        return format!("one of {valid}");
    }
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    suggested.into_iter().find_map(of).map_or_else(
        || "--help tells all arguments, with examples".to_owned(),
        |suggested| format!("did you mean {suggested}?"),
    )
}

fn value(value: &ContextValue) -> String {
    if let ContextValue::Strings(all) = value { all.join(", ") } else { value.to_string() }
}
