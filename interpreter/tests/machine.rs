//! A machine, node by node.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::effect::{Answer, EffectCall, EffectId, Usage};
use bloom_interpreter::{End, Machine, Next, ResolveError};
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

/// Runs to the end without asking anything.
fn end(nodes: serde_json::Value, inputs: serde_json::Value) -> End {
    match start(&program(nodes), inputs).advance().next {
        Next::Finished(end) => end,
        Next::Waiting(requests) => panic!("{requests:?}"),
    }
}

fn completed(result: serde_json::Value) -> End {
    End::Completed { result: value(result) }
}

fn code(end: &End) -> &str {
    match end {
        End::Failed { error, .. } => &error.code,
        End::Completed { .. } => panic!("{end:?}"),
    }
}

fn collect(over: &str) -> serde_json::Value {
    json!({
        "n1": { "type": "action", "op": "set", "into": "seen", "value": "[]", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": over, "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "index": "i", "key": "k", "next": "n4", "done": "n5" },
        "n4": { "type": "action", "op": "set", "into": "seen", "value": "v['seen'] + [[v['i'], v['k'], v['x']]]", "next": "n3" },
        "n5": { "type": "return", "status": "completed", "value": "v['seen']" }
    })
}

#[test]
fn loop_goes_over_a_list_in_order() {
    assert_eq!(end(collect("['a', 'b']"), json!({})), completed(json!([[0, 0, "a"], [1, 1, "b"]])));
    assert_eq!(end(collect("[]"), json!({})), completed(json!([])));
}

#[test]
fn loop_goes_over_a_map_in_key_order() {
    let map = json!({ "m": { "я": 1, "b": 2, "B": 3 } });
    assert_eq!(end(collect("input.m"), map), completed(json!([[0, "B", 3], [1, "b", 2], [2, "я", 1]])));
}

#[test]
fn loop_over_anything_else_is_an_error() {
    assert_eq!(code(&end(collect("'text'"), json!({}))), "not_iterable");
}

#[test]
fn loop_goes_over_what_the_collection_was_when_it_began() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "xs", "value": "[1, 2]", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": "v['xs']", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "next": "n4", "done": "n5" },
        "n4": { "type": "action", "op": "set", "into": "xs", "value": "v['xs'] + [v['x'] * 10]", "next": "n3" },
        "n5": { "type": "return", "status": "completed", "value": "v['xs']" }
    });
    assert_eq!(end(nodes, json!({})), completed(json!([1, 2, 10, 20])));
}

#[test]
fn loop_that_was_left_starts_again_at_the_first_element() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "log", "value": "[]", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": "[1, 2, 3]", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "next": "n4", "done": "n7" },
        "n4": { "type": "action", "op": "set", "into": "log", "value": "v['log'] + [v['x']]", "next": "n5" },
        "n5": { "type": "decision", "when": "v['x'] == 2 && size(v['log']) < 4", "then": "n2", "else": "n3" },
        "n7": { "type": "return", "status": "completed", "value": "v['log']" }
    });
    assert_eq!(end(nodes, json!({})), completed(json!([1, 2, 1, 2, 3])));
}

fn choice(on: &str, default: bool) -> serde_json::Value {
    let mut nodes = json!({
        "n1": { "type": "decision", "on": on, "cases": [
            { "values": ["a", 1.0], "to": "n2" }, { "values": ["b"], "to": "n3" }
        ] },
        "n2": { "type": "return", "status": "completed", "value": "'first'" },
        "n3": { "type": "return", "status": "completed", "value": "'second'" }
    });
    if default {
        nodes["n1"]["else"] = json!("n4");
        nodes["n4"] = json!({ "type": "return", "status": "completed", "value": "'default'" });
    }
    nodes
}

#[test]
fn choice_takes_the_case_that_holds_the_value() {
    for (on, expected) in [("'a'", "first"), ("1", "first"), ("'b'", "second"), ("null", "default")] {
        assert_eq!(end(choice(on, true), json!({})), completed(json!(expected)), "{on}");
    }
    assert_eq!(code(&end(choice("'c'", false), json!({}))), "no_case");
}

