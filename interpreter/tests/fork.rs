//! Forks, pauses, timers, waits and other flows, node by node.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectId, Outcome, TIMEOUT, Usage};
use bloom_interpreter::{End, LoadError, Machine, Next, Program, ResolveError};
use bloom_ir::Value;
use serde_json::{Value as Json, json};

use support::{answer, document, failure, load, program, request, requests, start, time_of, value};

/// A fork of branches that each call a tool and bind its answer to a variable of their own.
fn side_by_side(count: usize) -> Json {
    let mut nodes = json!({
        "n1": { "type": "action", "op": "fork", "join": "n2", "branches": (0..count).map(|number| {
            json!({ "name": number.to_string(), "entry": format!("b{number}"), "writes": [format!("x{number}")] })
        }).collect::<Vec<_>>() },
        "n2": { "type": "action", "op": "join", "fork": "n1", "next": "n3" },
        "n3": { "type": "return", "status": "completed",
            "value": format!("[{}, run.now]", (0..count).map(|number| format!("v['x{number}']")).collect::<Vec<_>>().join(", ")) }
    });
    for number in 0..count {
        nodes[format!("b{number}")] = json!({
            "type": "action", "op": "tool", "tool": "read", "args": { "n": number.to_string() },
            "into": format!("x{number}"), "next": "n2"
        });
    }
    nodes
}

fn end(machine: &mut Machine) -> End {
    match machine.advance().next {
        Next::Finished(end) => end,
        Next::Waiting(requests) => panic!("{requests:?}"),
    }
}

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let with = |order: &Vec<usize>, place: usize| {
        let mut order = order.clone();
        order.insert(place, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(|place| with(order, place)).collect::<Vec<_>>()).collect()
}

#[test]
fn branches_ask_together_under_ids_of_their_own() {
    let program = program(side_by_side(3));
    let mut machine = start(&program, json!({}));
    let turn = machine.advance();
    let ids: Vec<&str> = requests(&turn).iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids, ["n1#1.0/b0#1", "n1#1.1/b1#1", "n1#1.2/b2#1"]);
    assert_eq!(machine.position().len(), 3);
    assert_eq!(machine.branches()[1].path, "n1#1.1/");

    let second = requests(&turn)[1].id.clone();
    machine.resolve(&second, answer(json!(1), 5)).unwrap();
    assert_eq!(machine.advance().next, Next::Waiting(Vec::new()), "nothing new; it waits for the others");
    assert_eq!(machine.pending().count(), 2);
    assert_eq!(machine.resolve(&second, answer(json!(1), 6)), Err(ResolveError::Resolved(second)));
    for unknown in ["n1#1.3/b0#1", "n1#2.0/b0#1", "n1#1.0/b0#2", "n1#1.0/b1#1", "b0#1", "n1#1", "n1#1.0/", "n1.0/b0#1"]
    {
        let id = EffectId::new(unknown);
        assert_eq!(machine.resolve(&id, answer(json!(1), 6)), Err(ResolveError::Unknown(id)), "{unknown}");
    }
}

#[test]
fn every_order_of_results_gives_the_same_end() {
    let program = program(side_by_side(5));
    for order in orders(5) {
        let mut machine = start(&program, json!({}));
        let asked = requests(&machine.advance()).to_vec();
        for number in order {
            let number = i64::try_from(number).unwrap();
            let id = &asked[usize::try_from(number).unwrap()].id;
            machine.resolve(id, answer(json!(number * 10), 100 + number)).unwrap();
            machine.advance();
        }
        let result = value(json!([0, 10, 20, 30, 40, 104]));
        assert_eq!(end(&mut machine), End::Completed { result }, "`run.now` is the latest of the branches");
    }
}

#[test]
fn all_branches_run_to_their_end_and_the_first_that_failed_counts_in_any_order() {
    let mut nodes = side_by_side(4);
    nodes["n1"]["on_error"] = json!({ "to": "n4", "into": "e" });
    nodes["n4"] = json!({ "type": "return", "status": "completed", "value": "[v['e'].code, v['e'].node, run.now]" });
    let program = program(nodes);
    for order in orders(4) {
        let mut machine = start(&program, json!({}));
        let asked = requests(&machine.advance()).to_vec();
        for number in order {
            let outcome = match number {
                1 => failure("second", false, 201),
                2 => failure("third", false, 202),
                number => answer(json!(1), 200 + i64::try_from(number).unwrap()),
            };
            machine.resolve(&asked[number].id, outcome).unwrap();
            machine.advance();
        }
        assert_eq!(end(&mut machine), End::Completed { result: value(json!(["second", "b1", 203])) });
    }
}

