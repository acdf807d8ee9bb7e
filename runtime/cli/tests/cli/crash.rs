//! Killed at every event, the run goes on from what was recorded.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::Lines;
use crate::support::{Place, fixture, has_tools, json};

/// Answers both questions of the archivist, and keeps every prompt that it was asked. Each round has its own: one may outlive
/// who asked it.
fn thinker(place: &Place, round: usize) -> String {
    let asked = place.path(&format!("asked-{round}"));
    fs::create_dir_all(&asked).unwrap();
    let script = format!(
        r#"#!/bin/sh
prompt=$(mktemp '{}/XXXXXXXX')
cat > "$prompt"
if grep -q 'Запропонуй' "$prompt"; then
    echo '{{"type":"result","is_error":false,"result":"","structured_output":{{"теги":["струни"]}},"usage":{{"input_tokens":1,"output_tokens":1}}}}'
else
    echo '{{"type":"result","is_error":false,"result":"","structured_output":{{"теза":"т","поняття":[],"зв'"'"'язки":[]}},"usage":{{"input_tokens":1,"output_tokens":1}}}}'
fi
"#,
        asked.display()
    );
    let path = place.write(&format!("thinker-{round}"), script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("--llm=command:{}", path.display())
}

/// How often each prompt was asked.
fn asked(place: &Place, round: usize) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for entry in fs::read_dir(place.path(&format!("asked-{round}"))).unwrap() {
        *asked.entry(fs::read_to_string(entry.unwrap().path()).unwrap()).or_default() += 1;
    }
    asked
}

/// One note that is handled and one that is passed over.
fn notes(place: &Place) {
    for note in ["struny-dlia-maloi-skrypky.md", "kanifol.md"] {
        place.write(&format!("notes/{note}"), fs::read(fixture("archivist/notes").join(note)).unwrap());
    }
}

fn run(place: &Place, round: usize, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bloom"));
    command.env("BLOOM_DATA", place.path("data")).arg("run").args(arguments);
    command.arg("--notes").arg(place.path("notes")).arg("--memory").arg(place.path("memory"));
    command.args(["--json", "--progress", "json", &thinker(place, round)]);
    command
}

/// Starts the archivist and kills it when it has told so many events; what it told, and whether it was still running.
fn killed_after(place: &Place, lines: usize) -> (Vec<Value>, bool) {
    let diagram = fixture("archivist/archivist.drakon");
    let mut child =
        run(place, lines, &[diagram.to_str().unwrap()]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let told = Lines::of(child.stderr.take().unwrap());
    let told = std::iter::from_fn(|| told.next()).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let told: Vec<Value> = told.take(lines).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let is_over = told.iter().any(|event| event["step"] == "ended");
    (told, !is_over)
}

#[test]
fn killed_at_every_event_it_is_completed_without_repeating_a_call_that_has_its_answer() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    notes(&place);
    let mut lines = 0;
    loop {
        lines += 1;
        assert!(lines < 1000, "it never comes to its end");
        let (told, is_interrupted) = killed_after(&place, lines);
        let id = told[0]["run"].as_str().unwrap();
        let settled: Vec<&str> = told
            .iter()
            .filter(|event| event["step"] == "settled")
            .map(|event| event["effect"].as_str().unwrap())
            .collect();

        // With what it was started, it remembers.
        let resumed = place.bloom().args(["run", "--resume", id, "--json", "--progress", "json"]).output().unwrap();
        let again = String::from_utf8(resumed.stderr).unwrap();
        assert_eq!(resumed.status.code(), Some(0), "after {lines} events: {again}");
        let end: Value = serde_json::from_slice(&resumed.stdout).unwrap();
        assert_eq!(end["status"], "completed", "after {lines} events: {end}");
        assert_eq!(end["proposals"].as_array().unwrap().len(), 3, "after {lines} events");
        for event in again.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let effect = event["effect"].as_str().unwrap_or_default();
            assert!(!settled.contains(&effect), "{effect} was performed again after {lines} events");
        }

        // An answer that was recorded was paid for once.
        let history = place.bloom().args(["history", id, "--json"]).output().unwrap();
        let prompts = String::from_utf8(history.stdout).unwrap();
        let prompts = prompts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let asked = asked(&place, lines);
        for request in prompts.filter(|event| event["payload"]["call"]["op"] == "llm") {
            if settled.contains(&request["payload"]["effect"].as_str().unwrap()) {
                let prompt = request["payload"]["call"]["prompt"].as_str().unwrap();
                let times: usize =
                    asked.iter().filter(|(given, _)| given.contains(prompt)).map(|(_, times)| times).sum();
                assert_eq!(times, 1, "after {lines} events: {prompt}");
            }
        }
        place.bloom().args(["replay", id]).assert().success();
        if !is_interrupted {
            break;
        }
    }
    assert!(lines > 8, "only {lines} events were told");
    let pending = json(place.bloom().args(["runs", "--status", "running", "--json"]));
    assert_eq!(pending, Value::Array(Vec::new()));
}