#[test]
fn each_value_of_a_choice_goes_to_its_own_arm() {
    let values = [json!(0), json!("0"), json!(false), json!(null), json!([]), json!({}), json!([0]), json!(0.5)];
    let arm = |number: usize| format!("n{}", number + 2);
    let cases = values.iter().enumerate().map(|(number, value)| json!({ "values": [value], "to": arm(number) }));
    let mut nodes = json!({ "n1": { "type": "decision", "on": "input.x", "cases": cases.collect::<Vec<_>>() } });
    for number in 0..values.len() {
        nodes[arm(number)] = json!({ "type": "return", "status": "completed", "value": number.to_string() });
    }
    let program = program(nodes);
    for (number, value) in values.iter().enumerate() {
        let next = start(&program, json!({ "x": value })).advance().next;
        assert_eq!(next, Next::Finished(completed(json!(number))), "{value}");
    }
}

#[test]
fn decision_needs_a_boolean() {
    let nodes = json!({
        "n1": { "type": "decision", "when": "1", "then": "n2", "else": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "null" }
    });
    assert_eq!(code(&end(nodes, json!({}))), "not_boolean");
}

#[test]
fn catch_takes_what_no_node_takes_and_an_error_inside_it_fails_the_run() {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1 / input.d", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        "n3": { "type": "action", "op": "set", "into": "y", "value": "1 / input.e", "next": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "[v['e'].node, v['x']]" }
    }));
    document["catch"] = json!({ "to": "n3", "into": "e" });
    let program = load(&document).unwrap();
    let end = |inputs| start(&program, inputs).advance().next;
    assert_eq!(end(json!({ "d": 2, "e": 1 })), Next::Finished(completed(json!(0))));
    assert_eq!(end(json!({ "d": 0, "e": 1 })), Next::Finished(completed(json!(["n1", null]))));
    let Next::Finished(End::Failed { node, .. }) = end(json!({ "d": 0, "e": 0 })) else { panic!() };
    assert_eq!(node, Some(request_node("n3")));
}

#[test]
fn node_s_own_target_takes_an_error_before_the_catch_does() {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1 / input.d", "next": "n4",
                "on_error": { "to": "n2" } },
        "n2": { "type": "return", "status": "completed", "value": "'own'" },
        "n3": { "type": "return", "status": "completed", "value": "'caught'" },
        "n4": { "type": "action", "op": "set", "into": "x", "value": "1 / input.d", "next": "n2" }
    }));
    document["catch"] = json!({ "to": "n3" });
    let end = start(&load(&document).unwrap(), json!({ "d": 0 })).advance().next;
    assert_eq!(end, Next::Finished(completed(json!("own"))));
}

#[test]
fn failed_return_gives_its_message_and_code() {
    let returned = |value: &str| {
        let nodes = json!({ "n1": { "type": "return", "status": "failed", "value": value } });
        let End::Failed { error, node } = end(nodes, json!({})) else { panic!() };
        assert_eq!(node, Some(request_node("n1")));
        (error.code, error.message)
    };
    assert_eq!(returned("'no notes'"), ("failed".to_owned(), "no notes".to_owned()));
    assert_eq!(returned("{'code': 'empty', 'message': 'no notes'}"), ("empty".to_owned(), "no notes".to_owned()));
    assert_eq!(returned("null"), ("failed".to_owned(), "the flow ended as failed".to_owned()));
}

#[test]
fn emission_is_handed_out_once_with_an_id_of_its_visit() {
    let program = program(json!({
        "n1": { "type": "emit", "kind": "event", "name": "seen", "value": "{'n': 1}", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "read", "into": "again", "next": "n3" },
        "n3": { "type": "decision", "when": "v['again']", "then": "n1", "else": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "null" }
    }));
    let mut machine = start(&program, json!({}));
    let ids = |turn: &bloom_interpreter::Turn| turn.emitted.iter().map(|e| e.id.to_string()).collect::<Vec<_>>();
    let turn = machine.advance();
    assert_eq!(ids(&turn), ["n1#1"]);
    assert_eq!(ids(&machine.advance()), [""; 0]);
    machine.resolve(&request(&turn).id, answer(json!(true), 1)).unwrap();
    let turn = machine.advance();
    assert_eq!(ids(&turn), ["n1#2"]);
    assert_eq!(turn.emitted[0].value, value(json!({ "n": 1 })));
}

