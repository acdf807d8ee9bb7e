//! A run of a machine whose history is long enough goes on as another run: each history agrees in itself and with the other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use bloom_interpreter::effect::{Answer, EffectId, Outcome};
use bloom_interpreter::history::{Chain, Continues, Event, Payload, read_lines, write_lines};
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::replay::{LinkFault, RebuildError, Verdict, check_link, rebuild, replay};
use bloom_interpreter::{Machine, Next, Program, RunInfo};
use bloom_ir::Value;
use serde_json::json;

use support::{load, request, requests, start};

/// Adds what each signal brings, until it is a hundred.
fn adding() -> Program {
    let mut document = support::document(json!({
        "n1": { "type": "action", "op": "set", "into": "sum", "value": "input.from", "next": "n2" },
        "n2": { "type": "action", "op": "await", "signal": "add", "into": "x", "next": "n3" },
        "n3": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['x']", "next": "n4" },
        "n4": { "type": "emit", "kind": "event", "name": "sum", "value": "[v['sum'], run.id]", "next": "n5" },
        "n5": { "type": "decision", "when": "v['sum'] < 100", "then": "n2", "else": "n6" },
        "n6": { "type": "return", "status": "completed", "value": "v['sum']" },
    }));
    document["flow"]["kind"] = json!("machine");
    document["policy"]["limits"] = json!({ "max_events": 9 });
    load(&document).unwrap()
}

struct Recorded {
    machine: Machine,
    chain: Chain,
    events: Vec<Event>,
}

impl Recorded {
    fn begin(machine: Machine, started: Payload) -> Self {
        let mut recorded = Self { machine, chain: Chain::default(), events: Vec::new() };
        recorded.add([started]);
        recorded.turn();
        recorded
    }

    fn add(&mut self, payloads: impl IntoIterator<Item = Payload>) {
        for payload in payloads {
            self.events.push(self.chain.next(2_000, payload));
        }
    }

    fn turn(&mut self) {
        let turn = self.machine.advance();
        self.add(record::emitted(&turn).collect::<Vec<_>>());
        if let Next::Finished(end) = &turn.next {
            return self.add([record::ended(end, self.machine.state_hash())]);
        }
        for request in requests(&turn) {
            self.add(OpenEffect::new(request.clone()).request());
        }
    }

    fn signal(&mut self, name: &str, value: i64) {
        let (name, value) = (name.to_owned(), Value::Int(value));
        self.add([Payload::SignalReceived { name, value, sender: "somebody".to_owned() }]);
    }

    fn take(&mut self, value: i64) {
        let effect: EffectId = self.machine.pending().next().unwrap().id.clone();
        let answer = Answer { value: Value::Int(value), usage: None };
        self.add([Payload::EffectCompleted { effect: effect.clone(), attempt: 1, answer: answer.clone() }]);
        self.machine.resolve(&effect, Outcome { result: Ok(answer), at: 2_000 }).unwrap();
        self.turn();
    }

    fn continues(&self) -> Continues {
        Continues {
            run: "run-1".to_owned(),
            events: self.chain.seq(),
            head: self.chain.head(),
            snapshot: self.machine.snapshot(),
            signals: [("add".to_owned(), [Value::Int(5)].into())].into(),
        }
    }
}

/// A run, and the one that goes on in its place.
fn two(program: &Program) -> (Recorded, Recorded) {
    let machine = start(program, json!({ "from": 1 }));
    let started = record::started(&machine, "test");
    let mut first = Recorded::begin(machine, started);
    first.signal("add", 2);
    first.take(2);
    first.signal("add", 5);
    assert!(first.machine.may_be_continued());
    first.add([record::continued(&first.machine, "run-2")]);

    let info = RunInfo { id: "run-2".to_owned(), started_at: 3_000 };
    let continues = first.continues();
    let machine = Machine::continued(program, info, continues.snapshot.clone()).unwrap();
    let started = record::started_in_place(&machine, "test", continues);
    let mut second = Recorded::begin(machine, started);
    second.take(5);
    (first, second)
}

