//! Is a number of the API in its range?

use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use crate::api::IntOrString;
use crate::report::quoted;

/// Why a value is not the number that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidNumber {
    #[error("expected a number from {} to {}, found {found}", range.start(), range.end())]
    OutOfRange { range: RangeInclusive<u32>, found: i64 },
    #[error(
        "expected a number from {} to {} (without quotes), found the text {}",
        range.start(), range.end(), quoted(found)
    )]
    Text { range: RangeInclusive<u32>, found: String },
}

pub(crate) fn parse_number(
    value: &IntOrString,
    range: RangeInclusive<u32>,
) -> Result<u32, InvalidNumber> {
    match value {
        IntOrString::String(found) => Err(InvalidNumber::Text { range, found: found.clone() }),
        IntOrString::Int(found) => match u32::try_from(*found) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(InvalidNumber::OutOfRange { range, found: *found }),
        },
    }
}

pub(crate) fn parse_port(value: &IntOrString) -> Result<NonZeroU16, InvalidNumber> {
    let number = parse_number(value, 1..=u16::MAX.into())?;
    Ok(u16::try_from(number)
        .ok()
        .and_then(NonZeroU16::new)
        .expect("the range above is that of a NonZeroU16"))
}

/// A port that is absent when the API says nothing or zero.
pub(crate) fn parse_optional_port(
    value: Option<&IntOrString>,
) -> Result<Option<NonZeroU16>, InvalidNumber> {
    match value {
        None | Some(IntOrString::Int(0)) => Ok(None),
        Some(value) => parse_port(value).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_ports() {
        let shown = |value: IntOrString| match parse_port(&value) {
            Ok(port) => port.to_string(),
            Err(error) => error.to_string(),
        };
        let range = "expected a number from 1 to 65535";
        let cases = [
            (IntOrString::Int(1), "1".to_owned()),
            (IntOrString::Int(65_535), "65535".to_owned()),
            (IntOrString::Int(0), format!("{range}, found 0")),
            (IntOrString::Int(65_536), format!("{range}, found 65536")),
            (IntOrString::Int(-1), format!("{range}, found -1")),
            (
                IntOrString::String("80".to_owned()),
                format!("{range} (without quotes), found the text \"80\""),
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(value), expected);
        }
        assert_eq!(parse_optional_port(None), Ok(None));
        assert_eq!(parse_optional_port(Some(&IntOrString::Int(0))), Ok(None));
    }
}
