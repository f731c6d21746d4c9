//! How old is something, in the way kubectl says it?

use std::time::{Duration, SystemTime};

const UNKNOWN: &str = "<unknown>";

/// The age of what the agent says was made then. Objects of a file seldom say when.
pub(crate) fn age(created: Option<&str>, now: SystemTime) -> String {
    let Some(created_s) = created.and_then(seconds_since_1970) else {
        return UNKNOWN.to_owned();
    };
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    short(now.as_secs().saturating_sub(created_s))
}

/// Of `2026-11-25T09:00:00Z`, as the agent writes it.
fn seconds_since_1970(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator: char| -> Option<[u64; 3]> {
        let mut parts = text.split(separator).map(|part| part.parse().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(numbers)
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days_since_1970 = days.checked_sub(719_468)?;
    Some(days_since_1970 * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Two units while the smaller one still matters.
pub(crate) fn short(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: u64, large_unit: char, small: u64, small_unit: char| {
        if small == 0 {
            format!("{large}{large_unit}")
        } else {
            format!("{large}{large_unit}{small}{small_unit}")
        }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_597_200);
        let of = |created: &str| age(Some(created), now);
        let ages = [
            of("2026-11-25T09:00:00.5Z"),
            of("2026-11-25T08:58:01Z"),
            of("2026-11-25T08:55:30Z"),
            of("2026-11-25T08:00:00Z"),
            of("2026-11-25T04:20:00Z"),
            of("2026-11-24T09:00:00Z"),
            of("2026-11-21T04:00:00Z"),
            of("2026-02-28T09:00:00Z"),
            of("2023-10-25T09:00:00Z"),
            of("1970-01-01T00:00:00Z"),
            of("2027-01-01T00:00:00Z"),
            of("yesterday"),
            age(None, now),
        ];
        assert_eq!(
            ages,
            [
                "0s", "119s", "4m30s", "60m", "4h40m", "24h", "4d5h", "270d", "3y32d", "56y", "0s",
                UNKNOWN, UNKNOWN
            ]
        );
    }
}
