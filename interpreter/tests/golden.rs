//! Recorded histories in `fixtures/histories`: they replay for ever.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use bloom_interpreter::effect::{AwaitedThing, EffectCall, TIMEOUT};
use bloom_interpreter::history::{Event, EventType, Payload, read_lines, write_lines};
use bloom_interpreter::replay::{Verdict, check_link, rebuild, replay};
use bloom_interpreter::{End, Program};
use bloom_ir::document::{Action, Decision, EmitKind, FlowKind, Node, NodeId, NodeKind, ReturnStatus, ToolEffect};
use bloom_ir::{Pinned, SigningKey, TrustList, VerifiedIr, verify_pinned};

fn pinned(ir: &[u8], events: &[Event]) -> VerifiedIr {
    let Some(Payload::RunStarted(started)) = &events[0].payload else { panic!() };
    let trust = TrustList::of("test", SigningKey::from_seed(&[7; 32]).public());
    verify_pinned(ir, &started.ir, &trust, Pinned::Replay).unwrap()
}

/// The end of a recorded run that still replays, if the machine came to one.
fn end_of(ir: &str, history: &str) -> Option<End> {
    let events = read_lines(history).unwrap();
    assert_eq!(write_lines(&events), history, "the bytes are what was hashed");
    let report = replay(&Program::load(&pinned(ir.as_bytes(), &events)).unwrap(), &events, None);
    assert_eq!(report.verdict, Verdict::Same);
    report.position.unwrap().end
}

