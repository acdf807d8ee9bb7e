//! Where texts come from, and what is wrong with them.

use std::fmt;
use std::ops::Range;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Code, Place, Severity};

use super::names::{Near, script};
use super::unread;
use crate::codes;

/// What the compiler reads texts from.
#[derive(Clone, Debug)]
pub(crate) enum Unit {
    /// An icon.
    Icon {
        /// As in the file.
        id: String,
        /// What kind it is, as diagnostics name it.
        kind: String,
        /// Its text; of an icon that has two the lower one.
        text: String,
        /// The upper text of an icon that has two.
        upper: String,
    },
    /// A whole program.
    Program {
        /// All of it.
        text: String,
        /// Where each line begins.
        lines: Vec<usize>,
    },
}

impl Unit {
    pub(crate) fn icon(id: impl Into<String>, kind: &dyn fmt::Display, text: impl Into<String>) -> Self {
        Self::Icon { id: id.into(), kind: kind.to_string(), text: text.into(), upper: String::new() }
    }

    /// The icon with an upper text.
    #[must_use]
    pub(crate) fn under(mut self, text: &str) -> Self {
        if let Self::Icon { upper, .. } = &mut self {
            text.trim().clone_into(upper);
        }
        self
    }

    pub(crate) fn program(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self::Program { text: text.to_owned(), lines }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Icon { text, .. } | Self::Program { text, .. } => text,
        }
    }

    /// What it may set, as far as that can be told of a text that cannot be read.
    pub(crate) fn perhaps_sets(&self) -> Vec<String> {
        match self {
            Self::Icon { kind, text, .. } if matches!(kind.as_str(), "loopbegin" | "params") => unread::words(text),
            Self::Icon { text, .. } | Self::Program { text, .. } => unread::targets(text),
        }
    }

    /// The line of a position, from 0.
    pub(crate) fn line(&self, position: usize) -> usize {
        match self {
            Self::Icon { .. } => 0,
            Self::Program { lines, .. } => lines.partition_point(|start| *start <= position).saturating_sub(1),
        }
    }

    /// The text of a line without its indentation.
    pub(crate) fn line_text(&self, line: usize) -> &str {
        match self {
            Self::Icon { text, .. } => text,
            Self::Program { text, lines } => {
                let start = lines.get(line).copied().unwrap_or(text.len());
                let end = lines.get(line + 1).copied().unwrap_or(text.len());
                text[start..end].trim()
            }
        }
    }

    pub(crate) fn diagnose(&self, problem: &Problem) -> Diagnostic {
        let place = self.place(&problem.span);
        let mut diagnostic = match problem.severity {
            Severity::Error => Diagnostic::error(problem.code, place),
            Severity::Warning => Diagnostic::warning(problem.code, place),
        };
        if let Self::Icon { kind, .. } = self {
            diagnostic = diagnostic.with("icon", kind);
        }
        if problem.code == codes::SYNTAX {
            let found = self.text().get(problem.span.clone()).unwrap_or_default();
            diagnostic = diagnostic.with("found", found.lines().next().unwrap_or_default()).with("expected", "other");
        }
        for (name, value) in &problem.args {
            diagnostic = diagnostic.with(name, value);
        }
        diagnostic
    }

    fn place(&self, span: &Range<usize>) -> Place {
        match self {
            Self::Icon { id, text, .. } => Place::item(id, text, (!span.is_empty()).then(|| span.clone())),
            Self::Program { text, lines } => {
                let line = self.line(span.start.min(text.len()));
                let start = lines.get(line).copied().unwrap_or(0);
                let end = lines.get(line + 1).map_or(text.len(), |next| next - 1);
                let whole = &text[start..end];
                // A construct of several lines is marked on its first.
                let span = span.start.saturating_sub(start)..span.end.min(end).saturating_sub(start);
                Place::line(line + 1, whole, (!span.is_empty()).then_some(span))
            }
        }
    }
}

/// Something wrong with a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    /// In the unit's text.
    pub(crate) span: Range<usize>,
    pub(crate) args: Vec<(&'static str, String)>,
}

impl Problem {
    pub(crate) fn error(code: Code, span: Range<usize>) -> Self {
        Self { code, severity: Severity::Error, span, args: Vec::new() }
    }

    pub(crate) fn warning(code: Code, span: Range<usize>) -> Self {
        Self { code, severity: Severity::Warning, span, args: Vec::new() }
    }

    /// Names what was probably meant.
    #[must_use]
    pub(crate) fn near(self, near: Option<Near<'_>>) -> Self {
        let alike = near.and_then(|near| near.alike());
        self.with("nearest", near.map_or("none", |near| near.word()))
            .with("script", alike.map_or("none", script))
            .with("letter", alike.map(String::from).unwrap_or_default())
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.push((name, value.to_string()));
        self
    }
}
