//! Histories: recorded, replayed, tampered with, broken off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::Program;
use bloom_interpreter::effect::{Answer, EffectCall, EffectError, EffectRequest, Outcome};
use bloom_interpreter::history::{Chain, Event, EventType, Payload, read_lines, write_lines};
use bloom_interpreter::machine::End;
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::replay::{Divergence, RebuildError, Rebuilder, Verdict, What, rebuild, replay};
use bloom_ir::Value;
use serde_json::json;

use support::{Recorder, document, drive, go_on, load, request, start, time_of, value};

/// Reads two notes, counts and asks about each, emits, and writes once.
fn notes() -> serde_json::Value {
    let mut document = document(json!({
        "n1": { "type": "action", "op": "set", "into": "done", "value": "[]", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "read", "args": { "folder": "input.folder" }, "into": "notes", "next": "n3" },
        "n3": { "type": "action", "op": "each", "over": "v['notes']", "cursor": "c", "next": "n4" },
        "n4": { "type": "action", "op": "iter", "cursor": "c", "item": "note", "index": "i", "next": "n5", "done": "n8" },
        "n5": { "type": "llm_call", "prompt": [{ "text": "Sum up " }, { "expr": "v['note']" }], "into": "answer",
                "output": { "type": "object", "required": ["title"] }, "next": "n6" },
        "n6": { "type": "emit", "kind": "proposal", "name": "note", "action": "propose-note",
                "value": "{'title': v['answer'].title}", "next": "n7" },
        "n7": { "type": "action", "op": "set", "into": "done", "value": "v['done'] + [v['i']]", "next": "n4" },
        "n8": { "type": "action", "op": "tool", "tool": "write", "args": { "done": "v['done']" }, "into": "receipt", "next": "n9" },
        "n9": { "type": "return", "status": "completed", "value": "size(v['done'])" }
    }));
    document["source"] = json!({
        "kind": "drakon", "name": "notes.drakon", "sha256": "0".repeat(64),
        "map": {
            "n2": { "item": "12", "first": true, "text": "notes <- read(folder)" },
            "n5": { "item": "20", "first": true, "text": "answer <- LLM(note)" }, "n6": { "item": "20", "part": 1 },
            "n8": { "item": "31", "first": true, "text": "write(done)" }
        }
    });
    document
}

fn world(request: &EffectRequest, attempt: u32) -> Result<Answer, EffectError> {
    let value = match &request.call {
        EffectCall::Tool(call) if call.tool == "read" => json!(["a", { "b": 0.1 }]),
        EffectCall::Tool(_) => json!({ "id": 7 }),
        EffectCall::Llm(_) if attempt == 1 && request.visit == 1 => {
            return Err(EffectError { retryable: true, ..EffectError::new("overloaded", "try again") });
        }
        EffectCall::Llm(call) => json!({ "title": call.prompt.clone() }),
        other => panic!("{other:?}"),
    };
    Ok(Answer { value: Value::from(value), usage: None })
}

fn recorded() -> (Program, Vec<Event>) {
    let program = load(&notes()).unwrap();
    let (events, _) = drive(&program, json!({ "folder": "x" }), &mut world);
    (program, events)
}

/// The history with a changed payload and all hashes made to fit.
fn forged(events: &[Event], seq: u64, change: impl FnOnce(&mut Payload)) -> Vec<Event> {
    let mut payloads: Vec<_> = events.iter().map(|event| (event.at, event.payload.clone().unwrap())).collect();
    change(&mut payloads[usize::try_from(seq).unwrap() - 1].1);
    let mut chain = Chain::default();
    payloads.into_iter().map(|(at, payload)| chain.next(at, payload)).collect()
}

fn kinds(events: &[Event]) -> Vec<EventType> {
    events.iter().map(|event| event.kind).collect()
}

