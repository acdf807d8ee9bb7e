//! Help, languages, wrong arguments, exit statuses.

use crate::support::{Place, fixture, json, script, signed_greeting};

fn stdout(command: &mut assert_cmd::Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn help_has_examples_in_both_languages() {
    let place = Place::new();
    let english = stdout(place.bloom().args(["run", "--help"]));
    assert!(english.starts_with("Run a flow") && english.contains("Usage: bloom run"), "{english}");
    assert!(english.contains("Examples:") && english.contains("bloom run --resume last"), "{english}");
    let ukrainian = stdout(place.bloom().args(["run", "--help", "--lang", "uk"]));
    assert!(ukrainian.starts_with("Виконати потік") && ukrainian.contains("Використання: bloom run"), "{ukrainian}");
    assert_eq!(stdout(place.bloom().args(["run", "--help"]).env("LANG", "uk_UA.UTF-8")), ukrainian);
}

#[test]
fn exit_statuses_are_documented() {
    let help = stdout(Place::new().bloom().arg("--help"));
    for status in ["0 completed", "1 failed", "2 the arguments", "3 refused"] {
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(status), "{status}: {help}");
    }
}

#[test]
fn wrong_arguments_are_explained_with_status_2() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let signed = signed.to_str().unwrap();
    for (arguments, expected) in [
        (vec![], "a command is missing"),
        (vec!["rum"], "there is no command rum"),
        (vec!["runs", "--limti", "3"], "did you mean"),
        (vec!["run"], "missing: <FLOW>"),
        (vec!["runs", "--lang", "xx"], "it is one of en, uk"),
        (vec!["show", "a", "--json", "--text"], "exclude each other"),
        (vec!["run", signed, "--input", "nme=Ann"], "its inputs are: name"),
        (vec!["run", signed, "--input", "name"], "is not NAME=VALUE"),
        (vec!["run", signed, "--llm", "gpt"], "is none of claude"),
        (vec!["run", signed, "--notes", "/nowhere"], "is not a folder"),
        (vec!["run", "nothing.drakon"], "neither a file nor a stored flow"),
        (vec!["keys", "trust", "nobody"], "neither a public key"),
    ] {
        let output = place.bloom().args(&arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn usage_errors_are_told_in_ukrainian() {
    let output = Place::new().bloom().args(["--lang", "uk", "rum"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("Помилка: немає команди rum"), "{stderr}");
}

#[test]
fn missing_records_are_named() {
    let place = Place::new();
    for (arguments, expected) in [
        (["show", "last"], "there are no runs yet"),
        (["history", "0b5c"], "there is no run 0b5c"),
        (["replay", "0b5c"], "there is no run 0b5c"),
    ] {
        let output = place.bloom().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains(expected), "{arguments:?}");
    }
}

#[test]
fn a_diagram_with_errors_is_told_by_icon() {
    let place = Place::new();
    let diagram = r#"{"items": {"1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "action", "content": "x ← (1 +", "one": "1"}}}"#;
    let path = place.write("broken.drakon", diagram);
    let output = place.bloom().arg("check").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("x ← (1 +") && stdout.contains("1 error"), "{stdout}");
    let run = place.bloom().arg("run").arg(&path).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let found = json(place.bloom().args(["check", "--json"]).arg(&path));
    assert_eq!(found[0]["diagnostics"][0]["place"]["id"], "3", "{found}");
}

#[test]
fn findings_are_written_in_three_forms_without_colours() {
    let place = Place::new();
    let path = place.write("broken.drakon", r#"{"items": {"2": {"type": "branch", "branchId": 0, "one": "9"}}}"#);
    let check = |arguments: &[&str]| place.bloom().arg("check").args(arguments).arg(&path).output().unwrap();
    for (format, expected) in [("text", "└─→ nothing"), ("json", "\"code\":\"D006\""), ("sarif", "\"ruleId\":\"D006\"")]
    {
        let output = check(&["--format", format]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains(expected) && !stdout.contains('\u{1b}'), "{format}: {stdout}");
    }
    assert_eq!(check(&["--format", "xml"]).status.code(), Some(2));
    assert_eq!(check(&["--format", "sarif", "--json"]).status.code(), Some(2));
}

#[test]
fn a_code_is_explained_in_the_language_of_the_person() {
    let place = Place::new();
    let explain = |arguments: &[&str]| stdout(place.bloom().arg("explain").args(arguments));
    assert!(explain(&["d044", "--lang", "en"]).contains("What to do."));
    assert!(explain(&["D044", "--lang", "uk"]).contains("Що робити."));
    let found = json(place.bloom().args(["explain", "D044", "I001", "--json"]));
    assert_eq!(found[1]["code"], "I001");
    let unknown = place.bloom().args(["explain", "D999"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bloom"))
        .args(["completions", "bash"])
        .env("BLOOM_DATA", place.path("data"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_not_a_terminal_gets_one_json_object() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let reply =
        script(&place, r#""answer": { "text": "Hello, Ann!" }, "usage": { "input_tokens": 2, "output_tokens": 3 }"#);
    let output = place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["status"], "completed");
    assert_eq!(run["result"]["greeting"], "Hello, Ann!");
    assert_eq!(run["tokens"], 5);
    assert_eq!(run["proposals"][0]["target"], "notes/a");
    let members: Vec<&String> = run.as_object().unwrap().keys().collect();
    assert_eq!(members, ["cost_micro_usd", "error", "proposals", "result", "run", "status", "tokens"]);
}

#[test]
fn a_run_is_named_by_a_part_of_its_id() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
    let run = json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    let id = run["run"].as_str().unwrap();
    for part in [id, &id[..20], &id[id.len() - 8..], "last"] {
        assert_eq!(json(place.bloom().args(["show", part, "--json"]))["run"]["id"], id, "{part}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(Place::new().bloom().args(["completions", shell]));
        assert!(script.contains("proposals"), "{shell}");
    }
}

#[test]
fn the_fixture_is_sound() {
    let place = Place::new();
    if crate::support::has_tools() {
        place.bloom().arg("check").arg(fixture("archivist/archivist.drakon")).assert().success().stdout("No errors.\n");
    }
}
