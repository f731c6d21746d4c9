//! How is a list or a map read that the wire writes as null?

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Null is the default value: Go writes empty lists and maps so.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The rights of a file: a number, or a text of octal digits, as some readers of YAML leave `0400`.
pub(super) fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u32),
        Text(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Written::Number(number)) => Some(number),
        Some(Written::Text(text)) => {
            let wrong = |error| D::Error::custom(format!("expected octal digits: {error}"));
            Some(u32::from_str_radix(&text, 8).map_err(wrong)?)
        }
        None => None,
    })
}
