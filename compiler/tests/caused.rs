//! There is no code that nothing causes: each is told of a fixture, of an odd input, or of one of the inputs below.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;

use bloom_compiler::{CODES, Compilation, KnownFlow, Options, SourceFile, compile};
use bloom_ir::Digest;
use bloom_ir::expr::types::Type;
use serde_json::json;
use support::{compile_file, compile_text, fixtures, options};

fn codes(compilation: &Compilation) -> BTreeSet<&'static str> {
    compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
}

/// A program of these lines.
fn program(lines: &str) -> Compilation {
    compile_text("a.md", &format!("BEGIN\n{lines}END\n"))
}

/// Icons below a branch that leads to `a`; the end is `z`.
fn icons(icons: &str) -> Compilation {
    let text = format!(
        r#"{{"items": {{"z": {{"type": "end"}}, "s": {{"type": "branch", "branchId": 0, "one": "a"}}, {icons}}}}}"#
    );
    compile_text("a.drakon", &text)
}

/// A call of a flow that takes two inputs.
fn call(line: &str) -> Compilation {
    let inputs = json!({ "type": "object", "properties": { "a": {}, "b": {} } });
    let flow =
        KnownFlow { name: "Report".into(), id: "report".into(), hash: Digest::of(b""), inputs, returns: Type::any() };
    let options = Options { flows: vec![flow], ..options() };
    compile(&SourceFile::new("a.md", format!("BEGIN\n  {line}\nEND\n").as_bytes()), &options)
}

fn seventeen_cases() -> Compilation {
    let cases = (0..17).fold(String::new(), |cases, case| {
        format!(r#"{cases}, "{case}": {{"type": "case", "content": "{case}", "one": "z", "two": "{}"}}"#, case + 1)
    });
    icons(&format!(
        r#""a": {{"type": "select", "content": "5", "one": "0"}}{cases}, "17": {{"type": "case", "one": "z"}}"#
    ))
}

fn nothing_is_safe() -> Compilation {
    let options = Options { safe_outputs: Some(Vec::new()), ..options() };
    let text = "BEGIN\n  create-proposal(action: \"propose-summary\", note: \"a\", content: \"b\")\nEND\n";
    compile(&SourceFile::new("a.md", text.as_bytes()), &options)
}

#[test]
fn every_code_is_caused() {
    let mut caused = BTreeSet::new();
    let files = [
        fixtures("diagrams", "drakon"),
        fixtures("pseudocode", "md"),
        fixtures("diagrams/invalid", "drakon"),
        fixtures("pseudocode/invalid", "md"),
    ];
    for path in files.concat() {
        caused.extend(codes(&compile_file(&path)));
    }
    let many = (0..1100).fold(String::new(), |lines, line| format!("{lines}  LOG x{line}\n"));
    let inputs = vec![
        ("D001", compile_text("a.drakon", "{")),
        ("D002", compile_text("a.drakon", "<svg/>")),
        ("D003", compile_text("a.drakon", "{}")),
        ("D007", compile_text("a.drakon", r#"{"items": {"1": {"type": "end"}}}"#)),
        ("D014", compile(&SourceFile::new("a.drakon", &vec![b' '; (64 << 20) + 1]), &options())),
        ("D015", icons(r#""a": {"type": "comment", "one": "z"}, "a": {"type": "comment", "one": "z"}"#)),
        ("D018", seventeen_cases()),
        (
            "D024",
            icons(
                r#""a": {"type": "loopbegin", "content": "2 times", "one": "e"}, "e": {"type": "loopend", "one": "z"},
                "c": {"type": "loopbegin", "content": "2 times", "one": "e"}"#,
            ),
        ),
        ("D027", icons(r#""a": {"type": "question", "content": "true?", "one": "z", "two": "z"}"#)),
        ("D028", icons(r#""a": {"type": "arrow-loop", "one": "a"}"#)),
        (
            "D031",
            icons(
                r#""a": {"type": "question", "content": "true?", "one": "c", "two": "z", "flag1": 1},
                "c": {"type": "case", "content": "1", "one": "z"}"#,
            ),
        ),
        ("D047", program("  LOG size(\"a\", \"b\")\n")),
        ("D055", nothing_is_safe()),
        ("D057", program(&format!("  x ← {}1{}\n", "(".repeat(100), ")".repeat(100)))),
        ("D063", program("  PARAM x\n  PARAM x\n  LOG x\n")),
        ("D068", program("  LOG 9007199254740992\n")),
        ("D070", program("  LOG size(value: \"a\")\n")),
        ("D075", program("  PARAM x: int = run.now\n  LOG x\n")),
        ("D076", program("  x ← {}\n  x.a ← LLM(\"why?\")\n  LOG x\n")),
        ("D085", compile_text("a.md", "# Nothing\n")),
        ("D086", program(&many)),
        (
            "D089",
            icons(
                r#""a": {"type": "parbegin", "one": "p", "two": "b"}, "b": {"type": "parbegin", "one": "q"},
                "p": {"type": "parend", "one": "z"}, "q": {"type": "parend", "one": "z"}"#,
            ),
        ),
        (
            "D090",
            icons(
                r#""a": {"type": "question", "content": "true?", "one": "b", "two": "c", "flag1": 1},
                "b": {"type": "parbegin", "one": "p", "two": "b2"}, "b2": {"type": "parbegin", "one": "p"},
                "c": {"type": "parbegin", "one": "p", "two": "c2"}, "c2": {"type": "parbegin", "one": "p"},
                "p": {"type": "parend", "one": "z"}"#,
            ),
        ),
        ("D095", program("  PARALLEL:\n    PATH:\n      x ← 1\n    PATH:\n      x ← 2\n  LOG x\n")),
        ("D096", call("CALL Repotr(a: 1)")),
        ("D098", call("x ← START Report(a: 1)")),
        ("D099", call("x ← CALL Report(1, 2)")),
        ("D121", program("  count ← 1\n  сount ← 2\n  LOG count + сount\n")),
        ("D122", program("  пам`ять ← 1\n")),
        ("D123", program("  x ← 1,5\n  LOG x\n")),
        ("D124", compile_text("a.drakon", r#"{"items": {}, "items": {}}"#)),
    ];
    for (code, compilation) in &inputs {
        let found = codes(compilation);
        assert!(found.contains(code), "{code} is not told: {found:?}");
        caused.extend(found);
    }
    // Folders of agents, databases of DRAKON Editor and pictures are made where they are tested.
    let elsewhere = |code: &str| ("D108"..="D119").contains(&code) || ("D140"..="D150").contains(&code);
    let uncaused = CODES.iter().map(|code| code.0).filter(|code| !caused.contains(code) && !elsewhere(code));
    let uncaused: Vec<&str> = uncaused.collect();
    assert_eq!(uncaused, [""; 0]);
}
