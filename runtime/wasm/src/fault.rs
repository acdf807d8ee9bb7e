//! Why a call failed, as the host sees it.

use std::borrow::Cow;

use bloom_interpreter::effect::EffectError;
use bloom_ir::{Digest, Value};

use crate::bindings::bloom::tool::types::Failure;

/// What stops a call. The code of each is part of the contract with flows, which decide by it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("no tool of that name is installed")]
    UnknownTool,
    #[error("the flow pins {expected}, and {installed} is installed")]
    DigestMismatch { expected: Digest, installed: Digest },
    #[error("it asks for `{capability}`, {reason}")]
    NotGranted { capability: String, reason: Cow<'static, str> },
    #[error("`{0}` is no agent's name that can have a memory folder")]
    InvalidAgent(String),
    #[error("its arguments do not satisfy its input schema: {0}")]
    InvalidInput(String),
    #[error("its arguments are {size} bytes of JSON, more than {limit}")]
    InputTooLarge { size: usize, limit: usize },
    #[error("what it returned does not satisfy its output schema: {0}")]
    InvalidOutput(String),
    #[error("it returned {size} bytes, more than {limit}")]
    OutputTooLarge { size: usize, limit: usize },
    #[error("what it returned holds its setting `{setting}`, which must not be recorded")]
    SecretReturned { setting: String },
    #[error("it wrote more than {limit} bytes of log lines")]
    LogTooLarge { limit: usize },
    #[error("it used up its budget of work ({fuel} units of fuel)")]
    OutOfFuel { fuel: u64 },
    #[error("it was stopped after {limit_ms} ms")]
    Timeout { limit_ms: u64 },
    #[error("nobody waits for it any more")]
    Cancelled,
    #[error("it asked for more than {limit} bytes of memory")]
    OutOfMemory { limit: usize },
    #[error("its calls nest too deeply")]
    StackOverflow,
    #[error("it stopped: {0}")]
    Trap(String),
    #[error("it cannot be started: {0}")]
    NotStarted(String),
    #[error("{message}")]
    Failed { code: String, message: String, retryable: bool },
    #[error("the host failed: {0}")]
    Host(String),
}

impl Fault {
    /// What the tool itself reported.
    pub(crate) fn reported(failure: Failure) -> Self {
        const LONGEST_MESSAGE: usize = 4096;
        let Failure { code, mut message, retryable } = failure;
        if message.len() > LONGEST_MESSAGE {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message.push('…');
        }
        if is_code(&code) {
            Self::Failed { code, message, retryable }
        } else {
            Self::Failed { code: "tool_failed".into(), message: format!("{code}: {message}"), retryable }
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::UnknownTool => "unknown_tool",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::NotGranted { .. } => "not_granted",
            Self::InvalidAgent(_) => "invalid_agent",
            Self::InvalidInput(_) => "invalid_input",
            Self::InputTooLarge { .. } => "input_too_large",
            Self::InvalidOutput(_) => "invalid_output",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::SecretReturned { .. } => "secret_returned",
            Self::LogTooLarge { .. } => "log_too_large",
            Self::OutOfFuel { .. } => "out_of_fuel",
            Self::Timeout { .. } => "timeout",
            Self::Cancelled => "cancelled",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::StackOverflow => "stack_overflow",
            Self::Trap(_) => "trap",
            Self::NotStarted(_) => "not_started",
            Self::Failed { code, .. } => code,
            Self::Host(_) => "host_failed",
        }
    }

    /// Only what depends on the machine's load, or what the tool says itself, can go better the next time.
    fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Failed { retryable, .. } => *retryable,
            _ => false,
        }
    }

    /// As a run records it.
    pub(crate) fn of_tool(self, tool: &str) -> EffectError {
        let details = match &self {
            Self::DigestMismatch { expected, installed } => {
                Some([("expected", expected), ("installed", installed)].map(|(key, digest)| (key, digest.to_string())))
            }
            _ => None,
        };
        EffectError {
            retryable: self.is_retryable(),
            details: details.map(|pairs| pairs.into_iter().map(|(key, text)| (key, Value::from(text))).collect()),
            ..EffectError::new(self.code(), format!("{tool}: {self}"))
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(code: &str, message: &str) -> EffectError {
        let failure = Failure { code: code.into(), message: message.into(), retryable: true };
        Fault::reported(failure).of_tool("t")
    }

    #[test]
    fn a_tools_own_code_is_kept() {
        let error = reported("file_too_large", "завелика");
        assert_eq!((error.code.as_str(), error.message.as_str()), ("file_too_large", "t: завелика"));
        assert!(error.retryable);
    }

    #[test]
    fn what_is_no_code_goes_into_the_message() {
        for code in ["", "Not Found", "9lives", "не_знайдено", &"a".repeat(65)] {
            assert_eq!(reported(code, "m").code, "tool_failed", "{code}");
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = reported("x", &"ї".repeat(3000));
        assert!(error.message.len() < 4200 && error.message.ends_with('…'), "{}", error.message.len());
    }
}
