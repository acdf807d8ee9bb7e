//! A machine that follows a history, event by event.

use std::collections::VecDeque;

use bloom_ir::Digest;

use super::difference::{Difference, first_difference};
use super::open::OpenEffects;
use super::{Divergence, Position, ReplayReport, Signals, Verdict, What};
use crate::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectId, Emission, Outcome};
use crate::history::{self, Chain, Event, EventType, Payload, Started};
use crate::machine::{Machine, Next, RunInfo};
use crate::program::Program;
use crate::record;

/// How many steps of a turn are done to show where a run stood that was stopped.
pub(super) const LOOK_AHEAD: u64 = 1_000_000;

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are settings and facts of their own, not one state")]
pub(super) struct Follower {
    program: Program,
    /// Of the events that agree.
    pub(super) chain: Chain,
    pub(super) machine: Option<Machine>,
    /// Whether the machine has not gone through the turn after the last answer: it does so when the next event shows that
    /// the run did.
    is_behind: bool,
    /// Emitted by the machine and not met in the history yet.
    pub(super) unrecorded: VecDeque<Emission>,
    /// What the machine waits for.
    pub(super) open: OpenEffects,
    /// Not taken yet.
    pub(super) signals: Signals,
    over: bool,
    /// Whether the machine keeps which nodes it does.
    pub(super) keeps_trail: bool,
    /// Whether the machine keeps a log of the nodes that it does.
    pub(super) keeps_log: bool,
    /// The IR that the history pins.
    pub(super) pinned: Option<Digest>,
}

impl Follower {
    /// Before the first of these events.
    pub(super) fn new(program: &Program, events: &[Event]) -> Self {
        Self {
            program: program.clone(),
            pinned: history::pinned(events),
            chain: Chain::default(),
            machine: None,
            is_behind: false,
            unrecorded: VecDeque::new(),
            open: OpenEffects::default(),
            signals: Signals::new(),
            over: false,
            keeps_trail: false,
            keeps_log: false,
        }
    }

