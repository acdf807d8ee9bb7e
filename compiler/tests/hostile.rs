//! Files that nobody drew: whatever they hold is answered, in time that grows with their size.
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

use bloom_compiler::{Compilation, Options, SourceFile, compile, render};
use bloom_ir::document::Locale;
use serde_json::{Value, json};
use support::{compile_text, options, rendered};

fn codes(compilation: &Compilation) -> Vec<&'static str> {
    compilation.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
}

/// A diagram of these items, with a branch, an end and an action `3`.
fn diagram(extra: &str) -> String {
    format!(
        r#"{{"items": {{"1": {{"type": "end"}}, "2": {{"type": "branch", "branchId": 0, "one": "3"}},
            "3": {{"type": "action", "content": "LOG 1", "one": "1"}}{extra}}}}}"#
    )
}

/// What is said in English about the first problem.
fn said(text: &str) -> String {
    let compilation = compile_text("a.drakon", text);
    let first = compilation.diagnostics.first().unwrap_or_else(|| panic!("nothing is wrong with {text}"));
    render(first, &compilation.outline, Locale::En, false)
}

#[test]
fn what_is_wrong_with_the_json_is_said_with_its_place() {
    let deep = format!("{}{}", "{\"a\":".repeat(200), "}".repeat(200));
    for (text, expected) in [
        ("{\"items\":", "line 1, column 9: it ends too early"),
        ("{\n\"items\": {\"1\": 1e999}}", "line 2, column 20: the number is too large"),
        (r#"{"items": {"1": {"content": "\ud800"}}}"#, "half of a character"),
        (r#"{"items": {"1": {"content": "\ud800x"}}}"#, "half of a character"),
        ("{\"items\": {\"1\": \"\u{1}\"}}", "a control character stands in a text"),
        ("{\"items\": {\"1\": \"\0\"}}", "a control character stands in a text"),
        (r#"{"items": {}} x"#, "something follows after its end"),
        (r#"{"items": {},}"#, "a comma stands before a closing bracket"),
        (&deep, "nest too deeply"),
    ] {
        assert!(said(text).contains(expected), "{text}: {}", said(text));
    }
}

#[test]
fn members_that_stand_twice_are_told_wherever_they_are_read() {
    for text in [
        r#"{"items": {}, "items": {}}"#.to_owned(),
        r#"{"id": "w", "diagram": {"items": {}, "name": "a", "name": "b"}}"#.to_owned(),
        diagram(r#", "4": {"type": "action", "type": "question", "one": "1"}"#),
    ] {
        assert!(codes(&compile_text("a.drakon", &text)).contains(&"D124"), "{text}");
    }
    assert_eq!(codes(&compile_text("a.drakon", &diagram(r#", "3": {"type": "end"}"#)))[0], "D015");
}

#[test]
fn dialects_are_named() {
    for (text, expected) in [
        (r#"{"type": "graf", "items": {}}"#, "this is a mind map"),
        (r#"{"type": "free", "items": {}}"#, "this is a free drawing"),
        (r#"{"type": "excalidraw", "elements": []}"#, "this is a “excalidraw” document"),
        (r#"{"ir": "0.1", "nodes": {}}"#, "this is a compiled program"),
        ("[1, 2]", "this is a JSON array"),
        ("<xml/>", "this is XML or HTML"),
        ("null", "the file holds no diagram"),
        ("5", "the file holds no diagram"),
        (r#"{"diagram": 5}"#, "`diagram` is a number; it must be an object"),
        ("", "the file is empty"),
    ] {
        assert!(said(text).contains(expected), "{text}: {}", said(text));
    }
}

#[test]
fn wrapped_diagrams_and_byte_order_marks_are_read() {
    let inner = diagram("");
    let wrapped = format!(r#"{{"version": 1, "id": "x", "name": "Назва", "createdAt": 5, "diagram": {inner}}}"#);
    let compilation = compile_text("a.drakon", &format!("\u{feff}{wrapped}"));
    assert_eq!(compilation.document.unwrap().flow.title, "Назва");
}

#[test]
fn a_flag_that_means_nothing_is_not_guessed() {
    for (flag, expected) in
        [("2", "`flag1` is 2; it must be 0 or 1"), ("\"yes\"", "`flag1` is \"yes\"; it must be 0 or 1")]
    {
        let question =
            format!(r#", "4": {{"type": "question", "content": "true", "one": "1", "two": "3", "flag1": {flag}}}"#);
        assert!(said(&diagram(&question)).contains(expected), "{flag}");
    }
}

#[test]
fn one_mistake_is_one_error() {
    // What cannot be read may set `x`; what leads nowhere does not lack a connection as well.
    let unread = diagram(
        r#", "4": {"type": "action", "content": "x ← ((\ny.z ← )", "one": "5"},
        "5": {"type": "action", "content": "LOG x + y", "one": "1"}"#,
    )
    .replace(r#""one": "3""#, r#""one": "4""#);
    assert!(!codes(&compile_text("a.drakon", &unread)).contains(&"D044"), "{unread}");
    let program = compile_text("a.md", "BEGIN\n  FOR EACH x IN (5 5\n    LOG x\nEND\n");
    assert!(!codes(&program).contains(&"D044"), "{}", rendered(&program));
    let dangling = diagram("").replace(r#""one": "1"}"#, r#""one": "99"}"#);
    assert_eq!(codes(&compile_text("a.drakon", &dangling)), ["D006"]);
    let decoration = diagram(r#", "9": {"type": "callout"}"#).replace(r#""one": "1"}"#, r#""one": "9"}"#);
    assert_eq!(codes(&compile_text("a.drakon", &decoration)), ["D005"]);
}

#[test]
fn a_loop_without_a_way_out_is_told_together_with_what_is_wrong_in_it() {
    let endless = r#"{"items": {"1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "9"},
        "9": {"type": "arrow-loop", "one": "3"}, "3": {"type": "action", "content": "LOG x", "one": "4"},
        "4": {"type": "action", "content": "do it", "one": "9"}}}"#;
    let found = codes(&compile_text("a.drakon", endless)).join(" ");
    assert!(["D025", "D040", "D044"].iter().all(|code| found.contains(code)), "{found}");
    // What cannot be read may be the way out.
    let unread = endless.replace("do it", "RETURN {a: }");
    assert!(!codes(&compile_text("a.drakon", &unread)).contains(&"D025"));
}

#[test]
fn the_deepest_value_of_the_deepest_member_is_a_sound_program() {
    let deep = format!("{}x{}", "[".repeat(38), "]".repeat(38));
    let chain = format!("x{}", " + 1".repeat(60));
    for value in [deep, chain] {
        let text = format!("BEGIN\n  PARAM x: any = 1\n  y ← {{}}\n  y.a.b.c.d.e.f.g.h.i.j ← {value}\n  LOG y\nEND\n");
        let compilation = compile_text("a.md", &text);
        assert!(compilation.document.is_some(), "{}", rendered(&compilation));
    }
}

#[test]
fn what_was_meant_is_suggested() {
    let hint = |text: &str, locale| {
        let compilation = compile_text("a.md", &format!("ПОЧАТОК\n{text}КІНЕЦЬ\n"));
        let hints: Vec<String> = compilation.diagnostics.iter().filter_map(|found| found.hint(locale)).collect();
        hints.join("\n")
    };
    for (text, english, ukrainian) in [
        ("  count ← 1\n  LOG сount\n", "“с” in `сount` is Cyrillic", "«с» у `сount` — кирилична"),
        ("  сума1 ← 1\n  LOG cума1\n", "“c” in `cума1` is Latin", "«c» у `cума1` — латинська"),
        ("  рахунок ← 1\n  LOG рахунк\n", "`рахунок`", "`рахунок`"),
        ("  x ← довжна(\"a\")\n", "`довжина`", "`довжина`"),
        ("  x ← read-nots(folder: \"a\")\n", "`read-notes`", "`read-notes`"),
        ("  x ← read-notes(folde: \"a\")\n", "`folder`", "`folder`"),
        ("  → ГІЛКА \"кінецт\"\n  ГІЛКА \"кінець\"\n    LOG 1\n", "`кінець`", "`кінець`"),
        ("  ЯКШО x > 1\n    LOG 1\n", "ЯКЩО", "ЯКЩО"),
        ("  x ← 1,5\n", "1.5", "1.5"),
        ("  пам`ять ← 1\n", "пам'ять", "пам'ять"),
        ("  y ← пам′ять + 1\n", "пам'ять", "пам'ять"),
    ] {
        assert!(hint(text, Locale::En).contains(english), "{text}: {}", hint(text, Locale::En));
        assert!(hint(text, Locale::Uk).contains(ukrainian), "{text}: {}", hint(text, Locale::Uk));
    }
}

#[test]
fn two_names_that_look_the_same_are_told() {
    let found = compile_text("a.md", "BEGIN\n  count ← 1\n  сount ← 2\n  LOG count + сount\nEND\n");
    assert_eq!(codes(&found), ["D121"]);
    assert!(!found.has_errors());
}

#[test]
fn what_is_drawn_is_harmless_and_fits_the_terminal() {
    let text = format!("x ← \u{1b}[31m\u{202e}\t筆記 + {} + )", "довге_імʼя_змінної + ".repeat(40));
    let item = json!({ "type": "action", "content": text, "one": "1" });
    let compilation =
        compile_text("a.drakon", &diagram(&format!(r#", "4": {item}"#)).replace(r#""one": "3""#, r#""one": "4""#));
    assert!(compilation.has_errors());
    for diagnostic in &compilation.diagnostics {
        for locale in [Locale::En, Locale::Uk] {
            let drawn = render(diagnostic, &compilation.outline, locale, false);
            assert!(!drawn.contains(['\u{1b}', '\u{202e}', '\t']), "{drawn}");
            for line in drawn.lines().filter(|line| line.contains(['│', '┌', '└'])) {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
            }
            let coloured = render(diagnostic, &compilation.outline, locale, true);
            assert!(coloured.contains("\u{1b}["));
        }
    }
}

/// A program in which everything is wrong.
fn wrong(lines: usize) -> String {
    let mut text = "BEGIN\n".to_owned();
    for line in 0..lines {
        text.push_str(&format!("  name{line} ← nome{line} + unknown{line} )\n  set{line} ← sat{line}\n"));
    }
    text + "END\n"
}

#[test]
fn large_files_that_are_all_wrong_are_answered() {
    // Quadratic time would take minutes here.
    let cases: Vec<String> = (0..8_000).map(|case| format!("    CASE {}\n      LOG 1\n", case % 7_000)).collect();
    let select = compile_text("a.md", &format!("BEGIN\n  x ← 1\n  SELECT x\n{}END\n", cases.concat()));
    assert!(codes(&select).contains(&"D033"));
    assert!(codes(&compile_text("a.md", &wrong(10_000))).contains(&"D086"));
    let long_text = "x ← )\n".repeat(50_000);
    let item = json!({ "type": "action", "content": long_text, "one": "1" });
    let one_icon =
        compile_text("a.drakon", &diagram(&format!(r#", "4": {item}"#)).replace(r#""one": "3""#, r#""one": "4""#));
    assert_eq!(one_icon.diagnostics.len(), 1001);
    let held: usize = one_icon.diagnostics.iter().map(|found| serde_json::to_string(&found.place).unwrap().len()).sum();
    assert!(held < 20_000_000, "{held} bytes");
}

#[test]
fn loops_in_loops_without_ends_are_answered() {
    let mut items = serde_json::Map::new();
    let count = 30_000;
    for index in 0..count {
        let one = if index + 1 == count { "0".to_owned() } else { (index + 1).to_string() };
        items.insert(index.to_string(), json!({ "type": "loopbegin", "content": "x in [1]", "one": one }));
    }
    items.insert("start".to_owned(), json!({ "type": "branch", "branchId": 0, "one": "0" }));
    let compilation = compile_text("a.drakon", &json!({ "items": Value::Object(items) }).to_string());
    assert!(codes(&compilation).contains(&"D022"));
}

#[test]
fn a_file_of_more_than_64_mebibytes_is_refused_by_its_size() {
    let bytes = vec![b' '; (64 << 20) + 1];
    let compilation = compile(&SourceFile::new("a.drakon", &bytes), &Options::default());
    assert_eq!(codes(&compilation), ["D014"]);
}

#[test]
fn any_bytes_are_answered() {
    let seeds: [&[u8]; 6] = [
        b"\xff\xfe\0{",
        b"\xef\xbb\xbf{}",
        b"{\"items\":{\"\\u0000\":{}}}",
        b"\0\0\0",
        b"SQLite format 3\0rest",
        b"\xc3(",
    ];
    for seed in seeds {
        let compilation = compile(&SourceFile::new("a.drakon", seed), &options());
        assert!(compilation.has_errors(), "{seed:?}");
        rendered(&compilation);
    }
}
