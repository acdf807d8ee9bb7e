//! Icons that ask within a conversation, from the diagram's text to the history, with a stand-in for the Claude CLI that tells
//! whether a conversation began or went on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::process::Running;
use crate::served::Served;
use crate::support::{Place, json as told_by};
use crate::workers::bloom_worker;

const TALK: &str = r#"BEGIN "Talk"

  first ← LLM("One", session: "context")
  second ← LLM("Two", session: "context")
  third ← LLM("Three")
  RETURN {first: first, second: second, third: third}

END
"#;

/// A folder with such a `claude`.
fn stand_in(place: &Place) -> PathBuf {
    let folder = place.path("stand-in");
    let script = r#"#!/bin/sh
case "$1" in
--version) echo '9.9.9 (Claude Code)'; exit ;;
--help) printf '%s\n' '--print --output-format --model --json-schema --tools --strict-mcp-config --setting-sources' \
    '--settings --disable-slash-commands --no-session-persistence --resume --session-id'; exit ;;
esac
cat > /dev/null
how=alone
while [ $# -gt 0 ]; do case "$1" in
    --session-id) how=began; id=$2 ;;
    --resume) how=resumed; id=$2 ;;
esac; shift; done
echo '{"type":"result","structured_output":{"text":"'$how'"},"usage":{"input_tokens":1,"output_tokens":1},"session_id":"'$id'"}'
"#;
    let new = place.write("stand-in/new", script);
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    // Copied by another process: a file that this one had open for writing when another test forked cannot be executed.
    assert!(Command::new("cp").arg("-p").arg(&new).arg(folder.join("claude")).status().unwrap().success());
    folder
}

fn path(folder: &Path) -> String {
    format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display())
}

#[test]
fn what_a_diagram_asks_in_a_conversation_goes_on_in_the_next_run() {
    let place = Place::new();
    let (flow, folder) = (place.write("talk.md", TALK), stand_in(&place));
    let run = || told_by(place.bloom().env("PATH", path(&folder)).arg("run").arg(&flow));
    let first = run();
    assert_eq!(first["result"], json!({ "first": "began", "second": "resumed", "third": "alone" }), "{first}");
    assert_eq!(run()["result"], json!({ "first": "resumed", "second": "resumed", "third": "alone" }));

    let history = place.bloom().args(["history", first["run"].as_str().unwrap(), "--json"]).output().unwrap();
    let events = String::from_utf8(history.stdout).unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answers = events.iter().filter_map(|event| event.pointer("/payload/answer/usage"));
    let sessions: Vec<&Value> = answers.map(|usage| &usage["session"]).collect();
    assert!(sessions.len() == 3 && sessions[0].is_string() && sessions[0] == sessions[1], "{events:?}");
    assert_eq!(sessions[2], &Value::Null, "nobody asked for a conversation");
    place.bloom().args(["replay", first["run"].as_str().unwrap()]).assert().success();
    let kept = fs::read_dir(place.path("data/conversations/local")).unwrap().count();
    assert_eq!(kept, 1, "one for the context");
}

#[test]
fn a_worker_has_a_conversation_for_each_context() {
    let place = Place::new();
    let (flow, signed) = (place.write("talk.md", TALK), place.path("talk.ir.json"));
    place.bloom().arg("compile").arg(flow).arg("-o").arg(&signed).assert().success();
    let server = Served::start_with(&place, &["--workers", "0"], &[]);
    let (status, told) = server.post("/api/v1/flows", &fs::read(signed).unwrap());
    assert_eq!(status, 201, "{told}");
    let folder = stand_in(&place);
    let _worker = Running::start(&mut bloom_worker(&place, &folder, &server.url(), &["--name", "w1"]));
    let first = |context: &str| {
        let asked = json!({ "inputs": {}, "context_id": context }).to_string();
        let (status, run) = server.post("/api/v1/flows/talk/runs?wait=60", asked.as_bytes());
        assert_eq!((status, &run["status"]), (200, &json!("completed")), "{run}");
        run["result"]["first"].as_str().unwrap().to_owned()
    };
    assert_eq!(["a", "a", "b", "a"].map(first), ["began", "resumed", "began", "resumed"]);
    let workers = fs::read_dir(folder.join("data/conversations")).unwrap().flatten().map(|worker| worker.path());
    assert_eq!(workers.map(|worker| fs::read_dir(worker).unwrap().count()).collect::<Vec<_>>(), [2]);
}