    /// Whether the history holds the run's end.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn report(mut self, verdict: Verdict) -> ReplayReport {
        if self.over {
            // The run may have been stopped in a turn that has no end; in any other it was at the turn's end.
            let mut ahead = self.clone();
            if ahead.catch_up_within(LOOK_AHEAD) {
                self = ahead;
            }
        } else {
            self.catch_up();
        }
        let position = self.position();
        ReplayReport { agreed: self.chain.seq(), verdict, position }
    }

    /// Where the machine stands.
    pub(super) fn position(&self) -> Option<Position> {
        self.machine.as_ref().map(|machine| Position {
            seq: self.chain.seq(),
            now: machine.now(),
            nodes: machine.position(),
            variables: machine.state(),
            cursors: machine.cursors(),
            branches: machine.branches(),
            pending: self.open.iter().map(|open| open.ask().clone()).collect(),
            unrecorded: self.unrecorded.iter().cloned().collect(),
            tokens: machine.tokens(),
            end: machine.end().cloned(),
        })
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Whether the machine can go on without an event.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Takes the next event. On a disagreement it stays before the event.
    pub(super) fn follow(&mut self, event: &Event) -> Result<(), Verdict> {
        let mut chain = self.chain;
        chain.accept(event).map_err(Verdict::Broken)?;
        self.compare(event)?;
        self.chain = chain;
        Ok(())
    }

    fn compare(&mut self, event: &Event) -> Result<(), Verdict> {
        let misplaced = |message| Err(Verdict::Misplaced { seq: event.seq, message });
        if self.over {
            return misplaced("the run was over");
        }
        match (event.kind, &self.machine) {
            (EventType::RunStarted, None) => return self.start(event),
            (EventType::RunStarted, Some(_)) => return misplaced("the run has started already"),
            // It was stopped while it waited for its turn.
            (EventType::RunCancelled, None) => {}
            (_, None) => return misplaced("the run has not started"),
            _ => {}
        }
        if event.kind == EventType::RunCancelled {
            self.over = true;
            return Ok(());
        }
        if event.kind == EventType::RunForked {
            return self.forked(event);
        }
        if event.kind == EventType::SignalReceived {
            return self.received(event);
        }
        if self.is_stopped_before_turn(event) {
            self.over = true;
            return Ok(());
        }
        self.catch_up();
        match event.kind {
            EventType::RunStarted | EventType::RunForked | EventType::RunCancelled | EventType::SignalReceived => {}
            EventType::Emitted => {
                self.expect(event, What::Emission, |due| matches!(due, Payload::Emitted { .. }))?;
                self.unrecorded.pop_front();
            }
            EventType::EffectRequested => return self.requested(event),
            EventType::EffectAttempted => return self.attempted(event),
            EventType::EffectCompleted | EventType::EffectFailed => return self.answered(event),
            EventType::RunCompleted => {
                self.expect(event, What::End, |due| matches!(due, Payload::RunCompleted { .. }))?;
            }
            EventType::RunFailed => self.failed(event)?,
            EventType::RunContinued => self.continued(event)?,
        }
        self.over = matches!(event.kind, EventType::RunCompleted | EventType::RunFailed | EventType::RunContinued);
        Ok(())
    }

    /// Whether the driver ended the run in the middle of a turn, of which nothing is recorded then: the state is that
    /// before the turn, which may be one that would never end.
    pub(super) fn is_stopped_before_turn(&self, event: &Event) -> bool {
        let (Some(Payload::RunFailed { node: None, state, .. }), Some(machine)) = (&event.payload, &self.machine)
        else {
            return false;
        };
        self.is_behind && machine.state_hash() == *state
    }

    fn start(&mut self, event: &Event) -> Result<(), Verdict> {
        let Some(Payload::RunStarted(started)) = &event.payload else {
            return Err(Verdict::Erased { seq: event.seq });
        };
        let Started { run, inputs, started_at, engine, limits, continues, .. } = started.clone();
        let pinned = self.pinned.unwrap_or(started.ir);
        if pinned != self.program.hash() {
            return Err(Verdict::OtherProgram { recorded: pinned, given: self.program.hash() });
        }
        let info = RunInfo { id: run, started_at };
        let begun = if let Some(before) = &continues {
            Machine::continued(&self.program, info, before.snapshot.clone())
                .map_err(|error| serde_json::Value::from(error.to_string()))
        } else {
            let limits = limits.unwrap_or(*self.program.limits());
            Machine::start_within(&self.program, info, inputs, limits)
                .map_err(|error| serde_json::to_value(&error).unwrap_or_default())
        };
        match begun {
            Ok(mut machine) => {
                if self.keeps_log {
                    machine.keep_log();
                } else if self.keeps_trail {
                    machine.keep_trail();
                }
                let mut due = match continues {
                    Some(before) => {
                        self.signals = before.signals.clone();
                        record::started_in_place(&machine, &engine, *before)
                    }
                    None => record::started(&machine, &engine),
                };
                if let Payload::RunStarted(due) = &mut due
                    && started.ir != self.program.hash()
                {
                    // A fork that pins another IR shares the start of the run that it left.
                    let Started { flow, version, ir, limits, .. } = started.clone();
                    *due = Started { flow, version, ir, limits, ..due.clone() };
                }
                self.agree(event, What::Start, &due)?;
                self.machine = Some(machine);
                self.is_behind = true;
                Ok(())
            }
            Err(replayed) => {
                let difference = Difference { path: String::new(), left: json(event), right: replayed };
                Err(self.diverged(event, What::Start, difference))
            }
        }
    }

    /// Lets the machine go on as far as it can.
    pub(super) fn catch_up(&mut self) {
        while !self.catch_up_within(u64::MAX) {}
    }

    /// Lets the machine go on by about so many steps, and takes note of what it emitted and waits for. True when it has
    /// gone as far as it can.
    pub(super) fn catch_up_within(&mut self, steps: u64) -> bool {
        let Some(machine) = self.machine.as_mut().filter(|_| self.is_behind) else { return true };
        let mut emitted = Vec::new();
        let next = machine.advance_within(steps, &mut emitted);
        self.unrecorded.extend(emitted);
        if let Some(Next::Waiting(requests)) = &next {
            for request in requests {
                self.open.ask(request);
            }
        }
        self.is_behind = next.is_none();
        !self.is_behind
    }

    /// The run is another one from here on, whatever it was in the middle of.
    fn forked(&mut self, event: &Event) -> Result<(), Verdict> {
        let Some(Payload::RunForked(forked)) = &event.payload else { return Err(Verdict::Erased { seq: event.seq }) };
        if forked.at != self.chain.seq() {
            return Err(Verdict::Misplaced { seq: event.seq, message: "the run left its origin at another event" });
        }
        self.open.forget_requests();
        Ok(())
    }

    fn requested(&mut self, event: &Event) -> Result<(), Verdict> {
        let wanted = match &event.payload {
            Some(Payload::EffectRequested { effect, .. }) => Some(effect),
            _ => None,
        };
        // Siblings may be requested in any order.
        let place = match wanted {
            Some(effect) => self.open.get(effect).filter(|open| !open.is_requested()),
            None => self.open.first_unrequested(),
        };
        match place {
            Some(open) if self.unrecorded.is_empty() => {
                let mut open = open.clone();
                if let Some(due) = open.request() {
                    self.agree(event, What::Request, &due)?;
                }
                self.open.note_requested(&open.ask().id);
                Ok(())
            }
            _ => self.expect(event, What::Request, |due| matches!(due, Payload::EffectRequested { .. })),
        }
    }

    fn attempted(&mut self, event: &Event) -> Result<(), Verdict> {
        if let Some(Payload::EffectAttempted { effect, attempt, error, .. }) = &event.payload {
            self.underway(event, effect)?;
            if let Some(open) = self.open.get_mut(effect) {
                open.note_failed(*attempt);
            }
            if let Some(machine) = &mut self.machine {
                machine.spend(effect, error);
            }
        }
        Ok(())
    }

    /// A signal may come at any time, also in the middle of a turn.
    fn received(&mut self, event: &Event) -> Result<(), Verdict> {
        match &event.payload {
            Some(Payload::SignalReceived { name, value, .. }) => {
                self.signals.entry(name.clone()).or_default().push_back(value.clone());
                Ok(())
            }
            _ => Err(Verdict::Erased { seq: event.seq }),
        }
    }

    fn answered(&mut self, event: &Event) -> Result<(), Verdict> {
        let (effect, result) = match event.payload.clone() {
            Some(Payload::EffectCompleted { effect, answer, .. }) => (effect, Ok(answer)),
            Some(Payload::EffectFailed { effect, error, .. }) => (effect, Err(error)),
            _ => return Err(Verdict::Erased { seq: event.seq }),
        };
        self.underway(event, &effect)?;
        if let Ok(answer) = &result {
            self.take_signal(event, &effect, answer)?;
        }
        self.open.remove(&effect);
        self.resolve(event, &effect, result)?;
        self.is_behind = true;
        Ok(())
    }

    /// The answer to a wait for a signal is the oldest one of its name.
    fn take_signal(&mut self, event: &Event, effect: &EffectId, answer: &Answer) -> Result<(), Verdict> {
        let Some(EffectCall::Await(wait)) = self.open.get(effect).map(|open| &open.ask().call) else { return Ok(()) };
        let AwaitedThing::Signal(name) = &wait.what else { return Ok(()) };
        match self.signals.get_mut(name) {
            Some(queue) if queue.front() == Some(&answer.value) => {
                queue.pop_front();
                Ok(())
            }
            _ => Err(Verdict::Misplaced { seq: event.seq, message: "it is not the oldest signal of its name" }),
        }
    }

    fn resolve(
        &mut self,
        event: &Event,
        effect: &EffectId,
        result: Result<Answer, EffectError>,
    ) -> Result<(), Verdict> {
        let resolved = self.machine.as_mut().map(|machine| machine.resolve(effect, Outcome { result, at: event.at }));
        match resolved {
            Some(Ok(())) => Ok(()),
            _ => Err(Verdict::Misplaced { seq: event.seq, message: "the run does not wait for this effect" }),
        }
    }

    /// The effect that an event speaks of must be open, and have been requested.
    fn underway(&self, event: &Event, effect: &EffectId) -> Result<(), Verdict> {
        match self.open.get(effect) {
            Some(open) if open.is_requested() && self.unrecorded.is_empty() => Ok(()),
            _ => Err(self.other_kind(event)),
        }
    }

    fn failed(&mut self, event: &Event) -> Result<(), Verdict> {
        // The driver may end a run anywhere: then no node is named, and the state is what can be compared.
        if let (Some(Payload::RunFailed { error, node: None, .. }), Some(machine)) = (&event.payload, &self.machine) {
            let state = machine.state_hash();
            let due = Payload::RunFailed { error: error.clone(), node: None, state };
            return self.agree(event, What::End, &due);
        }
        self.expect(event, What::End, |due| matches!(due, Payload::RunFailed { .. }))
    }

    /// The driver may have another run go on where the run could wait as well.
    fn continued(&self, event: &Event) -> Result<(), Verdict> {
        let Some(machine) = self.machine.as_ref().filter(|machine| {
            machine.may_be_continued() && self.unrecorded.is_empty() && self.open.first_unrequested().is_none()
        }) else {
            return Err(self.other_kind(event));
        };
        // Which run it is, is the driver's choice.
        let run = match &event.payload {
            Some(Payload::RunContinued { run, .. }) => run.as_str(),
            _ => return Ok(()),
        };
        self.agree(event, What::End, &record::continued(machine, run))
    }

    /// What comes next if the program is followed.
    fn due(&self) -> Option<Payload> {
        if let Some(emission) = self.unrecorded.front() {
            return Some(Payload::Emitted { emission: emission.clone() });
        }
        if let Some(open) = self.open.first_unrequested() {
            return open.clone().request();
        }
        let machine = self.machine.as_ref()?;
        machine.end().map(|end| record::ended(end, machine.state_hash()))
    }

    /// Compares an event with what is due, which must be of its kind.
    fn expect(&self, event: &Event, what: What, is_kind: fn(&Payload) -> bool) -> Result<(), Verdict> {
        match self.due().filter(is_kind) {
            Some(due) => self.agree(event, what, &due),
            None => Err(self.other_kind(event)),
        }
    }

    fn agree(&self, event: &Event, what: What, due: &Payload) -> Result<(), Verdict> {
        let same = match &event.payload {
            Some(payload) => payload == due,
            None => due.digest() == event.payload_sha256,
        };
        if same {
            return Ok(());
        }
        let difference = first_difference(&json(event), &due.to_json());
        let what = if what == What::End && difference.path == "/state" { What::State } else { what };
        Err(self.diverged(event, what, difference))
    }

    fn other_kind(&self, event: &Event) -> Verdict {
        let whole =
            |kind: EventType, payload: serde_json::Value| serde_json::json!({ "type": kind, "payload": payload });
        let right = self.due().map(|due| whole(due.kind(), due.to_json())).unwrap_or_default();
        let difference = Difference { path: String::new(), left: whole(event.kind, json(event)), right };
        self.diverged(event, What::Kind, difference)
    }

    fn diverged(&self, event: &Event, what: What, difference: Difference) -> Verdict {
        let node = self.node_due();
        let Difference { path, left, right } = difference;
        Verdict::Diverged(Box::new(Divergence {
            seq: event.seq,
            what,
            path,
            recorded: left,
            replayed: right,
            place: node.as_ref().and_then(|node| self.program.place(node)),
            node,
        }))
    }

    fn node_due(&self) -> Option<bloom_ir::document::NodeId> {
        match self.due() {
            Some(Payload::Emitted { emission }) => Some(emission.node),
            Some(Payload::EffectRequested { node, .. }) => Some(node),
            _ => self.machine.as_ref()?.position().into_iter().next(),
        }
    }
}

fn json(event: &Event) -> serde_json::Value {
    event.payload.as_ref().map(Payload::to_json).unwrap_or_default()
}
