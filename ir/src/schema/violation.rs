//! What is said of a value that its schema does not allow.
//!
//! These texts reach the state of a run, which is hashed and replayed: they are part of IR 0.1 and never change. So they
//! are ours, and nothing of the library that finds the violations is in them.

use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde::Serialize;

use crate::Value;

/// A message is cut after so many characters.
pub(super) const MAX_MESSAGE: usize = 300;

/// Of a longer list only so many entries are named.
const MAX_NAMED: usize = 8;

/// What a value has that its schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the value.
    pub path: String,
    /// What is wrong there; never the value itself, which may be large or secret.
    pub message: String,
}

impl Violation {
    pub(super) fn of(error: &ValidationError<'_>) -> Self {
        Self { path: error.instance_path().to_string(), message: cut(sentence(error.kind())) }
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

/// A text that is short enough to be kept.
pub(super) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_MESSAGE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn sentence(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => format!("the value is not of type {one}"),
        Kind::Type { kind: TypeKind::Multiple(several) } => {
            let mut names: Vec<String> = several.iter().map(|it| it.to_string()).collect();
            names.sort_unstable();
            format!("the value is not of type {}", names.join(" or "))
        }
        Kind::Required { property } => format!("the member {} is missing", json(property)),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("there are members that the schema does not allow: {}", quoted(unexpected))
        }
        Kind::AdditionalItems { limit } => format!("the list has more than {limit} items"),
        Kind::UnevaluatedItems { .. } => "the list has items that the schema does not allow".to_owned(),
        Kind::Enum { options } => {
            format!("the value is not one of {}", listed(options.as_array().into_iter().flatten().map(json)))
        }
        Kind::Constant { expected_value } => format!("the value is not {}", json(expected_value)),
        Kind::Minimum { limit } => format!("the number is less than {}", json(limit)),
        Kind::Maximum { limit } => format!("the number is greater than {}", json(limit)),
        Kind::ExclusiveMinimum { limit } => format!("the number is not greater than {}", json(limit)),
        Kind::ExclusiveMaximum { limit } => format!("the number is not less than {}", json(limit)),
        Kind::MultipleOf { multiple_of } => {
            format!("the number is not a multiple of {}", json(&serde_json::Value::from(*multiple_of)))
        }
        Kind::MinLength { limit } => format!("the text is shorter than {limit} characters"),
        Kind::MaxLength { limit } => format!("the text is longer than {limit} characters"),
        Kind::Pattern { pattern } => format!("the text does not match the pattern {pattern}"),
        Kind::MinItems { limit } => format!("the list has fewer than {limit} items"),
        Kind::MaxItems { limit } => format!("the list has more than {limit} items"),
        Kind::UniqueItems => "the list has an item twice".to_owned(),
        Kind::Contains => "the list does not contain what the schema asks for".to_owned(),
        Kind::MinProperties { limit } => format!("the object has fewer than {limit} members"),
        Kind::MaxProperties { limit } => format!("the object has more than {limit} members"),
        Kind::PropertyNames { error } => format!("a member has a name that is not allowed: {}", sentence(error.kind())),
        Kind::AnyOf { .. } => "the value satisfies none of the alternatives in anyOf".to_owned(),
        Kind::OneOfNotValid { .. } => "the value satisfies none of the alternatives in oneOf".to_owned(),
        Kind::OneOfMultipleValid { .. } => "the value satisfies more than one of the alternatives in oneOf".to_owned(),
        Kind::Not { .. } => "the value satisfies the schema in not".to_owned(),
        Kind::FalseSchema => "what stands here is not allowed".to_owned(),
        // What is an annotation here, or cannot come from a schema that was compiled.
        other => format!("the value does not satisfy {}", other.keyword()),
    }
}

/// As our canonical form writes it, whatever the library does.
fn json(value: &serde_json::Value) -> String {
    String::from_utf8_lossy(&Value::from(value.clone()).to_bytes()).into_owned()
}

fn quoted(names: &[String]) -> String {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    listed(names.into_iter().map(|name| json(&serde_json::Value::from(name.as_str()))))
}

fn listed(mut entries: impl Iterator<Item = String>) -> String {
    let named = entries.by_ref().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    match entries.count() {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