#[test]
fn branches_work_on_copies_and_hand_on_what_they_write() {
    let program = program(json!({
        "n1": { "type": "action", "op": "set", "into": "x", "value": "[1]", "next": "n2" },
        "n2": { "type": "action", "op": "fork", "join": "n5", "branches": [
            { "name": "a", "entry": "n3", "writes": ["a"] }, { "name": "b", "entry": "n4", "writes": ["b"] },
            { "name": "none", "entry": "n5", "writes": [] }
        ] },
        "n3": { "type": "action", "op": "set", "into": "x", "value": "v['x'] + [2]", "next": "n31" },
        "n31": { "type": "action", "op": "set", "into": "a", "value": "size(v['x'])", "next": "n5" },
        "n4": { "type": "action", "op": "set", "into": "b", "value": "size(v['x'])", "next": "n5" },
        "n5": { "type": "action", "op": "join", "fork": "n2", "next": "n6" },
        "n6": { "type": "return", "status": "completed", "value": "[v['x'], v['a'], v['b']]" }
    }));
    let mut machine = start(&program, json!({}));
    assert_eq!(end(&mut machine), End::Completed { result: value(json!([[1], 2, 1])) });
}

#[test]
fn an_error_in_a_branch_goes_to_its_own_target_first_and_to_catch_last() {
    let mut nodes = side_by_side(2);
    nodes["b0"]["on_error"] = json!({ "to": "b9", "into": "e" });
    nodes["b9"] = json!({ "type": "action", "op": "set", "into": "x0", "value": "v['e'].code", "next": "n2" });
    let mut caught = document(nodes);
    caught["nodes"]["n4"] = json!({ "type": "return", "status": "completed", "value": "v['c'].node" });
    caught["catch"] = json!({ "to": "n4", "into": "c" });
    let program = load(&caught).unwrap();
    let run = |second: Outcome| {
        let mut machine = start(&program, json!({}));
        let asked = requests(&machine.advance()).to_vec();
        machine.resolve(&asked[0].id, failure("oops", false, 1)).unwrap();
        machine.resolve(&asked[1].id, second).unwrap();
        end(&mut machine)
    };
    assert_eq!(run(answer(json!(7), 2)), End::Completed { result: value(json!(["oops", 7, 2])) });
    assert_eq!(run(failure("bad", false, 2)), End::Completed { result: value(json!("b1")) });
}

#[test]
fn a_limit_in_a_branch_ends_the_run_at_once() {
    let mut looping = document(json!({
        "n1": { "type": "action", "op": "fork", "join": "n2", "branches": [
            { "name": "a", "entry": "n3", "writes": [] }, { "name": "b", "entry": "n4", "writes": [] }
        ] },
        "n2": { "type": "action", "op": "join", "fork": "n1", "next": "n9" },
        "n3": { "type": "action", "op": "tool", "tool": "read", "next": "n5" },
        "n4": { "type": "action", "op": "tool", "tool": "read", "next": "n2" },
        "n5": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n6" },
        "n6": { "type": "decision", "when": "v['x'] == 1", "then": "n5", "else": "n2" },
        "n9": { "type": "return", "status": "completed", "value": "null" }
    }));
    looping["policy"]["limits"] = json!({ "max_steps": 50 });
    let mut machine = start(&load(&looping).unwrap(), json!({}));
    let asked = requests(&machine.advance()).to_vec();
    machine.resolve(&asked[0].id, answer(json!(1), 1)).unwrap();
    let End::Failed { error, node } = end(&mut machine) else { panic!() };
    assert_eq!((error.code.as_str(), node.unwrap().as_str()), ("limit_steps", "n5"));
    let late = machine.resolve(&asked[1].id, answer(json!(1), 2));
    assert_eq!(late, Err(ResolveError::Finished(asked[1].id.clone())));
}

#[test]
fn a_loop_around_a_fork_ends_at_the_step_limit_and_a_result_in_a_branch_starts_it_again() {
    let looping = |tool: bool| {
        let mut nodes = side_by_side(2);
        nodes["n2"]["next"] = json!("n1");
        nodes["n2"]["next"] = json!("n4");
        nodes["n4"] = json!({ "type": "decision", "when": "v['x0'] == 0", "then": "n1", "else": "n3" });
        nodes["b1"] = json!({ "type": "action", "op": "set", "into": "x1", "value": "1", "next": "n2" });
        if !tool {
            nodes["b0"] = json!({ "type": "action", "op": "set", "into": "x0", "value": "0", "next": "n2" });
        }
        let mut document = document(nodes);
        document["policy"]["limits"] = json!({ "max_steps": 20 });
        start(&load(&document).unwrap(), json!({}))
    };
    let End::Failed { error, .. } = end(&mut looping(false)) else { panic!() };
    assert_eq!(error.code, "limit_steps");
    let mut machine = looping(true);
    for round in 0..100 {
        let id = request(&machine.advance()).id.clone();
        machine.resolve(&id, answer(json!(0), round)).unwrap();
    }
    assert!(machine.end().is_none());
}

