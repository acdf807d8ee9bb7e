//! Snapshots of all versions are read; what is damaged or too new is refused.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::effect::Outcome;
use bloom_interpreter::history::{Event, Payload, read_lines};
use bloom_interpreter::machine::SNAPSHOT_VERSION;
use bloom_interpreter::{Machine, Next, Program, RestoreError, Snapshot, record};
use bloom_ir::{Pinned, SigningKey, TrustList, verify_pinned};
use proptest::prelude::*;
use serde_json::json;

use support::{answer, program, request, start};

fn looping() -> Program {
    program(json!({
        "n1": { "type": "action", "op": "each", "over": "input", "cursor": "c", "next": "n2" },
        "n2": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "next": "n3", "done": "n4" },
        "n3": { "type": "action", "op": "tool", "tool": "read", "args": { "x": "v['x']" }, "into": "y", "next": "n2" },
        "n4": { "type": "return", "status": "completed", "value": "null" }
    }))
}

fn waiting(program: &Program) -> serde_json::Value {
    let mut machine = start(program, json!({ "a": 1, "b": 2 }));
    machine.advance();
    serde_json::to_value(machine.snapshot()).unwrap()
}

fn restore(program: &Program, snapshot: &serde_json::Value) -> Result<Machine, RestoreError> {
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone()).unwrap();
    Machine::restore(program, snapshot)
}

#[test]
fn restored_machine_waits_for_the_same_and_goes_on() {
    let program = looping();
    let mut machine = restore(&program, &waiting(&program)).unwrap();
    let turn = machine.advance();
    assert_eq!(request(&turn).id.as_str(), "n3#1");
    machine.resolve(&request(&turn).id, answer(json!(1), 1)).unwrap();
    let turn = machine.advance();
    assert_eq!(request(&turn).id.as_str(), "n3#2");
    machine.resolve(&request(&turn).id, answer(json!(2), 2)).unwrap();
    assert!(matches!(machine.advance().next, Next::Finished(_)));
}

#[test]
fn other_version_is_refused() {
    let program = looping();
    let mut snapshot = waiting(&program);
    snapshot["snapshot"] = json!(SNAPSHOT_VERSION + 1);
    let error = restore(&program, &snapshot).unwrap_err();
    assert_eq!(error, RestoreError::Version { found: SNAPSHOT_VERSION + 1 });
}

#[test]
fn newer_version_is_told_whatever_else_it_holds() {
    let newer = json!({ "snapshot": SNAPSHOT_VERSION + 1, "whatever": [1] }).to_string();
    assert_eq!(Snapshot::read(newer.as_bytes()).unwrap_err(), RestoreError::Version { found: SNAPSHOT_VERSION + 1 });
    let never = json!({ "snapshot": 0 }).to_string();
    assert_eq!(Snapshot::read(never.as_bytes()).unwrap_err(), RestoreError::Version { found: 0 });
    let message = RestoreError::Version { found: 99 }.to_string();
    let known = format!("this version reads formats 1 to {SNAPSHOT_VERSION}");
    assert!(message.contains("format 99") && message.contains(&known), "{message}");
}

/// A kept snapshot, and the recorded run that it is of.
struct Kept {
    /// Which of `fixtures/histories`.
    history: &'static str,
    /// After so many of its events.
    events: usize,
    /// The format that it was written in.
    version: u32,
    bytes: &'static [u8],
}

macro_rules! kept {
    ($($version:literal $history:literal $events:literal)*) => {
        &[$(Kept {
            history: $history,
            events: $events,
            version: $version,
            bytes: include_bytes!(concat!("../../fixtures/snapshots/v", $version, "-", $history, "-", $events, ".json")),
        }),*]
    };
}

/// Each was written by the version of this program that had that format.
const KEPT: &[Kept] = kept! {
    1 "notes" 2
    1 "notes" 7
    1 "refused" 2
    2 "notes" 7
    2 "forked" 7
    2 "waited" 9
    2 "called" 4
    2 "machine" 9
    3 "continuing" 5
};

