//! A machine, node by node.

mod support;

use bloom_interpreter::effect::{EffectCall, EffectId};
use bloom_interpreter::{End, LoadError, Machine, Next, ResolveError};
use bloom_ir::Value;
use serde_json::json;

use support::{answer, document, failure, load, program, request, run, start, value};

#[test]
fn pure_nodes_run_to_the_end() {
    let program = program(json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": { "type": "decision", "when": "v['i'] < 10", "then": "n3", "else": "n4" },
        "n3": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n2" },
        "n4": { "type": "return", "status": "completed", "value": "v['i']" }
    }));
    let mut machine = start(&program, json!({}));
    assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: Value::Int(10) }));
    assert_eq!(machine.state()["i"], Value::Int(10));
    assert_eq!(machine.visits(&request_node("n2")), 11);
}

fn request_node(id: &str) -> bloom_ir::document::NodeId {
    bloom_ir::document::NodeId::new(id)
}

#[test]
fn tool_is_asked_and_its_answer_bound() {
    let program = program(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "args": { "q": "input.q" }, "into": "x", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "[v['x'], run.now]" }
    }));
    let mut machine = start(&program, json!({ "q": 7 }));
    let first = machine.advance();
    let asked = request(&first);
    assert_eq!((asked.id.as_str(), asked.visit), ("n1#1", 1));
    let EffectCall::Tool(call) = &asked.call else { panic!("{asked:?}") };
    assert_eq!(call.args, value(json!({ "q": 7 })));
    assert_eq!(machine.advance(), first, "it says the same until the effect is resolved");

    machine.resolve(&asked.id, answer(json!("found"), 2_000)).unwrap();
    assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: value(json!(["found", 2000])) }));
}

#[test]
fn effect_that_is_not_awaited_is_refused_and_nothing_changes() {
    let program = program(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "read", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "null" }
    }));
    let mut machine = start(&program, json!({}));
    let first = request(&machine.advance()).id.clone();
    machine.resolve(&first, answer(json!(1), 1)).unwrap();
    machine.advance();
    let before = machine.snapshot();
    assert_eq!(machine.resolve(&first, answer(json!(1), 2)), Err(ResolveError::Resolved(first)));
    for unknown in ["n2#2", "n9#1", "n3#1", "n2", "x/n2#1", ""] {
        let id = EffectId::new(unknown);
        assert_eq!(machine.resolve(&id, answer(json!(1), 2)), Err(ResolveError::Unknown(id)), "{unknown}");
    }
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn error_goes_to_on_error_with_all_its_members() {
    let program = program(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "next": "n3", "on_error": { "to": "n2", "into": "e" } },
        "n2": { "type": "return", "status": "completed", "value": "v['e']" },
        "n3": { "type": "return", "status": "completed", "value": "null" }
    }));
    let mut machine = start(&program, json!({}));
    let id = request(&machine.advance()).id.clone();
    machine.resolve(&id, failure("timeout", true, 5)).unwrap();
    let expected =
        json!({ "code": "timeout", "message": "it failed", "node": "n1", "retryable": true, "details": null });
    assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: value(expected) }));
}

#[test]
fn unsupported_op_is_refused_at_load_with_node_and_op() {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "sleep", "for": "1000", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "null" }
    }));
    document["policy"] = json!({});
    let error = load(&document).unwrap_err();
    assert_eq!(error, LoadError::Unsupported { node: request_node("n1"), op: "sleep" });
    assert_eq!(error.to_string(), "node n1: this version does not execute `sleep`");
}

#[test]
fn machine_is_sent_between_threads() {
    fn assert_send<T: Send + Sync + Clone + 'static>() {}
    assert_send::<bloom_interpreter::Program>();
    assert_send::<Machine>();
}

#[test]
fn inputs_are_checked_and_defaults_filled_in() {
    let mut document = document(json!({
        "n1": { "type": "return", "status": "completed", "value": "input.folder + input.name" }
    }));
    document["inputs"] = json!({
        "type": "object", "required": ["name"],
        "properties": { "folder": { "type": "string", "default": "notes" }, "name": { "type": "string" } }
    });
    let program = load(&document).unwrap();
    let mut machine = start(&program, json!({ "name": "x" }));
    assert_eq!(machine.inputs(), &value(json!({ "folder": "notes", "name": "x" })));
    assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: value(json!("notesx")) }));

    let error = Machine::start(&program, run(), value(json!({ "name": 1 }))).unwrap_err();
    assert_eq!((error.code.as_str(), error.details.unwrap().get("path").cloned()), ("contract", Some("/name".into())));
    assert_eq!(Machine::start(&program, run(), value(json!([]))).unwrap_err().code, "contract");
}
