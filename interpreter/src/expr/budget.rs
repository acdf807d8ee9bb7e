//! How much an evaluation may use.

use super::error::EvalError;

/// How much one evaluation may use. Exceeding it is an error that `&&`, `||` and macros do not absorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps, as the module's documentation counts them.
    pub steps: u64,
    /// Bytes of what is created: a text's bytes, and [`ELEMENT`] for each element of a list or member of a map; and
    /// bytes of the value that leaves, if it is a list or map that the expression has made.
    pub bytes: u64,
}

/// What IR 0.1 gives every expression.
impl Default for Budget {
    fn default() -> Self {
        Self { steps: 10_000_000, bytes: 64 * 1024 * 1024 }
    }
}

/// What an element of a list or a member of a map counts, in bytes, beside its own text.
pub(super) const ELEMENT: u64 = 24;

/// What an evaluation has left, and what it has made.
pub(super) struct Meter {
    budget: Budget,
    steps_left: u64,
    bytes_left: u64,
    /// Whether a list or map was made, whose size as a whole is not known.
    pub(super) built: bool,
    /// Whether a double was made, which may be integral.
    pub(super) doubles: bool,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, steps_left: budget.steps, bytes_left: budget.bytes, built: false, doubles: false }
    }

    /// Steps so far.
    pub(super) fn steps_done(&self) -> u64 {
        self.budget.steps.saturating_sub(self.steps_left)
    }

    #[inline]
    pub(super) fn steps(&mut self, steps: u64) -> Result<(), EvalError> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => Err(EvalError::TooManySteps { limit: self.budget.steps }),
        }
    }

    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), EvalError> {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.bytes_left = left;
                Ok(())
            }
            None => Err(EvalError::TooLarge { limit: self.budget.bytes }),
        }
    }

    /// Text is looked through.
    pub(super) fn scan(&mut self, text: &str) -> Result<(), EvalError> {
        self.steps(1 + count(text.len()) / 64)
    }

    /// A text is made.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.bytes(count(bytes))
    }

    /// A list or map of so many elements is made.
    pub(super) fn elements(&mut self, elements: usize) -> Result<(), EvalError> {
        self.built = true;
        self.bytes(count(elements).saturating_mul(ELEMENT))
    }
}

/// A size as a number to charge.
pub(super) fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
