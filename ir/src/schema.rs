//! JSON Schema 2020-12 over [`Value`]s: the one wrapper of the library that does it.
//!
//! Schemas are compiled once. `$ref` reaches into the same schema only: there is no network and no file behind it. Regular
//! expressions run in time linear in the text; what such an engine cannot do (look-around, back-references) makes the
//! schema invalid. `format` is an annotation, as the standard has it, and checks nothing.

mod change;
mod representation;
mod violation;

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};

pub use self::change::{Direction, SchemaChange, changes};
use self::representation::Values;
pub use self::violation::Violation;
use crate::Value;

/// How many violations of one value are listed.
pub const MAX_VIOLATIONS: usize = 16;

/// How deep arrays and objects of a schema may stand in each other: as deep as in a value, because schemas travel in
/// requests to workers, and histories are read with a limit.
pub const MAX_SCHEMA_DEPTH: usize = 100;

/// A value with more parts than this gets its first violation only, so that a bad value of a megabyte does not become
/// errors of a hundred.
const MAX_LISTED_PARTS: usize = 10_000;

/// So many are looked at, to list the first ones in an order of our own.
const MAX_SORTED: usize = 1_024;

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

impl CompiledSchema {
    /// Compiles a schema.
    pub fn compile(schema: &serde_json::Value) -> Result<Self, SchemaError> {
        if is_deeper_than(MAX_SCHEMA_DEPTH, schema) {
            let message = format!("more than {MAX_SCHEMA_DEPTH} arrays and objects stand in each other");
            return Err(SchemaError { pointer: String::new(), message });
        }
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_SIZE).dfa_size_limit(MAX_PATTERN_SIZE);
        jsonschema::options_for::<Values>()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(patterns)
            .offline()
            .build(schema)
            .map(|validator| Self(Arc::new(validator)))
            .map_err(|error| SchemaError {
                pointer: error.instance_path().to_string(),
                message: violation::cut(error.masked_with("the value").to_string()),
            })
    }

    /// Checks a value; lists the first [`MAX_VIOLATIONS`] violations, in the order of their paths and messages, each once.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        if parts(value) > MAX_LISTED_PARTS {
            return self.0.validate(value).map_err(|error| vec![Violation::of(&error)]);
        }
        let mut violations: Vec<Violation> =
            self.0.iter_errors(value).take(MAX_SORTED).map(|error| Violation::of(&error)).collect();
        violations.sort_unstable();
        violations.dedup();
        violations.truncate(MAX_VIOLATIONS);
        Err(violations)
    }
}

impl fmt::Debug for CompiledSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CompiledSchema")
    }
}

fn is_deeper_than(levels: usize, schema: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (schema, levels.checked_sub(1)) {
        (Array(_) | Object(_), None) => true,
        (Array(items), Some(left)) => items.iter().any(|item| is_deeper_than(left, item)),
        (Object(members), Some(left)) => members.values().any(|member| is_deeper_than(left, member)),
        _ => false,
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
