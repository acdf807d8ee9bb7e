//! Forks: histories that begin with the events of another run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::history::{Chain, Event, Forked, Payload, read_lines, write_lines};
use bloom_interpreter::replay::{RebuildError, Rebuilder, Step, Stepper, Verdict, replay, what_if};
use bloom_interpreter::{Machine, Next, Program, Turn};
use proptest::prelude::*;

use support::random::{document, inputs, statements, world};
use support::{Recorder, drive_with, go_on, load};

const MOST: usize = 200;

/// Another run that shares the first events of a history and goes on from there, as an engine does it.
fn fork(program: &Program, events: &[Event], at: usize) -> (Vec<Event>, Machine) {
    let shared = &events[..at];
    let mut rebuilder = Rebuilder::forking(program);
    for event in shared {
        rebuilder.follow(event).unwrap();
    }
    let mut rebuilt = rebuilder.finish_to_fork().unwrap();
    let mut recorder = Recorder { most: MOST * 2, ..Recorder::after(&rebuilt, shared) };
    let (run, origin, ir) = ("run-2".to_owned(), "run-1".to_owned(), program.hash());
    recorder.add(Payload::RunForked(Forked { run, origin, at: at as u64, ir }));
    let again: Vec<_> = rebuilt.open.iter().map(|open| open.ask().clone()).collect();
    let Turn { emitted, next } = rebuilt.turn();
    let next = match next {
        Next::Waiting(requests) => {
            let again = again.into_iter().filter(|request| !requests.contains(request)).collect::<Vec<_>>();
            Next::Waiting(requests.into_iter().chain(again).collect())
        }
        end @ Next::Finished(_) => end,
    };
    go_on(&mut rebuilt.machine, Turn { emitted, next }, rebuilt.open, &mut recorder, &mut world);
    (recorder.events, rebuilt.machine)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_fork_anywhere_replays_and_comes_to_the_same_end(
        statements in statements(), catch in any::<bool>(), at in any::<prop::sample::Index>()
    ) {
        let program = load(&document(&statements, catch)).unwrap();
        let recorder = Recorder { most: MOST, ..Recorder::default() };
        let (events, machine) = drive_with(&program, inputs(), recorder, &mut world);
        prop_assume!(machine.end().is_some());
        let at = at.index(events.len() - 1) + 1;
        prop_assume!(at < events.len());
        let (forked, end) = fork(&program, &events, at);
        prop_assume!(end.end().is_some());
        prop_assert_eq!(&forked[..at], &events[..at]);
        prop_assert_eq!(Chain::verify(&forked).unwrap().seq(), forked.len() as u64);
        let read = read_lines(&write_lines(&forked)).unwrap();
        prop_assert_eq!(replay(&program, &read, None).verdict, Verdict::Same);
        // The world answers by effect, and times follow from effects.
        prop_assert_eq!(end.end(), machine.end());
        prop_assert_eq!(end.state(), machine.state());
        prop_assert!(!what_if(Some(&program), &program, &forked).diverges());
        for length in 1..forked.len() {
            prop_assert_eq!(replay(&program, &forked[..length], None).verdict, Verdict::Unfinished);
        }
    }

    #[test]
    fn every_moment_is_the_same_forward_and_back(
        statements in statements(), catch in any::<bool>(), jumps in prop::collection::vec(any::<prop::sample::Index>(), 12)
    ) {
        let program = load(&document(&statements, catch)).unwrap();
        let recorder = Recorder { most: MOST, ..Recorder::default() };
        let (events, machine) = drive_with(&program, inputs(), recorder, &mut world);
        let mut stepper = Stepper::new(&program, &events);
        let mut moments = vec![(stepper.next(), stepper.seq(), stepper.variables())];
        while stepper.step() && moments.len() < 3_000 {
            let next = stepper.last().cloned();
            prop_assert_eq!(&next, &moments.last().unwrap().0, "what comes next is what is done");
            moments.push((stepper.next(), stepper.seq(), stepper.variables()));
        }
        prop_assert_eq!(stepper.fault(), None);
        if moments.len() < 3_000 && machine.end().is_some() {
            prop_assert_eq!(stepper.seq(), events.len() as u64);
            prop_assert_eq!(stepper.position().unwrap().variables, machine.state());
        }
        for jump in jumps {
            let moment = jump.index(moments.len());
            stepper.go_to(moment as u64);
            prop_assert_eq!(&(stepper.next(), stepper.seq(), stepper.variables()), &moments[moment]);
            if stepper.step_back() {
                prop_assert_eq!(&(stepper.next(), stepper.seq(), stepper.variables()), &moments[moment - 1]);
            }
            let seq = moments[moment].1;
            prop_assert!(stepper.go_to_event(seq));
            let first = moments.iter().position(|(_, other, _)| *other == seq).unwrap();
            prop_assert_eq!(stepper.moment(), first as u64);
        }
    }
}

