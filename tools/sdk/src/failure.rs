use std::fmt;

pub use crate::bindings::bloom::tool::types::Failure;

impl Failure {
    /// A failure that the same call would meet again. The code is in `snake_case`, and flows decide by it: keep it stable.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false }
    }

    /// The same call could succeed later.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retryable: true, ..self }
    }

    /// Says first what it was about: `context: message`.
    #[must_use]
    pub fn about(self, context: impl fmt::Display) -> Self {
        Self { message: format!("{context}: {}", self.message), ..self }
    }
}

/// Makes failures of what other libraries return.
///
/// ```
/// use bloom_tool::{Failure, OrFail as _};
///
/// fn year(text: &str) -> Result<u16, Failure> {
///     text.parse().or_fail("invalid_year")
/// }
///
/// assert_eq!(year("x").unwrap_err(), Failure::new("invalid_year", "invalid digit found in string"));
/// ```
pub trait OrFail<T> {
    /// The value; else a failure with this code, whose message is the error's.
    fn or_fail(self, code: &str) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error.to_string()))
    }
}
