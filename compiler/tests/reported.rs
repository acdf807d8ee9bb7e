//! What is said, and what is left unsaid, of files that people and programs get wrong.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::format_push_string, reason = "tests")]

mod support;

use std::fmt::Write as _;

use bloom_compiler::{Compilation, Options, SourceFile, compile};
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

#[test]
fn what_is_wrong_with_the_encoding_is_named() {
    let utf16: Vec<u8> = "{\"items\": {}}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (&utf16, "UTF-16"),
        (b"\xff\xfe{\0", "UTF-16"),
        (b"{\n\"items\": \xcf\xf0}", "line 2 holds bytes that are no text"),
        (b"\x7fELF\0\xff", "binary"),
    ];
    for (bytes, expected) in cases {
        let compilation = compile(&SourceFile::new("a.drakon", bytes), &Options::default());
        let text = rendered(&compilation);
        assert!(compilation.has_errors() && text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn truth_values_have_three_names() {
    for name in ["логічне", "булеве", "булевий"] {
        let compilation = compile_text("a.md", &format!("ПОЧАТОК\n  ПАРАМЕТР так: {name}\n  ПОВЕРНУТИ так\nКІНЕЦЬ\n"));
        assert!(compilation.document.is_some(), "{}", rendered(&compilation));
    }
}
