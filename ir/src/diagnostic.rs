//! What is wrong with a diagram or a document, as data. Rendering is separate.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::document::{Locale, NodeId};

/// A stable code: `D…` for diagrams and their texts, `I…` for IR documents. Each has a page in `schemas/error-codes/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be compiled or loaded.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Place {
    /// The file as a whole.
    File,
    /// An icon of a diagram.
    Item {
        /// Its id.
        id: String,
        /// What is written in it, as plain text; empty where it has none. Of a long text, what is around the offending part.
        text: String,
        /// The offending part of `text`, in bytes.
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<Range<usize>>,
    },
    /// A line of pseudocode.
    Line {
        /// From 1.
        line: usize,
        /// The line. Of a long one, what is around the offending part.
        text: String,
        /// The offending part of `text`, in bytes.
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<Range<usize>>,
    },
    /// A place in an IR document.
    Node {
        /// The node, where it is in one.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        /// JSON pointer (RFC 6901) into the document.
        pointer: String,
        /// The icon, where the document's source map names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        item: Option<String>,
    },
}

/// So many bytes of a text are kept in a place: thousands of problems of one long text must not hold it thousands of times.
const MOST_TEXT: usize = 4096;

impl Place {
    /// An icon, with the offending part of its text in bytes.
    pub fn item(id: &str, text: &str, span: Option<Range<usize>>) -> Self {
        let (text, span) = excerpt(text, span);
        Self::Item { id: id.to_owned(), text, span }
    }

    /// A line, counted from 1, with the offending part of it in bytes.
    pub fn line(line: usize, text: &str, span: Option<Range<usize>>) -> Self {
        let (text, span) = excerpt(text, span);
        Self::Line { line, text, span }
    }
}

/// The text, or what is around the offending part of a long one.
fn excerpt(text: &str, span: Option<Range<usize>>) -> (String, Option<Range<usize>>) {
    const ELLIPSIS: &str = "…";
    if text.len() <= MOST_TEXT {
        return (text.to_owned(), span);
    }
    let at = span.as_ref().map_or(0, |span| span.start.min(text.len()));
    let from = text.floor_char_boundary(at.saturating_sub(MOST_TEXT / 2));
    // Whole lines, where they are not too long.
    let from = text[from..text.floor_char_boundary(at)].find('\n').map_or(from, |line| from + line + 1);
    let to = text.floor_char_boundary(from + MOST_TEXT);
    let (mut made, mut lead) = (String::with_capacity(MOST_TEXT + 6), 0);
    if from > 0 {
        made.push_str(ELLIPSIS);
        lead = ELLIPSIS.len();
    }
    made.push_str(&text[from..to]);
    if to < text.len() {
        made.push_str(ELLIPSIS);
    }
    let inside = |position: usize| position.clamp(from, to) - from + lead;
    (made, span.map(|span| inside(span.start)..inside(span.end)))
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What its message names; the keys are the variables of the message in the catalogue.
    pub args: BTreeMap<&'static str, String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, place: Place) -> Self {
        Self { code, severity: Severity::Error, place, args: BTreeMap::new() }
    }

    /// A warning.
    pub fn warning(code: Code, place: Place) -> Self {
        Self { code, severity: Severity::Warning, place, args: BTreeMap::new() }
    }

    /// Adds what the message names.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.insert(name, value.to_string());
        self
    }

    /// What is wrong, in one sentence.
    pub fn message(&self, locale: Locale) -> String {
        crate::messages::message(self, locale)
    }

    /// What to do about it, where the catalogue has something to say.
    pub fn hint(&self, locale: Locale) -> Option<String> {
        crate::messages::hint(self, locale)
    }
}

/// What was found in a file, as `bloom check --format json` writes it: one for each file.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedFile<'a> {
    /// As it was named.
    pub file: std::borrow::Cow<'a, str>,
    /// Errors first.
    pub diagnostics: &'a [Diagnostic],
}

/// With its message in both languages.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hint = self.hint(Locale::En).zip(self.hint(Locale::Uk));
        written::Diagnostic {
            code: self.code,
            severity: self.severity,
            place: &self.place,
            message: written::Texts { en: self.message(Locale::En), uk: self.message(Locale::Uk) },
            hint: hint.map(|(en, uk)| written::Texts { en, uk }),
            args: &self.args,
        }
        .serialize(serializer)
    }
}

/// Diagnostics as they are written, and the schema of that.
pub(crate) mod written {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Serialize;

    use super::{Code, Place, Severity};

    /// What was found in a file.
    #[derive(JsonSchema)]
    #[schemars(rename = "CheckedFile")]
    #[expect(dead_code, reason = "only its schema is of use")]
    pub(crate) struct File<'a> {
        /// As it was named.
        file: &'a str,
        /// Errors first.
        diagnostics: Vec<Diagnostic<'a>>,
    }

    /// One problem.
    #[derive(JsonSchema, Serialize)]
    pub(crate) struct Diagnostic<'a> {
        /// Which, as D044: `bloom explain` says what it means.
        pub(super) code: Code,
        /// How bad.
        pub(super) severity: Severity,
        /// Where.
        pub(super) place: &'a Place,
        /// What is wrong, in one sentence.
        pub(super) message: Texts,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) hint: Option<Texts>,
        /// What the message names.
        pub(super) args: &'a BTreeMap<&'static str, String>,
    }

    /// A text in each language.
    #[derive(JsonSchema, Serialize)]
    pub(crate) struct Texts {
        /// English.
        pub(super) en: String,
        /// Ukrainian.
        pub(super) uk: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_part_around_the_problem_is_kept() {
        let text = format!("{}\nслово\n{}", "б".repeat(10_000), "в".repeat(10_000));
        let start = text.find("слово").unwrap();
        let Place::Item { text: kept, span: Some(span), .. } = Place::item("1", &text, Some(start..start + 10)) else {
            panic!("a place has its span");
        };
        assert_eq!(&kept[span], "слово");
        assert!(kept.len() <= MOST_TEXT + 6 && kept.starts_with('…') && kept.ends_with('…'));
        assert_eq!(Place::item("1", "short", None), Place::Item { id: "1".into(), text: "short".into(), span: None });
    }
}
