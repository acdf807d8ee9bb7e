//! What becomes of text that people read and no program.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "tests"
)]

mod support;

use bloom_compiler::{Compilation, KnownFlow, Options, Prose, SourceFile, compile};
use bloom_ir::Digest;
use bloom_ir::expr::types::Type;

/// A checklist, as people draw it: nothing in it is a statement.
const CHECKLIST: &str = r#"{"items": {
    "1": {"type": "end"},
    "2": {"type": "branch", "branchId": 0, "one": "3"},
    "3": {"type": "action", "content": "Перевір настройку скрипки.\nПодивись на струни.", "one": "4"},
    "4": {"type": "question", "content": "Чи скрипка настроєна?", "one": "9", "two": "5", "flag1": 1},
    "5": {"type": "loopbegin", "content": "Кожна струна", "one": "6"},
    "6": {"type": "insertion", "content": "Підтягни струну", "one": "7"},
    "7": {"type": "loopend", "one": "8"},
    "8": {"type": "shelf", "secondary": "Стан", "content": "майже готово", "one": "9"},
    "9": {"type": "select", "content": "Який настрій", "one": "10"},
    "10": {"type": "case", "content": "веселий", "one": "13", "two": "11"},
    "11": {"type": "case", "content": "сумний", "one": "1", "two": "12"},
    "12": {"type": "case", "content": "", "one": "1"},
    "13": {"type": "action", "content": "Грай", "one": "1"}
}}"#;

fn compiled(prose: Prose, opaque: bool) -> Compilation {
    let options = Options { prose, opaque, ..support::options() };
    compile(&SourceFile::new("checklist.drakon", CHECKLIST.as_bytes()), &options)
}

#[test]
fn a_checklist_becomes_questions_to_an_llm() {
    let compilation = compiled(Prose::Llm, false);
    let document = compilation.document.unwrap_or_else(|| panic!("{:#?}", compilation.diagnostics));
    insta::assert_snapshot!(support::listing(&document));
}

#[test]
fn a_checklist_becomes_tasks_of_a_person() {
    let document = compiled(Prose::Human, false).document.unwrap();
    insta::assert_snapshot!(support::listing(&document));
}

#[test]
fn prose_is_an_error_where_nobody_is_named() {
    let compilation = compiled(Prose::Error, false);
    assert!(compilation.document.is_none());
    insta::assert_snapshot!(support::rendered(&compilation));
}

#[test]
fn opaque_texts_are_prose_also_where_they_could_be_read() {
    let diagram = r#"{"params": "what is this", "items": {
        "1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "action", "content": "x = nothing + (", "one": "4"},
        "4": {"type": "question", "content": "x > 1", "one": "1", "two": "3"}
    }}"#;
    let diagram = diagram.replace(r#""two": "3""#, r#""two": "1""#);
    let options = Options { prose: Prose::Llm, opaque: true, ..Options::default() };
    let compilation = compile(&SourceFile::new("opaque.drakon", diagram.as_bytes()), &options);
    insta::assert_snapshot!(support::listing(&compilation.document.unwrap()));
}

#[test]
fn a_line_of_prose_between_statements_is_a_step_of_its_own() {
    let program = "BEGIN \"x\"\n  x = 1\n  Think about it\n  RETURN {x: x}\nEND\n";
    let options = Options { prose: Prose::Llm, ..support::options() };
    let document = compile(&SourceFile::new("x.md", program.as_bytes()), &options).document.unwrap();
    assert_eq!(document.nodes.len(), 3);
}

#[test]
fn a_call_runs_the_document_that_has_the_name_when_it_is_compiled() {
    let known = KnownFlow {
        name: "Порахувати нотатки".to_owned(),
        id: "count-notes".to_owned(),
        hash: Digest::of(b"count"),
        inputs: serde_json::json!({
            "type": "object", "properties": { "folder": { "type": "string" } }, "required": ["folder"],
        }),
        returns: Type::any(),
    };
    let diagram = r#"{"items": {
        "1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "insertion", "content": "n ← \"Порахувати нотатки\"(\"вхідні\")", "one": "4"},
        "4": {"type": "process", "secondary": "count-notes", "content": "folder: \"архів\"", "one": "5"},
        "5": {"type": "action", "content": "RETURN {n: n}", "one": "1"}
    }}"#;
    let options = Options { flows: vec![known], ..support::options() };
    let compilation = compile(&SourceFile::new("calls.drakon", diagram.as_bytes()), &options);
    let document = compilation.document.unwrap_or_else(|| panic!("{:#?}", compilation.diagnostics));
    insta::assert_snapshot!(support::listing(&document));
}

#[test]
fn a_conversation_is_that_of_the_context() {
    let codes = |session: &str| -> Vec<&str> {
        let text = format!("BEGIN\n  x ← LLM(\"?\", {session})\n  LOG x\nEND\n");
        let compilation = compile(&SourceFile::new("a.md", text.as_bytes()), &Options::default());
        compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
    };
    for session in ["session: \"context\"", "сесія: \"контекст\""] {
        assert_eq!(codes(session), Vec::<&str>::new(), "{session}");
    }
    for session in ["session: \"day\"", "session: 1"] {
        assert_eq!(codes(session), ["D073"], "{session}");
    }
}