fn diverged(program: &Program, events: &[Event]) -> Divergence {
    match replay(program, events, None).verdict {
        Verdict::Diverged(divergence) => *divergence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn events_stand_in_the_agreed_order() {
    use EventType as E;
    let (_, events) = recorded();
    assert_eq!(
        kinds(&events),
        [
            E::RunStarted,
            E::EffectRequested,
            E::EffectCompleted,
            E::EffectRequested,
            E::EffectAttempted,
            E::EffectCompleted,
            E::Emitted,
            E::EffectRequested,
            E::EffectCompleted,
            E::Emitted,
            E::EffectRequested,
            E::EffectCompleted,
            E::RunCompleted
        ]
    );
}

#[test]
fn whole_history_agrees() {
    let (program, events) = recorded();
    let report = replay(&program, &events, None);
    assert_eq!((report.verdict, report.agreed), (Verdict::Same, 13));
    let position = report.position.unwrap();
    assert_eq!(position.end, Some(End::Completed { result: Value::Int(2) }));
    assert_eq!(position.variables["done"], value(json!([0, 1])));

    let read = read_lines(&write_lines(&events)).unwrap();
    assert_eq!(replay(&program, &read, None).verdict, Verdict::Same);
}

#[test]
fn every_prefix_agrees_and_says_where_it_stands() {
    let (program, events) = recorded();
    for length in 0..events.len() {
        let report = replay(&program, &events[..length], None);
        assert_eq!(report.verdict, Verdict::Unfinished, "{length}");
        let stopped = replay(&program, &events, Some(length as u64));
        assert_eq!((stopped.verdict, &stopped.position), (Verdict::Stopped, &report.position));
    }
    let position = replay(&program, &events, Some(7)).position.unwrap();
    assert_eq!((position.seq, position.now), (7, events[5].at));
    assert_eq!(position.nodes[0].as_str(), "n5");
    assert_eq!(position.pending[0].id.as_str(), "n5#2");
    assert_eq!(position.cursors["c"].position, 2);
    assert_eq!(position.variables["receipt"], Value::Null);
}

#[test]
fn changed_answer_breaks_the_chain() {
    let (program, mut events) = recorded();
    let Some(Payload::EffectCompleted { answer, .. }) = &mut events[2].payload else { panic!() };
    answer.value = value(json!(["z"]));
    let Verdict::Broken(error) = replay(&program, &events, None).verdict else { panic!() };
    assert_eq!(error.seq, 3);
}

#[test]
fn changed_answer_with_a_forged_chain_leads_to_another_request() {
    let (program, events) = recorded();
    let events = forged(&events, 3, |payload| {
        let Payload::EffectCompleted { answer, .. } = payload else { panic!() };
        answer.value = value(json!(["z", { "b": 0.1 }]));
    });
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what, found.path.as_str()), (4, What::Request, "/call/prompt"));
    assert_eq!((found.recorded, found.replayed), (json!("Sum up a"), json!("Sum up z")));
    assert_eq!(found.node.unwrap().as_str(), "n5");
    let place = found.place.unwrap();
    assert_eq!((place.item.as_str(), place.text.as_deref()), ("20", Some("answer <- LLM(note)")));
}

#[test]
fn changed_answer_that_only_a_variable_holds_shows_in_the_final_state() {
    let (program, events) = recorded();
    let events = forged(&events, 12, |payload| {
        let Payload::EffectCompleted { answer, .. } = payload else { panic!() };
        answer.value = value(json!({ "id": 8 }));
    });
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what), (13, What::State));
}

#[test]
fn changed_argument_is_found_with_its_icon() {
    let (program, events) = recorded();
    let events = forged(&events, 11, |payload| {
        let Payload::EffectRequested { call: EffectCall::Tool(call), .. } = payload else { panic!() };
        call.args = value(json!({ "done": [0] }));
    });
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what, found.path.as_str()), (11, What::Request, "/call/args/done/1"));
    assert_eq!((found.recorded.clone(), found.replayed.clone()), (json!(null), json!(1)));
    assert_eq!(found.place.clone().unwrap().item, "31");
    assert_eq!(found.to_string(), "event 11 differs in its request at /call/args/done/1: recorded null, replayed 1");
}

#[test]
fn changed_emission_is_found_with_the_icon_of_its_node() {
    let (program, events) = recorded();
    let events = forged(&events, 10, |payload| {
        let Payload::Emitted { emission } = payload else { panic!() };
        emission.value = value(json!({ "title": "other" }));
    });
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what, found.path.as_str()), (10, What::Emission, "/emission/value/title"));
    assert_eq!(found.place.unwrap().text.as_deref(), Some("answer <- LLM(note)"));
}

#[test]
fn changed_result_is_found() {
    let (program, events) = recorded();
    let events = forged(&events, 13, |payload| {
        let Payload::RunCompleted { result, .. } = payload else { panic!() };
        *result = Value::Int(3);
    });
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what, found.path.as_str()), (13, What::End, "/result"));
}

