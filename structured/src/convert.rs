//! From and to Rust types, by serde.

mod from;
mod to;

use std::fmt;

pub use from::from_value;
pub use to::to_value;

/// How deep a value may be that is converted: serde recurses.
const MAX_DEPTH: usize = 128;

/// A Rust value could not be made a [`Value`](crate::Value), or the other way round.
///
/// # Examples
///
/// ```
/// use message_port_structured::{Value, from_value};
///
/// let error = from_value::<bool>(Value::from(7).root()).unwrap_err();
/// assert_eq!(error.to_string(), "invalid type: integer `7`, expected a boolean");
/// ```
#[derive(Debug)]
pub struct ConvertError(String);

impl ConvertError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn too_deep() -> Self {
        Self::new("the value is too deep, or has a cycle")
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConvertError {}

impl serde::ser::Error for ConvertError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

impl serde::de::Error for ConvertError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}
