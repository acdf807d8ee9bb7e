//! Notes and answers that are not as they should be: a clear error, the run in the right state, nothing lost.

use std::fs;

use serde_json::Value;

use crate::support::{Place, fixture, has_tools, json, script, signed_greeting};

fn long_note(place: &Place) {
    let note = "struny-dlia-maloi-skrypky.md";
    place.write(&format!("notes/{note}"), fs::read(fixture("archivist/notes").join(note)).unwrap());
}

#[test]
fn a_note_of_50_megabytes_fails_the_run_with_a_reason() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    long_note(&place);
    place.write("notes/huge.md", vec![b'a'; 50 << 20]);
    let run = json(&mut place.archivist_over(&place.path("notes")));
    assert_eq!(run["status"], "failed", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("huge.md"), "{run}");
    place.bloom().args(["replay", "last"]).assert().success();
}

#[test]
fn a_cyclic_symlink_fails_the_run_and_is_named() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    long_note(&place);
    std::os::unix::fs::symlink(".", place.path("notes/loop")).unwrap();
    std::os::unix::fs::symlink("self.md", place.path("notes/self.md")).unwrap();
    let run = json(&mut place.archivist_over(&place.path("notes")));
    assert_eq!(run["status"], "failed", "{run}");
    let error = &run["error"];
    assert_eq!(error["code"], "link_refused", "{run}");
    assert!(error["message"].as_str().unwrap().contains("`notes/loop` is a symbolic link"), "{run}");
    assert_eq!(run["proposals"], Value::Array(Vec::new()));
    place.bloom().args(["replay", "last"]).assert().success();
}

#[test]
fn a_failed_run_names_the_icon_and_says_what_to_do() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.path("notes")).unwrap();
    std::os::unix::fs::symlink("self.md", place.path("notes/self.md")).unwrap();
    let error = json(&mut place.archivist_over(&place.path("notes")))["error"].take();
    let icon = "нотатки ← read-notes(folder)";
    let node = error["node"].as_str().unwrap();
    assert!(!node.is_empty() && error["item"].is_string() && error["icon"].as_str().unwrap().contains(icon), "{error}");
    assert_eq!(json(place.bloom().args(["show", "last", "--json"]))["run"]["error"], error);
    for (language, place_of, hint) in
        [("en", "at icon ", "out of the folder"), ("uk", "в іконі ", "приберіть посилання")]
    {
        let text = told(place.bloom().args(["show", "last", "--text", "--lang", language]));
        let item = error["item"].as_str().unwrap();
        assert!(text.contains(&format!("  {place_of}{item}: {icon}")) && text.contains(hint), "{text}");
    }
}

#[test]
fn an_answer_that_is_not_json_is_asked_for_once_more_and_then_fails_the_run() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let run = |reply: &str| -> Value {
        let reply = script(&place, reply);
        json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]))
    };
    for reply in [r#""raw": "not JSON""#, r#""raw": "{\"text\": 7}""#] {
        let failed = run(reply);
        assert_eq!(failed["status"], "failed", "{failed}");
        assert_eq!(failed["error"]["code"], "invalid_output", "{failed}");
        assert_eq!(failed["proposals"], Value::Array(Vec::new()));
        place.bloom().args(["replay", "last"]).assert().success();
    }
    // The first answer does not fit, the second does.
    let script = place.write(
        "repaired.json",
        r#"{ "answers": [{ "item": "3", "repair": false, "raw": "not JSON" }, { "item": "3", "answer": { "text": "Hello!" } }] }"#,
    );
    let reply = format!("--llm=scripted:{}", script.display());
    let repaired = json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    assert_eq!(repaired["status"], "completed", "{repaired}");
}

#[test]
fn a_flow_that_asks_says_so_where_nobody_can_answer() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let output = place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann"]).env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("Claude CLI is not usable here") && stderr.contains("--llm scripted:FILE"), "{stderr}");
    assert_eq!(json(place.bloom().args(["runs", "--json"])), serde_json::json!([]));
}

#[test]
fn a_rehearsal_says_that_it_is_one() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let auto = script(&place, r#""answer": { "text": "Hello!" }"#).replace("scripted:", "auto:");
    let mut command = place.bloom();
    command.arg("run").arg(&signed).args(["--input", "name=Ann", "--text", &auto]).env("PATH", "");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Rehearsal: the Claude CLI is not usable here"));
}

/// Whether the text holds what a terminal would obey, beside line breaks.
fn commands_a_terminal(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}')
}

fn told(command: &mut assert_cmd::Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn escape_sequences_of_others_do_not_reach_the_terminal() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let reply = script(&place, r#""answer": { "text": "Hi \u001b]0;owned\u0007\u009b2J\u202e!" }"#);
    let run = told(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", "--text", &reply]));
    let proposal = json(place.bloom().args(["proposals", "list", "--json"]));
    assert!(proposal[0]["content"].to_string().contains('\u{9b}'), "JSON is exact: {proposal}");
    let id = proposal[0]["id"].as_str().unwrap().to_owned();
    let mut texts = vec![run];
    for arguments in [&["show", "last"][..], &["history", "last"], &["proposals", "show", &id], &["proposals", "list"]]
    {
        texts.push(told(place.bloom().args(arguments)));
    }

    // A program whose error is an attack; what it says is recorded, and told again later.
    let thinker = "#!/bin/sh\ncat > /dev/null\nprintf 'broken \\033]0;owned\\007 \\302\\2332J\\n' >&2\nexit 3\n";
    let thinker = place.write("thinker", thinker);
    fs::set_permissions(&thinker, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let llm = format!("--llm=command:{}", thinker.display());
    texts.push(told(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", "--text", &llm])));
    assert!(texts.last().unwrap().contains("broken"), "{texts:?}");
    for arguments in [["show", "last"], ["history", "last"], ["replay", "last"], ["replay", "\u{1b}]0;x\u{7}"]] {
        texts.push(told(place.bloom().args(arguments)));
    }
    for text in texts {
        assert!(text.len() > 20 && !commands_a_terminal(&text), "{text:?}");
    }
}
