//! Documents made of an input, and runs of those that pass the checks: with any answers, in any order, suspended and
//! restored in between, recorded and replayed, and held against the second interpreter.

mod document;
pub(crate) mod mutate;
pub(crate) mod value;

use bloom_interpreter::effect::{Answer, EffectCall, EffectError, EffectId, EffectRequest, Outcome, TIMEOUT, Usage};
use bloom_interpreter::history::{read_lines, write_lines};
use bloom_interpreter::replay::{Verdict, replay};
use bloom_interpreter::{End, Machine, Next, Program, ResolveError, Snapshot};
use bloom_ir::document::{Action, Awaited, Document, NodeKind};
use bloom_ir::{Digest, SigningKey, Value, VerifiedIr};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::support::reference::{Reference, Trace};
use crate::support::{Recorder, drive_with, run};

/// So many results a run gets, and so many events it may have.
const ROUNDS: usize = 60;
const EVENTS: usize = 300;

/// Makes a document of the input; if it passes the checks, it is run.
pub fn runs_or_explains(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let input = &mut input;
    let Some((mut document, inputs)) = document::document(input)? else { return Ok(()) };
    // What a document may take is its own affair; here it is little.
    let limits = &mut document.policy.limits;
    limits.max_steps = limits.max_steps.min(400);
    let Ok(ir) = VerifiedIr::signed(document.clone(), &SigningKey::from_seed(&[7; 32])) else { return Ok(()) };
    let Ok(program) = Program::load(&ir) else { return Ok(()) };
    let Ok(machine) = Machine::start(&program, run(), Value::from(inputs.clone())) else { return Ok(()) };
    goes_on_from_anywhere(&program, machine, input)?;
    replays_and_is_agreed_with(&program, &document, inputs, input)
}

/// A run that is suspended and restored, in slices and with answers of any kind, goes on as one that is not.
fn goes_on_from_anywhere(program: &Program, machine: Machine, input: &mut Unstructured<'_>) -> Result<()> {
    let mut straight = machine.clone();
    let mut broken = machine;
    let mut at = 0_i64;
    for _ in 0..ROUNDS {
        let turn = straight.advance();
        let (mut emitted, mut next) = (Vec::new(), None);
        while next.is_none() {
            let steps = if input.is_empty() { u64::MAX } else { u64::from(input.arbitrary::<u16>()?).max(1) };
            next = broken.advance_within(steps, &mut emitted);
            if input.ratio(1, 3)? {
                broken = restored(program, &broken, input)?;
            }
        }
        assert_eq!(emitted, turn.emitted);
        assert_eq!(broken.pending().collect::<Vec<_>>(), straight.pending().collect::<Vec<_>>());
        assert_eq!(broken.end(), straight.end());
        assert_eq!(broken.state_hash(), straight.state_hash());
        if let Next::Finished(_) = turn.next {
            break;
        }
        let pending: Vec<EffectId> = straight.pending().map(|request| request.id.clone()).collect();
        let effect = input.choose(&pending)?.clone();
        at = at.saturating_add(input.arbitrary::<i16>()?.into());
        let outcome = Outcome { result: answer(input)?, at };
        if input.ratio(1, 8)? {
            let other = EffectId::new(value::name(input)?);
            if !pending.contains(&other) {
                assert!(straight.resolve(&other, outcome.clone()).is_err());
            }
        }
        straight.resolve(&effect, outcome.clone()).expect("it waits for this");
        broken.resolve(&effect, outcome.clone()).expect("it waits for this");
        let again = broken.resolve(&effect, outcome);
        assert!(matches!(again, Err(ResolveError::Resolved(_) | ResolveError::Finished(_))), "{again:?}");
    }
    assert_eq!(straight.snapshot(), broken.snapshot());
    Ok(())
}

/// The machine that is read back from what it was written as. What is damaged on the way is refused, or is a machine that
/// goes on somehow.
fn restored(program: &Program, machine: &Machine, input: &mut Unstructured<'_>) -> Result<Machine> {
    let text = serde_json::to_string(&machine.snapshot()).expect("a snapshot can be written");
    if input.ratio(1, 4)? {
        let mut damaged = serde_json::from_str(&text).expect("it is JSON");
        mutate::mutate(&mut damaged, input)?;
        if let Ok(snapshot) = serde_json::from_value::<Snapshot>(damaged)
            && let Ok(mut damaged) = Machine::restore(program, snapshot)
        {
            damaged.advance();
            let pending: Vec<EffectId> = damaged.pending().map(|request| request.id.clone()).collect();
            for effect in pending {
                let _ = damaged.resolve(&effect, Outcome { result: answer(input)?, at: 0 });
            }
            damaged.advance();
            damaged.snapshot();
            damaged.branches();
        }
    }
    let snapshot: Snapshot = serde_json::from_str(&text).expect("what was written can be read");
    let restored = Machine::restore(program, snapshot).expect("what was written can be restored");
    assert_eq!(serde_json::to_string(&restored.snapshot()).expect("a snapshot can be written"), text);
    Ok(restored)
}

