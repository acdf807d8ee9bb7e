//! How a command ends, and what a person is told of an error.

use std::fmt;

/// How a command ended: the exit statuses of `bloom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Completed,
    /// It tried and failed; a run failed; a diagram has errors; a replay differs.
    Failed,
    /// It was asked in a way that it does not understand.
    Usage,
    /// It may not: the signature, the trust list or the policy says no.
    Refused,
    /// A run waits for a time, a signal or a person; it can be resumed.
    Waiting,
    /// A signal of this number stopped it; a run can be resumed.
    Interrupted(u8),
}

impl Exit {
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Waiting => 4,
            // As shells report it.
            Self::Interrupted(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// What went wrong, in the person's language, with what to do about it. It stands as context over the error below.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Explained {
    pub(crate) fn failed(message: String) -> Self {
        Self { exit: Exit::Failed, message, hint: None }
    }

    pub(crate) fn usage(message: String) -> Self {
        Self { exit: Exit::Usage, message, hint: None }
    }

    pub(crate) fn refused(message: String) -> Self {
        Self { exit: Exit::Refused, message, hint: None }
    }

    pub(crate) fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Explained {}