#[test]
fn forks_nest_so_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let mut nodes = json!({ "n1": { "type": "action", "op": "fork", "join": "j1", "branches": [{ "name": "a", "entry": "n2", "writes": [] }] } });
        for level in 1..=depth {
            let inner = if level == depth { "end".to_owned() } else { format!("n{}", level + 1) };
            nodes[format!("n{level}")] = json!({ "type": "action", "op": "fork", "join": format!("j{level}"), "branches": [{ "name": "a", "entry": inner, "writes": [] }] });
            let next = if level == 1 { "last".to_owned() } else { format!("j{}", level - 1) };
            nodes[format!("j{level}")] =
                json!({ "type": "action", "op": "join", "fork": format!("n{level}"), "next": next });
        }
        nodes["end"] = json!({ "type": "action", "op": "tool", "tool": "read", "next": format!("j{depth}") });
        nodes["last"] = json!({ "type": "return", "status": "completed", "value": "1" });
        document(nodes)
    };
    let deep = load(&nested(64)).unwrap();
    let mut machine = start(&deep, json!({}));
    let asked = request(&machine.advance()).clone();
    let text = serde_json::to_string(&machine.snapshot()).unwrap();
    let mut machine = Machine::restore(&deep, serde_json::from_str(&text).unwrap()).unwrap();
    machine.resolve(&asked.id, answer(json!(1), 1)).unwrap();
    assert_eq!(end(&mut machine), End::Completed { result: Value::Int(1) });
    assert!(matches!(load(&nested(65)).unwrap_err(), LoadError::TooDeep { limit: 64, .. }));
}

/// Asks one thing, and gives what it bound and what time it is then.
fn one(node: Json) -> Program {
    let mut nodes = json!({ "n2": { "type": "return", "status": "completed", "value": "run.now" } });
    nodes["n1"] = node;
    nodes["n1"]["type"] = json!("action");
    nodes["n1"]["next"] = json!("n2");
    program(nodes)
}

#[test]
fn a_pause_counts_from_the_latest_result_and_a_time_stands_as_it_is() {
    for (due, expected) in [
        (json!({ "for": "5000" }), 6_000),
        (json!({ "for": "-5" }), 1_000),
        (json!({ "for": "0.9 * 3" }), 1_002),
        (json!({ "for": "9223372036854775807" }), i64::MAX),
        (json!({ "until": "7" }), 7),
        (json!({ "until": "'1970-01-02'" }), 86_400_000),
        (json!({ "until": "'1970-01-01T02:00:01+02:00'" }), 1_000),
    ] {
        let mut node = json!({ "op": "sleep" });
        node.as_object_mut().unwrap().extend(due.as_object().unwrap().clone());
        let mut machine = start(&one(node), json!({}));
        let asked = request(&machine.advance()).clone();
        assert_eq!((asked.call.due(), asked.recorded_first()), (Some(expected), true), "{due}");
        machine.resolve(&asked.id, answer(json!(null), 9_000)).unwrap();
        assert_eq!(end(&mut machine), End::Completed { result: Value::Int(9_000) });
    }
    for (due, code) in [
        (json!({ "for": "'5 min'" }), "not_duration"),
        (json!({ "for": "1e300" }), "not_duration"),
        (json!({ "until": "'soon'" }), "not_time"),
        (json!({ "until": "-1e300" }), "not_time"),
    ] {
        let mut node = json!({ "op": "sleep" });
        node.as_object_mut().unwrap().extend(due.as_object().unwrap().clone());
        let End::Failed { error, .. } = end(&mut start(&one(node), json!({}))) else { panic!() };
        assert_eq!(error.code, code);
    }
}

