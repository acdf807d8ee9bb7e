//! What people write, and the CEL that it becomes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod support;

use bloom_ir::document::{Action, NodeKind};
use support::{compile_text, rendered};

/// The expression of `x ← …` in a flow where some names are variables and one is a parameter.
fn cel(written: &str) -> String {
    let program = format!(
        "BEGIN\n  PARAM folder: string\n  PARAM limit: int = 5\n  нотатки ← []\n  notes ← []\n  нотатка ← json.parse(\"{{}}\")\n  зміст ← \"\"\n  \
         a ← 1\n  b ← 2\n  пам'ять ← json.parse(\"{{}}\")\n  x ← {written}\n  RETURN [нотатки, notes, нотатка, зміст, a, b, пам'ять, x]\nEND\n"
    );
    let compilation = compile_text("expression.md", &program);
    let document = compilation.document.clone().unwrap_or_else(|| panic!("{written}\n{}", rendered(&compilation)));
    let value = document.nodes.values().find_map(|node| match &node.kind {
        NodeKind::Action(Action::Set { into, value, .. }) if into == "x" => Some(value.clone()),
        _ => None,
    });
    value.unwrap()
}

#[test]
fn words_units_and_names_become_cel() {
    for (written, expected) in [
        ("нотатки порожні", "size(v['нотатки']) == 0"),
        ("нотатки НЕ порожні", "size(v['нотатки']) != 0"),
        ("notes is empty", "size(v['notes']) == 0"),
        ("notes is not empty and true", "size(v['notes']) != 0 && true"),
        ("нотатка.slug Є В нотатки", "v['нотатка'].slug in v['нотатки']"),
        ("нотатка.slug НЕ Є В нотатки", "!(v['нотатка'].slug in v['нотатки'])"),
        ("a in notes or b not in notes", "v['a'] in v['notes'] || !(v['b'] in v['notes'])"),
        ("НЕ a = b ТА a > b АБО a ≤ b", "!(v['a'] == v['b']) && v['a'] > v['b'] || v['a'] <= v['b']"),
        ("not a == b", "!(v['a'] == v['b'])"),
        ("a ≠ b", "v['a'] != v['b']"),
        ("a ≥ -1", "v['a'] >= -1"),
        ("довжина(зміст) < 200 слів", "words(v['зміст']) < 200"),
        ("size(зміст) >= 3 lines", "lines(v['зміст']) >= 3"),
        ("100 символів < length(зміст)", "100 < size(v['зміст'])"),
        ("довжина(зміст) > 1000 токенів", "tokens(v['зміст']) > 1000"),
        ("довжина(нотатки)", "size(v['нотатки'])"),
        ("5 хв + 2 s", "300000 + 2000"),
        ("1.5 h", "5400000"),
        ("нотатка.має_тег(\"x\")", "'x' in v['нотатка'].tags"),
        ("істина", "true"),
        ("хиба АБО істина", "false || true"),
        ("ніщо", "null"),
        ("поточний_час", "run.now"),
        ("now - run.started_at", "run.now - run.started_at"),
        ("folder", "input.folder"),
        ("limit + 1", "(has(input.limit) ? input.limit : 5) + 1"),
        ("input.folder", "input.folder"),
        ("v['a'] + 1", "v['a'] + 1"),
        ("пам'ять.оброблені_slugs", "v['пам\\'ять']['оброблені_slugs']"),
        ("пам’ять.slug", "v['пам\\'ять'].slug"),
        ("нотатка.slug ?? \"none\"", "has(v['нотатка'].slug) ? v['нотатка'].slug : 'none'"),
        ("нотатка.назва ?? зміст", "'назва' in v['нотатка'] ? v['нотатка']['назва'] : v['зміст']"),
        ("\"a\" \"b\"", "'ab'"),
        ("«Слава» + “!”", "'Слава' + '!'"),
        ("{назва: зміст, \"k\": 1, (folder): 2}", "{'назва': v['зміст'], 'k': 1, input.folder: 2}"),
        ("notes.filter(n, n.slug == folder)", "v['notes'].filter(n, n.slug == input.folder)"),
        ("нотатки.відібрати(н, н.slug = folder)", "v['нотатки'].filter(x1, x1.slug == input.folder)"),
        ("a > b ? a : b", "v['a'] > v['b'] ? v['a'] : v['b']"),
        ("json.parse(зміст)", "json.parse(v['зміст'])"),
        ("зміст.split(\",\").join(\";\")", "v['зміст'].split(',').join(';')"),
        ("has(нотатка.slug)", "has(v['нотатка'].slug)"),
        ("2 * (a + b) / 3 % 4", "2 * (v['a'] + v['b']) / 3 % 4"),
        ("a-b", "v['a'] - v['b']"),
        ("5 – 3", "5 - 3"),
        ("„текст” + „текст“", "'текст' + 'текст'"),
    ] {
        assert_eq!(cel(written), expected, "{written}");
    }
}

#[test]
fn a_mistake_is_marked_where_it_stands() {
    for (written, code, marked) in [
        ("зміст.spilt(\",\")", "D046", "spilt"),
        ("довжна(зміст)", "D046", "довжна"),
        ("нотатк.slug", "D044", "нотатк"),
        ("a + 200 words", "D056", "a"),
        ("size(list: notes)", "D070", "list"),
        ("1 + read-notes()", "D065", "read-notes"),
        ("a +* b", "D041", "*"),
        ("\"abc", "D066", "\"abc"),
        ("12345678901234567890", "D068", "12345678901234567890"),
    ] {
        let program = format!(
            "BEGIN\n  a ← 1\n  b ← 2\n  notes ← []\n  зміст ← \"\"\n  нотатка ← json.parse(\"{{}}\")\n  x ← {written}\nEND\n"
        );
        let compilation = compile_text("mistake.md", &program);
        let diagnostic = &compilation.diagnostics[0];
        assert_eq!(diagnostic.code.0, code, "{written}: {}", rendered(&compilation));
        let bloom_ir::diagnostic::Place::Line { text, span: Some(span), .. } = &diagnostic.place else {
            panic!("{written}: {:?}", diagnostic.place);
        };
        assert_eq!(&text[span.clone()], marked, "{written}");
    }
}

#[test]
fn the_manual_says_what_becomes_of_what_people_write() {
    let page = include_str!("../../docs/expressions.md");
    let (_, rest) = page.split_once("```bloom\n").unwrap();
    let (examples, _) = rest.split_once("```").unwrap();
    assert!(examples.lines().count() > 15);
    for line in examples.lines() {
        let (written, expected) = line.split_once('→').unwrap();
        assert_eq!(cel(written.trim()), expected.trim(), "{written}");
    }
}
