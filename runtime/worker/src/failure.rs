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
//! | `invalid_schema` | the node's output schema is none; nothing was asked | no |
//! | `session_unsupported` | the node asks for a conversation, and the executor keeps none | no |
//! | `executor_missing` | the program cannot be started | no |
//! | `executor_panicked` | the executor has a defect; the same question would most likely meet it again | no |

use std::any::Any;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;
use bloom_runtime::panics;

use crate::process::ProcessError;

const MESSAGE_CHARS: usize = 600;

/// The provider does not let the program in.
pub(crate) const NOT_LOGGED_IN: &str = "not_logged_in";

pub(crate) fn permanent(code: &str, message: impl Into<String>) -> EffectError {
    EffectError::new(code, message)
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
    let text = panics::message(panic).unwrap_or("without a message");
    permanent("executor_panicked", format!("the executor panicked: {}", head(text)))
}

/// What a program's error means: see [`of_provider`].
pub(crate) fn of_error(subtype: &str, text: &str) -> EffectError {
    of_provider(subtype, None, text)
}

/// What a program's error means: by the type that it has (the envelope's subtype, or that of the provider's API), else by
/// phrases that mean nothing else, else by the provider's HTTP status, as the envelope or the text has it.
pub(crate) fn of_provider(subtype: &str, status: Option<u16>, text: &str) -> EffectError {
    let lower = text.to_lowercase();
    let meaning = of_type(subtype)
        .or_else(|| api_types(text).iter().find_map(|name| of_type(name)))
        .or_else(|| of_phrase(&lower))
        .or_else(|| of_status(status.or_else(|| told_status(&lower))?));
    let message = reason(text);
    match meaning {
        Some("quota") => {
            let details = resets_at(text).map(|at| [("resets_at", Value::Int(at))].into_iter().collect());
            EffectError { details, ..passing("quota", message) }
        }
        Some("overloaded") => passing("overloaded", message),
        Some(code) => permanent(code, message),
        None => passing("executor_failed", message),
    }
}

/// What a program said of its failure; some say nothing.
pub(crate) fn reason(text: &str) -> String {
    match text.trim() {
        "" => String::from("the program did not say why"),
        text => head(text),
    }
}

/// The error types of the providers' APIs.
fn of_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "rate_limit_error" | "billing_error" | "rate_limit_exceeded" | "insufficient_quota" => "quota",
        "overloaded_error" | "api_error" | "timeout_error" | "server_error" => "overloaded",
        "authentication_error" | "invalid_api_key" => "not_logged_in",
        "request_too_large" | "context_length_exceeded" => "prompt_too_long",
        _ => return None,
    })
}

/// The types in the error object that a text quotes: `API Error: 529 {"type":"error","error":{"type":"overloaded_error"}}`.
fn api_types(text: &str) -> Vec<String> {
    let Some((_, json)) = text.split_once('{') else { return Vec::new() };
    let json = format!("{{{json}");
    let quoted = serde_json::Deserializer::from_str(&json).into_iter::<serde_json::Value>().next();
    let Some(Ok(quoted)) = quoted else { return Vec::new() };
    let error = quoted.get("error").unwrap_or(&quoted);
    ["code", "type"].iter().filter_map(|key| Some(error.get(key)?.as_str()?.to_owned())).collect()
}

/// `API Error: 529 …`, as the Claude CLI says it. The text is in lower case.
fn told_status(lower: &str) -> Option<u16> {
    let (_, after) = lower.split_once("api error: ")?;
    after.get(..3)?.parse().ok()
}

/// What an HTTP status of the providers' APIs means.
fn of_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "not_logged_in",
        413 => "prompt_too_long",
        429 => "quota",
        500 | 502 | 503 | 504 | 529 => "overloaded",
        _ => return None,
    })
}