/// The program of a recorded run, and its events.
fn recorded(name: &str) -> (Program, Vec<Event>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/histories");
    let events = read_lines(&std::fs::read_to_string(format!("{folder}/{name}.jsonl")).unwrap()).unwrap();
    let Some(Payload::RunStarted(started)) = &events[0].payload else { panic!("{name}") };
    let trust = TrustList::of("test", SigningKey::from_seed(&[7; 32]).public());
    let document = std::fs::read(format!("{folder}/{name}.ir.json")).unwrap();
    let ir = verify_pinned(&document, &started.ir, &trust, Pinned::Replay).unwrap();
    (Program::load(&ir).unwrap(), events)
}

/// Goes on with what was recorded after so many events.
fn go_on(machine: &mut Machine, events: &[Event]) {
    machine.advance();
    for event in events {
        let (effect, result) = match event.payload.clone().unwrap() {
            Payload::EffectAttempted { effect, error, .. } => {
                machine.spend(&effect, &error);
                continue;
            }
            Payload::EffectCompleted { effect, answer, .. } => (effect, Ok(answer)),
            Payload::EffectFailed { effect, error, .. } => (effect, Err(error)),
            _ => continue,
        };
        machine.resolve(&effect, Outcome { result, at: event.at }).unwrap();
        machine.advance();
    }
}

#[test]
fn snapshots_of_older_versions_are_read_and_go_on() {
    for kept in KEPT {
        let name = format!("v{} {} {}", kept.version, kept.history, kept.events);
        let (program, events) = recorded(kept.history);
        let snapshot = Snapshot::read(kept.bytes).unwrap();
        assert_eq!(snapshot.snapshot, kept.version, "{name}");
        let mut machine = Machine::restore(&program, snapshot).unwrap();
        go_on(&mut machine, &events[kept.events..]);
        let last = events.last().unwrap().payload.clone().unwrap();
        assert_eq!(record::ended(machine.end().unwrap(), machine.state_hash()), last, "{name}");
    }
}

#[test]
fn every_version_has_a_snapshot_that_is_kept() {
    for version in 1..=SNAPSHOT_VERSION {
        assert!(KEPT.iter().any(|kept| kept.version == version), "keep one of version {version} in fixtures/snapshots");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands there is refused with a reason, or is a machine that can go on.
    #[test]
    fn damaged_snapshot_is_refused_or_goes_on(
        which in 0..KEPT.len(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        is_cut in any::<bool>(),
    ) {
        let kept = &KEPT[which];
        let mut bytes = kept.bytes.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(Snapshot::read(&bytes).is_err());
        }
        let (program, events) = recorded(kept.history);
        let restored = Snapshot::read(&bytes).and_then(|snapshot| Machine::restore(&program, snapshot));
        match restored {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(mut machine) => {
                machine.advance();
                for event in &events[kept.events..] {
                    if let Some(Payload::EffectCompleted { effect, answer, .. }) = &event.payload {
                        let _ = machine.resolve(effect, Outcome { result: Ok(answer.clone()), at: event.at });
                        machine.advance();
                    }
                }
                Snapshot::read(&machine.snapshot().to_bytes()).unwrap();
            }
        }
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,60}") {
        for bytes in [bytes, text.into_bytes()] {
            prop_assert!(Snapshot::read(&bytes).is_err());
        }
    }
}

#[test]
fn snapshot_of_another_program_is_refused() {
    let program = looping();
    let other = support::program(json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }));
    let error = restore(&other, &waiting(&program)).unwrap_err();
    assert_eq!(error, RestoreError::OtherProgram { snapshot: program.hash(), program: other.hash() });
}

#[test]
fn snapshot_that_contradicts_its_program_is_refused() {
    let program = looping();
    let damages: [fn(&mut serde_json::Value); 7] = [
        |frame| frame["node"] = json!("n9"),
        |frame| frame["node"] = json!("n4"),
        |frame| frame["variables"]["z"] = json!(1),
        |frame| frame["cursors"]["z"] = json!({ "over": [], "position": 0 }),
        |frame| frame["cursors"]["c"]["position"] = json!(3),
        |frame| frame["cursors"]["c"]["over"] = json!("text"),
        |frame| frame["visits"]["n3"] = json!(2),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let mut snapshot = waiting(&program);
        damage(&mut snapshot["frame"]);
        let error = restore(&program, &snapshot).unwrap_err();
        assert!(matches!(error, RestoreError::Damaged(_)), "{number}: {error}");
    }
}