#[test]
fn missing_emission_is_found() {
    let (program, events) = recorded();
    let mut chain = Chain::default();
    let events: Vec<_> = events
        .iter()
        .filter(|event| event.seq != 7)
        .map(|event| chain.next(event.at, event.payload.clone().unwrap()))
        .collect();
    let found = diverged(&program, &events);
    assert_eq!((found.seq, found.what), (7, What::Kind));
    assert_eq!((&found.recorded["type"], &found.replayed["type"]), (&json!("effect.requested"), &json!("emitted")));
}

#[test]
fn history_of_another_ir_is_refused() {
    let (_, events) = recorded();
    let mut other = notes();
    other["nodes"]["n9"]["value"] = json!("0");
    let other = load(&other).unwrap();
    let report = replay(&other, &events, None);
    assert!(matches!(report.verdict, Verdict::OtherProgram { given, .. } if given == other.hash()));
    assert_eq!((report.agreed, report.position), (0, None));
}

#[test]
fn changed_ir_with_a_forged_start_is_found_where_it_differs() {
    let (_, events) = recorded();
    let mut other = notes();
    other["nodes"]["n2"]["args"]["folder"] = json!("'other'");
    let other = load(&other).unwrap();
    let events = forged(&events, 1, |payload| {
        let Payload::RunStarted(started) = payload else { panic!() };
        started.ir = other.hash();
    });
    let found = diverged(&other, &events);
    assert_eq!((found.seq, found.path.as_str()), (2, "/call/args/folder"));
}

#[test]
fn a_run_that_was_stopped_before_it_began_agrees_with_any_program() {
    let (program, events) = recorded();
    let mut chain = Chain::default();
    let mut stopped = vec![chain.next(1_000, Payload::RunCancelled { reason: "enough".to_owned() })];
    let report = replay(&program, &stopped, None);
    assert_eq!((report.verdict, report.agreed, report.position), (Verdict::Same, 1, None));
    stopped.push(chain.next(1_001, events[0].payload.clone().unwrap()));
    assert!(matches!(replay(&program, &stopped, None).verdict, Verdict::Misplaced { seq: 2, .. }));
    assert_eq!(replay(&program, &[], None).verdict, Verdict::Unfinished);
}

#[test]
fn events_after_the_end_and_answers_to_nothing_are_refused() {
    let (program, events) = recorded();
    let mut chain = Chain::verify(&events).unwrap();
    let mut longer = events.clone();
    longer.push(chain.next(9_999, Payload::RunCancelled { reason: "late".to_owned() }));
    assert!(matches!(replay(&program, &longer, None).verdict, Verdict::Misplaced { seq: 14, .. }));

    let mut chain = Chain::verify(&events[..2]).unwrap();
    let mut twice = events[..2].to_vec();
    twice.push(chain.next(1_002, events[11].payload.clone().unwrap()));
    assert_eq!(diverged(&program, &twice).what, What::Kind);

    let mut chain = Chain::default();
    let headless = [chain.next(1_000, events[1].payload.clone().unwrap())];
    assert!(matches!(replay(&program, &headless, None).verdict, Verdict::Misplaced { seq: 1, .. }));
}

#[test]
fn erased_payloads_are_compared_by_digest_and_erased_answers_stop_the_replay() {
    let (program, events) = recorded();
    let mut erased = events.clone();
    for event in &mut erased {
        if !matches!(event.kind, EventType::RunStarted | EventType::EffectCompleted) {
            *event = event.clone().erased();
        }
    }
    assert_eq!(replay(&program, &erased, None).verdict, Verdict::Same);

    let mut forged_request = forged(&events, 11, |payload| {
        let Payload::EffectRequested { visit, .. } = payload else { panic!() };
        *visit = 2;
    });
    forged_request[10] = forged_request[10].clone().erased();
    assert_eq!(diverged(&program, &forged_request).seq, 11);

    erased[5] = erased[5].clone().erased();
    assert_eq!(replay(&program, &erased, None).verdict, Verdict::Erased { seq: 6 });
}

