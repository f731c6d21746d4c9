//! How is a moment written in JSON?

use std::time::{Duration, SystemTime};

/// RFC 3339 in UTC, with as many digits below the second as are not zero. Moments before 1970 are
/// written as 1970.
#[must_use]
pub fn format(at: SystemTime) -> String {
    let since = since_1970(at);
    let fraction = match since.subsec_nanos() {
        0 => String::new(),
        nanos => format!(".{nanos:09}").trim_end_matches('0').to_owned(),
    };
    format!("{}{fraction}Z", to_the_second(since))
}

/// The same without what is below the second.
#[must_use]
pub fn seconds(at: SystemTime) -> String {
    format!("{}Z", to_the_second(since_1970(at)))
}

/// The same with just six digits below the second.
#[must_use]
pub fn micros(at: SystemTime) -> String {
    let since = since_1970(at);
    format!("{}.{:06}Z", to_the_second(since), since.subsec_micros())
}

fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

fn to_the_second(since: Duration) -> String {
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day, so many days after 1970-01-01.
///
/// Counted from a March 1st, so that the leap day is the last of its year; 400 years have always
/// the same number of days.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_date_does() {
        let at = |seconds, nanos| format(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
        let written = [
            at(0, 0),
            at(951_782_399, 0),
            at(951_782_400, 0),
            at(1_709_210_096, 120_000_000),
            at(1_795_597_200, 1),
            at(4_107_542_400, 0),
        ];
        assert_eq!(
            written,
            [
                "1970-01-01T00:00:00Z",
                "2000-02-28T23:59:59Z",
                "2000-02-29T00:00:00Z",
                "2024-02-29T12:34:56.12Z",
                "2026-11-25T09:00:00.000000001Z",
                "2100-03-01T00:00:00Z",
            ]
        );
        let at = SystemTime::UNIX_EPOCH + Duration::new(1_709_210_096, 20_345_678);
        assert_eq!(seconds(at), "2024-02-29T12:34:56Z");
        assert_eq!(micros(at), "2024-02-29T12:34:56.020345Z");
    }
}