fn end(ir: &str, history: &str) -> End {
    end_of(ir, history).unwrap()
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

#[test]
fn machine_that_signals_move_and_silence_too() {
    let end = end(
        include_str!("../../fixtures/histories/machine.ir.json"),
        include_str!("../../fixtures/histories/machine.jsonl"),
    );
    assert_eq!(end, End::Completed { result: "працює".into() });
}

#[test]
fn run_that_was_cancelled_within_a_loop_over_a_map() {
    let end = end_of(
        include_str!("../../fixtures/histories/cancelled.ir.json"),
        include_str!("../../fixtures/histories/cancelled.jsonl"),
    );
    assert_eq!(end, None);
}

#[test]
fn run_that_shares_the_start_of_another_one() {
    let end = end(
        include_str!("../../fixtures/histories/shared.ir.json"),
        include_str!("../../fixtures/histories/shared.jsonl"),
    );
    let expected = [bloom_ir::Value::Int(20), true.into(), bloom_ir::Value::Int(14_833)].into_iter().collect();
    assert_eq!(end, End::Completed { result: expected });
}

#[test]
fn run_that_its_driver_ended() {
    let end = end_of(
        include_str!("../../fixtures/histories/limited.ir.json"),
        include_str!("../../fixtures/histories/limited.jsonl"),
    );
    assert_eq!(end, None);
}

#[test]
fn run_that_goes_on_as_another_run() {
    let earlier = end_of(
        include_str!("../../fixtures/histories/continued.ir.json"),
        include_str!("../../fixtures/histories/continued.jsonl"),
    );
    assert_eq!(earlier, None);
    let later = end(
        include_str!("../../fixtures/histories/continuing.ir.json"),
        include_str!("../../fixtures/histories/continuing.jsonl"),
    );
    assert_eq!(later, End::Completed { result: bloom_ir::Value::Int(108) });
    let events = |text| read_lines(text).unwrap();
    let earlier = events(include_str!("../../fixtures/histories/continued.jsonl"));
    let later = events(include_str!("../../fixtures/histories/continuing.jsonl"));
    let ir = pinned(include_bytes!("../../fixtures/histories/continued.ir.json"), &earlier);
    assert_eq!(check_link(&Program::load(&ir).unwrap(), &earlier, &later[0]), Ok(()));
}

/// All that histories can hold and nodes can do: each must be in a history that is kept.
const EVERYTHING: &[&str] = &[
    // Events.
    "run.started",
    "effect.requested",
    "effect.attempted",
    "effect.completed",
    "effect.failed",
    "emitted",
    "signal.received",
    "run.forked",
    "run.cancelled",
    "run.completed",
    "run.failed at a node",
    "run.failed by the driver",
    "run.continued",
    "run.started in the place of another",
    // What is asked.
    "tool that reads",
    "tool that proposes",
    "tool that operates",
    "llm",
    "flow that is waited for",
    "flow that is only started",
    "sleep",
    "timer",
    "await a signal",
    "await a timer",
    "await a person",
    // What is handed out.
    "artifact",
    "proposal",
    "event",
    "log",
    // Nodes that were done.
    "set",
    "each",
    "iter",
    "fork",
    "join",
    "if",
    "choice",
    "return completed",
    "return failed",
    // Where errors went, and times.
    "catch",
    "on_error",
    "on_timeout",
    // Flows.
    "procedure",
    "machine",
];

fn of_event(event: &Event, node: impl Fn(&NodeId) -> Node, seen: &mut BTreeSet<&'static str>) {
    seen.insert(match (event.kind, event.payload.as_ref().unwrap()) {
        (EventType::RunStarted, Payload::RunStarted(started)) if started.continues.is_some() => {
            "run.started in the place of another"
        }
        (EventType::RunStarted, _) => "run.started",
        (EventType::EffectRequested, _) => "effect.requested",
        (EventType::EffectAttempted, _) => "effect.attempted",
        (EventType::EffectCompleted, _) => "effect.completed",
        (EventType::EffectFailed, _) => "effect.failed",
        (EventType::Emitted, _) => "emitted",
        (EventType::SignalReceived, _) => "signal.received",
        (EventType::RunForked, _) => "run.forked",
        (EventType::RunCancelled, _) => "run.cancelled",
        (EventType::RunCompleted, _) => "run.completed",
        (EventType::RunFailed, Payload::RunFailed { node: None, .. }) => "run.failed by the driver",
        (EventType::RunFailed, _) => "run.failed at a node",
        (EventType::RunContinued, _) => "run.continued",
    });
    match event.payload.as_ref().unwrap() {
        Payload::EffectRequested { call, .. } => {
            seen.insert(match call {
                EffectCall::Tool(call) => match call.effect {
                    ToolEffect::Read => "tool that reads",
                    ToolEffect::Propose => "tool that proposes",
                    ToolEffect::Operational => "tool that operates",
                },
                EffectCall::Llm(_) => "llm",
                EffectCall::Flow(call) if call.wait => "flow that is waited for",
                EffectCall::Flow(_) => "flow that is only started",
                EffectCall::Sleep(_) => "sleep",
                EffectCall::Timer(_) => "timer",
                EffectCall::Await(wait) => match &wait.what {
                    AwaitedThing::Signal(_) => "await a signal",
                    AwaitedThing::Timer(_) => "await a timer",
                    AwaitedThing::Ask(_) => "await a person",
                },
            });
        }
        Payload::EffectFailed { effect, error, .. } => {
            let asked = effect.as_str().rsplit(['/', '#']).nth(1).unwrap();
            let node = node(&NodeId::new(asked));
            let waits = matches!(&node.kind, NodeKind::Action(Action::Await { on_timeout: Some(_), .. }));
            if waits && error.code == TIMEOUT {
                seen.insert("on_timeout");
            } else if node.on_error.is_some() {
                seen.insert("on_error");
            }
        }
        Payload::Emitted { emission } => {
            seen.insert(match emission.kind {
                EmitKind::Artifact => "artifact",
                EmitKind::Proposal => "proposal",
                EmitKind::Event => "event",
                EmitKind::Log => "log",
            });
        }
        _ => {}
    }
}

/// A node that was done; of what leaves events, the events tell.
fn of_node(node: &Node) -> Option<&'static str> {
    match &node.kind {
        NodeKind::Action(action) => match action {
            Action::Set { .. } => Some("set"),
            Action::Each { .. } => Some("each"),
            Action::Iter { .. } => Some("iter"),
            Action::Fork { .. } => Some("fork"),
            Action::Join { .. } => Some("join"),
            Action::Tool { .. }
            | Action::Flow { .. }
            | Action::Sleep { .. }
            | Action::Timer { .. }
            | Action::Await { .. } => None,
        },
        NodeKind::Decision(Decision::If { .. }) => Some("if"),
        NodeKind::Decision(Decision::Choice { .. }) => Some("choice"),
        NodeKind::Return(end) if end.status == ReturnStatus::Completed => Some("return completed"),
        NodeKind::Return(_) => Some("return failed"),
        NodeKind::LlmCall(_) | NodeKind::Emit(_) => None,
    }
}

#[test]
fn every_event_and_every_operation_is_in_a_history_that_is_kept() {
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/histories")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let events = read_lines(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let ir = pinned(&std::fs::read(path.with_extension("ir.json")).unwrap(), &events);
        let document = ir.document();
        seen.insert(match document.flow.kind {
            FlowKind::Procedure => "procedure",
            FlowKind::Machine => "machine",
        });
        for event in &events {
            of_event(event, |id| document.nodes[id].clone(), &mut seen);
        }
        // As the run was when its end was recorded.
        let rebuilt = rebuild(&Program::load(&ir).unwrap(), &events[..events.len() - 1]).unwrap();
        let frame = rebuilt.machine.snapshot().frame;
        seen.extend(frame.visits.keys().filter_map(|id| of_node(&document.nodes[id])));
        if frame.catching {
            seen.insert("catch");
        }
    }
    let missing: Vec<&&str> = EVERYTHING.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "no history in fixtures/histories holds {missing:?}");
    let unlisted: Vec<&&str> = seen.iter().filter(|name| !EVERYTHING.contains(*name)).collect();
    assert!(unlisted.is_empty(), "not in the list of what histories hold: {unlisted:?}");
}