#[test]
fn prompt_holds_texts_as_they_are_and_other_values_as_compact_json() {
    let program = program(json!({
        "n1": { "type": "llm_call",
                "prompt": [{ "text": "Sum up: " }, { "expr": "input.text" }, { "text": " " }, { "expr": "input.data" }],
                "system": [{ "expr": "input.text" }], "memory": ["input.data"], "model": "m", "max_tokens": 9,
                "session": "context", "output": { "type": "string" }, "into": "x", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "v['x']" }
    }));
    let inputs = json!({ "text": "а \"b\"", "data": { "b": [1.0, 0.5], "a": null } });
    let mut machine = start(&program, inputs.clone());
    let turn = machine.advance();
    let EffectCall::Llm(call) = &request(&turn).call else { panic!() };
    assert_eq!(call.prompt, r#"Sum up: а "b" {"a":null,"b":[1,0.5]}"#);
    assert_eq!((call.system.as_deref(), &call.memory), (Some("а \"b\""), &vec![value(inputs["data"].clone())]));
    assert_eq!(
        (call.model.as_deref(), call.max_tokens, &call.output),
        (Some("m"), Some(9), &json!({ "type": "string" }))
    );

    machine.resolve(&request(&turn).id, answer(json!(1), 1)).unwrap();
    let Next::Finished(End::Failed { error, node }) = machine.advance().next else { panic!() };
    assert_eq!((error.code.as_str(), node), ("contract", Some(request_node("n1"))), "an answer is held to its schema");
}

/// What an LLM, a tool or a person says may look like an expression, a template or a statement: it stays a text.
#[test]
fn text_of_an_answer_is_never_read_as_a_program() {
    let program = program(json!({
        "n1": { "type": "llm_call", "prompt": [{ "text": "Say something." }], "output": { "type": "string" },
                "into": "x", "next": "n2" },
        "n2": { "type": "llm_call", "prompt": [{ "text": "You said: " }, { "expr": "v['x']" }],
                "output": { "type": "string" }, "into": "y", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "[v['x'], v['x'] + '']" }
    }));
    for said in
        ["input.secret", "{input.secret}", "{{ input.secret }}", "${input.secret}", r#"{"expr":"input.secret"}"#]
    {
        let mut machine = start(&program, json!({ "secret": "s3cret" }));
        let first = request(&machine.advance()).id.clone();
        machine.resolve(&first, answer(json!(said), 1)).unwrap();
        let turn = machine.advance();
        let EffectCall::Llm(call) = &request(&turn).call else { panic!() };
        assert_eq!(call.prompt, format!("You said: {said}"));
        machine.resolve(&request(&turn).id, answer(json!("fine"), 2)).unwrap();
        assert_eq!(machine.advance().next, Next::Finished(End::Completed { result: value(json!([said, said])) }));
    }
}

#[test]
fn contract_violation_names_the_path_and_goes_to_on_error() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "input", "next": "n2",
                "output": { "properties": { "a": { "items": { "type": "integer" } } } },
                "on_error": { "to": "n3", "into": "e" } },
        "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        "n3": { "type": "return", "status": "completed", "value": "[v['e'].code, v['e'].details.path, v['e'].details.contract]" }
    });
    assert_eq!(end(nodes.clone(), json!({ "a": [1, 2] })), completed(json!({ "a": [1, 2] })));
    assert_eq!(end(nodes, json!({ "a": [1, "2"] })), completed(json!(["contract", "/a/1", "output"])));
}

#[test]
fn arguments_are_held_to_the_node_s_input_schema() {
    let nodes = json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "args": { "n": "input.n" }, "next": "n2",
                "input": { "properties": { "n": { "maximum": 5 } } } },
        "n2": { "type": "return", "status": "completed", "value": "null" }
    });
    let program = program(nodes);
    assert!(matches!(start(&program, json!({ "n": 5 })).advance().next, Next::Waiting(_)));
    let Next::Finished(End::Failed { error, .. }) = start(&program, json!({ "n": 6 })).advance().next else { panic!() };
    assert!(error.message.starts_with("input at /n: "), "{error}");
}

#[test]
fn result_is_held_to_the_document_s_outputs() {
    let mut document = document(json!({ "n1": { "type": "return", "status": "completed", "value": "input.x" } }));
    document["outputs"] = json!({ "type": "string" });
    let program = load(&document).unwrap();
    assert_eq!(start(&program, json!({ "x": "y" })).advance().next, Next::Finished(completed(json!("y"))));
    let Next::Finished(end) = start(&program, json!({ "x": 1 })).advance().next else { panic!() };
    assert_eq!(code(&end), "contract");
}

/// The end of a run of a document with some limits.
fn limited(limits: serde_json::Value, nodes: serde_json::Value, world: support::World<'_>) -> End {
    let mut document = document(nodes);
    document["policy"]["limits"] = limits;
    document["catch"] = json!({ "to": "n9" });
    document["nodes"]["n9"] = json!({ "type": "return", "status": "completed", "value": "'caught'" });
    let (_, machine) = support::drive(&load(&document).unwrap(), json!({}), world);
    machine.end().unwrap().clone()
}

