//! JSON Schema 2020-12 over [`Value`]s: the one wrapper of the library that does it.
//!
//! Schemas are compiled once. `$ref` reaches into the same schema only: there is no network and no file behind it. Regular
//! expressions run in time linear in the text; what such an engine cannot do (look-around, back-references) makes the
//! schema invalid. `format` is an annotation, as the standard has it, and checks nothing.

mod representation;

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde::Serialize;

use self::representation::Values;
use crate::Value;

/// How many violations of one value are listed.
pub const MAX_VIOLATIONS: usize = 16;

/// A value with more parts than this gets its first violation only, so that a bad value of a megabyte does not become
/// errors of a hundred.
const MAX_LISTED_PARTS: usize = 10_000;

/// In characters.
const MAX_MESSAGE: usize = 300;

/// In bytes, of one compiled regular expression.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// A schema that is ready to check values. Cloning is cheap.
#[derive(Clone)]
pub struct CompiledSchema(Arc<Validator<Values>>);

/// A schema that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    /// JSON pointer (RFC 6901) into the schema.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// What a value has that its schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the value.
    pub path: String,
    /// What is wrong there; never the value itself, which may be large or secret.
    pub message: String,
}

impl CompiledSchema {
    /// Compiles a schema.
    pub fn compile(schema: &serde_json::Value) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_SIZE).dfa_size_limit(MAX_PATTERN_SIZE);
        jsonschema::options_for::<Values>()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(patterns)
            .offline()
            .build(schema)
            .map(|validator| Self(Arc::new(validator)))
            .map_err(|error| SchemaError { pointer: error.instance_path().to_string(), message: message(&error) })
    }

    /// Checks a value; lists the first [`MAX_VIOLATIONS`] violations.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        if parts(value) > MAX_LISTED_PARTS {
            return self.0.validate(value).map_err(|error| vec![violation(&error)]);
        }
        Err(self.0.iter_errors(value).take(MAX_VIOLATIONS).map(|error| violation(&error)).collect())
    }
}

impl fmt::Debug for CompiledSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CompiledSchema")
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => formatter.write_str(&self.message),
            path => write!(formatter, "{path}: {}", self.message),
        }
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    Violation { path: error.instance_path().to_string(), message: message(error) }
}

fn message(error: &ValidationError<'_>) -> String {
    let full = error.masked_with("the value").to_string();
    match full.char_indices().nth(MAX_MESSAGE) {
        None => full,
        Some((end, _)) => format!("{}…", full.get(..end).unwrap_or_default()),
    }
}

/// How many values it is made of, itself included.
fn parts(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(parts).fold(1, usize::saturating_add),
        Value::Map(members) => members.values().map(parts).fold(1, usize::saturating_add),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
