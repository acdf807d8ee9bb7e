//! Whatever comes in, the compiler answers, and what it produces holds together.
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

use bloom_compiler::{SourceFile, compile};
use bloom_ir::document::Document;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{compile_text, fixtures, options};

const KINDS: [&str; 14] = [
    "action",
    "action",
    "action",
    "question",
    "question",
    "loopbegin",
    "loopend",
    "arrow-loop",
    "branch",
    "select",
    "case",
    "comment",
    "end",
    "timer",
];

const TEXTS: [&str; 16] = [
    "x = 1",
    "y = x + 1",
    "x > 0?",
    "",
    "z З [1, 2]",
    "→ NEXT",
    "→ END",
    "1, 2",
    "\"a\"",
    "3 times",
    "LOG x",
    "i = 0; i < 3; i++",
    "prose here",
    "RETURN x",
    "catch",
    "create-proposal(тип: \"propose-tag\")",
];

prop_compose! {
    fn item(count: usize)(
        kind in 0..KINDS.len(), text in 0..TEXTS.len(), one in 0..count + 1, two in 0..count + 1, yes in 0..2,
        branch in 0..3,
    ) -> Value {
        json!({
            "type": KINDS[kind], "content": TEXTS[text], "one": one.to_string(), "two": two.to_string(), "flag1": yes,
            "branchId": branch,
        })
    }
}

prop_compose! {
    fn diagram()(count in 1..14_usize)(items in proptest::collection::vec(item(count), count)) -> Value {
        let mut items: serde_json::Map<String, Value> =
            items.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect();
        items.insert("end".to_owned(), json!({ "type": "end" }));
        items.insert("start".to_owned(), json!({ "type": "branch", "branchId": -1, "content": "start", "one": "0" }));
        json!({ "type": "drakon", "items": items })
    }
}

/// Diagrams that are sound by their making: each icon leads to later ones only.
fn forward(kinds: &[(u8, usize, usize)]) -> Value {
    let mut items = serde_json::Map::new();
    let count = kinds.len();
    let later = |index: usize, jump: usize| {
        let target = index + 1 + jump;
        if target >= count { "end".to_owned() } else { target.to_string() }
    };
    for (index, (kind, one, two)) in kinds.iter().enumerate() {
        let item = match kind % 3 {
            0 => json!({ "type": "action", "content": "x = x + 1", "one": later(index, 0) }),
            1 => json!({ "type": "action", "content": "", "one": later(index, *one) }),
            _ => json!({
                "type": "question", "content": "x > 0?", "one": later(index, 0), "two": later(index, *two), "flag1": 1,
            }),
        };
        items.insert(index.to_string(), item);
    }
    items.insert("end".to_owned(), json!({ "type": "end" }));
    items.insert("start".to_owned(), json!({ "type": "branch", "branchId": 0, "one": "0" }));
    json!({ "type": "drakon", "items": items, "params": "x: int" })
}

fn holds_together(document: &Document) {
    let text = serde_json::to_string(document).unwrap();
    assert_eq!(&serde_json::from_str::<Document>(&text).unwrap(), document);
    if let Err(problems) = bloom_ir::validate::check(document) {
        panic!("{problems:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_is_answered(diagram in diagram()) {
        let compilation = compile_text("random.drakon", &diagram.to_string());
        prop_assert_eq!(compilation.document.is_none(), compilation.has_errors());
        support::rendered(&compilation);
        if let Some(document) = &compilation.document {
            holds_together(document);
        }
    }

    #[test]
    fn forward_graphs_compile_to_as_many_nodes_as_they_have_icons(
        kinds in proptest::collection::vec((any::<u8>(), 0..6_usize, 0..6_usize), 1..40),
    ) {
        let compilation = compile_text("forward.drakon", &forward(&kinds).to_string());
        let document = compilation.document.clone().unwrap_or_else(|| panic!("{}", support::rendered(&compilation)));
        holds_together(&document);
        // `x` is copied from the inputs first; each icon is at most one node; the end is one.
        prop_assert!(document.nodes.len() <= kinds.len() + 2);
    }

    #[test]
    fn any_text_is_answered(text in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec![
            "x", "←", "=", "(", ")", "[", "]", "{", "}", "\"", "'", "LLM", ":", "\n", "ФОРМАТ", "?", "??", "НЕ", "Є В",
            "пам'ять", ".", ",", "-", "→", "END", "200 слів", "5 хв", "1", "<", "size", "v", "not", "in", "ДЛЯ КОЖНОЇ",
            "ЯКЩО", "  ", "разів", ";", "++", "\\", "«", "»", "read-notes", "FAIL", "#",
        ]).prop_map(str::to_owned),
        "\\PC{0,6}",
    ], 0..14)) {
        let text = text.join(" ");
        for kind in ["action", "question", "loopbegin", "case", "select"] {
            let diagram = json!({ "items": {
                "1": { "type": "end" }, "2": { "type": "branch", "branchId": 0, "one": "3" },
                "3": { "type": kind, "content": text, "one": "4", "two": "1" }, "4": { "type": "loopend", "one": "1" },
            }, "params": text });
            support::rendered(&compile_text("text.drakon", &diagram.to_string()));
        }
        support::rendered(&compile_text("text.md", &format!("BEGIN\n  {text}\nEND\n")));
    }

    #[test]
    fn damaged_files_are_answered(
        file in any::<prop::sample::Index>(), edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let files = [fixtures("diagrams", "drakon"), fixtures("pseudocode", "md"), fixtures("archivist", "drakon")].concat();
        let mut bytes = std::fs::read(file.get(&files)).unwrap();
        for (position, byte, edit) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = position.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        let compilation = compile(&SourceFile::new("damaged.drakon", &bytes), &options());
        support::rendered(&compilation);
        if let Some(document) = &compilation.document {
            holds_together(document);
        }
    }
}

