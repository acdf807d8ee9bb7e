//! Why an expression has no value.

use std::sync::Arc;

use bloom_ir::Value;

use crate::effect::EffectError;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each variant and its fields are")]
pub enum EvalError {
    #[error("there is no {given}{}", if defined.is_empty() { String::new() } else { format!("; there is {defined}") })]
    WrongType { given: String, defined: String },
    #[error("a condition must be a bool, not {found}")]
    NotBool { found: &'static str },
    #[error("there is no member `{name}`; the map has {}", if present.is_empty() { "none" } else { present })]
    MissingMember { name: Arc<str>, present: String },
    #[error("there is no element {index} in a list of {size}")]
    NoElement { index: String, size: usize },
    #[error("{operation} overflows")]
    Overflow { operation: String },
    #[error("{operation} divides by zero")]
    DivisionByZero { operation: String },
    #[error("the key `{key}` occurs twice in a map")]
    DuplicateKey { key: Arc<str> },
    #[error("{function}: {reason}")]
    InvalidArgument { function: &'static str, reason: String },
    #[error("`{pattern}` is no regular expression that can be used: {reason}")]
    InvalidRegex { pattern: String, reason: String },
    #[error("the expression takes more than {limit} steps")]
    TooManySteps { limit: u64 },
    #[error("the expression makes more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("a value is nested deeper than {limit} levels")]
    TooDeep { limit: usize },
}

impl EvalError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } | Self::NotBool { .. } => "wrong_type",
            Self::MissingMember { .. } => "missing_member",
            Self::NoElement { .. } => "index_out_of_range",
            Self::Overflow { .. } => "overflow",
            Self::DivisionByZero { .. } => "division_by_zero",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::InvalidRegex { .. } => "invalid_regex",
            Self::TooManySteps { .. } => "expression_steps",
            Self::TooLarge { .. } => "expression_size",
            Self::TooDeep { .. } => "expression_depth",
        }
    }

    /// Whether a limit ended the evaluation: nothing absorbs that.
    pub(super) fn is_limit(&self) -> bool {
        matches!(self, Self::TooManySteps { .. } | Self::TooLarge { .. } | Self::TooDeep { .. })
    }

    pub(super) fn no_operator(left: &Value, symbol: &str, right: &Value) -> Self {
        let given = format!("{} {symbol} {}", left.type_name(), right.type_name());
        Self::WrongType { given, defined: String::new() }
    }

    pub(super) fn no_function(name: &'static str, args: &[Value]) -> Self {
        let types: Vec<&str> = args.iter().map(Value::type_name).collect();
        let defined = bloom_ir::expr::functions::find(name);
        Self::WrongType {
            given: format!("{name}({})", types.join(", ")),
            defined: defined.map(bloom_ir::expr::functions::Function::signatures_text).unwrap_or_default(),
        }
    }

    pub(super) fn missing_member(name: &Arc<str>, map: &bloom_ir::value::Map) -> Self {
        let shown = 8;
        let mut present: Vec<String> = map.keys().take(shown).map(|key| format!("`{}`", excerpt(key))).collect();
        if map.len() > shown {
            present.push(format!("{} more", map.len() - shown));
        }
        Self::MissingMember { name: excerpt(name).into(), present: present.join(", ") }
    }
}

/// So that `on_error` takes it as it takes a failed effect.
impl From<EvalError> for EffectError {
    fn from(error: EvalError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// The text, or its beginning when it is long.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
