//! The result envelope that the Claude CLI prints with `--output-format json`, and every `command` program too:
//!
//! ```json
//! { "type": "result", "is_error": false, "result": "text of the answer", "structured_output": { },
//!   "usage": { "input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0 },
//!   "total_cost_usd": 0.001, "duration_ms": 1200, "session_id": "…", "modelUsage": { "model-name": { } } }
//! ```
//!
//! Only `result` or `structured_output` is required; unknown members are ignored. Anything else that a program prints before
//! it ends well counts as the text of its answer.

use std::collections::BTreeMap;

use bloom_interpreter::effect::{EffectError, Usage};
use serde::Deserialize;

use crate::answer::Reply;
use crate::failure;
use crate::process::Output;

#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    is_error: bool,
    /// The HTTP status of the provider, where that is what failed.
    #[serde(default)]
    api_error_status: Option<u16>,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    structured_output: Option<serde_json::Value>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    total_cost_usd: Option<f64>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default, rename = "modelUsage")]
    model_usage: BTreeMap<String, serde_json::Value>,
}

/// The provider's count. What is read from a cache or written to it went in, too.
#[derive(Debug, Default, Deserialize)]
struct Tokens {
    #[serde(default, rename = "input_tokens")]
    input: u64,
    #[serde(default, rename = "output_tokens")]
    output: u64,
    #[serde(default, rename = "cache_read_input_tokens")]
    cache_read: u64,
    #[serde(default, rename = "cache_creation_input_tokens")]
    cache_creation: u64,
}

/// Reads what a program printed.
pub(crate) fn reply(output: &Output, latency_ms: u64) -> Result<Reply, EffectError> {
    let Some(envelope) = read(&output.stdout) else { return without_envelope(output) };
    envelope.reply(latency_ms, output.status.success(), &on_stderr(output))
}

/// The conversation that a program says it had.
pub(crate) fn session(output: &Output) -> Option<String> {
    read(&output.stdout)?.session_id
}

/// Reads what a program printed elsewhere, and ended well: a text without an envelope is the answer.
pub(crate) fn reply_of_text(text: &str, latency_ms: u64) -> Result<Reply, EffectError> {
    let is_marked = |envelope: &Envelope| envelope.r#type.is_some();
    match read(text.as_bytes()).filter(is_marked) {
        Some(envelope) => envelope.reply(latency_ms, true, ""),
        None => Ok(Reply { text: text.to_owned(), structured: None, usage: None }),
    }
}

impl Envelope {
    fn reply(self, latency_ms: u64, is_well: bool, on_stderr: &str) -> Result<Reply, EffectError> {
        let usage = self.usage(latency_ms);
        let paid = |error: EffectError| EffectError { usage: usage.clone().map(Box::new), ..error };
        let text = self.result.unwrap_or_default();
        if self.stop_reason.as_deref() == Some("refusal") {
            return Err(paid(failure::permanent("refused", failure::reason(&text))));
        }
        if self.is_error || !is_well {
            let kind = self.subtype.unwrap_or_default();
            // The CLI checks the schema itself, and gives up after a few tries of its own.
            if kind == "error_max_structured_output_retries" {
                return Ok(Reply { text, structured: None, usage });
            }
            let said = if text.trim().is_empty() { &kind } else { &text };
            return Err(paid(failure::of_provider(&kind, self.api_error_status, &format!("{said}{on_stderr}"))));
        }
        Ok(Reply { text, structured: self.structured_output.filter(|json| !json.is_null()), usage })
    }
}

/// With `--verbose` in the user's settings the CLI prints a list of messages, the result last.
fn read(stdout: &[u8]) -> Option<Envelope> {
    let envelope: Envelope = match serde_json::from_slice(stdout).ok()? {
        serde_json::Value::Array(messages) => {
            let result =
                messages.into_iter().rfind(|message| message.get("type").is_some_and(|kind| kind == "result"))?;
            serde_json::from_value(result).ok()?
        }
        json => serde_json::from_value(json).ok()?,
    };
    let is_result = envelope.r#type.as_deref().is_none_or(|kind| kind == "result");
    (is_result && (envelope.result.is_some() || envelope.structured_output.is_some() || envelope.is_error))
        .then_some(envelope)
}

/// A program that failed early prints plain text, if anything; one that ended well is told what is wrong with its answer.
fn without_envelope(output: &Output) -> Result<Reply, EffectError> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(Reply { text: stdout.into_owned(), structured: None, usage: None });
    }
    Err(failure::of_error("", &format!("{}: {}{}", output.status, stdout.trim(), on_stderr(output))))
}

fn on_stderr(output: &Output) -> String {
    match String::from_utf8_lossy(&output.stderr).trim() {
        "" => String::new(),
        text => format!(" ({text})"),
    }
}

impl Envelope {
    fn usage(&self, latency_ms: u64) -> Option<Usage> {
        let tokens = self.usage.as_ref()?;
        Some(Usage {
            input_tokens: tokens.input.saturating_add(tokens.cache_read).saturating_add(tokens.cache_creation),
            output_tokens: tokens.output,
            cost_micro_usd: self.total_cost_usd.and_then(micro),
            model: self.model_usage.keys().next().cloned(),
            prompt: None,
            session: None,
            latency_ms,
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn micro(usd: f64) -> Option<u64> {
    (0.0..1e9).contains(&usd).then_some((usd * 1e6).round() as u64)
}
