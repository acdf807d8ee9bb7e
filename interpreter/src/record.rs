//! What is recorded, and in which order: shared by whoever drives a machine and by replay, so that both agree.
//!
//! The order of a history is: `run.started`; then for each turn what it emitted, the requests, and the answers; at last
//! the end. A driver does, for a turn:
//!
//! 1. collect [`emitted`] of the turn: it rides in the next commit;
//! 2. for an effect whose [`EffectRequest::recorded_first`] holds, commit what was collected and [`OpenEffect::request`],
//!    and only then perform it; any other effect is performed at once;
//! 3. for a failed attempt that is tried again, commit [`OpenEffect::attempted`] before the delay;
//! 4. with the answer, collect [`OpenEffect::settle`], call [`crate::Machine::resolve`] with the time at which the event is
//!    recorded, advance, and go on with 1; the commit may be made as soon as the answer is collected, and must be made
//!    before the next effect is performed;
//! 5. at the end, collect [`ended`], and commit.

use bloom_ir::{Digest, Value};

use crate::effect::{Answer, EffectError, EffectRequest};
use crate::history::{Continues, Payload, Started};
use crate::machine::{End, Machine, Turn};

/// The first event of a run. `engine` is the engine's version.
pub fn started(machine: &Machine, engine: &str) -> Payload {
    let flow = machine.program().flow();
    Payload::RunStarted(Started {
        run: machine.run().id.clone(),
        flow: flow.id.clone(),
        version: flow.version.clone(),
        ir: machine.program().hash(),
        inputs: machine.inputs().clone(),
        started_at: machine.run().started_at,
        engine: engine.to_owned(),
        limits: Some(*machine.limits()).filter(|own| own != machine.program().limits()),
        continues: None,
    })
}

/// The first event of a run that goes on in the place of another.
pub fn started_in_place(machine: &Machine, engine: &str, continues: Continues) -> Payload {
    match started(machine, engine) {
        Payload::RunStarted(started) => {
            Payload::RunStarted(Started { continues: Some(Box::new(continues)), ..started })
        }
        other => other,
    }
}

/// The last event of a run in whose place `run` goes on.
pub fn continued(machine: &Machine, run: &str) -> Payload {
    Payload::RunContinued { run: run.to_owned(), state: machine.state_hash() }
}

/// What a turn emitted.
pub fn emitted(turn: &Turn) -> impl Iterator<Item = Payload> {
    turn.emitted.iter().map(|emission| Payload::Emitted { emission: emission.clone() })
}

/// The last event of a run: `state` is the machine's [`Machine::state_hash`]. A driver that ends a run by itself (a time
/// limit, a full history) gives an [`End::Failed`] without a node. If it does so in the middle of a turn, nothing of the turn
/// is recorded, and the state is that before the turn.
pub fn ended(end: &End, state: Digest) -> Payload {
    match end.clone() {
        End::Completed { result } => Payload::RunCompleted { result, state },
        End::Failed { error, node } => Payload::RunFailed { error, node, state },
    }
}

/// An effect on its way from request to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenEffect {
    request: EffectRequest,
    requested: bool,
    failed: u32,
}

impl OpenEffect {
    /// As a turn asks for it: nothing is recorded yet.
    pub fn new(request: EffectRequest) -> Self {
        Self { request, requested: false, failed: 0 }
    }

    /// What is asked.
    pub fn ask(&self) -> &EffectRequest {
        &self.request
    }

    /// Whether the request was recorded. After a crash such an effect may have been performed.
    pub fn is_requested(&self) -> bool {
        self.requested
    }

    /// Attempts that failed, as recorded.
    pub fn failed_attempts(&self) -> u32 {
        self.failed
    }

    /// The attempt that is under way, from 1.
    pub fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }

    /// The request; `None` when it is recorded already.
    pub fn request(&mut self) -> Option<Payload> {
        if std::mem::replace(&mut self.requested, true) {
            return None;
        }
        let EffectRequest { id, node, visit, call } = self.request.clone();
        Some(Payload::EffectRequested { effect: id, node, visit, call })
    }

    /// A failed attempt that is tried again after a delay.
    pub fn attempted(&mut self, error: EffectError, delay_ms: u64) -> Vec<Payload> {
        let attempt = self.attempt();
        let effect = self.request.id.clone();
        let request = self.request();
        self.failed = attempt;
        request.into_iter().chain([Payload::EffectAttempted { effect, attempt, error, delay_ms }]).collect()
    }

    /// The outcome: the answer, or the error that is not tried again. `attempt` is [`OpenEffect::attempt`] for what the
    /// driver tried by itself, and the task's count for what was leased.
    pub fn settle(mut self, attempt: u32, result: Result<Answer, EffectError>) -> Vec<Payload> {
        let effect = self.request.id.clone();
        let outcome = match result {
            Ok(answer) => Payload::EffectCompleted { effect, attempt, answer: normal(answer) },
            Err(error) => Payload::EffectFailed { effect, attempt, error },
        };
        self.request().into_iter().chain([outcome]).collect()
    }

    pub(crate) fn note_requested(&mut self) {
        self.requested = true;
    }

    /// Nothing of it counts any more: the run goes on as another one.
    pub(crate) fn forget(&mut self) {
        (self.requested, self.failed) = (false, 0);
    }

    pub(crate) fn note_failed(&mut self, attempt: u32) {
        self.failed = attempt;
    }
}

/// Values are made normal when they enter a run, before they are recorded.
fn normal(answer: Answer) -> Answer {
    Answer { value: Value::normalized(answer.value), usage: answer.usage }
}
