//! What is refused of a snapshot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::machine::SNAPSHOT_VERSION;
use bloom_interpreter::{Machine, Next, Program, RestoreError, Snapshot};
use serde_json::json;

use support::{answer, program, request, start};

fn looping() -> Program {
    program(json!({
        "n1": { "type": "action", "op": "each", "over": "input", "cursor": "c", "next": "n2" },
        "n2": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "next": "n3", "done": "n4" },
        "n3": { "type": "action", "op": "tool", "tool": "read", "args": { "x": "v['x']" }, "into": "y", "next": "n2" },
        "n4": { "type": "return", "status": "completed", "value": "null" }
    }))
}

fn waiting(program: &Program) -> serde_json::Value {
    let mut machine = start(program, json!({ "a": 1, "b": 2 }));
    machine.advance();
    serde_json::to_value(machine.snapshot()).unwrap()
}

fn restore(program: &Program, snapshot: &serde_json::Value) -> Result<Machine, RestoreError> {
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone()).unwrap();
    Machine::restore(program, snapshot)
}

#[test]
fn restored_machine_waits_for_the_same_and_goes_on() {
    let program = looping();
    let mut machine = restore(&program, &waiting(&program)).unwrap();
    let turn = machine.advance();
    assert_eq!(request(&turn).id.as_str(), "n3#1");
    machine.resolve(&request(&turn).id, answer(json!(1), 1)).unwrap();
    let turn = machine.advance();
    assert_eq!(request(&turn).id.as_str(), "n3#2");
    machine.resolve(&request(&turn).id, answer(json!(2), 2)).unwrap();
    assert!(matches!(machine.advance().next, Next::Finished(_)));
}

#[test]
fn other_version_is_refused() {
    let program = looping();
    let mut snapshot = waiting(&program);
    snapshot["snapshot"] = json!(SNAPSHOT_VERSION + 1);
    let error = restore(&program, &snapshot).unwrap_err();
    assert_eq!(error, RestoreError::Version { found: SNAPSHOT_VERSION + 1 });
}

#[test]
fn snapshot_of_another_program_is_refused() {
    let program = looping();
    let other = support::program(json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }));
    let error = restore(&other, &waiting(&program)).unwrap_err();
    assert_eq!(error, RestoreError::OtherProgram { snapshot: program.hash(), program: other.hash() });
}

#[test]
fn snapshot_that_contradicts_its_program_is_refused() {
    let program = looping();
    let damages: [fn(&mut serde_json::Value); 7] = [
        |frame| frame["node"] = json!("n9"),
        |frame| frame["node"] = json!("n4"),
        |frame| frame["variables"]["z"] = json!(1),
        |frame| frame["cursors"]["z"] = json!({ "over": [], "position": 0 }),
        |frame| frame["cursors"]["c"]["position"] = json!(3),
        |frame| frame["cursors"]["c"]["over"] = json!("text"),
        |frame| frame["visits"]["n3"] = json!(2),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let mut snapshot = waiting(&program);
        damage(&mut snapshot["frame"]);
        let error = restore(&program, &snapshot).unwrap_err();
        assert!(matches!(error, RestoreError::Damaged(_)), "{number}: {error}");
    }
}
