//! Documents and runs for tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

pub mod random;
pub mod reference;

use bloom_interpreter::effect::{Answer, EffectError, EffectRequest, Outcome};
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::{LoadError, Machine, Next, Program, RunInfo, Turn};
use bloom_ir::{SigningKey, Value, VerifiedIr};
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

pub fn request(turn: &Turn) -> &EffectRequest {
    match &turn.next {
        Next::Waiting(requests) => &requests[0],
        Next::Finished(end) => panic!("{end:?}"),
    }
}

/// What the world answers to a request, at an attempt from 1.
pub type World<'a> = &'a mut dyn FnMut(&EffectRequest, u32) -> Result<Answer, EffectError>;

/// Drives a run to its end as an engine does, with a clock that ticks once for each event, and records its history.
pub fn drive(program: &Program, inputs: serde_json::Value, world: World<'_>) -> (Vec<Event>, Machine) {
    let mut machine = start(program, inputs);
    let mut recorder = Recorder::default();
    recorder.add(record::started(&machine, "test"));
    let turn = machine.advance();
    go_on(&mut machine, turn, Vec::new(), &mut recorder, world);
    (recorder.events, machine)
}

#[derive(Default)]
pub struct Recorder {
    pub chain: Chain,
    pub events: Vec<Event>,
}

impl Recorder {
    pub fn add(&mut self, payload: Payload) -> i64 {
        let at = 1_000 + i64::try_from(self.chain.seq()).unwrap();
        self.events.push(self.chain.next(at, payload));
        at
    }

    pub fn add_all(&mut self, payloads: impl IntoIterator<Item = Payload>) -> i64 {
        payloads.into_iter().map(|payload| self.add(payload)).last().unwrap_or_default()
    }
}

/// Drives on from a turn. A retryable error is tried again, three attempts in all.
pub fn go_on(machine: &mut Machine, turn: Turn, open: Vec<OpenEffect>, recorder: &mut Recorder, world: World<'_>) {
    let (mut turn, mut open) = (turn, open);
    loop {
        recorder.add_all(record::emitted(&turn));
        let request = match &turn.next {
            Next::Finished(end) => {
                recorder.add(record::ended(end, machine.state_hash()));
                return;
            }
            Next::Waiting(requests) => requests[0].clone(),
        };
        let mut effect = open.pop().unwrap_or_else(|| OpenEffect::new(request.clone()));
        if request.recorded_first() {
            recorder.add_all(effect.request());
        }
        let result = loop {
            match world(&request, effect.attempt()) {
                Err(error) if error.retryable && effect.attempt() < 3 => {
                    recorder.add_all(effect.attempted(error, 1_000));
                }
                result => break result,
            }
        };
        let attempt = effect.attempt();
        let at = recorder.add_all(effect.settle(attempt, result.clone()));
        machine.resolve(&request.id, Outcome { result, at }).unwrap();
        turn = machine.advance();
    }
}
