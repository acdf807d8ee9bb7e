//! Collects what is found.

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Severity;

/// So many problems are told one by one; a file that is worse than that is not a diagram.
const MOST: usize = 1000;

/// All problems of one file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    errors: usize,
}

impl Report {
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if self.diagnostics.len() < MOST {
            self.diagnostics.push(diagnostic);
        }
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Errors first, each kind in the order in which it was found.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        self.diagnostics
    }
}
