//! Documents and runs for tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

pub mod random;
pub mod reference;

use std::collections::BTreeMap;

use bloom_interpreter::effect::{
    Answer, AwaitRequest, AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest, Outcome,
};
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::replay::{Rebuilt, Signals};
use bloom_interpreter::{LoadError, Machine, Next, Program, RunInfo, Turn};
use bloom_ir::{Digest, SigningKey, Value, VerifiedIr};
use serde_json::json;

pub fn value(json: serde_json::Value) -> Value {
    Value::from(json)
}

/// A document with these nodes, of which `n1` is the entry. The tools are `read`, `write` and `shape`, by their effects.
pub fn document(nodes: serde_json::Value) -> serde_json::Value {
    json!({
        "ir": "0.1",
        "flow": { "id": "test", "version": "1.0.0", "title": "Test", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {},
        "policy": {
            "allowed_tools": {
                "read": { "effect": "read" }, "write": { "effect": "operational" }, "shape": { "effect": "propose" }
            },
            "safe_outputs": ["propose-note"]
        },
        "entry": "n1",
        "nodes": nodes
    })
}

pub fn load(document: &serde_json::Value) -> Result<Program, LoadError> {
    let document = serde_json::from_value(document.clone()).unwrap();
    let key = SigningKey::from_seed(&[7; 32]);
    Program::load(&VerifiedIr::signed(document, &key).unwrap())
}

pub fn program(nodes: serde_json::Value) -> Program {
    load(&document(nodes)).unwrap()
}

pub fn run() -> RunInfo {
    RunInfo { id: "run-1".to_owned(), started_at: 1_000 }
}

pub fn start(program: &Program, inputs: serde_json::Value) -> Machine {
    Machine::start(program, run(), value(inputs)).unwrap()
}

pub fn answer(json: serde_json::Value, at: i64) -> Outcome {
    Outcome { result: Ok(Answer { value: value(json), usage: None }), at }
}

pub fn failure(code: &str, retryable: bool, at: i64) -> Outcome {
    Outcome { result: Err(EffectError { retryable, ..EffectError::new(code, "it failed") }), at }
}

pub fn requests(turn: &Turn) -> &[EffectRequest] {
    match &turn.next {
        Next::Waiting(requests) => requests,
        Next::Finished(end) => panic!("{end:?}"),
    }
}

pub fn request(turn: &Turn) -> &EffectRequest {
    &requests(turn)[0]
}

/// What the world answers to a request, at an attempt from 1.
pub type World<'a> = &'a mut dyn FnMut(&EffectRequest, u32) -> Result<Answer, EffectError>;

/// Drives a run to its end as an engine does, and records its history.
pub fn drive(program: &Program, inputs: serde_json::Value, world: World<'_>) -> (Vec<Event>, Machine) {
    drive_in_order(program, inputs, 0, world)
}

/// The same; `order` says in which of many orders the answers of effects come that wait at the same time.
pub fn drive_in_order(
    program: &Program,
    inputs: serde_json::Value,
    order: u64,
    world: World<'_>,
) -> (Vec<Event>, Machine) {
    drive_with(program, inputs, Recorder { order, ..Recorder::default() }, world)
}

/// The same with a recorder that has no events yet.
pub fn drive_with(
    program: &Program,
    inputs: serde_json::Value,
    mut recorder: Recorder,
    world: World<'_>,
) -> (Vec<Event>, Machine) {
    let mut machine = start(program, inputs);
    recorder.add(record::started(&machine, "test"));
    let turn = machine.advance();
    go_on(&mut machine, turn, Vec::new(), &mut recorder, world);
    (recorder.events, machine)
}

#[derive(Default)]
pub struct Recorder {
    pub chain: Chain,
    pub events: Vec<Event>,
    pub order: u64,
    pub signals: Signals,
    /// The run is left where it is after so many events; 0: never.
    pub most: usize,
}

/// When an effect's outcome is recorded: by its id alone, so that it does not depend on what comes before.
pub fn time_of(effect: &EffectId) -> i64 {
    let [first, second, ..] = *Digest::of(effect.as_str().as_bytes()).as_bytes();
    2_000 + i64::from(first) * 256 + i64::from(second)
}

impl Recorder {
    /// Behind the events that a run was rebuilt from.
    pub fn after(rebuilt: &Rebuilt, events: &[Event]) -> Self {
        let signals = rebuilt.signals.clone();
        Self { chain: rebuilt.chain, events: events.to_vec(), signals, ..Self::default() }
    }

    pub fn add(&mut self, payload: Payload) {
        let at = match &payload {
            Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. } => time_of(effect),
            _ => 1_000 + i64::try_from(self.chain.seq()).unwrap(),
        };
        self.events.push(self.chain.next(at, payload));
    }

    pub fn add_all(&mut self, payloads: impl IntoIterator<Item = Payload>) {
        payloads.into_iter().for_each(|payload| self.add(payload));
    }

    /// What is tried next: chosen by what waits, and by nothing that a rebuilt run does not know.
    fn choose(&self, open: &BTreeMap<EffectId, OpenEffect>) -> EffectId {
        let rank = |effect: &&EffectId| Digest::of(format!("{} {effect}", self.order).as_bytes()).to_string();
        match self.order {
            0 => open.keys().next().unwrap().clone(),
            _ => open.keys().min_by_key(rank).unwrap().clone(),
        }
    }
}

