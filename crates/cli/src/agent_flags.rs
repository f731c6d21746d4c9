//! How are flags of the agent judged, without an agent?

use agent::config::Flags;
use clap::{Args as _, Command, FromArgMatches as _};

/// Reads them as `pogu agent` would.
pub(crate) fn parse<T: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = T>,
) -> Result<Flags, clap::Error> {
    let command = Flags::augment_args(Command::new("agent").no_binary_name(true));
    command.try_get_matches_from(words).and_then(|matches| Flags::from_arg_matches(&matches))
}
