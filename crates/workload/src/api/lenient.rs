//! How is a list or a map read that the wire writes as null?

use serde::{Deserialize, Deserializer};

/// Null is the default value: Go writes empty lists and maps so.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
