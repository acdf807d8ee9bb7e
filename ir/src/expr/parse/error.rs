//! Why a text is not an expression.

use std::ops::Range;

use super::{MAX_DEPTH, MAX_NESTING, MAX_TEXT};
use crate::expr::identifier::RUN_MEMBERS;

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each variant and its fields are")]
pub enum ParseErrorKind {
    #[error("an expression of {bytes} bytes is longer than the limit of {MAX_TEXT}")]
    TooLong { bytes: usize },
    #[error("the expression has more than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the expression's brackets nest deeper than {MAX_NESTING} levels")]
    TooNested,
    #[error("expected {expected}, found {}", if found.is_empty() { "the end" } else { found })]
    Syntax { expected: String, found: String },
    #[error("the integer {text} does not fit 64 bits")]
    IntegerRange { text: String },
    #[error("the number {text} is too great for a double")]
    DoubleRange { text: String },
    #[error("`{text}` is no escape of a text; a backslash itself is written `\\\\`")]
    Escape { text: String },
    #[error("`{name}` is a reserved word of the language{}", if *member { format!("; write ['{name}']") } else { String::new() })]
    Reserved { name: String, member: bool },
    #[error("there is no name `{name}`; a variable is written v['{name}']")]
    UnknownName { name: String },
    #[error("variables are written v['name'] and not otherwise")]
    VariableSpelling,
    #[error("`run` has {}, and is used only through them", RUN_MEMBERS.join(", "))]
    RunMember,
    #[error("there is no {} `{name}`{}", if *method { "method" } else { "function" }, hint.as_ref().map_or(String::new(), |hint| format!("; {hint}")))]
    UnknownFunction { name: String, method: bool, hint: Option<String> },
    #[error("{given} arguments do not fit: {signatures}")]
    Arity { given: usize, signatures: String },
    #[error("has() takes a member that is written with a dot, as has(x.name); for other names write 'name' in x")]
    HasArgument,
    #[error("the form is {form}")]
    MacroForm { form: &'static str },
    #[error("`{name}` has a meaning already and cannot be bound")]
    BoundName { name: String },
}

impl ParseErrorKind {
    pub(super) fn at(self, span: Range<usize>) -> ParseError {
        ParseError { span, kind: self }
    }
}
