//! Documents and runs for tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

use bloom_interpreter::effect::{Answer, EffectError, EffectRequest, Outcome};
use bloom_interpreter::{LoadError, Machine, Next, Program, RunInfo, Turn};
use bloom_ir::{SigningKey, Value, VerifiedIr};
use serde_json::json;

pub fn value(json: serde_json::Value) -> Value {
    Value::from(json)
}

/// A document with these nodes, of which `n1` is the entry. The tools are `read`, `write` and `shape`, by their effects.
pub fn document(nodes: serde_json::Value) -> serde_json::Value {
    json!({
        "ir": "0.1",
        "flow": { "id": "test", "version": "1.0.0", "title": "Test", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {},
        "policy": {
            "allowed_tools": {
                "read": { "effect": "read" }, "write": { "effect": "operational" }, "shape": { "effect": "propose" }
            },
            "safe_outputs": ["propose-note"]
        },
        "entry": "n1",
        "nodes": nodes
    })
}

pub fn load(document: &serde_json::Value) -> Result<Program, LoadError> {
    let document = serde_json::from_value(document.clone()).unwrap();
    let key = SigningKey::from_seed(&[7; 32]);
    Program::load(&VerifiedIr::signed(document, &key).unwrap())
}

pub fn program(nodes: serde_json::Value) -> Program {
    load(&document(nodes)).unwrap()
}

pub fn run() -> RunInfo {
    RunInfo { id: "run-1".to_owned(), started_at: 1_000 }
}

pub fn start(program: &Program, inputs: serde_json::Value) -> Machine {
    Machine::start(program, run(), value(inputs)).unwrap()
}

pub fn answer(json: serde_json::Value, at: i64) -> Outcome {
    Outcome { result: Ok(Answer { value: value(json), usage: None }), at }
}

pub fn failure(code: &str, retryable: bool, at: i64) -> Outcome {
    Outcome { result: Err(EffectError { retryable, ..EffectError::new(code, "it failed") }), at }
}

pub fn request(turn: &Turn) -> &EffectRequest {
    match &turn.next {
        Next::Waiting(requests) => &requests[0],
        Next::Finished(end) => panic!("{end:?}"),
    }
}
