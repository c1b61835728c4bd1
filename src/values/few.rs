//! Lists that stay short.

use super::Refusal;
use serde::{Deserialize, Deserializer, de::Error as _};

/// Reads a list of at most `MAX` items, for `deserialize_with`.
pub fn few<'de, const MAX: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    match Option::<Vec<T>>::deserialize(deserializer)? {
        Some(items) if items.len() > MAX => {
            Err(D::Error::custom(Refusal::new("too_many", format!("at most {MAX} may be given, not {}", items.len()))))
        }
        items => Ok(items),
    }
}
