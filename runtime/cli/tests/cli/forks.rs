//! Forks: another run goes on from an event of a run.

use rustix::process::Signal;
use serde_json::Value;

use crate::interrupt::{asked, interrupt};
use crate::support::{GREETING, Place, json, script, signed_greeting};

/// A finished run of the greeting: `run.started`, the question, its answer, a proposal, the end.
fn greeted(place: &Place) -> Value {
    let reply = script(place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(signed_greeting(place)).args(["--input", "name=Ann", &reply]))
}

fn told(command: &mut assert_cmd::Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn a_fork_asks_again_what_had_no_answer_and_verifies_offline() {
    let place = Place::new();
    let origin = greeted(&place)["run"].as_str().unwrap().to_owned();
    let reply = script(&place, r#""answer": { "text": "Good day!" }"#);
    let fork = json(place.bloom().args(["fork", &origin, "--at", "2", &reply]));
    assert_eq!((&fork["status"], &fork["result"]["greeting"]), (&"completed".into(), &"Good day!".into()), "{fork}");
    let id = fork["run"].as_str().unwrap();
    assert_ne!(id, origin);

    let shown = json(place.bloom().args(["show", id, "--json"]));
    assert_eq!(shown["run"]["origin"], serde_json::json!({ "run": origin, "at": 2 }));
    assert_eq!(shown["tasks"].as_array().unwrap().len(), 1, "the task is its own");
    for command in [["show", id], ["history", id]] {
        let (status, text) = told(place.bloom().args(command));
        assert_eq!(status, Some(0));
        assert!(text.contains(&origin) && text.contains("event 2"), "{text}");
    }
    let (_, listed) = told(place.bloom().arg("runs"));
    assert!(listed.contains(&format!("{}#2", &origin[origin.len() - 8..])), "{listed}");

    place.bloom().args(["replay", id]).assert().success();
    let exported = place.bloom().args(["history", id, "--json"]).output().unwrap().stdout;
    let history = place.write("fork.jsonl", exported);
    place
        .bloom()
        .args(["replay", "--ir"])
        .arg(place.path("greeting.ir.json"))
        .arg("--file")
        .arg(history)
        .assert()
        .success();
    // What it proposes is what the first run proposed, or not.
    assert_eq!(json(place.bloom().args(["proposals", "list", "--run", id, "--json"])).as_array().unwrap().len(), 1);
}

#[test]
fn a_fork_goes_on_as_a_corrected_flow_says() {
    let place = Place::new();
    greeted(&place);
    let corrected = place.write("corrected.json", GREETING.replace("'greeting': v", "'salute': v"));
    let signed = place.path("corrected.ir.json");
    place.bloom().arg("compile").arg(corrected).arg("-o").arg(&signed).assert().success();
    // Behind the answer, so that nobody is asked.
    let fork = json(place.bloom().args(["fork", "last", "--at", "3", "--ir"]).arg(&signed));
    assert_eq!(fork["result"], serde_json::json!({ "salute": "Hello!" }));
    place.bloom().args(["replay", "last"]).assert().success();
    let exported = place.bloom().args(["history", "last", "--json"]).output().unwrap().stdout;
    let history = place.write("fork.jsonl", exported);
    place.bloom().args(["replay", "--ir"]).arg(&signed).arg("--file").arg(history).assert().success();

    let other = place.write("other.json", GREETING.replace("Greet ", "Welcome "));
    let signed = place.path("other.ir.json");
    place.bloom().arg("compile").arg(other).arg("-o").arg(&signed).assert().success();
    let (status, text) = told(place.bloom().args(["fork", "last", "--at", "3", "--ir"]).arg(&signed));
    assert_eq!(status, Some(1));
    assert!(text.contains("would not have come to event 3") && text.contains("Welcome"), "{text}");
}

#[test]
fn an_event_that_cannot_be_shared_is_refused_and_leaves_no_run() {
    let place = Place::new();
    greeted(&place);
    for at in ["0", "5", "6", "1000000"] {
        let (status, text) = told(place.bloom().args(["fork", "last", "--at", at]));
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(&format!("no event {at}")) && text.contains("--at 1 to 4"), "{text}");
    }
    let (_, text) = told(place.bloom().args(["--lang", "uk", "fork", "last", "--at", "9"]));
    assert!(text.contains("не має події 9") && text.contains("від 1 до 4"), "{text}");
    assert_eq!(json(place.bloom().args(["runs", "--json"])).as_array().unwrap().len(), 1);
}

#[test]
fn a_fork_that_was_interrupted_is_resumed() {
    let place = Place::new();
    let origin = greeted(&place)["run"].as_str().unwrap().to_owned();
    let (mut child, _told, fork) = asked(&place, &["fork", &origin, "--at", "1"]);
    interrupt(&child, Signal::KILL);
    child.wait().unwrap();
    let reply = script(&place, r#""answer": { "text": "Later." }"#);
    let resumed = json(place.bloom().args(["run", "--resume", &fork, &reply]));
    assert_eq!(resumed["result"]["greeting"], "Later.", "{resumed}");
    place.bloom().args(["replay", &fork]).assert().success();
}