/// What a text in lower case says, where all parts of a phrase stand in one line, in their order.
fn of_phrase(lower: &str) -> Option<&'static str> {
    const PHRASES: &[(&[&str], &str)] = &[
        (&["usage limit reached"], "quota"),
        (&["limit reached", "resets"], "quota"),
        (&["you've hit your", "limit"], "quota"),
        (&["you’ve hit your", "limit"], "quota"),
        (&["credit balance is too low"], "quota"),
        (&["exceeded your current quota"], "quota"),
        (&["api error: repeated 529"], "overloaded"),
        (&["please run /login"], "not_logged_in"),
        (&["failed to authenticate."], "not_logged_in"),
        (&["not logged in"], "not_logged_in"),
        (&["invalid api key"], "not_logged_in"),
        (&["oauth token has expired"], "not_logged_in"),
        (&["prompt is too long"], "prompt_too_long"),
        (&["maximum context length"], "prompt_too_long"),
        (&["violate", "usage policy"], "refused"),
    ];
    let says = |phrase: &[&str]| {
        let in_order = |line: &str| {
            phrase.iter().try_fold(line, |rest, part| rest.split_once(part).map(|(_, rest)| rest)).is_some()
        };
        lower.lines().any(in_order)
    };
    PHRASES.iter().find(|(phrase, _)| says(phrase)).map(|(_, code)| *code)
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

    fn of_text(text: &str) -> EffectError {
        of_error("", text)
    }

    #[test]
    fn texts_of_providers_have_their_codes() {
        for (text, code, retryable) in [
            ("Claude AI usage limit reached|1767225600", "quota", true),
            ("You've hit your limit · resets 3pm (Europe/Kyiv)", "quota", true),
            ("You've hit your session limit · resets 3pm", "quota", true),
            ("5-hour limit reached ∙ resets 3pm", "quota", true),
            ("API Error: 429 too many requests", "quota", true),
            (
                r#"API Error: 400 {"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
                "quota",
                true,
            ),
            (r#"{"error":{"message":"…","type":"insufficient_quota","code":"insufficient_quota"}}"#, "quota", true),
            (r#"API Error: 529 {"type":"error","error":{"type":"overloaded_error"}} (a warning)"#, "overloaded", true),
            ("API Error: 503 upstream connect error", "overloaded", true),
            ("API Error: Repeated 529 Overloaded errors. The API is at capacity", "overloaded", true),
            ("Invalid API key · Please run /login", "not_logged_in", false),
            ("Invalid API key · Fix external API key", "not_logged_in", false),
            ("Failed to authenticate. API Error: 403 Your organization has disabled this", "not_logged_in", false),
            (r#"API Error: 401 {"type":"error","error":{"type":"authentication_error"}}"#, "not_logged_in", false),
            ("Prompt is too long", "prompt_too_long", false),
            (
                r#"API Error: 400 {"error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#,
                "prompt_too_long",
                false,
            ),
            ("unable to respond to this request, which appears to violate our Usage Policy", "refused", false),
        ] {
            let error = of_text(text);
            assert_eq!((error.code.as_str(), error.retryable), (code, retryable), "{text}");
        }
    }

    #[test]
    fn failures_of_the_machine_are_none_of_the_provider() {
        for text in [
            "segmentation fault",
            "connect ECONNREFUSED 127.0.0.1:443: connection refused",
            "write failed: disk quota exceeded",
            "Error: too many open files (limit reached)",
            "FATAL: heap limit reached, allocation failed",
            "line 3: function f is overloaded",
            "cannot read the file: unauthorized",
            "the token has expired while parsing",
            "see our usage policy",
            "API Error: Connection error.",
            "{ not JSON",
            "",
        ] {
            let error = of_text(text);
            assert_eq!((error.code.as_str(), error.retryable), ("executor_failed", true), "{text}");
        }
    }

    #[test]
    fn a_status_says_what_a_text_does_not() {
        let of = |status| of_provider("success", Some(status), "API Error: Request rejected · try later").code;
        assert_eq!(
            [401, 413, 429, 500, 503, 529].map(of),
            ["not_logged_in", "prompt_too_long", "quota", "overloaded", "overloaded", "overloaded"]
        );
        assert_eq!(of(418), "executor_failed");
        assert_eq!(of_provider("success", Some(400), "Prompt is too long").code, "prompt_too_long");
    }

    #[test]
    fn a_type_says_more_than_a_text() {
        assert_eq!(of_error("rate_limit_error", "not logged in").code, "quota");
        let quoted = r#"API Error: 500 {"error":{"type":"overloaded_error","message":"please run /login"}}"#;
        assert_eq!(of_text(quoted).code, "overloaded");
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
