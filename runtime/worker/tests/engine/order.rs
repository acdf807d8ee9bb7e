//! Results come in any order: the run asks for the same afterwards and ends in the same state, whatever stands where in its
//! history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bloom_interpreter::effect::{EffectCall, EffectError, EffectId};
use bloom_interpreter::history::Payload;
use bloom_ir::{Digest, Value};
use bloom_runtime::tool::ToolCall;
use serde_json::{Value as Json, json};

use crate::world::{Act, Tools, World, flow};

/// A fork of branches that each call two tools, the second with what the first gave; in the first branch the second call
/// fails and is taken there, the second branch starts another fork, the third sleeps. After the join all is handed to a
/// tool.
fn forked(count: usize) -> Json {
    let mut nodes = json!({
        "n1": { "type": "action", "op": "fork", "join": "n2", "branches": (0..count).map(|number| {
            json!({ "name": number.to_string(), "entry": format!("a{number}"), "writes": [format!("x{number}")] })
        }).collect::<Vec<_>>() },
        "n2": { "type": "action", "op": "join", "fork": "n1", "next": "n3" },
        "n3": { "type": "action", "op": "tool", "tool": "write", "into": "y", "next": "n4", "args": {
            "all": format!("[{}]", (0..count).map(|number| format!("v['x{number}']")).collect::<Vec<_>>().join(", ")) } },
        "n4": { "type": "return", "status": "completed", "value": "v['y']" },
        "e0": { "type": "action", "op": "set", "into": "x0", "value": "v['e'].code", "next": "n2" },
        "f1": { "type": "action", "op": "fork", "join": "f2", "branches": [
            { "name": "one", "entry": "f3", "writes": ["p"] }, { "name": "other", "entry": "f4", "writes": ["q"] }
        ] },
        "f2": { "type": "action", "op": "join", "fork": "f1", "next": "b1" },
        "f3": { "type": "action", "op": "tool", "tool": "read", "args": { "of": "'p'" }, "into": "p", "next": "f2" },
        "f4": { "type": "action", "op": "tool", "tool": "read", "args": { "of": "'q'" }, "into": "q", "next": "f2" },
        "s2": { "type": "action", "op": "sleep", "until": "run.started_at + 40", "next": "b2" }
    });
    for number in 0..count {
        let (own, given) = (format!("x{number}"), format!("v['x{number}']"));
        let next = match number {
            1 => "f1".to_owned(),
            2 => "s2".to_owned(),
            _ => format!("b{number}"),
        };
        let args = if number == 1 { json!({ "p": "v['p']", "q": "v['q']" }) } else { json!({ "x": given }) };
        nodes[format!("a{number}")] = json!({ "type": "action", "op": "tool", "tool": "read", "args": { "n": number.to_string() }, "into": own, "next": next });
        nodes[format!("b{number}")] =
            json!({ "type": "action", "op": "tool", "tool": "read", "args": args, "into": own, "next": "n2" });
    }
    nodes["b0"]["on_error"] = json!({ "to": "e0", "into": "e" });
    flow(&[("read", "read"), ("write", "operational")], &nodes)
}

/// What is the same in every order, and the order itself.
#[derive(Debug, PartialEq)]
struct Course {
    asked: BTreeMap<EffectId, EffectCall>,
    state: Digest,
    result: Value,
}

/// Runs it; `delay` says after how many milliseconds a call is answered.
async fn run(count: usize, delay: impl Fn(&str) -> u64 + Send + Sync + 'static) -> (Course, Vec<EffectId>) {
    let play = move |call: &ToolCall, _| {
        let (_, effect) = call.idempotency_key.split_once('/').unwrap();
        let [first, ..] = *Digest::of(effect.as_bytes()).as_bytes();
        let answer = match effect {
            effect if effect.ends_with("b0#1") => Err(EffectError::new("refused", "no")),
            _ => Ok(json!({ "of": effect, "k": first })),
        };
        Act::After(Duration::from_millis(delay(effect)), answer)
    };
    let tools = Tools::default()
        .with("read", "read", play)
        .with("write", "operational", |call, _| Act::Answer(call.request.args.to_json()));
    let world = World::new(tools, &json!({})).in_time();
    let (id, end) = world.run(&forked(count)).await;
    let (mut asked, mut order, mut state) = (BTreeMap::new(), Vec::new(), None);
    for payload in world.events(&id).await {
        match payload {
            Payload::EffectRequested { effect, call, .. } => {
                // The time at which it wakes is that of the run, not of the order.
                let call = match call {
                    EffectCall::Sleep(_) => EffectCall::Sleep(bloom_interpreter::effect::SleepRequest { due: 0 }),
                    call => call,
                };
                asked.insert(effect, call);
            }
            Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. } => order.push(effect),
            Payload::RunCompleted { state: hash, .. } => state = Some(hash),
            _ => {}
        }
    }
    world.assert_replays(&id).await;
    let bloom_runtime::engine::RunEnd::Completed { result } = end.unwrap() else { panic!() };
    (Course { asked, state: state.unwrap(), result }, order)
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

/// The branch that an effect is in.
fn branch(effect: &str) -> Option<usize> {
    effect.strip_prefix("n1#1.")?.split('/').next()?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn every_order_of_a_small_fork_gives_the_same_effects_and_the_same_state() {
    const BRANCHES: usize = 4;
    let (mut expected, mut recorded) = (None, BTreeSet::new());
    for order in orders(BRANCHES) {
        let place = move |effect: &str| {
            let place = branch(effect).and_then(|branch| order.iter().position(|other| *other == branch));
            // A nested branch has its turn between two others.
            10 + 10 * u64::try_from(place.unwrap_or_default()).unwrap() + u64::from(effect.ends_with("f4#1"))
        };
        let (course, order) = run(BRANCHES, place).await;
        recorded.insert(order);
        let expected: &Course = expected.get_or_insert_with(|| copy(&course));
        assert_eq!(*expected, course);
    }
    assert!(recorded.len() > 20, "the results did come in different orders: {}", recorded.len());
}

#[tokio::test(start_paused = true)]
async fn random_orders_of_a_large_fork_give_the_same_effects_and_the_same_state() {
    let (mut expected, mut recorded) = (None, BTreeSet::new());
    for seed in 0..8_u64 {
        let delay = move |effect: &str| {
            let [one, other, ..] = *Digest::of(format!("{seed} {effect}").as_bytes()).as_bytes();
            u64::from(one) * 100 + u64::from(other)
        };
        let (course, order) = run(60, delay).await;
        recorded.insert(order);
        let expected: &Course = expected.get_or_insert_with(|| copy(&course));
        assert_eq!(*expected, course, "seed {seed}");
    }
    assert_eq!(recorded.len(), 8, "each in an order of its own");
}

fn copy(course: &Course) -> Course {
    Course { asked: course.asked.clone(), state: course.state, result: course.result.clone() }
}