#[test]
fn an_awaited_timer_must_have_been_started_on_the_way() {
    let timed = json!({
        "n0": { "type": "decision", "when": "input.start", "then": "n1", "else": "n2" },
        "n1": { "type": "action", "op": "timer", "name": "t", "for": "500", "next": "n2" },
        "n2": { "type": "action", "op": "await", "timer": "t", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "run.now" }
    });
    let mut timed = document(timed);
    timed["entry"] = json!("n0");
    let program = load(&timed).unwrap();
    let mut machine = start(&program, json!({ "start": true }));
    let id = request(&machine.advance()).id.clone();
    machine.resolve(&id, answer(json!(null), 1_200)).unwrap();
    assert_eq!(request(&machine.advance()).call.due(), Some(1_500), "as it was when the timer was started");
    let End::Failed { error, .. } = end(&mut start(&program, json!({ "start": false }))) else { panic!() };
    assert_eq!(error.code, "no_timer");
}

#[test]
fn an_await_is_given_a_time_and_goes_where_it_says_when_that_is_over() {
    let waiting = |on_timeout: bool| {
        let mut nodes = json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "schema": { "type": "integer" }, "into": "x",
                "timeout_seconds": 2, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" }
        });
        if on_timeout {
            nodes["n1"]["on_timeout"] = json!("n3");
            nodes["n3"] = json!({ "type": "return", "status": "completed", "value": "'late'" });
        }
        let mut machine = start(&program(nodes), json!({}));
        let asked = request(&machine.advance()).clone();
        let EffectCall::Await(wait) = &asked.call else { panic!() };
        assert_eq!((&wait.what, wait.until), (&AwaitedThing::Signal("go".to_owned()), Some(3_000)));
        (machine, asked.id)
    };
    let ended = |on_timeout, outcome| {
        let (mut machine, id) = waiting(on_timeout);
        machine.resolve(&id, outcome).unwrap();
        end(&mut machine)
    };
    assert_eq!(ended(true, answer(json!(7), 5)), End::Completed { result: Value::Int(7) });
    assert_eq!(ended(true, failure(TIMEOUT, true, 5)), End::Completed { result: "late".into() });
    let code = |end: End| match end {
        End::Failed { error, .. } => error.code,
        End::Completed { result } => panic!("{result:?}"),
    };
    assert_eq!(code(ended(false, failure(TIMEOUT, true, 5))), TIMEOUT);
    assert_eq!(code(ended(true, answer(json!("x"), 5))), "contract");
    assert_eq!(code(ended(true, failure("other", true, 5))), "other");
}

#[test]
fn tokens_of_attempts_that_failed_are_counted() {
    let asking = json!({
        "n1": { "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "x", "next": "n1b", "on_error": { "to": "n1b" } },
        "n1b": { "type": "llm_call", "prompt": [{ "text": "?" }], "output": {}, "into": "x", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "1" }
    });
    let mut limited = document(asking);
    limited["policy"]["limits"] = json!({ "max_tokens": 100 });
    let mut machine = start(&load(&limited).unwrap(), json!({}));
    let id = request(&machine.advance()).id.clone();
    let spent = |tokens| {
        let usage = Usage { input_tokens: tokens, ..Usage::default() };
        EffectError { usage: Some(Box::new(usage)), ..EffectError::new("invalid_output", "no JSON") }
    };
    machine.spend(&id, &spent(60));
    assert_eq!(machine.tokens(), 60);
    machine.resolve(&id, Outcome { result: Err(spent(50)), at: 1 }).unwrap();
    let End::Failed { error, .. } = end(&mut machine) else { panic!() };
    assert_eq!((error.code.as_str(), machine.tokens()), ("limit_tokens", 110));
}

#[test]
fn branches_share_a_large_state_in_memory_and_in_a_snapshot() {
    let mut nodes = side_by_side(200);
    nodes["n0"] = json!({ "type": "action", "op": "set", "into": "big", "value": "input.big", "next": "n1" });
    for number in 0..200 {
        nodes[format!("b{number}")]["args"] = json!({ "n": "size(v['big'])" });
    }
    let mut large = document(nodes);
    large["entry"] = json!("n0");
    let program = load(&large).unwrap();
    let big: String = "x".repeat(1_000_000);
    let mut machine = start(&program, json!({ "big": big }));
    let asked = requests(&machine.advance()).to_vec();
    let text = serde_json::to_string(&machine.snapshot()).unwrap();
    assert!(text.len() < 3_000_000, "{} bytes", text.len());
    let mut machine = Machine::restore(&program, serde_json::from_str(&text).unwrap()).unwrap();
    for request in &asked {
        machine.resolve(&request.id, answer(json!(1), time_of(&request.id))).unwrap();
        machine.advance();
    }
    assert!(matches!(machine.end(), Some(End::Completed { .. })));
    assert_eq!(Answer::default().value, Value::Null);
}
