//! Results of effects that wait at the same time come in any order: the run asks for the same afterwards, and ends the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use bloom_interpreter::effect::{EffectCall, EffectId, EffectRequest};
use bloom_interpreter::{Machine, Next, Program};
use bloom_ir::Digest;
use serde_json::{Value as Json, json};

use support::{answer, failure, program, start, time_of};

/// A fork of branches that each call two tools, the second with what the first gave; another one stands in the first
/// branch, and the second branch sleeps before its second call. After the join all that was handed on is asked about.
fn forked(count: usize) -> Program {
    let mut nodes = json!({
        "n1": { "type": "action", "op": "fork", "join": "n2", "branches": (0..count).map(|number| {
            json!({ "name": number.to_string(), "entry": format!("a{number}"), "writes": [format!("x{number}")] })
        }).collect::<Vec<_>>() },
        "n2": { "type": "action", "op": "join", "fork": "n1", "next": "n3" },
        "n3": { "type": "action", "op": "tool", "tool": "write", "into": "y", "next": "n4", "args": {
            "all": format!("[{}]", (0..count).map(|number| format!("v['x{number}']")).collect::<Vec<_>>().join(", ")),
            "now": "run.now" } },
        "n4": { "type": "return", "status": "completed", "value": "v['y']" },
        "f1": { "type": "action", "op": "fork", "join": "f2", "branches": [
            { "name": "one", "entry": "f3", "writes": ["p"] }, { "name": "other", "entry": "f4", "writes": ["q"] }
        ] },
        "f2": { "type": "action", "op": "join", "fork": "f1", "next": "b0" },
        "f3": { "type": "action", "op": "tool", "tool": "read", "args": { "of": "'p'" }, "into": "p", "next": "f2" },
        "f4": { "type": "action", "op": "tool", "tool": "read", "args": { "of": "'q'" }, "into": "q",
            "on_error": { "to": "f5", "into": "e" }, "next": "f2" },
        "f5": { "type": "action", "op": "set", "into": "q", "value": "v['e'].code", "next": "f2" },
        "s1": { "type": "action", "op": "sleep", "for": "v['x1'].k * 10", "next": "b1" }
    });
    for number in 0..count {
        let (own, given) = (format!("x{number}"), format!("v['x{number}']"));
        let next = match number {
            0 => "f1".to_owned(),
            1 => "s1".to_owned(),
            _ => format!("b{number}"),
        };
        let args = if number == 0 { json!({ "p": "v['p']", "q": "v['q']" }) } else { json!({ "x": given }) };
        nodes[format!("a{number}")] = json!({ "type": "action", "op": "tool", "tool": "read", "args": { "n": number.to_string() }, "into": own, "next": next });
        nodes[format!("b{number}")] =
            json!({ "type": "action", "op": "tool", "tool": "read", "args": args, "into": own, "next": "n2" });
    }
    program(nodes)
}

/// What an effect is answered, by its id alone.
fn resolve(machine: &mut Machine, effect: &EffectId) {
    let at = time_of(effect);
    let [first, ..] = *Digest::of(effect.as_str().as_bytes()).as_bytes();
    let outcome = match effect.as_str() {
        id if id.ends_with("f4#1") => failure("refused", false, at),
        id if id.contains("/s") => answer(Json::Null, at),
        id => answer(json!({ "of": id, "k": first }), at),
    };
    machine.resolve(effect, outcome).unwrap();
}

/// What a run asked for, and how it ended.
#[derive(Debug, PartialEq)]
struct Course {
    asked: BTreeMap<EffectId, EffectCall>,
    state: Digest,
    end: bloom_interpreter::End,
}

fn note(machine: &mut Machine, asked: &mut BTreeMap<EffectId, EffectCall>) -> Next {
    let next = machine.advance().next;
    if let Next::Waiting(requests) = &next {
        asked.extend(requests.iter().map(|EffectRequest { id, call, .. }| (id.clone(), call.clone())));
    }
    next
}

/// Goes every way on from here, and counts them.
fn every_way(machine: &Machine, asked: &BTreeMap<EffectId, EffectCall>, expected: &mut Option<Course>) -> usize {
    let pending: Vec<EffectId> = machine.pending().map(|request| request.id.clone()).collect();
    let mut ways = 0;
    for effect in pending {
        let (mut machine, mut asked) = (machine.clone(), asked.clone());
        resolve(&mut machine, &effect);
        match note(&mut machine, &mut asked) {
            Next::Waiting(_) => ways += every_way(&machine, &asked, expected),
            Next::Finished(end) => {
                let course = Course { asked, state: machine.state_hash(), end };
                let expected: &Course = expected.get_or_insert_with(|| copy(&course));
                assert_eq!(*expected, course);
                ways += 1;
            }
        }
    }
    ways
}

fn copy(course: &Course) -> Course {
    Course { asked: course.asked.clone(), state: course.state, end: course.end.clone() }
}

#[test]
fn every_order_of_results_gives_the_same_effects_and_the_same_end() {
    for count in [2, 3] {
        let mut machine = start(&forked(count), json!({}));
        let (mut asked, mut expected) = (BTreeMap::new(), None);
        note(&mut machine, &mut asked);
        let orders = every_way(&machine, &asked, &mut expected);
        // The first branch waits four times, for two at a time in the middle; the second three times, another one twice.
        assert_eq!(orders, [2 * 35, 2 * 35 * 36][count - 2]);
        assert_eq!(expected.unwrap().asked.len(), 8 + 2 * (count - 2));
    }
}

#[test]
fn random_orders_of_many_results_give_the_same_effects_and_the_same_end() {
    const BRANCHES: usize = 200;
    let program = forked(BRANCHES);
    let mut expected = None;
    for order in 0..10_u64 {
        let (mut machine, mut asked) = (start(&program, json!({})), BTreeMap::new());
        let mut next = note(&mut machine, &mut asked);
        let mut step = 0_u64;
        let end = loop {
            if let Next::Finished(end) = next {
                break end;
            }
            let pending: Vec<EffectId> = machine.pending().map(|request| request.id.clone()).collect();
            let digest = Digest::of(format!("{order} {step}").as_bytes());
            let [one, other, ..] = *digest.as_bytes();
            let chosen = match order {
                0 => pending.first().unwrap(),
                1 => pending.last().unwrap(),
                _ => &pending[(usize::from(one) * 256 + usize::from(other)) % pending.len()],
            };
            resolve(&mut machine, chosen);
            // Several results may come before the run moves on.
            if order % 2 == 0 || !digest.as_bytes()[2].is_multiple_of(4) || machine.pending().next().is_none() {
                next = note(&mut machine, &mut asked);
            }
            step += 1;
        };
        let course = Course { asked, state: machine.state_hash(), end };
        let expected: &Course = expected.get_or_insert_with(|| copy(&course));
        assert_eq!(*expected, course, "order {order}");
    }
    assert_eq!(expected.unwrap().asked.len(), 8 + 2 * (BRANCHES - 2));
}
