//! Which moment does a timestamp of the API mean?

use std::time::{Duration, SystemTime};

use crate::report::quoted;

/// The text is not a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as 2026-11-25T09:00:00Z, found {}", quoted(.0))]
pub(crate) struct InvalidTime(String);

/// Seconds and nanoseconds since 1970, from RFC 3339: what `date +%s` would say.
pub(crate) fn parse_time(text: &str) -> Result<(i64, u32), InvalidTime> {
    parse(text.as_bytes()).ok_or_else(|| InvalidTime(text.to_owned()))
}

/// Such a text again, in UTC; none for a year that has not four digits.
pub(crate) fn show_time(seconds: i64) -> Option<String> {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days)?;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The same moment on the system's clock; absent before 1970, which no event of a cluster is.
pub(crate) fn to_system_time((seconds, nanoseconds): (i64, u32)) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

fn parse(text: &[u8]) -> Option<(i64, u32)> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't' | b' ', ref time @ ..] =
        date_time
    else {
        return None;
    };
    let year = digits(&[y0, y1, y2, y3])?;
    let month = digits(&[m0, m1]).filter(|month| (1..=12).contains(month))?;
    let day = digits(&[d0, d1]).filter(|day| (1..=days_in(year, month)).contains(day))?;
    // A leap second is told as :60; the second after it has the same number on the system's clock.
    let seconds = time_of_day(time, 60)?;
    let (nanoseconds, rest) = fraction(rest)?;
    let offset = offset_seconds(rest)?;
    Some((days_since_1970(year, month, day) * 86_400 + seconds - offset, nanoseconds))
}

/// `HH:MM:SS` in seconds.
fn time_of_day(text: &[u8], second_max: i64) -> Option<i64> {
    let &[h0, h1, b':', m0, m1, b':', s0, s1] = text else { return None };
    let hour = digits(&[h0, h1]).filter(|hour| *hour < 24)?;
    let minute = digits(&[m0, m1]).filter(|minute| *minute < 60)?;
    let second = digits(&[s0, s1]).filter(|second| *second <= second_max)?;
    Some(hour * 3_600 + minute * 60 + second)
}

/// The optional `.123`, in nanoseconds; digits beyond nine are cut.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    if number.is_empty() {
        return None;
    }
    let nanoseconds = number
        .iter()
        .map(|byte| u32::from(byte - b'0'))
        .chain(std::iter::repeat(0))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + digit);
    Some((nanoseconds, rest))
}

/// `Z`, `+09:00` or `-03:30`, in seconds east of Greenwich.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    if matches!(text, b"Z" | b"z") {
        return Some(0);
    }
    let &[sign, h0, h1, b':', m0, m1] = text else { return None };
    let seconds = time_of_day(&[h0, h1, b':', m0, m1, b':', b'0', b'0'], 0)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Leap days before the year, counted from year 0, which is one itself.
    let leap_days = |year: i64| match year {
        0 => 0,
        year => (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1,
    };
    let days_before = |year: i64| year * 365 + leap_days(year);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    days_before(year) - days_before(1970) + months + day - 1
}

/// Year, month and day so many days after 1970 began.
fn date(days: i64) -> Option<(i64, i64, i64)> {
    if !(days_since_1970(0, 1, 1)..days_since_1970(10_000, 1, 1)).contains(&days) {
        return None;
    }
    // 400 years have 146,097 days: a year of mean length is at most one off.
    let about = 1970 + (days * 400).div_euclid(146_097);
    let year = (about - 1..=about + 1).rev().find(|year| days_since_1970(*year, 1, 1) <= days)?;
    let month = (1..=12).rev().find(|month| days_since_1970(year, *month, 1) <= days)?;
    Some((year, month, days - days_since_1970(year, month, 1) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_api_writes() {
        let cases = [
            ("1970-01-01T00:00:00Z", (0, 0)),
            ("2026-11-25T04:02:57Z", (1_795_579_377, 0)),
            ("2000-02-29T23:59:59Z", (951_868_799, 0)),
            ("2024-03-01T00:00:00.5Z", (1_709_251_200, 500_000_000)),
            ("2018-10-22T19:32:52.123456789012Z", (1_540_236_772, 123_456_789)),
            ("2026-11-25T13:02:57+09:00", (1_795_579_377, 0)),
            ("2026-11-25T00:32:57-03:30", (1_795_579_377, 0)),
            ("1969-12-31T23:59:59Z", (-1, 0)),
            ("0000-03-01T00:00:00Z", (-62_162_035_200, 0)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let (first, last) = (-62_167_219_200, 253_402_300_799);
        // A prime number of seconds between, so that all days and times of day come.
        for seconds in (first..=last).step_by(40_000_003).chain([-1, 0, first, last]) {
            let text = show_time(seconds).unwrap();
            assert_eq!(parse_time(&text), Ok((seconds, 0)), "{text}");
        }
        let shown = [first, -1, 0, 951_868_799, last].map(|it| show_time(it).unwrap());
        assert_eq!(
            shown,
            [
                "0000-01-01T00:00:00Z",
                "1969-12-31T23:59:59Z",
                "1970-01-01T00:00:00Z",
                "2000-02-29T23:59:59Z",
                "9999-12-31T23:59:59Z",
            ]
        );
        assert_eq!([first - 1, last + 1, i64::MIN, i64::MAX].map(show_time), [const { None }; 4]);
    }

    #[test]
    fn refuses_what_is_no_time() {
        let cases = [
            "",
            "yesterday",
            "2026-11-25",
            "2026-11-25T04:02:57",
            "2026-13-25T04:02:57Z",
            "2026-02-29T04:02:57Z",
            "2026-11-25T24:02:57Z",
            "2026-11-25T04:02:57.Z",
            "2026-11-25T04:02:57+9:00",
            "2026-11-25T04:02:57Zulu",
            "2026-11-2éT04:02:57Z",
        ];
        for text in cases {
            assert_eq!(parse_time(text), Err(InvalidTime(text.to_owned())), "{text}");
        }
    }
}