fn answer(input: &mut Unstructured<'_>) -> Result<core::result::Result<Answer, EffectError>> {
    let usage = Some(Usage { input_tokens: input.arbitrary::<u8>()?.into(), ..Usage::default() });
    Ok(if input.ratio(1, 4)? {
        Err(error(value::code(input)?, input.arbitrary()?))
    } else {
        Ok(Answer { value: Value::from(value::json(input, 3)?), usage })
    })
}

fn error(code: &str, retryable: bool) -> EffectError {
    EffectError { retryable, ..EffectError::new(code, "it failed") }
}

/// The history of a run replays, and the second interpreter did the same, where it knows how.
fn replays_and_is_agreed_with(
    program: &Program,
    document: &Document,
    inputs: serde_json::Value,
    input: &mut Unstructured<'_>,
) -> Result<()> {
    let salt: u64 = input.arbitrary()?;
    let answers = (0..8).map(|_| answer(input)).collect::<Result<Vec<_>>>()?;
    let mut world = |request: &EffectRequest, _: u32| answer_of(request, salt, &answers);
    let recorder = Recorder { order: salt, most: EVENTS, ..Recorder::default() };
    let (events, machine) = drive_with(program, inputs.clone(), recorder, &mut world);
    let text = write_lines(&events);
    let read = read_lines(&text).expect("what was written can be read");
    assert_eq!(write_lines(&read), text);
    let whole = if machine.end().is_some() { Verdict::Same } else { Verdict::Unfinished };
    assert_eq!(replay(program, &read, None).verdict, whole);
    let Some(end) = machine.end() else { return Ok(()) };
    if !is_known_to_the_second(document, end) {
        return Ok(());
    }
    let mut trace = Trace::seen(&events, &machine);
    let mut expected = Reference::trace(document, machine.inputs().clone(), &mut world);
    expected.variables.retain(|_, value| *value != Value::Null);
    if has_forks(document) {
        // The second interpreter takes one branch after another.
        trace.steps.sort_by(|one, other| one.0.cmp(&other.0));
        expected.steps.sort_by(|one, other| one.0.cmp(&other.0));
    }
    assert_eq!(trace, expected);
    Ok(())
}

/// The same for an effect whenever it is asked.
fn answer_of(
    request: &EffectRequest,
    salt: u64,
    answers: &[core::result::Result<Answer, EffectError>],
) -> core::result::Result<Answer, EffectError> {
    let digest = Digest::of(format!("{salt} {}", request.id).as_bytes());
    let [first, ..] = *digest.as_bytes();
    match &request.call {
        EffectCall::Sleep(_) | EffectCall::Timer(_) => Ok(Answer::default()),
        EffectCall::Await(wait) if first % 3 == 0 && wait.until.is_some() => Err(error(TIMEOUT, true)),
        _ => answers[usize::from(first) % answers.len()].clone(),
    }
}

fn has_forks(document: &Document) -> bool {
    document.nodes.values().any(|node| matches!(node.kind, NodeKind::Action(Action::Fork { .. })))
}

/// The second interpreter does not hold values to schemas, and has no limit on the state; of several branches that reach a
/// limit, the first to do so depends on the order of results.
fn is_known_to_the_second(document: &Document, end: &End) -> bool {
    let limited = matches!(end, End::Failed { error, .. } if error.code.starts_with("limit_"));
    let large =
        matches!(end, End::Failed { error, .. } if ["limit_state", "limit_depth"].contains(&error.code.as_str()));
    let answer_is_checked = |kind: &NodeKind| match kind {
        NodeKind::Action(Action::Await { what, schema, .. }) => {
            schema.is_some() || matches!(what, Awaited::Ask(ask) if !is_any(&ask.schema))
        }
        _ => false,
    };
    let is_checked = document
        .nodes
        .values()
        .any(|node| node.input.is_some() || node.output.is_some() || answer_is_checked(&node.kind));
    !(is_checked || large || limited && has_forks(document) || !is_any(&document.outputs))
}

fn is_any(schema: &bloom_ir::document::Schema) -> bool {
    serde_json::to_value(schema).is_ok_and(|schema| schema == serde_json::json!({}))
}