/// One action with this text.
fn action(text: &str) -> String {
    json!({ "items": {
        "1": { "type": "end" }, "2": { "type": "branch", "branchId": 0, "one": "3" },
        "3": { "type": "action", "content": text, "one": "1" },
    } })
    .to_string()
}

#[test]
fn hostile_texts_are_refused_by_their_limits() {
    let deep = format!("x = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let prefixes = format!("x = {}1", "-".repeat(50_000));
    let nots = format!("x = {} true", "not ".repeat(10_000));
    let chain = format!("x = 1{}", " + 1".repeat(15_000));
    let members = format!("y = 1\nx = y{}", ".a".repeat(30_000));
    let choices = format!("x = {}1", "true ? 1 : ".repeat(5_000));
    let coalesced = format!("y = 1\nx = {}y{}", "(".repeat(35), ".a ?? 1)".repeat(35));
    let long = format!("x = \"{}\"", "a".repeat(1_000_000));
    let shape = format!("x ← LLM(\"a\") FORMAT {}string{}", "[".repeat(50_000), "]".repeat(50_000));
    let target = format!("y = 1\ny{} = 1", ".a".repeat(30_000));
    for text in [target, deep, prefixes, nots, chain, members, choices, coalesced, long, shape] {
        let compilation = compile_text("hostile.drakon", &action(&text));
        let codes: Vec<&str> = compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect();
        assert!(codes.contains(&"D057"), "{}…: {codes:?}", &text[..20]);
    }
}

#[test]
fn deep_blocks_cost_no_stack() {
    let mut loops = serde_json::Map::new();
    let count = 200;
    for index in 0..count {
        let next = if index + 1 == count { "body".to_owned() } else { format!("b{}", index + 1) };
        loops.insert(
            format!("b{index}"),
            json!({ "type": "loopbegin", "content": format!("x{index} in [1]"), "one": next }),
        );
        let after = if index == 0 { "end".to_owned() } else { format!("e{}", index - 1) };
        loops.insert(format!("e{index}"), json!({ "type": "loopend", "one": after }));
    }
    loops.insert("body".to_owned(), json!({ "type": "action", "content": "LOG x0", "one": format!("e{}", count - 1) }));
    loops.insert("end".to_owned(), json!({ "type": "end" }));
    loops.insert("start".to_owned(), json!({ "type": "branch", "branchId": 0, "one": "b0" }));
    let compilation = compile_text("nested.drakon", &json!({ "items": loops }).to_string());
    let document = compilation.document.clone().unwrap_or_else(|| panic!("{}", support::rendered(&compilation)));
    assert_eq!(document.nodes.len(), 2 * count + 2);

    let mut program = "BEGIN\n".to_owned();
    for depth in 1..3000 {
        program.push_str(&format!("{}IF true\n", " ".repeat(depth)));
    }
    program.push_str(&format!("{}LOG 1\nEND\n", " ".repeat(3000)));
    let compilation = compile_text("nested.md", &program);
    assert!(compilation.document.is_some(), "{}", support::rendered(&compilation));
}

#[test]
fn json_that_nests_deeply_is_refused() {
    let compilation = compile_text("deep.drakon", &format!("{}{}", "{\"diagram\":".repeat(10_000), "}".repeat(10_000)));
    assert_eq!(compilation.diagnostics[0].code.0, "D001");
}

#[test]
fn blocks_that_nothing_leads_to_are_told() {
    let blocks = ["REPEAT 3 times", "REPEAT", "FOR EACH y IN [1]", "IF x > 0", "SELECT x", "PARALLEL"];
    for block in blocks {
        let after_branch = format!("BEGIN\n  x = 1\n  BRANCH \"b\"\n    LOG x\n  {block}\n    LOG x\nEND\n");
        let among_cases =
            format!("BEGIN\n  x = 1\n  SELECT x\n    CASE 1\n      LOG x\n    {block}\n      LOG x\nEND\n");
        for program in [after_branch, among_cases] {
            let compilation = compile_text("outside.md", &program);
            assert!(compilation.has_errors(), "{program}");
        }
    }
}
