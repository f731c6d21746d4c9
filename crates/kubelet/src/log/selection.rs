//! Which bytes does a client get of the records that come by?

use jiff::{SignedDuration, Timestamp};

use super::record::timestamp;
use super::{LogOptions, LogStreams, Record, Stream};

/// Takes a log's records in turn. Where it begins, by `tailLines`, is decided before.
#[derive(Debug)]
pub(crate) struct Selection {
    since: Option<Timestamp>,
    left: Option<u64>,
    streams: LogStreams,
    has_timestamps: bool,
    /// Whether the next record of each stream continues a line.
    continues: [bool; 2],
}

impl Selection {
    pub(crate) fn new(options: &LogOptions, now: Timestamp) -> Self {
        let ago = |seconds: u64| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            // Before all time there is can no record be.
            now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
        };
        Self {
            since: options.since.or_else(|| options.since_s.map(ago)),
            left: options.limit_bytes,
            streams: options.streams,
            has_timestamps: options.timestamps,
            continues: [false; 2],
        }
    }

    /// Whether nothing more can be wanted.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.left, Some(0))
    }

    /// Adds what the client gets of one record.
    pub(crate) fn take(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let (is_wanted, index) = match record.stream {
            Stream::Stdout => (self.streams != LogStreams::Stderr, 0),
            Stream::Stderr => (self.streams != LogStreams::Stdout, 1),
        };
        let is_late_enough = self.since.is_none_or(|since| record.time >= since);
        if !is_wanted || !is_late_enough {
            return;
        }
        let [stdout, stderr] = &mut self.continues;
        let continues = if index == 0 { stdout } else { stderr };
        let is_start = !std::mem::replace(continues, !record.ends_line);
        let before = out.len();
        if is_start && self.has_timestamps {
            out.extend_from_slice(timestamp(record.time).as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(record.text);
        if record.ends_line {
            out.push(b'\n');
        }
        if let Some(left) = &mut self.left {
            let room = usize::try_from(*left).unwrap_or(usize::MAX);
            out.truncate(before.saturating_add(room));
            *left -= u64::try_from(out.len() - before).unwrap_or(*left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[&str] = &[
        "2026-01-01T00:00:01Z stdout F one",
        "2026-01-01T00:00:02Z stderr F two",
        "2026-01-01T00:00:03Z stdout P thr",
        "2026-01-01T00:00:04Z stdout F ee",
        "2026-01-01T00:00:05Z stdout P four",
    ];

    #[track_caller]
    fn check(options: &LogOptions, wanted: &str) {
        let now = "2026-01-01T00:00:06Z".parse().unwrap();
        let mut selection = Selection::new(options, now);
        let mut out = Vec::new();
        for line in LOG {
            selection.take(&Record::parse(line.as_bytes()).unwrap(), &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    fn all() -> LogOptions {
        LogOptions::default()
    }

    #[test]
    fn all_words_come_as_they_were_said() {
        check(&all(), "one\ntwo\nthree\nfour");
    }

    #[test]
    fn one_output_can_be_left_out() {
        check(&LogOptions { streams: LogStreams::Stdout, ..all() }, "one\nthree\nfour");
        check(&LogOptions { streams: LogStreams::Stderr, ..all() }, "two\n");
    }

    #[test]
    fn words_before_a_time_are_left_out() {
        let since = Some("2026-01-01T00:00:02Z".parse().unwrap());
        check(&LogOptions { since, ..all() }, "two\nthree\nfour");
        check(&LogOptions { since_s: Some(1), ..all() }, "four");
        check(&LogOptions { since_s: Some(u64::MAX), ..all() }, "one\ntwo\nthree\nfour");
    }

    #[test]
    fn a_line_in_parts_has_one_timestamp() {
        let at = |second: u8| format!("2026-01-01T00:00:0{second}.000000000Z");
        let wanted = format!("{} one\n{} two\n{} three\n{} four", at(1), at(2), at(3), at(5));
        check(&LogOptions { timestamps: true, ..all() }, &wanted);
    }

    #[test]
    fn bytes_are_counted_to_the_last() {
        check(&LogOptions { limit_bytes: Some(6), ..all() }, "one\ntw");
        check(&LogOptions { limit_bytes: Some(1000), ..all() }, "one\ntwo\nthree\nfour");
    }
}
