//! How is it said that an option of a plugin is not understood?

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::super::duration::duration;
use super::super::notice::{Notices, quoted};
use super::super::zone_name::zones;
use super::ZONES_MAX;
use super::tree::Line;

/// Reads arguments of one plugin's options, and says which are wrong.
pub(super) struct Report<'a> {
    pub(super) plugin: &'static str,
    pub(super) notices: &'a mut Notices,
}

impl Report<'_> {
    /// Something about the line, after its text.
    pub(super) fn say(&mut self, line: &Line, says: impl fmt::Display) {
        let text =
            if line.name() == self.plugin { line.arguments().join(" ") } else { line.text() };
        let text = if text.is_empty() { String::new() } else { format!(" {}", quoted(&text)) };
        self.notices.add(&line.origin, format!("{}:{text} {says}", self.plugin));
    }

    /// An option that is unknown.
    pub(super) fn unknown(&mut self, line: &Line) {
        self.say(line, "is not understood, ignored");
    }

    /// An option that has not what it needs.
    pub(super) fn wants(&mut self, line: &Line, what: impl fmt::Display) {
        self.say(line, format!("wants {what}, ignored"));
    }

    /// The only argument, as a number.
    pub(super) fn number<T>(&mut self, line: &Line, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        if let [text] = line.arguments()
            && let Ok(number) = text.parse()
            && range.contains(&number)
        {
            return Some(number);
        }
        self.wants(line, format!("a number from {} to {}", range.start(), range.end()));
        None
    }

    /// The only argument, as a time.
    pub(super) fn duration(&mut self, line: &Line) -> Option<Duration> {
        if let [text] = line.arguments()
            && let Some(duration) = duration(text)
        {
            return Some(duration);
        }
        self.wants(line, "a time like 500ms or 5s");
        None
    }

    /// Zones, with those of networks.
    pub(super) fn zones(&mut self, line: &Line, words: &[String]) -> Vec<Arc<str>> {
        let mut all = Vec::new();
        self.add_zones(&mut all, line, words);
        all
    }

    /// More zones, up to the bound of all zones.
    pub(super) fn add_zones(&mut self, all: &mut Vec<Arc<str>>, line: &Line, words: &[String]) {
        for word in words {
            match zones(word) {
                Some(zones) if all.len() + zones.len() <= ZONES_MAX => all.extend(zones),
                Some(_) => {
                    let message = format!("{}: zones beyond {ZONES_MAX} are ignored", self.plugin);
                    self.notices.add(&line.origin, message);
                    return;
                }
                None => {
                    let message = format!("{}: {} is no zone, ignored", self.plugin, quoted(word));
                    self.notices.add(&line.origin, message);
                }
            }
        }
    }
}
