//! Replay confirms what happened, and finds what was changed: with the event and the icon.

use std::fs;
use std::path::{Path, PathBuf};

use bloom_interpreter::history::{Chain, Payload, read_lines, write_lines};

use crate::support::{GREETING, Place, json, script, signed_greeting};

/// A finished run: its signed document and its exported history.
fn recorded(place: &Place) -> (PathBuf, PathBuf) {
    let signed = signed_greeting(place);
    let reply = script(place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    let exported = place.bloom().args(["history", "last", "--json"]).output().unwrap().stdout;
    (signed, place.write("run.jsonl", exported))
}

/// The history with its payloads changed, and a chain that fits them.
fn rewritten(place: &Place, history: &Path, change: impl Fn(&mut serde_json::Value)) -> PathBuf {
    let mut chain = Chain::default();
    let events = read_lines(&fs::read_to_string(history).unwrap()).unwrap();
    let events: Vec<_> = events
        .into_iter()
        .map(|event| {
            let mut payload = serde_json::to_value(event.payload.unwrap()).unwrap();
            change(&mut payload);
            chain.next(event.at, serde_json::from_value::<Payload>(payload).unwrap())
        })
        .collect();
    place.write("rewritten.jsonl", write_lines(&events))
}

/// The exit status and what was told, offline.
fn replay(place: &Place, ir: &Path, history: &Path) -> (Option<i32>, String) {
    let output = place.bloom().arg("replay").arg("--ir").arg(ir).arg("--file").arg(history).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_run_follows_from_its_program_online_and_offline() {
    let place = Place::new();
    let (ir, history) = recorded(&place);
    place.bloom().args(["replay", "last"]).assert().success();
    let (status, told) = replay(&place, &ir, &history);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("all 5 events agree"), "{told}");
    // Exported twice, the same bytes.
    let again = place.bloom().args(["history", "last", "--json"]).output().unwrap().stdout;
    assert_eq!(fs::read(&history).unwrap(), again);
}

#[test]
fn a_changed_byte_breaks_the_chain() {
    let place = Place::new();
    let (ir, history) = recorded(&place);
    let changed = fs::read_to_string(&history).unwrap().replace("Hello!", "Hallo!");
    let (status, told) = replay(&place, &ir, &place.write("changed.jsonl", changed));
    assert_eq!(status, Some(1));
    assert!(told.contains("was changed"), "{told}");
}

#[test]
fn a_changed_answer_is_found_where_it_first_shows() {
    let place = Place::new();
    let (ir, history) = recorded(&place);
    let changed = rewritten(&place, &history, |payload| {
        if payload["type"] == "effect.completed" {
            payload["payload"]["answer"]["value"]["text"] = "Hallo!".into();
        }
    });
    let (status, told) = replay(&place, &ir, &changed);
    assert_eq!(status, Some(1));
    for expected in ["event 4 differs", "icon 4: create-proposal", "Hello!", "Hallo!"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn a_changed_argument_is_found_at_its_icon() {
    let place = Place::new();
    let (ir, history) = recorded(&place);
    let changed = rewritten(&place, &history, |payload| {
        if payload["type"] == "effect.requested" {
            payload["payload"]["call"]["prompt"] = "Greet Bob".into();
        }
    });
    let (status, told) = replay(&place, &ir, &changed);
    assert_eq!(status, Some(1));
    for expected in ["event 2 differs", "icon 3: answer ← LLM(name)", "Greet Bob", "Greet Ann"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn a_changed_program_is_found_at_its_icon() {
    let place = Place::new();
    let (_, history) = recorded(&place);
    let other = place.write("other.json", GREETING.replace("Greet ", "Welcome "));
    let signed = place.path("other.ir.json");
    place.bloom().arg("compile").arg(other).arg("-o").arg(&signed).assert().success();
    let (status, told) = replay(&place, &signed, &history);
    assert_eq!(status, Some(1));
    for expected in ["1 of 1 run would differ", "after event 2", "icon 3: answer ← LLM(name)", "/prompt", "Welcome Ann"]
    {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn until_stops_at_an_event_and_prints_the_state() {
    let place = Place::new();
    recorded(&place);
    let replayed = json(place.bloom().args(["replay", "last", "--until", "3", "--json"]));
    assert_eq!(replayed["agreed"], 3, "{replayed}");
    assert_eq!(replayed["position"]["variables"]["answer"]["text"], "Hello!", "{replayed}");
}
