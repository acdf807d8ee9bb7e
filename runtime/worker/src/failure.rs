//! Failures of executors, typed.
//!
//! | code | meaning | tried again? |
//! |---|---|---|
//! | `quota` | the provider's limit is reached; `details.resets_at` (Unix milliseconds) where it says so | given back |
//! | `overloaded` | the provider cannot answer now | yes |
//! | `not_logged_in` | the program has no valid credentials | given back |
//! | `invalid_output` | the answer does not satisfy the schema, also after the repair | no |
//! | `timeout` | the time limit passed | yes |
//! | `refused` | the model or its provider declined to answer | no |
//! | `prompt_too_long` | the prompt exceeds what the model takes | no |
//! | `executor_failed` | the program ended with an error of another kind | yes |
//! | `executor_missing` | the program cannot be started | no |
//! | `executor_panicked` | the executor has a defect; the same question would most likely meet it again | no |

use std::any::Any;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;

use crate::process::ProcessError;

const MESSAGE_CHARS: usize = 600;

pub(crate) fn permanent(code: &str, message: impl Into<String>) -> EffectError {
    EffectError { code: code.to_owned(), message: message.into(), retryable: false, details: None }
}

pub(crate) fn passing(code: &str, message: impl Into<String>) -> EffectError {
    EffectError { retryable: true, ..permanent(code, message) }
}

pub(crate) fn invalid_output(problems: &[String]) -> EffectError {
    let problems: Vec<String> = problems.iter().take(20).map(|problem| head(problem)).collect();
    let message = format!("the answer does not satisfy the node's schema: {}", problems.join("; "));
    EffectError {
        details: Some([("problems", problems.into_iter().map(Value::from).collect::<Value>())].into_iter().collect()),
        ..permanent("invalid_output", message)
    }
}

pub(crate) fn timeout(timeout_ms: u64) -> EffectError {
    passing("timeout", format!("no answer within {timeout_ms} ms"))
}

pub(crate) fn of_process(error: &ProcessError) -> EffectError {
    use std::error::Error as _;
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let message = format!("{error}{cause}");
    match error {
        ProcessError::Start { .. } => permanent("executor_missing", message),
        ProcessError::TooMuchOutput { .. } => permanent("invalid_output", message),
        ProcessError::Io { .. } => passing("executor_failed", message),
    }
}

/// What a panic of an executor says.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> EffectError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    permanent("executor_panicked", format!("the executor panicked: {}", head(text.unwrap_or("without a message"))))
}

/// What a program's error text means.
pub(crate) fn of_text(text: &str) -> EffectError {
    let lower = text.to_lowercase();
    let says = |needles: &[&str]| needles.iter().any(|needle| lower.contains(needle));
    let message = head(text.trim());
    if says(&["usage limit", "hit your limit", "limit reached", "rate_limit", "rate limit", "credit balance", "quota"])
    {
        let details = resets_at(text).map(|at| [("resets_at", Value::Int(at))].into_iter().collect());
        EffectError { details, ..passing("quota", message) }
    } else if says(&["overloaded", "api error: 529", "api error: 503", "service unavailable"]) {
        passing("overloaded", message)
    } else if says(&[
        "/login",
        "not logged in",
        "invalid api key",
        "authentication_error",
        "token has expired",
        "unauthorized",
    ]) {
        permanent("not_logged_in", message)
    } else if says(&["prompt is too long", "context window", "context_length"]) {
        permanent("prompt_too_long", message)
    } else if says(&["usage policy", "refus"]) {
        permanent("refused", message)
    } else {
        passing("executor_failed", message)
    }
}

/// `…|1767225600`: when a limit ends, in Unix seconds, as the Claude CLI prints it.
fn resets_at(text: &str) -> Option<i64> {
    let (_, after) = text.rsplit_once('|')?;
    let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<i64>().ok().filter(|seconds| *seconds > 1_000_000_000)?.checked_mul(1000)
}

pub(crate) fn head(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_providers_have_their_codes() {
        for (text, code, retryable) in [
            ("Claude AI usage limit reached|1767225600", "quota", true),
            ("You've hit your limit · resets 3pm (Europe/Kyiv)", "quota", true),
            ("API Error: 529 {\"error\":{\"type\":\"overloaded_error\"}}", "overloaded", true),
            ("Invalid API key · Please run /login", "not_logged_in", false),
            ("Prompt is too long", "prompt_too_long", false),
            ("unable to respond to this request, which appears to violate our Usage Policy", "refused", false),
            ("segmentation fault", "executor_failed", true),
        ] {
            let error = of_text(text);
            assert_eq!((error.code.as_str(), error.retryable), (code, retryable), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_quota_is_read_in_milliseconds() {
        let error = of_text("Claude AI usage limit reached|1767225600");
        assert_eq!(
            error.details.as_ref().and_then(|details| details.get("resets_at")?.as_int()),
            Some(1_767_225_600_000)
        );
        assert_eq!(of_text("usage limit reached|soon").details, None);
    }
}
