//! Recorded histories in `fixtures/histories`: they replay for ever.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use bloom_interpreter::history::{Payload, read_lines, write_lines};
use bloom_interpreter::replay::{Verdict, replay};
use bloom_interpreter::{End, Program};
use bloom_ir::{Pinned, SigningKey, TrustList, verify_pinned};

/// The end of a recorded run that still replays.
fn end(ir: &str, history: &str) -> End {
    let events = read_lines(history).unwrap();
    assert_eq!(write_lines(&events), history, "the bytes are what was hashed");
    let Some(Payload::RunStarted(started)) = &events[0].payload else { panic!() };
    let trust = TrustList::of("test", SigningKey::from_seed(&[7; 32]).public());
    let ir = verify_pinned(ir.as_bytes(), &started.ir, &trust, Pinned::Replay).unwrap();
    let report = replay(&Program::load(&ir).unwrap(), &events, None);
    assert_eq!(report.verdict, Verdict::Same);
    report.position.unwrap().end.unwrap()
}

#[test]
fn notes_with_a_retried_call_and_proposals() {
    let end = end(
        include_str!("../../fixtures/histories/notes.ir.json"),
        include_str!("../../fixtures/histories/notes.jsonl"),
    );
    assert_eq!(end, End::Completed { result: bloom_ir::Value::Int(2) });
}

#[test]
fn refused_tool_that_catch_takes() {
    let end = end(
        include_str!("../../fixtures/histories/refused.ir.json"),
        include_str!("../../fixtures/histories/refused.jsonl"),
    );
    let End::Failed { error, node } = end else { panic!("{end:?}") };
    assert_eq!((error.code.as_str(), error.message.as_str()), ("refused", "not today: 0.1"));
    assert_eq!(node.unwrap().as_str(), "n4");
}

#[test]
fn branches_within_branches_whose_results_came_in_another_order() {
    let end = end(
        include_str!("../../fixtures/histories/forked.ir.json"),
        include_str!("../../fixtures/histories/forked.jsonl"),
    );
    let End::Completed { result } = end else { panic!("{end:?}") };
    assert_eq!(result.as_list().unwrap()[1..], ["refused".into(), "n6".into(), bloom_ir::Value::Int(42_055)]);
}

#[test]
fn pauses_timers_signals_and_a_person() {
    let end = end(
        include_str!("../../fixtures/histories/waited.ir.json"),
        include_str!("../../fixtures/histories/waited.jsonl"),
    );
    let expected = [bloom_ir::Value::Int(20), true.into(), bloom_ir::Value::Int(14_833)].into_iter().collect();
    assert_eq!(end, End::Completed { result: expected });
}

#[test]
fn flows_that_are_waited_for_started_and_failed() {
    let end = end(
        include_str!("../../fixtures/histories/called.ir.json"),
        include_str!("../../fixtures/histories/called.jsonl"),
    );
    let End::Completed { result } = end else { panic!("{end:?}") };
    assert_eq!(result.as_list().unwrap()[2], "negative".into());
}
