//! Each limit of a run: just below it nothing happens, and where it is passed exactly this one ends the run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

mod support;

use bloom_interpreter::effect::{Answer, EffectError, EffectRequest, Outcome, Usage};
use bloom_interpreter::machine::{End, SNAPSHOT_VERSION};
use bloom_interpreter::{Machine, Next, Snapshot};
use bloom_ir::Value;
use bloom_ir::document::Limits;
use serde_json::{Value as Json, json};

use support::{document, drive, load, run};

type Answered = Result<Answer, EffectError>;

fn end(limits: Json, nodes: Json, world: &mut dyn FnMut(&EffectRequest, u32) -> Answered) -> End {
    let mut document = document(nodes);
    document["policy"]["limits"] = limits;
    // No limit is taken by a `catch`.
    document["catch"] = json!({ "to": "n99", "into": "e" });
    document["nodes"]["n99"] = json!({ "type": "return", "status": "completed", "value": "'caught'" });
    let (_, machine) = drive(&load(&document).unwrap(), json!({}), world);
    machine.end().unwrap().clone()
}

fn assert_completed(end: End) {
    assert!(matches!(&end, End::Completed { result } if *result != Value::from("caught")), "{end:?}");
}

/// The code, the limit and what was measured.
fn failed(end: End) -> (String, i64, i64) {
    let End::Failed { error, .. } = end else { panic!("{end:?}") };
    let number = |name| error.details.as_ref().unwrap().get(name).unwrap().as_int().unwrap();
    (error.code.clone(), number("limit"), number("measured"))
}

fn nobody(request: &EffectRequest, _: u32) -> Answered {
    panic!("{request:?}")
}

fn used(input_tokens: u64, cost_micro_usd: Option<u64>) -> Usage {
    Usage { input_tokens, cost_micro_usd, ..Usage::default() }
}

/// Asks an LLM twice.
fn asks() -> Json {
    let ask =
        |next| json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "x", "next": next });
    json!({ "n1": ask("n2"), "n2": ask("n3"), "n3": { "type": "return", "status": "completed", "value": "1" } })
}

#[test]
fn steps() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "v['x']" },
    });
    assert_completed(end(json!({ "max_steps": 2 }), nodes.clone(), &mut nobody));
    assert_eq!(failed(end(json!({ "max_steps": 1 }), nodes, &mut nobody)), ("limit_steps".to_owned(), 1, 2));
}

#[test]
fn proposals() {
    let emit = |next| json!({ "type": "emit", "kind": "proposal", "name": "p", "action": "propose-note", "value": "1", "next": next });
    let nodes =
        json!({ "n1": emit("n2"), "n2": emit("n3"), "n3": { "type": "return", "status": "completed", "value": "1" } });
    assert_completed(end(json!({ "max_proposals": 2 }), nodes.clone(), &mut nobody));
    assert_eq!(failed(end(json!({ "max_proposals": 1 }), nodes, &mut nobody)), ("limit_proposals".to_owned(), 1, 2));
}

#[test]
fn tokens() {
    let mut world = |_: &EffectRequest, _: u32| Ok(Answer { value: Value::Null, usage: Some(used(60, Some(7))) });
    let limits = |tokens: u64| json!({ "max_tokens": tokens, "max_cost_micro_usd": 8 });
    assert_completed(end(limits(61), asks(), &mut world));
    assert_eq!(failed(end(limits(60), asks(), &mut world)), ("limit_tokens".to_owned(), 60, 60));
}

#[test]
fn cost() {
    let mut world = |_: &EffectRequest, _: u32| Ok(Answer { value: Value::Null, usage: Some(used(1, Some(250_000))) });
    let limits = |cost: u64| json!({ "max_tokens": 2, "max_cost_micro_usd": cost });
    assert_completed(end(limits(250_001), asks(), &mut world));
    let over = end(limits(200_000), asks(), &mut world);
    let End::Failed { error, node } = &over else { panic!("{over:?}") };
    assert_eq!(error.message, "the run has cost 0.25 USD; the limit is 0.20 USD");
    assert_eq!(node.as_ref().unwrap().as_str(), "n2");
    assert_eq!(failed(over), ("limit_cost".to_owned(), 200_000, 250_000));
}

#[test]
fn what_failed_attempts_used_counts() {
    let mut world = |_: &EffectRequest, attempt: u32| {
        let usage = used(40, Some(10));
        match attempt {
            1 => {
                let error = EffectError { retryable: true, ..EffectError::new("invalid_output", "no JSON") };
                Err(EffectError { usage: Some(Box::new(usage)), ..error })
            }
            _ => Ok(Answer { value: Value::Null, usage: Some(usage) }),
        }
    };
    assert_completed(end(json!({ "max_tokens": 81, "max_cost_micro_usd": 21 }), asks(), &mut world));
    assert_eq!(failed(end(json!({ "max_tokens": 80 }), asks(), &mut world)), ("limit_tokens".to_owned(), 80, 80));
    let tight = json!({ "max_cost_micro_usd": 20 });
    assert_eq!(failed(end(tight, asks(), &mut world)), ("limit_cost".to_owned(), 20, 20));
}

