//! Limits, as who starts a run meets them: each is told with what was measured, in both languages, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json as value};

use crate::support::{Place, json};

/// A signed flow of these nodes within these limits.
fn flow(place: &Place, kind: &str, limits: &Value, nodes: &Value) -> String {
    let document = value!({
        "ir": "0.1",
        "flow": { "id": "limited", "version": "0.0.0", "title": "Limited", "kind": kind, "locale": "en" },
        "inputs": {}, "outputs": {}, "policy": { "limits": limits, "safe_outputs": ["propose-note"] }, "entry": "n1",
        "nodes": nodes,
    });
    let (unsigned, signed) = (place.write("limited.json", document.to_string()), place.path("limited.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed.to_str().unwrap().to_owned()
}

fn told(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.bloom().args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

fn end(result: &str) -> Value {
    value!({ "type": "return", "status": "completed", "value": result })
}

/// Asks an LLM twice; a call that may use much is the second.
fn asks(most: Option<u64>) -> Value {
    let ask = |next: &str| value!({ "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "x", "next": next });
    let mut nodes = value!({ "n1": ask("n2"), "n2": ask("n3"), "n3": end("1") });
    if let Some(most) = most {
        nodes["n2"]["max_tokens"] = most.into();
    }
    nodes
}

/// Doubles a text until it has 2^times letters, then does something with it.
fn doubles(times: u32, then: &Value) -> Value {
    value!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "'a'", "next": "n2" },
        "n2": { "type": "decision", "when": format!("size(v['x']) < {}", 1_u64 << times), "then": "n3", "else": "n4" },
        "n3": { "type": "action", "op": "set", "into": "x", "value": "v['x'] + v['x']", "next": "n2" },
        "n4": then,
        "n5": end("1"),
    })
}

/// The error of a run that meets a limit: its code, the limit and what was measured, as they are told to people in both
/// languages when it runs and when it is shown.
fn meets(limits: &Value, nodes: &Value, more: &[&str], code: &str, [english, ukrainian]: [&str; 2]) {
    let place = Place::new();
    let flow = flow(&place, "procedure", limits, nodes);
    let script = r#"{"default": {"answer": "a", "usage": {"input_tokens": 60, "cost_micro_usd": 250000}}}"#;
    let llm = format!("--llm=scripted:{}", place.write("answers.json", script).display());
    let run = json(place.bloom().args(["run", &flow, "--json", &llm]).args(more));
    assert_eq!((&run["status"], &run["error"]["code"]), (&"failed".into(), &code.into()), "{run}");
    let details = &run["error"]["details"];
    assert!(details["measured"].as_u64() >= details["limit"].as_u64() && details["limit"].is_u64(), "{details}");
    for (language, expected) in [("en", english), ("uk", ukrainian)] {
        let (status, text) = told(&place, &["show", "last", "--lang", language]);
        assert_eq!(status, Some(0), "{text}");
        assert!(text.contains(expected), "{code} {language}: {text}");
    }
    let (status, text) = told(&place, &["replay", "last"]);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn steps_are_limited() {
    let nodes =
        value!({ "n1": { "type": "decision", "when": "run.now > 0", "then": "n1", "else": "n2" }, "n2": end("1") });
    let words = ["11 nodes were entered since the last recorded result; the limit is 10", ": 11; обмеження: 10"];
    meets(&value!({ "max_steps": 10 }), &nodes, &[], "limit_steps", words);
    // Who starts the run makes it narrower.
    let words = ["6 nodes were entered since the last recorded result; the limit is 5", ": 6; обмеження: 5"];
    meets(&value!({ "max_steps": 10 }), &nodes, &["--limit", "max_steps=5"], "limit_steps", words);
}

#[test]
fn tokens_and_money_are_limited() {
    let words = ["the run has used 60 tokens; the limit is 60", "запуск витратив токенів: 60; обмеження: 60"];
    meets(&value!({}), &asks(None), &["--max-tokens", "60"], "limit_tokens", words);
    let words = ["the run has cost 0.25 USD; the limit is 0.20 USD", "запуск коштував 0.25 USD; обмеження: 0.20 USD"];
    meets(&value!({}), &asks(None), &["--max-cost", "0.2"], "limit_cost", words);
    let words =
        ["the run has used 60 tokens, and this call may use 100 more; the limit is 159", "ще 100; обмеження: 159"];
    meets(&value!({ "max_tokens": 159 }), &asks(Some(100)), &[], "budget_exhausted", words);
}

#[test]
fn proposals_are_limited_and_those_before_stay() {
    let emit = |next: &str| value!({ "type": "emit", "kind": "proposal", "name": "p", "action": "propose-note", "value": "{'a': 1}", "next": next });
    let nodes = value!({ "n1": emit("n2"), "n2": emit("n3"), "n3": end("1") });
    let words = ["this would be proposal 2 of the run; the limit is 1", "пропозиція № 2 у запуску; обмеження: 1"];
    meets(&value!({ "max_proposals": 1 }), &nodes, &[], "limit_proposals", words);
}

#[test]
fn events_are_limited() {
    let log = |next: &str| value!({ "type": "emit", "kind": "log", "name": "l", "value": "1", "next": next });
    let nodes = value!({ "n1": log("n2"), "n2": log("n3"), "n3": log("n4"), "n4": end("1") });
    let words = ["the history would have 5 events; the limit is 3", "подій в історії було б 5; обмеження: 3"];
    meets(&value!({ "max_events": 3 }), &nodes, &[], "limit_events", words);
}

#[test]
fn what_the_state_and_an_event_may_hold_is_limited() {
    let then = value!({ "type": "action", "op": "set", "into": "y", "value": "v['x'] + v['x']", "next": "n5" });
    let words = ["bytes or more; the limit is 67108864", "Б; обмеження: 67108864 Б"];
    meets(&value!({}), &doubles(25, &then), &[], "limit_state", words);
    let parts = vec![value!({ "expr": "v['x']" }); 5];
    let then = value!({ "type": "llm_call", "prompt": parts, "output": {}, "into": "y", "next": "n5" });
    meets(&value!({}), &doubles(24, &then), &[], "limit_event", words);
}

/// Somebody who takes long to answer.
fn slow(place: &Place) -> String {
    let thinker = place.write("slow.sh", "#!/bin/sh\nexec sleep 60\n");
    fs::set_permissions(&thinker, fs::Permissions::from_mode(0o755)).unwrap();
    format!("--llm=command:{}", thinker.display())
}

#[test]
fn time_is_limited() {
    let place = Place::new();
    for (limits, code, english, ukrainian) in [
        (value!({ "timeout_seconds": 1 }), "limit_time", "s; the limit is 1 s", "с; обмеження: 1 с"),
        (value!({ "node_timeout_seconds": 1 }), "limit_node_time", "s; its limit is 1 s", "с; обмеження: 1 с"),
    ] {
        let flow = flow(&place, "procedure", &limits, &asks(None));
        let run = json(place.bloom().args(["run", &flow, "--json", &slow(&place)]));
        assert_eq!(run["error"]["code"], code, "{run}");
        assert!(run["error"]["details"]["measured"].as_u64() >= Some(1000), "{run}");
        for (language, expected) in [("en", english), ("uk", ukrainian)] {
            let (_, text) = told(&place, &["show", "last", "--lang", language]);
            assert!(text.contains(expected), "{code}: {text}");
        }
        place.bloom().args(["replay", "last"]).assert().success();
    }
}

#[test]
fn what_was_used_stands_beside_what_may_be_used() {
    let place = Place::new();
    let flow = flow(&place, "procedure", &value!({}), &asks(None));
    let script = r#"{"default": {"answer": "a", "usage": {"input_tokens": 60, "cost_micro_usd": 250000}}}"#;
    let llm = format!("--llm=scripted:{}", place.write("answers.json", script).display());
    let run = json(place.bloom().args(["run", &flow, "--max-tokens", "5000", "--max-cost", "1.5", &llm]));
    assert_eq!((&run["tokens"], &run["cost_micro_usd"]), (&120.into(), &500_000.into()), "{run}");
    let (_, text) = told(&place, &["show", "last"]);
    assert!(text.contains("120 of 5000 tokens") && text.contains("0.50 of 1.50 USD"), "{text}");
    let (_, text) = told(&place, &["show", "last", "--lang", "uk"]);
    assert!(text.contains("токенів: 120 з 5000") && text.contains("0.50 з 1.50 USD"), "{text}");
}

#[test]
fn an_amount_of_money_that_is_none_is_refused_before_anything_is_done() {
    let place = Place::new();
    let flow = flow(&place, "procedure", &value!({}), &asks(None));
    for cost in ["", "0,50", "1e3", "$1", "много", "0.0000001", "99999999999999", "."] {
        for (language, expected) in [("en", "is no amount of US dollars"), ("uk", "не сума в доларах США")]
        {
            let cost = format!("--max-cost={cost}");
            let (status, text) = told(&place, &["run", &flow, &cost, "--lang", language]);
            assert_eq!(status, Some(2), "{cost}: {text}");
            assert!(text.contains(expected), "{cost}: {text}");
        }
    }
    let (status, text) = told(&place, &["run", &flow, "--max-cost=-1"]);
    assert_eq!(status, Some(2), "{text}");
    assert_eq!(json(place.bloom().args(["runs", "--json"])), Value::Array(Vec::new()));
}

#[test]
fn a_machine_that_lives_longer_than_its_history_is_followed_from_run_to_run() {
    let place = Place::new();
    let nodes = value!({
        "n1": { "type": "action", "op": "set", "into": "count", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "await", "signal": "tick", "into": "x", "next": "n3" },
        "n3": { "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "y", "next": "n4" },
        "n4": { "type": "action", "op": "set", "into": "count", "value": "v['count'] + 1", "next": "n5" },
        "n5": { "type": "decision", "when": "v['x'] == 'stop'", "then": "n6", "else": "n2" },
        "n6": { "type": "return", "status": "completed", "value": "v['count']" },
    });
    let flow = flow(&place, "machine", &value!({ "max_events": 20 }), &nodes);
    let script = place.write("answers.json", r#"{"default": {"answer": "a"}}"#);
    let llm = format!("--llm=scripted:{}", script.display());
    let run = json(place.bloom().args(["run", &flow, "--json", &llm]));
    let first = run["run"].as_str().unwrap().to_owned();
    let mut newest = first.clone();
    // The id of any of them leads to the newest, and who answers is known to all of them.
    for signal in ["1", "2", "3", "4", "5", "6", "7"] {
        let (status, text) = told(&place, &["signal", &first, "tick", signal]);
        assert_eq!(status, Some(0), "{text}");
        let run = json(place.bloom().args(["run", "--resume", &first]));
        assert_eq!(run["status"], "waiting", "{run}");
        assert_eq!(run["run"], run["waits"][0]["run"], "{run}");
        run["run"].as_str().unwrap().clone_into(&mut newest);
    }
    assert_ne!(newest, first);
    assert_eq!(told(&place, &["signal", &first, "tick", r#""stop""#]).0, Some(0));
    let end = json(place.bloom().args(["run", "--resume", &first]));
    assert_eq!((&end["status"], &end["result"]), (&"completed".into(), &8.into()), "{end}");
    let runs = json(place.bloom().args(["runs", "--json"]));
    let ids: Vec<&str> = runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 2, "{runs}");
    // The newest comes first.
    assert_eq!((ids.first(), ids.last()), (Some(&end["run"].as_str().unwrap()), Some(&first.as_str())), "{runs}");
    for pair in ids.windows(2) {
        let (after, before) = (pair[0], pair[1]);
        for language in ["en", "uk"] {
            let (status, text) = told(&place, &["show", before, "--lang", language]);
            assert_eq!(status, Some(0), "{text}");
            assert!(text.contains(after), "{before} says where it goes on: {text}");
            let (_, text) = told(&place, &["show", after, "--lang", language]);
            assert!(text.contains(before), "{after} says what it goes on from: {text}");
        }
    }
    for id in ids {
        let (status, text) = told(&place, &["replay", id]);
        assert_eq!(status, Some(0), "{text}");
    }
}
