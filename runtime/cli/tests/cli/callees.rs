//! Diagrams that call others, which lie beside them.

use serde_json::Value;

use crate::support::{Place, has_tools, json};

fn diagram(place: &Place, name: &str, icons: &str) -> std::path::PathBuf {
    let text = format!(
        r#"{{"items": {{"1": {{"type": "end"}}, "2": {{"type": "branch", "branchId": 0, "one": "3"}}, {icons}}}}}"#
    );
    place.write(name, text)
}

const CALLER: &str = r#""3": {"type": "insertion", "content": "n ← Порахувати(слова: \"а б в\")", "one": "4"},
    "4": {"type": "action", "content": "ПОВЕРНУТИ {n: n}", "one": "1"}"#;

#[test]
fn a_call_pins_the_diagram_that_lies_beside_its_caller() {
    let place = Place::new();
    let caller = diagram(&place, "flows/caller.drakon", CALLER);
    let missing = place.bloom().arg("check").arg(&caller).output().unwrap();
    let told = String::from_utf8(missing.stdout).unwrap();
    assert_eq!(missing.status.code(), Some(1), "{told}");
    assert!(told.contains("D096") && told.contains("Порахувати"), "{told}");

    let text = r#"{"params": "слова: string", "items": {"1": {"type": "end"},
        "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "action", "content": "ПОВЕРНУТИ {n: words(слова)}", "one": "1"}}}"#;
    let callee = place.write("flows/порахувати.drakon", text);
    place.bloom().arg("check").arg(&caller).assert().success();
    let document: Value = json(place.bloom().arg("compile").arg(&caller));
    let called: Value = json(place.bloom().arg("compile").arg(&callee));
    assert_eq!(document["nodes"]["n1"]["hash"], called["integrity"]["hash"]);
    assert_eq!(document["nodes"]["n1"]["op"], "flow");
    let prose: Value = json(place.bloom().arg("compile").arg(&caller).args(["--prose", "llm"]));
    assert_eq!(prose["nodes"]["n1"]["op"], "flow", "a call is no prose where the flow is there");

    // What the called flow returns is known to its caller.
    let wrong = diagram(&place, "flows/wrong.drakon", &CALLER.replace("{n: n}", "{n: n.m}"));
    let found = place.bloom().arg("check").arg(&wrong).output().unwrap();
    let told = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.code() == Some(1) && told.contains("D156"), "{told}");

    place.write("flows/порахувати.drakon", text.replace("words(", "wrds("));
    let broken = place.bloom().arg("check").arg(&caller).output().unwrap();
    let told = String::from_utf8(broken.stderr).unwrap();
    assert!(told.contains("порахувати.drakon, which is called, has errors") && told.contains("D046"), "{told}");
}

#[test]
fn flows_that_call_each_other_in_a_circle_are_refused() {
    let place = Place::new();
    let one = diagram(&place, "one.drakon", r#""3": {"type": "insertion", "content": "two", "one": "1"}"#);
    diagram(&place, "two.drakon", r#""3": {"type": "process", "content": "One()", "one": "1"}"#);
    let output = place.bloom().arg("check").arg(&one).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("which calls it in turn"), "{told}");
}

#[test]
fn a_compiled_caller_finds_its_callees_beside_it_on_another_store() {
    let place = Place::new();
    let caller = diagram(&place, "flows/caller.drakon", CALLER);
    place.write(
        "flows/порахувати.drakon",
        r#"{"params": "слова: string", "items": {"1": {"type": "end"},
        "2": {"type": "branch", "branchId": 0, "one": "3"},
        "3": {"type": "action", "content": "ПОВЕРНУТИ {n: words(слова)}", "one": "1"}}}"#,
    );
    let compiled = place.path("out");
    std::fs::create_dir(&compiled).unwrap();
    let document = compiled.join("caller.ir.json");
    let told: Value = json(place.bloom().arg("compile").arg(&caller).arg("-o").arg(&document).arg("--json"));
    let callee = std::path::PathBuf::from(told["callees"][0].as_str().unwrap());
    assert_eq!(callee.parent(), Some(compiled.as_path()));
    let run: Value = json(place.bloom().arg("run").arg(&document).args(["--max-tokens", "10", "--max-cost", "0.5"]));
    assert_eq!((run["status"].as_str(), &run["result"]["n"]["n"]), (Some("completed"), &Value::from(3)), "{run}");

    // Without it, it is said what to do.
    std::fs::remove_file(&callee).unwrap();
    std::fs::remove_file(place.path("data/bloom.redb")).unwrap();
    let output = place.bloom().arg("run").arg(&document).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("is not in the store") && told.contains("beside it"), "{told}");
}

#[test]
fn what_a_called_flow_proposes_is_applied_to_the_memory_that_its_caller_was_run_with() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let caller = diagram(&place, "caller.drakon", r#""3": {"type": "insertion", "content": "remember()", "one": "1"}"#);
    let remembers = r#""3": {"type": "action", "content": "write-memory(last_run: 5)", "one": "1"}"#;
    diagram(&place, "remember.drakon", remembers);
    let run = json(place.bloom().arg("run").arg(&caller).arg("--memory").arg(place.path("own")));
    assert_eq!(run["status"], "completed", "{run}");
    place.bloom().args(["proposals", "approve", "--action", "memory-update"]).assert().success();
    let found: Vec<_> = std::fs::read_dir(place.path("own")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let states = found.iter().map(|agent| std::fs::read_to_string(agent.join("state.json")).unwrap());
    let states: Vec<Value> = states.map(|state| serde_json::from_str(&state).unwrap()).collect();
    assert!(states.iter().any(|state| state["last_run"] == 5), "{found:?}: {states:?}");
}
