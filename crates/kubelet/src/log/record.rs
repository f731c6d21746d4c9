//! How is a piece of a container's output written into its log?
//!
//! As container runtimes do it: `2026-01-02T03:04:05.000000006Z stdout F words`. The letter is `F`
//! when a line is complete with this record, and `P` when more of it comes.

use jiff::Timestamp;

/// Which output some words came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One line of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub time: Timestamp,
    pub stream: Stream,
    /// The line of the output ends here.
    pub ends_line: bool,
    pub text: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a line of the file, without its newline; none when it is no record.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let time = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let stream = match parts.next()? {
            b"stdout" => Stream::Stdout,
            b"stderr" => Stream::Stderr,
            _ => return None,
        };
        let ends_line = match parts.next()? {
            b"F" => true,
            b"P" => false,
            _ => return None,
        };
        Some(Self { time, stream, ends_line, text: parts.next()? })
    }

    /// The line of the file, with its newline.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let stream = match self.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        let letter = if self.ends_line { 'F' } else { 'P' };
        out.extend_from_slice(format!("{} {stream} {letter} ", timestamp(self.time)).as_bytes());
        out.extend_from_slice(self.text);
        out.push(b'\n');
    }
}

/// RFC 3339 with all nine digits, so that words stand below each other.
pub(super) fn timestamp(time: Timestamp) -> String {
    format!("{time:.9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_and_read() {
        let record = Record {
            time: "2026-01-02T03:04:05.6Z".parse().unwrap(),
            stream: Stream::Stderr,
            ends_line: false,
            text: b"two  words ",
        };
        let mut line = Vec::new();
        record.write(&mut line);
        let wanted = "2026-01-02T03:04:05.600000000Z stderr P two  words \n";
        assert_eq!(String::from_utf8(line).unwrap(), wanted);
        assert_eq!(Record::parse(wanted.trim_end_matches('\n').as_bytes()), Some(record));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let lines = ["", "words", "2026-01-02T03:04:05Z stdout X words", "now stdout F words"];
        assert_eq!(lines.map(|line| Record::parse(line.as_bytes())), [None; 4]);
    }
}
