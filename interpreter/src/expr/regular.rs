//! Regular expressions.

use bloom_ir::Value;
use regex::{Regex, RegexBuilder};

use super::budget::{Meter, count};
use super::error::{EvalError, excerpt};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1000;
/// How large a compiled pattern may get, in bytes.
const MAX_COMPILED: usize = 512 * 1024;
/// The steps that compiling a pattern costs, where it is not done beforehand.
const COMPILE_COST: u64 = 10_000;

/// A pattern that was compiled, or why it could not be.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Result<Regex, EvalError>,
    length: usize,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        Self { regex: compile(pattern), length: pattern.len() }
    }

    pub(super) fn matches(&self, text: &Value, meter: &mut Meter) -> Result<Value, EvalError> {
        let Value::String(text) = text else {
            return Err(EvalError::no_function("matches", &[text.clone(), Value::from("")]));
        };
        let regex = self.regex.as_ref().map_err(Clone::clone)?;
        // Linear in the text, with a factor that grows with the pattern.
        meter.steps(1 + count(text.len()) * (8 + count(self.length)) / 512)?;
        Ok(Value::Bool(regex.is_match(text)))
    }
}

/// `text.matches(pattern)` with a pattern that is computed.
pub(super) fn matches(args: &[Value], meter: &mut Meter) -> Result<Value, EvalError> {
    let [text, Value::String(pattern)] = args else { return Err(EvalError::no_function("matches", args)) };
    meter.steps(COMPILE_COST)?;
    Pattern::new(pattern).matches(text, meter)
}

fn compile(pattern: &str) -> Result<Regex, EvalError> {
    let refuse = |reason: String| EvalError::InvalidRegex { pattern: excerpt(pattern), reason };
    if pattern.len() > MAX_PATTERN {
        return Err(refuse(format!("it is longer than {MAX_PATTERN} bytes")));
    }
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build().map_err(
        |error| match error {
            regex::Error::CompiledTooBig(_) => refuse("it gets too large".to_owned()),
            // The library's message draws the pattern over several lines; the last says what is wrong.
            other => refuse(other.to_string().lines().last().unwrap_or_default().replace("error: ", "")),
        },
    )
}