#[test]
fn what_other_flows_used_counts() {
    let nodes = json!({
        "n1": { "type": "action", "op": "flow", "flow": "child", "hash": format!("sha256:{}", "0".repeat(64)), "next": "n2" },
        "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "x", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "1" },
    });
    let mut world = |_: &EffectRequest, _: u32| Ok(Answer { value: Value::Null, usage: Some(used(50, Some(9))) });
    assert_completed(end(json!({ "max_tokens": 51 }), nodes.clone(), &mut world));
    assert_eq!(failed(end(json!({ "max_tokens": 50 }), nodes, &mut world)), ("limit_tokens".to_owned(), 50, 50));
}

const MIB: usize = 1 << 20;

/// A tool answers a text of so many MiB, which then is used. Nothing is recorded, because hashing takes long.
fn large(mib: usize, nodes: Json) -> End {
    let mut all = json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "into": "x", "next": "n2" },
        "n9": { "type": "return", "status": "completed", "value": "1" },
    });
    all.as_object_mut().unwrap().extend(nodes.as_object().unwrap().clone());
    let mut machine = support::start(&load(&document(all)).unwrap(), json!({}));
    let mut value = "x".repeat(mib * MIB);
    while let Next::Waiting(requests) = machine.advance().next {
        let answer = Answer { value: std::mem::take(&mut value).into(), usage: None };
        machine.resolve(&requests[0].id, Outcome { result: Ok(answer), at: 2_000 }).unwrap();
    }
    machine.end().unwrap().clone()
}

#[test]
fn state() {
    let nodes = json!({
        "n2": { "type": "action", "op": "set", "into": "y", "value": "v['x']", "next": "n3" },
        "n3": { "type": "decision", "when": "true", "then": "n9", "else": "n9" },
    });
    assert_completed(large(31, nodes.clone()));
    let (code, limit, measured) = failed(large(32, nodes));
    assert_eq!((code.as_str(), limit), ("limit_state", 64 << 20));
    assert!(measured > limit, "{measured}");
}

#[test]
fn result_of_an_effect() {
    let nodes = json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "next": "n2" },
        "n2": { "type": "decision", "when": "true", "then": "n9", "else": "n9" },
    });
    assert_completed(large(63, nodes.clone()));
    assert_eq!(failed(large(64, nodes)), ("limit_result".to_owned(), 64 << 20, (64 << 20) + 16));
}

#[test]
fn event() {
    let nodes = |second: &str| {
        let args = json!({ "a": "[v['x'], v['x']]", "b": second });
        json!({ "n2": { "type": "action", "op": "tool", "tool": "write", "args": args, "next": "n9" } })
    };
    assert_completed(large(16, nodes("v['x']")));
    let (code, limit, measured) = failed(large(16, nodes("[v['x'], v['x']]")));
    assert_eq!((code.as_str(), limit), ("limit_event", 64 << 20));
    assert!(measured > limit, "{measured}");
}

#[test]
fn a_run_may_have_narrower_limits_than_its_program_and_no_wider_ones() {
    let mut document = document(asks());
    document["policy"]["limits"] = json!({ "max_tokens": 100, "max_steps": 10 });
    let program = load(&document).unwrap();
    let given = Limits { max_tokens: 50, max_steps: 1000, max_cost_micro_usd: Some(9), ..Limits::default() };
    let machine = Machine::start_within(&program, run(), Value::empty_map(), given).unwrap();
    let expected = Limits { max_tokens: 50, max_steps: 10, max_cost_micro_usd: Some(9), ..*program.limits() };
    assert_eq!(*machine.limits(), expected);
    let restored = Machine::restore(&program, machine.snapshot()).unwrap();
    assert_eq!(*restored.limits(), expected);
}

#[test]
fn snapshots_without_costs_are_read() {
    let program = load(&document(asks())).unwrap();
    let mut machine = support::start(&program, json!({}));
    machine.advance();
    let mut old = serde_json::to_value(machine.snapshot()).unwrap();
    assert_eq!(old["snapshot"], json!(SNAPSHOT_VERSION));
    assert!(old.get("cost_micro_usd").is_none() && old.get("limits").is_none(), "nothing is written without need");
    old["snapshot"] = json!(2);
    let restored = Machine::restore(&program, serde_json::from_value::<Snapshot>(old).unwrap()).unwrap();
    assert_eq!((restored.cost_micro_usd(), restored.limits()), (0, program.limits()));
}