#[test]
fn the_second_run_goes_on_with_the_state_of_the_first() {
    let program = adding();
    let (first, second) = two(&program);
    let report = replay(&program, &first.events, None);
    assert_eq!(report.verdict, Verdict::Same);
    let report = replay(&program, &second.events, None);
    assert_eq!(report.verdict, Verdict::Unfinished);
    assert_eq!(report.position.unwrap().variables["sum"], Value::Int(8));
    let emitted = second.events.iter().find_map(|event| match &event.payload {
        Some(Payload::Emitted { emission }) => Some(emission.clone()),
        _ => None,
    });
    let emitted = emitted.unwrap();
    assert_eq!(emitted.value, [Value::Int(8), "run-2".into()].into_iter().collect());
    assert_eq!(emitted.id.as_str(), "n4#2", "visits are counted on");
    assert_eq!(check_link(&program, &first.events, &second.events[0]), Ok(()));
    assert_eq!(rebuild(&program, &first.events).unwrap_err(), RebuildError::Over);
    let lines = write_lines(&second.events);
    assert_eq!(read_lines(&lines).unwrap(), second.events);
    let mut rebuilt = rebuild(&program, &second.events).unwrap();
    assert_eq!(request(&rebuilt.turn()).id.as_str(), "n2#3");
    assert!(rebuilt.signals.values().all(std::collections::VecDeque::is_empty));
}

#[test]
fn a_link_that_was_forged_is_found() {
    let program = adding();
    let (first, second) = two(&program);
    let forged = |forge: &dyn Fn(&mut Continues)| {
        let mut continues = first.continues();
        forge(&mut continues);
        let machine = Machine::continued(&program, second.machine.run().clone(), continues.snapshot.clone()).unwrap();
        let event = Chain::default().next(2_000, record::started_in_place(&machine, "test", continues));
        check_link(&program, &first.events, &event).unwrap_err()
    };
    assert_eq!(forged(&|continues| continues.run = "run-9".to_owned()), LinkFault::OtherHead);
    assert_eq!(forged(&|continues| continues.events -= 1), LinkFault::OtherHead);
    assert_eq!(forged(&|continues| continues.head = bloom_ir::Digest::of(b"")), LinkFault::OtherHead);
    assert_eq!(forged(&|continues| continues.signals.clear()), LinkFault::OtherState);
    assert_eq!(forged(&|continues| continues.snapshot.tokens = 7), LinkFault::OtherState);
    let richer = |continues: &mut Continues| {
        continues.snapshot.frame.variables.insert("sum".to_owned(), Value::Int(100));
    };
    assert_eq!(forged(&richer), LinkFault::OtherState);
    let cut = &first.events[..first.events.len() - 1];
    assert_eq!(check_link(&program, cut, &second.events[0]), Err(LinkFault::NotNamed));
}

#[test]
fn a_run_that_waits_for_something_begun_in_its_name_is_not_continued() {
    for (what, kind, may) in [
        (json!({ "op": "await", "signal": "s" }), "machine", true),
        (json!({ "op": "await", "signal": "s" }), "procedure", false),
        (json!({ "op": "sleep", "for": "1000" }), "machine", true),
        (json!({ "op": "tool", "tool": "read" }), "machine", false),
        (
            json!({ "op": "await", "ask": { "title": [{ "text": "?" }], "text": [{ "text": "?" }], "schema": true } }),
            "machine",
            false,
        ),
    ] {
        let mut node = json!({ "type": "action", "next": "n2" });
        node.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let end = json!({ "type": "return", "status": "completed", "value": "1" });
        let mut document = support::document(json!({ "n1": node, "n2": end }));
        document["flow"]["kind"] = json!(kind);
        let program = load(&document).unwrap();
        let mut machine = start(&program, json!({}));
        machine.advance();
        assert_eq!(machine.may_be_continued(), may, "{kind} {what}");
        let mut chain = Chain::default();
        let mut events = vec![chain.next(1, record::started(&machine, "test"))];
        let pending = machine.pending().next().unwrap().clone();
        events.extend(OpenEffect::new(pending).request().map(|payload| chain.next(2, payload)));
        events.push(chain.next(3, record::continued(&machine, "run-2")));
        assert_eq!(replay(&program, &events, None).verdict.agrees(), may, "{kind} {what}");
    }
}
