//! Collects what is found.

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Place, Severity};

use crate::codes;

/// So many problems are told one by one; a file that is worse than that is not a diagram.
const MOST: usize = 1000;

/// All problems of one file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    // Apart, so that no number of warnings can crowd out an error.
    errors: Found,
    warnings: Found,
}

/// What was found of one severity: all are counted, the first ones are kept.
#[derive(Debug, Default)]
struct Found {
    kept: Vec<Diagnostic>,
    count: usize,
}

impl Found {
    fn add(&mut self, diagnostic: impl FnOnce() -> Diagnostic) {
        self.count += 1;
        if self.kept.len() < MOST {
            self.kept.push(diagnostic());
        }
    }
}

impl Report {
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        self.add_with(diagnostic.severity, || diagnostic);
    }

    /// Adds what is made only if it is kept.
    pub(crate) fn add_with(&mut self, severity: Severity, diagnostic: impl FnOnce() -> Diagnostic) {
        match severity {
            Severity::Error => self.errors.add(diagnostic),
            Severity::Warning => self.warnings.add(diagnostic),
        }
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors.count
    }

    /// Errors first, each kind by its line or in the order in which it was found; last, how many are left out.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let found = self.errors.count + self.warnings.count;
        let mut diagnostics = self.errors.kept;
        diagnostics.extend(self.warnings.kept);
        // Of a program, what one pass finds stands after what another found below it.
        diagnostics.sort_by_key(|diagnostic| match diagnostic.place {
            Place::Line { line, .. } => (diagnostic.severity, line),
            _ => (diagnostic.severity, 0),
        });
        diagnostics.truncate(MOST);
        let left_out = found - diagnostics.len();
        if left_out > 0 {
            diagnostics.push(Diagnostic::warning(codes::LEFT_OUT, Place::File).with("found", left_out));
        }
        diagnostics
    }
}
