//! The stepper, driven by lines on its standard input.

use crate::process::Lines;
use crate::support::{GREETING, Place, ended, fixture, json, script, signed_greeting};

/// A finished run of the greeting: start, question, answer, proposal, end.
fn greeted(place: &Place) {
    let reply = script(place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(signed_greeting(place)).args(["--input", "name=Ann", &reply]));
}

/// What is shown after these lines.
fn debugged(place: &Place, arguments: &[&str], lines: &[&str]) -> String {
    let output = place.bloom().args(arguments).write_stdin(lines.join("\n") + "\n").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// What each line showed, without what was shown before the first.
fn answers(place: &Place, lines: &[&str]) -> Vec<String> {
    // A word that nobody knows stands between them.
    let marked: Vec<&str> = lines.iter().flat_map(|line| ["mark", *line]).collect();
    let shown = debugged(place, &["debug", "last"], &marked);
    shown.split("there is no command mark; type help\n").skip(1).map(str::to_owned).collect()
}

#[test]
fn a_run_is_gone_through_forward_and_back() {
    let place = Place::new();
    greeted(&place);
    let shown = answers(&place, &["next", "n", "", "back", "event 3", "reverse", "n 9", "next"]);
    assert!(shown[0].contains("event 1 of 5") && shown[0].contains("answer ← LLM(name)"), "{}", shown[0]);
    assert!(shown[0].contains("┌──") && shown[0].contains("icon 3"), "among its neighbours: {}", shown[0]);
    assert!(shown[1].contains("event 3 of 5") && shown[1].contains("create-proposal"), "{}", shown[1]);
    assert!(shown[1].contains(r#"answer: null → {"text":"Hello!"}"#), "what changed: {}", shown[1]);
    assert!(shown[2].contains("icon 5"), "an empty line repeats: {}", shown[2]);
    assert!(shown[3].contains("create-proposal"), "{}", shown[3]);
    assert!(shown[4].contains("event 3 of 5"), "{}", shown[4]);
    assert!(
        shown[5].contains("event 2 of 5") && shown[5].contains("next: event 3, effect.completed n1#1"),
        "{}",
        shown[5]
    );
    assert!(shown[6].contains("event 5 of 5") && shown[6].contains("The end."), "{}", shown[6]);
    assert_eq!(shown[7], "This is the end.\n");
}

#[test]
fn breakpoints_are_set_by_icon_and_by_text() {
    let place = Place::new();
    greeted(&place);
    let lines = [
        "break 5",
        "break PROPOSAL",
        "breaks",
        "c",
        "c",
        "c",
        "rewind",
        "delete 4",
        "break nowhere",
        "del 4",
        "rewind",
    ];
    let shown = answers(&place, &lines);
    assert!(shown[1].contains("icon 4: create-proposal") && shown[1].contains("icon 5"), "{}", shown[1]);
    assert_eq!(shown[1], shown[2]);
    assert!(shown[3].contains("create-proposal") && shown[3].contains("a breakpoint"), "{}", shown[3]);
    assert!(shown[4].contains("icon 5") && shown[4].contains("a breakpoint"), "{}", shown[4]);
    assert!(shown[5].contains("The end."), "{}", shown[5]);
    assert!(shown[6].contains("icon 5"), "{}", shown[6]);
    assert!(!shown[7].contains("icon 4"), "{}", shown[7]);
    assert!(shown[8].contains("no icon has the id or the text nowhere"), "{}", shown[8]);
    assert!(shown[9].contains("there is no breakpoint at icon 4"), "{}", shown[9]);
    assert!(shown[10].contains("event 0 of 5"), "{}", shown[10]);
}

#[test]
fn variables_and_expressions_are_printed() {
    let place = Place::new();
    greeted(&place);
    let lines = [
        "print answer",
        "e 3",
        "print answer",
        "p answer.text",
        "p size(name) + 1",
        "p v['answer'].text",
        "p nobody",
        "p 1 +",
        "vars",
        "changes",
        "state",
        "print input.name",
    ];
    let shown = answers(&place, &lines);
    assert!(shown[0].contains("no value"), "before the start there are no variables: {}", shown[0]);
    assert_eq!(shown[2], "{\n  \"text\": \"Hello!\"\n}\n");
    assert_eq!((shown[3].as_str(), shown[4].as_str(), shown[5].as_str()), ("\"Hello!\"\n", "4\n", "\"Hello!\"\n"));
    assert!(shown[6].contains("nobody"), "{}", shown[6]);
    assert!(shown[7].contains("no value"), "{}", shown[7]);
    assert!(shown[8].contains("input.name = \"Ann\"") && shown[8].contains("answer = {"), "{}", shown[8]);
    assert!(shown[9].contains("answer: null →"), "{}", shown[9]);
    let state: serde_json::Value = serde_json::from_str(&shown[10]).unwrap();
    assert_eq!(state["seq"], 3);
    assert_eq!(shown[11], "\"Ann\"\n");
}

#[test]
fn it_speaks_ukrainian_and_takes_words_of_both_languages() {
    let place = Place::new();
    greeted(&place);
    let shown = debugged(
        &place,
        &["--lang", "uk", "debug", "last"],
        &["далі", "показати name", "події", "ікони", "допомога", "кудись", "подія 77", "вийти"],
    );
    for expected in
        ["подія 1 з 5", "ікона 3", "\"Ann\"", "подія N", "немає команди кудись", "події 77 немає; остання — 5"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let shown =
        debugged(&place, &["--lang", "en", "debug", "last"], &["events all", "icons", "help", "jump", "event x"]);
    for expected in ["effect.requested n1#1", "▶", "rewind", "there is no command jump", "event needs something more"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn an_exported_history_and_a_rehearsal_are_gone_through() {
    let place = Place::new();
    greeted(&place);
    let exported = place.bloom().args(["history", "last", "--json"]).output().unwrap().stdout;
    let history = place.write("run.jsonl", exported);
    let (file, ir) = (history.to_str().unwrap().to_owned(), place.path("greeting.ir.json"));
    let shown = debugged(&place, &["debug", "--file", &file, "--ir", ir.to_str().unwrap()], &["c", "p answer.text"]);
    assert!(shown.contains("The end.") && shown.ends_with("\"Hello!\"\n"), "{shown}");

    let diagram = fixture("diagrams/nested-ifs.drakon");
    let arguments = ["debug", diagram.to_str().unwrap(), "--rehearse", "--oracle", "3"];
    let shown = debugged(&place, &arguments, &["n", "n", "b", "c", "vars", "next", "rewind"]);
    assert!(shown.contains("→ Yes") || shown.contains("→ No"), "{shown}");
    for expected in ["┌──", "The end.", "A rehearsal computes nothing", "This is the end.", "step 0"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn text_of_others_reaches_no_terminal() {
    let place = Place::new();
    let hostile = GREETING.replace("answer ← LLM(name)", "\\u001b]0;x\\u0007\\u009b2Janswer\\u202e");
    let (unsigned, signed) = (place.write("h.json", hostile), place.path("h.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    let reply = script(&place, r#""answer": { "text": "\\u001b[2JHello\\u202e" }"#);
    json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    let shown = debugged(
        &place,
        &["debug", "last"],
        &["n", "n", "p answer", "vars", "icons", "events all", "\u{1b}[8mx", "print \u{1b}[8m"],
    );
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn a_store_is_free_while_a_run_is_gone_through() {
    use std::io::Write as _;
    let place = Place::new();
    greeted(&place);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bloom"))
        .args(["debug", "last", "--lang", "en"])
        .env("BLOOM_DATA", place.path("data"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    let first = lines.next().unwrap();
    assert!(first.contains("event 0 of 5"), "{first}");
    place.bloom().arg("runs").assert().success();
    child.stdin.take().unwrap().write_all(b"quit\n").unwrap();
    assert!(ended(&mut child).success());
}