/// Drives on from a turn. A retryable error is tried again, three attempts in all.
pub fn go_on(machine: &mut Machine, turn: Turn, open: Vec<OpenEffect>, recorder: &mut Recorder, world: World<'_>) {
    let mut turn = turn;
    let mut open: BTreeMap<EffectId, OpenEffect> =
        open.into_iter().map(|effect| (effect.ask().id.clone(), effect)).collect();
    loop {
        recorder.add_all(record::emitted(&turn));
        match &turn.next {
            Next::Finished(end) => {
                recorder.add(record::ended(end, machine.state_hash()));
                return;
            }
            Next::Waiting(requests) => {
                for request in requests {
                    let effect = open.entry(request.id.clone()).or_insert_with(|| OpenEffect::new(request.clone()));
                    if request.recorded_first() {
                        recorder.add_all(effect.request());
                    }
                }
            }
        }
        if recorder.most > 0 && recorder.events.len() >= recorder.most {
            return;
        }
        let chosen = recorder.choose(&open);
        let effect = open.get_mut(&chosen).unwrap();
        let request = effect.ask().clone();
        let signal = match &request.call {
            EffectCall::Await(AwaitRequest { what: AwaitedThing::Signal(name), .. }) => Some(name.clone()),
            _ => None,
        };
        let waiting = signal.as_ref().and_then(|name| recorder.signals.get_mut(name)?.pop_front());
        let was_waiting = waiting.is_some();
        let result = loop {
            if let Some(value) = waiting {
                break Ok(Answer { value, usage: None });
            }
            match world(&request, effect.attempt()) {
                Err(error) if error.retryable && effect.attempt() < 3 => {
                    machine.spend(&chosen, &error);
                    recorder.add_all(effect.attempted(error, 1_000));
                }
                Ok(answer) if signal.is_some() => break Ok(Answer { value: answer.value.normalized(), usage: None }),
                result => break result,
            }
        };
        if let (Some(name), Ok(answer), false) = (signal, &result, was_waiting) {
            let value = answer.value.clone();
            recorder.add(Payload::SignalReceived { name, value, sender: "somebody".to_owned() });
        }
        let attempt = effect.attempt();
        recorder.add_all(open.remove(&chosen).unwrap().settle(attempt, result.clone()));
        machine.resolve(&chosen, Outcome { result, at: time_of(&chosen) }).unwrap();
        turn = machine.advance();
    }
}