fn measured(end: &End) -> (i64, i64) {
    let End::Failed { error, .. } = end else { panic!("{end:?}") };
    let number = |name| error.details.as_ref().unwrap().get(name).unwrap().as_int().unwrap();
    (number("limit"), number("measured"))
}

#[test]
fn endless_loop_ends_at_the_step_limit_and_is_not_caught() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
        "n2": { "type": "decision", "when": "v['x'] == 1", "then": "n1", "else": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "null" }
    });
    let end = limited(json!({ "max_steps": 1000 }), nodes, &mut |_, _| panic!());
    assert_eq!((code(&end), measured(&end)), ("limit_steps", (1000, 1001)));
}

#[test]
fn result_starts_the_step_count_again() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "read", "next": "n3" },
        "n3": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n4" },
        "n4": { "type": "decision", "when": "v['i'] < 50", "then": "n2", "else": "n5" },
        "n5": { "type": "return", "status": "completed", "value": "v['i']" }
    });
    let end = limited(json!({ "max_steps": 3 }), nodes, &mut |_, _| Ok(Answer::default()));
    assert_eq!(end, completed(json!(50)));
}

#[test]
fn proposals_end_at_their_limit() {
    let nodes = json!({
        "n1": { "type": "emit", "kind": "proposal", "name": "p", "action": "propose-note", "value": "{}", "next": "n2" },
        "n2": { "type": "decision", "when": "true", "then": "n1", "else": "n9" }
    });
    let end = limited(json!({ "max_proposals": 2 }), nodes, &mut |_, _| panic!());
    assert_eq!((code(&end), measured(&end)), ("limit_proposals", (2, 3)));
}

#[test]
fn tokens_are_counted_before_each_call() {
    let nodes = json!({
        "n1": { "type": "llm_call", "prompt": [{ "text": "go" }], "output": {}, "into": "x", "next": "n2" },
        "n2": { "type": "decision", "when": "true", "then": "n1", "else": "n9" }
    });
    let mut calls = 0;
    let end = limited(json!({ "max_tokens": 100 }), nodes, &mut |_, _| {
        calls += 1;
        let usage = Usage { input_tokens: 30, output_tokens: 15, ..Default::default() };
        Ok(Answer { value: Value::Null, usage: Some(usage) })
    });
    assert_eq!((code(&end), measured(&end), calls), ("limit_tokens", (100, 135), 3));
}

fn bind_thrice() -> serde_json::Value {
    json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "into": "x", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "y", "value": "v['x']", "next": "n3" },
        "n3": { "type": "action", "op": "set", "into": "z", "value": "v['y']", "next": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "size(v['z']) > 0" }
    })
}

#[test]
fn state_that_grows_too_large_ends_the_run() {
    let answer = |size| {
        let mut machine = start(&program(bind_thrice()), json!({}));
        let id = request(&machine.advance()).id.clone();
        machine.resolve(&id, support::answer(json!("x".repeat(size)), 1)).unwrap();
        machine.end().cloned().unwrap_or_else(|| match machine.advance().next {
            Next::Finished(end) => end,
            Next::Waiting(requests) => panic!("{requests:?}"),
        })
    };
    assert_eq!(answer(20 << 20), completed(json!(true)));
    let end = answer(22 << 20);
    assert_eq!((code(&end), measured(&end)), ("limit_state", (64 << 20, 3 * (22 << 20) + 4 * 16)));
}

#[test]
fn value_that_is_too_deep_to_be_recorded_ends_the_run() {
    let answer = |depth| {
        let value = (0..depth).fold(Value::Null, |value, _| std::iter::once(value).collect());
        limited(json!({}), bind_thrice(), &mut |_, _| Ok(Answer { value: value.clone(), usage: None }))
    };
    assert_eq!(answer(100), completed(json!(true)));
    let end = answer(101);
    assert_eq!((code(&end), measured(&end)), ("limit_depth", (100, 101)));
}

#[test]
fn loop_that_nests_a_value_ever_deeper_is_caught() {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "x", "value": "[v['x']]", "next": "n3" },
        "n3": { "type": "decision", "when": "true", "then": "n2", "else": "n9" }
    });
    assert_eq!(limited(json!({}), nodes, &mut |_, _| panic!()), completed(json!("caught")));
}
