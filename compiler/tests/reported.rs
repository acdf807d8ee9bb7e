//! What is said, and what is left unsaid, of files that people and programs get wrong.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::format_push_string, reason = "tests")]

mod support;

use std::fmt::Write as _;

use bloom_compiler::Compilation;
use bloom_ir::diagnostic::Severity;
use support::{compile_text, rendered};

fn codes(compilation: &Compilation) -> Vec<&'static str> {
    compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
}

/// A program of so many variables that nothing uses.
fn unused_variables(count: usize) -> String {
    let lines = (0..count).fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "  а{number} ← {number}");
        lines
    });
    format!("ПОЧАТОК\n{lines}КІНЕЦЬ\n")
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let compilation = compile_text("many.md", &unused_variables(5000));
    assert!(compilation.has_errors() && compilation.document.is_none());
    let first = &compilation.diagnostics[0];
    assert_eq!((first.code.0, first.severity), ("D014", Severity::Error));
    let last = compilation.diagnostics.last().unwrap();
    assert_eq!((last.code.0, last.args["found"].as_str()), ("D086", "4001"));
    assert_eq!(compilation.diagnostics.len(), 1001);
}

#[test]
fn what_is_left_out_is_counted_and_does_not_stop_a_sound_flow() {
    let compilation = compile_text("many.md", &unused_variables(1003));
    assert!(compilation.document.is_some() && !compilation.has_errors());
    assert!(rendered(&compilation).contains("and 3 more"));
    assert_eq!(codes(&compile_text("few.md", &unused_variables(1000))).last(), Some(&"D069"));
}