#[test]
fn run_that_its_driver_ended_agrees() {
    let (program, events) = recorded();
    let cut = events[..4].to_vec();
    let chain = Chain::verify(&cut).unwrap();
    let state = rebuild(&program, &cut).unwrap().machine.state_hash();
    let error = EffectError::new("timeout", "the run took longer than 600 s");
    let end = record::ended(&End::Failed { error, node: None }, state);
    let ended = |payload| [cut.clone(), vec![chain.clone().next(9_999, payload)]].concat();
    assert_eq!(replay(&program, &ended(end), None).verdict, Verdict::Same);
    let cancelled = Payload::RunCancelled { reason: "enough".to_owned() };
    assert_eq!(replay(&program, &ended(cancelled), None).verdict, Verdict::Same);

    let error = EffectError::new("timeout", "the run took longer than 600 s");
    let wrong = record::ended(&End::Failed { error, node: None }, bloom_ir::Digest::of(b"x"));
    assert_eq!(diverged(&program, &ended(wrong)).what, What::State);
}

#[test]
fn run_that_its_driver_ended_in_an_endless_turn_agrees_without_going_through_it() {
    let mut endless = document(json!({
        "n1": { "type": "action", "op": "tool", "tool": "read", "into": "x", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "x", "value": "v['x'] % 9 + 1", "next": "n3" },
        "n3": { "type": "decision", "when": "v['x'] > 0", "then": "n2", "else": "n4" },
        "n4": { "type": "return", "status": "completed", "value": "null" }
    }));
    endless["policy"]["limits"] = json!({ "max_steps": 1_000_000_000_000_000_u64 });
    let program = load(&endless).unwrap();
    let mut machine = start(&program, json!({}));
    let mut recorder = Recorder::default();
    recorder.add(record::started(&machine, "test"));
    let request = request(&machine.advance()).clone();
    let result = Ok(Answer { value: Value::Int(1), usage: None });
    recorder.add_all(OpenEffect::new(request.clone()).settle(1, result.clone()));
    machine.resolve(&request.id, Outcome { result, at: time_of(&request.id) }).unwrap();
    let before = machine.state_hash();
    assert_eq!(machine.advance_within(10_000, &mut Vec::new()), None);

    let mut rebuilder = Rebuilder::new(&program, &recorder.events);
    for event in &recorder.events {
        rebuilder.follow(event).unwrap();
    }
    assert!(!rebuilder.catch_up_within(10_000), "there is no end to it");
    assert_eq!(rebuilder.finish().unwrap().open, []);

    let error = EffectError::new("limit_time", "the run was active for more than 600 s");
    recorder.add(record::ended(&End::Failed { error, node: None }, before));
    let report = replay(&program, &recorder.events, None);
    assert_eq!(report.verdict, Verdict::Same);
    assert_eq!(report.position.unwrap().variables["x"], Value::Int(1));
}

#[test]
fn run_rebuilt_after_a_crash_at_any_event_ends_with_the_same_history() {
    let (program, events) = recorded();
    for length in 1..events.len() {
        let mut rebuilt = rebuild(&program, &events[..length]).unwrap();
        let turn = rebuilt.turn();
        let mut asked = 0;
        let mut counting = |request: &EffectRequest, attempt| {
            asked += 1;
            world(request, attempt)
        };
        let mut recorder = Recorder::after(&rebuilt, &events[..length]);
        let mut machine = rebuilt.machine;
        go_on(&mut machine, turn, rebuilt.open, &mut recorder, &mut counting);
        assert_eq!(recorder.events, events, "{length}");
        let answered = |event: &&Event| matches!(event.kind, EventType::EffectCompleted | EventType::EffectAttempted);
        assert_eq!(asked, events[length..].iter().filter(answered).count(), "{length}");
    }
}

#[test]
fn open_effect_knows_what_is_recorded_of_it() {
    let (program, events) = recorded();
    let open = |length: usize| {
        let open = rebuild(&program, &events[..length]).unwrap().open;
        open.iter()
            .map(|open| (open.ask().id.to_string(), open.is_requested(), open.failed_attempts()))
            .collect::<Vec<_>>()
    };
    assert_eq!(open(3), [("n5#1".to_owned(), false, 0)]);
    assert_eq!(open(4), [("n5#1".to_owned(), true, 0)]);
    assert_eq!(open(5), [("n5#1".to_owned(), true, 1)]);
}

#[test]
fn run_that_is_over_or_never_began_is_not_rebuilt() {
    let (program, events) = recorded();
    assert_eq!(rebuild(&program, &events).unwrap_err(), RebuildError::Over);
    assert_eq!(rebuild(&program, &[]).unwrap_err(), RebuildError::Empty);
    assert!(matches!(rebuild(&program, &events[1..]), Err(RebuildError::Refused(Verdict::Broken(_)))));
}
