//! Large runs: what they take is in proportion to their size, and they can be suspended, replayed and gone on with.

#![allow(
    clippy::disallowed_methods,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod support;

use std::time::Instant;

use bloom_interpreter::effect::{Answer, EffectRequest};
use bloom_interpreter::replay::{Verdict, replay};
use bloom_interpreter::{End, Machine, Program};
use bloom_ir::Value;
use serde_json::json;

use support::{document, drive, load, start};

fn one(_: &EffectRequest, _: u32) -> Result<Answer, bloom_interpreter::effect::EffectError> {
    Ok(Answer { value: Value::Int(1), usage: None })
}

/// A fork of so many branches, each with a call.
fn forked(count: usize) -> Program {
    let mut nodes = json!({
        "n1": { "type": "action", "op": "fork", "join": "n2", "branches": (0..count).map(|number| {
            json!({ "name": "b", "entry": format!("b{number}"), "writes": [format!("x{number}")] })
        }).collect::<Vec<_>>() },
        "n2": { "type": "action", "op": "join", "fork": "n1", "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": format!("v['x0'] + v['x{}']", count - 1) }
    });
    for number in 0..count {
        nodes[format!("b{number}")] = json!({
            "type": "action", "op": "tool", "tool": "read", "args": { "size": "size(input.big)" },
            "into": format!("x{number}"), "next": "n2"
        });
    }
    load(&document(nodes)).unwrap()
}

fn suspended(program: &Program, machine: &Machine) -> Machine {
    let text = serde_json::to_string(&machine.snapshot()).unwrap();
    Machine::restore(program, serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn a_thousand_branches_over_ten_megabytes() {
    for count in [250, 500, 1_000] {
        let program = forked(count);
        let inputs = json!({ "big": "x".repeat(10_000_000) });
        let since = Instant::now();
        let mut machine = start(&program, inputs.clone());
        machine.advance();
        let machine = suspended(&program, &machine);
        assert_eq!(machine.pending().count(), count);
        let snapshot = since.elapsed();
        let since = Instant::now();
        let (events, machine) = drive(&program, inputs, &mut one);
        let ran = since.elapsed();
        assert_eq!(machine.end(), Some(&End::Completed { result: Value::Int(2) }));
        let since = Instant::now();
        assert_eq!(replay(&program, &events, None).verdict, Verdict::Same);
        println!("{count} branches: snapshot and restore {snapshot:?}, run {ran:?}, replay {:?}", since.elapsed());
    }
}

#[test]
fn a_hundred_thousand_rounds() {
    for count in [25_000, 50_000, 100_000] {
        let mut looping = document(json!({
            "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
            "n2": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n3" },
            "n3": { "type": "decision", "when": format!("v['i'] < {count}"), "then": "n2", "else": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "v['i']" }
        }));
        looping["policy"]["limits"] = json!({ "max_steps": 1_000_000 });
        let program = load(&looping).unwrap();
        let since = Instant::now();
        let (events, machine) = drive(&program, json!({}), &mut one);
        assert_eq!(machine.end(), Some(&End::Completed { result: Value::Int(count) }));
        assert_eq!(replay(&program, &events, None).verdict, Verdict::Same);
        println!("{count} rounds, run and replayed: {:?}", since.elapsed());
    }
}

#[test]
fn ten_thousand_events() {
    let calling = document(json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "read", "args": { "i": "v['i']" }, "into": "x", "next": "n3" },
        "n3": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + v['x']", "next": "n4" },
        "n4": { "type": "decision", "when": "v['i'] < 5000", "then": "n2", "else": "n5" },
        "n5": { "type": "return", "status": "completed", "value": "v['i']" }
    }));
    let program = load(&calling).unwrap();
    let (events, _) = drive(&program, json!({}), &mut one);
    let since = Instant::now();
    assert_eq!(replay(&program, &events, None).verdict, Verdict::Same);
    println!("{} events replayed: {:?}", events.len(), since.elapsed());
}