#[test]
fn a_fork_that_says_it_left_elsewhere_is_misplaced() {
    let program = load(&document(&[], false)).unwrap();
    let (events, _) = drive_with(&program, inputs(), Recorder::default(), &mut world);
    let mut chain = Chain::verify(&events[..1]).unwrap();
    let forked = Forked { run: "b".to_owned(), origin: "a".to_owned(), at: 7, ir: program.hash() };
    let events = [events[0].clone(), chain.next(5, Payload::RunForked(forked))];
    assert!(matches!(replay(&program, &events, None).verdict, Verdict::Misplaced { seq: 2, .. }));
}

#[test]
fn the_end_of_a_run_cannot_be_shared() {
    let program = load(&document(&[], false)).unwrap();
    let (events, _) = drive_with(&program, inputs(), Recorder::default(), &mut world);
    let mut rebuilder = Rebuilder::forking(&program);
    for event in &events {
        rebuilder.follow(event).unwrap();
    }
    assert!(matches!(rebuilder.finish_to_fork(), Err(RebuildError::Over)));
}

/// Asks a tool for each of many items, and counts.
fn counting(rounds: usize) -> (Program, Vec<Event>) {
    let mut document = support::document(serde_json::json!({
        "n1": { "type": "action", "op": "set", "into": "sum", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": "input.items", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "i", "next": "n4", "done": "n6" },
        "n4": { "type": "action", "op": "tool", "tool": "read", "args": { "i": "v['i']" }, "into": "x", "next": "n5" },
        "n5": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['x']", "next": "n3" },
        "n6": { "type": "return", "status": "completed", "value": "v['sum']" }
    }));
    let map = [("n1", "start"), ("n3", "loop"), ("n4", "ask"), ("n5", "add"), ("n6", "end")];
    let map = map.map(|(node, item)| (node.to_owned(), serde_json::json!({ "item": item, "first": true })));
    document["source"] = serde_json::json!({
        "kind": "drakon", "name": "t.drakon", "sha256": "0".repeat(64), "map": map.into_iter().collect::<serde_json::Map<_, _>>()
    });
    let program = load(&document).unwrap();
    let mut one = |_: &bloom_interpreter::effect::EffectRequest, _| {
        Ok(bloom_interpreter::effect::Answer { value: bloom_ir::Value::Int(1), usage: None })
    };
    let (events, _) = support::drive(&program, serde_json::json!({ "items": vec![0; rounds] }), &mut one);
    (program, events)
}

#[test]
fn icons_are_gone_through_forward_and_back() {
    let (program, events) = counting(2);
    let mut stepper = Stepper::new(&program, &events);
    let mut forward = Vec::new();
    while stepper.next_icon() {
        forward.push((stepper.moment(), stepper.place()));
    }
    let items: Vec<_> = forward.iter().filter_map(|(_, item)| item.as_deref()).collect();
    assert_eq!(items, ["start", "loop", "ask", "add", "loop", "ask", "add", "loop", "end"]);
    let mut back = Vec::new();
    while stepper.previous_icon() {
        back.push((stepper.moment(), stepper.place()));
    }
    back.pop();
    back.reverse();
    assert_eq!(back[..], forward[..back.len()]);
    assert!(stepper.go_to_event(3) && !stepper.go_to_event(1_000));
    assert_eq!(stepper.next(), None, "at the end");
    stepper.go_to_event(3);
    assert_eq!(stepper.last(), Some(&Step::Event { seq: 3 }));
    assert_eq!(stepper.variables()["x"], bloom_ir::Value::Int(1));
    assert_eq!(stepper.evaluate("v['sum'] + size([1, 2])").unwrap(), bloom_ir::Value::Int(2));
    assert!(stepper.evaluate("v['nothing']").is_err() && stepper.evaluate("1 +").is_err());
    assert!(stepper.evaluate("1 / 0").unwrap_err().to_string().contains("zero"));
}

#[test]
fn going_back_over_a_long_history_does_little_again() {
    let (program, events) = counting(5_000);
    assert!(events.len() > 10_000);
    let mut stepper = Stepper::new(&program, &events);
    assert!(stepper.go_to_event(10_000));
    let marks = stepper.marks();
    assert!((50..=256).contains(&marks), "{marks} marks");
    // From any mark to the next there are few steps: a walk back does not begin at the start.
    for seq in (1..=100).rev().map(|part| part * 100) {
        assert!(stepper.go_to_event(seq));
        assert!(stepper.distance_to_mark() <= 512, "at {seq}: {}", stepper.distance_to_mark());
    }
}
