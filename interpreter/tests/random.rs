//! Properties of random programs: whatever is suspended, restored, replayed or rebuilt goes on as if nothing had
//! happened, and a second interpreter agrees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::effect::{EffectRequest, Outcome};
use bloom_interpreter::history::{read_lines, write_lines};
use bloom_interpreter::record::OpenEffect;
use bloom_interpreter::replay::{Rebuilder, Verdict, rebuild, replay};
use bloom_interpreter::{Machine, Next, Program, Snapshot, Turn};
use bloom_ir::Value;
use proptest::prelude::*;

use support::random::{Statement, document, has_forks, inputs, statements, world};
use support::reference::{Reference, Trace};
use support::{Recorder, drive_in_order, drive_with, go_on, load, start};

/// The program, which is loaded from a document that the validator has accepted.
fn program(statements: &[Statement], catch: bool) -> Program {
    let document = document(statements, catch);
    load(&document).unwrap_or_else(|error| panic!("{error}\n{document:#}"))
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() }
}

/// So many effects of a run are looked at, and so many events: a few programs have thousands.
const ROUNDS: i64 = 60;
const MOST: usize = 150;

/// One of the effects that wait.
fn next_of(machine: &Machine, round: i64) -> EffectRequest {
    let pending: Vec<&EffectRequest> = machine.pending().collect();
    pending[usize::try_from(round).unwrap() % pending.len()].clone()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn second_interpreter_agrees_in_any_order_of_results(
        statements in statements(), catch in any::<bool>(), order in any::<u64>()
    ) {
        let json = document(&statements, catch);
        let (events, machine) = drive_in_order(&program(&statements, catch), inputs(), order, &mut world);
        let document = serde_json::from_value(json).unwrap();
        let mut expected = Reference::trace(&document, inputs().into(), &mut world);
        expected.variables.retain(|_, value| *value != Value::Null);
        let mut trace = Trace::seen(&events, &machine);
        if has_forks(&statements) {
            // The second interpreter takes one branch after another.
            trace.steps.sort_by(|one, other| one.0.cmp(&other.0));
            expected.steps.sort_by(|one, other| one.0.cmp(&other.0));
        }
        prop_assert_eq!(trace, expected);
    }

    #[test]
    fn snapshot_at_every_turn_goes_on_as_the_straight_run(statements in statements(), catch in any::<bool>()) {
        let program = program(&statements, catch);
        let mut straight = start(&program, inputs());
        let mut broken = start(&program, inputs());
        let store = |machine: &Machine| {
            let text = serde_json::to_string(&machine.snapshot()).unwrap();
            let read: Snapshot = serde_json::from_str(&text).unwrap();
            let machine = Machine::restore(&program, read).unwrap();
            assert_eq!(serde_json::to_string(&machine.snapshot()).unwrap(), text);
            machine
        };
        for at in 0..ROUNDS {
            broken = store(&broken);
            let turn = straight.advance();
            let again = broken.advance();
            prop_assert_eq!(&again.emitted, &turn.emitted);
            prop_assert_eq!(broken.pending().collect::<Vec<_>>(), straight.pending().collect::<Vec<_>>());
            prop_assert_eq!(broken.end(), straight.end());
            broken = store(&broken);
            let Next::Waiting(_) = turn.next else { break };
            let request = next_of(&straight, at);
            let outcome = Outcome { result: world(&request, 3), at };
            straight.resolve(&request.id, outcome.clone()).unwrap();
            broken.resolve(&request.id, outcome).unwrap();
        }
        prop_assert_eq!(straight.state_hash(), broken.state_hash());
        prop_assert_eq!(straight.snapshot(), broken.snapshot());
    }

    #[test]
    fn slices_of_any_sizes_make_the_same_turns(
        statements in statements(), catch in any::<bool>(), sizes in prop::collection::vec(1_u64..5_000, 1..20)
    ) {
        let program = program(&statements, catch);
        let mut sizes = sizes.into_iter().cycle();
        let mut straight = start(&program, inputs());
        let mut sliced = start(&program, inputs());
        for at in 0..ROUNDS {
            let turn = straight.advance();
            let mut emitted = Vec::new();
            let next = loop {
                let before = sliced.snapshot();
                sliced.advance_within(0, &mut emitted);
                prop_assert_eq!(sliced.snapshot(), before);
                if let Some(next) = sliced.advance_within(sizes.next().unwrap(), &mut emitted) {
                    break next;
                }
            };
            prop_assert_eq!(&Turn { emitted, next }, &turn);
            prop_assert_eq!(straight.snapshot(), sliced.snapshot());
            let Next::Waiting(_) = turn.next else { break };
            let request = next_of(&straight, at);
            let outcome = Outcome { result: world(&request, 3), at };
            straight.resolve(&request.id, outcome.clone()).unwrap();
            sliced.resolve(&request.id, outcome).unwrap();
        }
    }

    #[test]
    fn every_prefix_replays_and_is_rebuilt(
        statements in statements(), catch in any::<bool>(), at in any::<prop::sample::Index>(), size in 1_u64..1_000
    ) {
        let program = program(&statements, catch);
        let (events, machine) = drive_with(&program, inputs(), Recorder { most: MOST, ..Recorder::default() }, &mut world);
        let text = write_lines(&events);
        let read = read_lines(&text).unwrap();
        prop_assert_eq!(&write_lines(&read), &text);

        let report = replay(&program, &read, None);
        let whole = if machine.end().is_some() { Verdict::Same } else { Verdict::Unfinished };
        prop_assert_eq!(report.verdict, whole);
        prop_assert_eq!(report.position.unwrap().variables, machine.state());

        let length = at.index(events.len() - 1) + 1;
        if length < events.len() {
            prop_assert_eq!(replay(&program, &events[..length], None).verdict, Verdict::Unfinished);
            let mut rebuilt = rebuild(&program, &events[..length]).unwrap();
            let turn = rebuilt.turn();
            let mut recorder = Recorder { most: MOST, ..Recorder::after(&rebuilt, &events[..length]) };
            let (mut machine, open): (Machine, Vec<OpenEffect>) = (rebuilt.machine, rebuilt.open);
            go_on(&mut machine, turn, open, &mut recorder, &mut world);
            prop_assert_eq!(&recorder.events, &events);

            let mut slowly = Rebuilder::new(&program, &events);
            for event in &events[..length] {
                while !slowly.catch_up_within(size) {}
                slowly.follow(event).unwrap();
            }
            let mut slowly = slowly.finish().unwrap();
            let turn = slowly.turn();
            let mut recorder = Recorder { most: MOST, ..Recorder::after(&slowly, &events[..length]) };
            go_on(&mut slowly.machine, turn, slowly.open, &mut recorder, &mut world);
            prop_assert_eq!(recorder.events, events);
        }
    }
}
