//! A run in memory: its machine, and what is to be recorded when something happens to it.
//!
//! Nothing here touches the world: each method gives an [`Addition`], which is to be committed before the run goes on. If the
//! commit fails, the run is thrown away and rebuilt from its history.

mod addition;
mod ask;
mod begin;
mod end;

use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectCall, EffectError, EffectId, EffectRequest, Emission, Outcome};
use bloom_interpreter::history::{Chain, Payload};
use bloom_interpreter::record;
use bloom_interpreter::replay::Signals;
use bloom_interpreter::{End, Machine, Next, Program, Turn};
use bloom_ir::document::{EmitKind, Locale, Policy};
use bloom_ir::{Digest, Value, VerifiedIr};

pub(super) use self::addition::{Addition, Draft};
pub use self::end::RunEnd;
use super::child::child_id;
use super::config::EngineConfig;
use super::ledger::Ledger;
use super::open::{Open, OpenEffects};
use super::progress::{EffectSpot, Step};
use super::proposal::Proposer;
use super::tool::Job;
use super::wait::Rest;
use crate::clock::Ids;
use crate::record::{Charge, ContextId, Parent, ProposalId, RunId};

/// How many steps a run does without a pause, as [`Machine::advance_within`] counts them: some milliseconds, or one node
/// that takes longer.
pub(super) const SLICE: u64 = 1_000_000;

/// What the edge gives for one addition.
pub(super) struct Desk<'a> {
    /// Unix milliseconds.
    pub(super) now: i64,
    pub(super) ids: &'a dyn Ids,
    pub(super) config: &'a EngineConfig,
    pub(super) ledger: &'a Ledger,
}

/// A run in memory.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) context: ContextId,
    program: Program,
    ir: VerifiedIr,
    pub(super) machine: Machine,
    chain: Chain,
    /// Of the last event.
    last_at: i64,
    pub(super) open: OpenEffects,
    /// What the dearest call has cost so far, in millionths of a US dollar.
    pub(super) dearest: u64,
    /// How many calls of LLMs it has asked for, and those in whose place it goes on.
    pub(super) calls: u64,
    /// The name of its budget profile, if it is not the standard one.
    pub(super) budget: Option<String>,
    /// Whether an effect has its outcome in this history.
    pub(super) has_moved: bool,
    /// Signals that nobody has taken.
    pub(super) signals: Signals,
    /// The run that started it, if a run did.
    pub(super) parent: Option<Parent>,
    /// How long it was active before it came into memory, as far as its history tells: what its LLM calls took.
    pub(super) active_before: Duration,
    /// The turn that is not recorded yet.
    underway: Option<Box<Underway>>,
    /// Effects that were asked for before the run left its origin, and are to be asked for again.
    again: Vec<EffectRequest>,
    artifacts: Vec<Digest>,
    proposals: Vec<ProposalId>,
    /// What the store knows of how long it rests.
    pub(super) told: Rest,
    end: Option<RunEnd>,
}

/// A turn that the machine has not come to the end of, or that a rebuilt run's history ends in the middle of.
#[derive(Debug)]
struct Underway {
    /// What is to be recorded once the turn is whole.
    emitted: Vec<Emission>,
}

impl Run {
    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref()
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.ir.document().policy
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn ir(&self) -> &VerifiedIr {
        &self.ir
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The language of its texts.
    pub(super) fn locale(&self) -> Locale {
        self.program.flow().locale
    }

    /// The flow's id.
    pub(super) fn agent(&self) -> &str {
        &self.program.flow().id
    }

    /// How an effect is shown.
    pub(super) fn spot(&self, request: &EffectRequest) -> EffectSpot {
        EffectSpot::of(&self.program, request)
    }

    /// The call of a tool that it waits for, where it waits for nothing else.
    pub(super) fn only_call(&self) -> Option<Job> {
        let mut open = self.open.iter();
        let (Some(only), None) = (open.next(), open.next()) else { return None };
        match &only.effect.ask().call {
            EffectCall::Tool(call) => Some(Job::new(self, only, call)),
            _ => None,
        }
    }

    /// Whether the machine is in the middle of a turn: [`Run::catch_up`] goes on with it.
    pub(super) fn is_moving(&self) -> bool {
        self.underway.is_some()
    }

    /// Does a slice of the turn under way, and records the turn when it is whole.
    pub(super) fn catch_up(&mut self, desk: &Desk<'_>) -> Option<Addition> {
        let draft = self.overdue(desk);
        (!draft.payloads.is_empty()).then(|| self.seal(draft, desk))
    }

    /// What must be recorded before anything else is.
    pub(super) fn overdue(&mut self, desk: &Desk<'_>) -> Draft {
        let mut draft = Draft::default();
        self.move_on(&mut draft, desk);
        draft
    }

    /// An effect has its outcome, and the run moves on.
    pub(super) fn settle(
        &mut self,
        effect: &EffectId,
        attempt: u32,
        result: Result<Answer, EffectError>,
        desk: &Desk<'_>,
    ) -> Option<Addition> {
        let mut draft = self.overdue(desk);
        self.settle_into(&mut draft, effect, attempt, result, desk)?;
        Some(self.seal(draft, desk))
    }

    /// Adds an outcome and the turn that follows from it.
    pub(super) fn settle_into(
        &mut self,
        draft: &mut Draft,
        effect: &EffectId,
        attempt: u32,
        result: Result<Answer, EffectError>,
        desk: &Desk<'_>,
    ) -> Option<()> {
        let Open { effect: open, .. } = self.open.remove(effect)?;
        self.has_moved = true;
        let usage = match &result {
            Ok(answer) => answer.usage.clone(),
            Err(error) => error.usage.as_deref().cloned(),
        };
        if result.is_err() {
            draft.orphans.extend(self.child_of(open.ask()));
        }
        draft.steps.push(Step::Settled {
            effect: self.spot(open.ask()),
            attempt,
            took: None,
            error: result.as_ref().err().cloned(),
            usage: usage.clone(),
        });
        let mut used = Charge::default();
        if let Some(usage) = &usage {
            draft.spent.add(usage);
            // What a run that it started has cost is no price of a call.
            if matches!(open.ask().call, EffectCall::Llm(_)) {
                used.add_usage(usage);
                self.note_cost(usage);
            }
        }
        draft.charge = draft.charge.plus(used);
        desk.ledger.settle((&self.id, effect), self.agent(), used);
        draft.payloads.extend(open.settle(attempt, result.clone()));
        self.machine.resolve(effect, Outcome { result, at: self.at(desk) }).ok()?;
        self.take_turn(draft, desk);
        Some(())
    }

    /// The run that an effect waits for, if it waits for one.
    fn child_of(&self, request: &EffectRequest) -> Option<RunId> {
        match &request.call {
            EffectCall::Flow(call) if call.wait => Some(child_id(&self.id, &request.id)),
            _ => None,
        }
    }

    /// An attempt failed, and another follows.
    pub(super) fn attempted(
        &mut self,
        effect: &EffectId,
        error: EffectError,
        delay: Duration,
        desk: &Desk<'_>,
    ) -> Option<Addition> {
        let mut draft = self.overdue(desk);
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let (attempt, payloads) =
            self.open.edit(effect, |open| (open.effect.attempt(), open.effect.attempted(error.clone(), delay_ms)))?;
        draft.payloads.extend(payloads);
        if let Some(usage) = &error.usage {
            draft.spent.add(usage);
            if self.open.get(effect).is_some_and(|open| matches!(open.effect.ask().call, EffectCall::Llm(_))) {
                draft.charge.add_usage(usage);
            }
            self.note_cost(usage);
        }
        self.machine.spend(effect, &error);
        let spot = self.spot(self.open.get(effect)?.effect.ask());
        draft.steps.push(Step::AttemptFailed { effect: spot, attempt, error, delay });
        Some(self.seal(draft, desk))
    }

    /// The driver ends it: a time limit, a full history.
    pub(super) fn fail(&mut self, error: EffectError, desk: &Desk<'_>) -> Addition {
        let mut draft = self.broken_off(desk);
        if draft.end.is_none() {
            self.end_failed(&mut draft, error);
        }
        self.seal(draft, desk)
    }

    /// Somebody stops it.
    pub(super) fn cancel(&mut self, reason: String, desk: &Desk<'_>) -> Addition {
        let mut draft = self.broken_off(desk);
        if draft.end.is_none() {
            draft.payloads.push(Payload::RunCancelled { reason: reason.clone() });
            draft.end = Some(RunEnd::Cancelled { reason });
        }
        self.seal(draft, desk)
    }

    /// What is recorded of the turn under way when the run is ended from outside. The machine may have come to its end
    /// already, or wait: then what it has emitted is recorded. In the middle nothing is, as if the turn had not begun.
    fn broken_off(&mut self, desk: &Desk<'_>) -> Draft {
        let mut draft = Draft::default();
        let Some(underway) = self.underway.take() else { return draft };
        let Underway { mut emitted } = *underway;
        match self.machine.advance_within(0, &mut emitted) {
            Some(next @ Next::Finished(_)) => self.record_turn(&mut draft, Turn { emitted, next }, desk),
            Some(Next::Waiting(_)) => emitted.iter().for_each(|emission| self.emit(&mut draft, emission, desk)),
            None => draft.state = Some(self.machine.turn_state_hash()),
        }
        draft
    }

    /// A turn begins. A short one, as most are, is recorded with what it follows from.
    fn take_turn(&mut self, draft: &mut Draft, desk: &Desk<'_>) {
        self.underway = Some(Box::new(Underway { emitted: Vec::new() }));
        self.move_on(draft, desk);
    }

    /// A slice of the turn under way, if there is one.
    fn move_on(&mut self, draft: &mut Draft, desk: &Desk<'_>) {
        let Some(underway) = &mut self.underway else { return };
        if let Some(next) = self.machine.advance_within(SLICE, &mut underway.emitted) {
            let emitted = std::mem::take(&mut underway.emitted);
            self.underway = None;
            self.record_turn(draft, Turn { emitted, next }, desk);
        }
    }

    /// What a turn adds, unless the history is full then.
    fn record_turn(&mut self, draft: &mut Draft, turn: Turn, desk: &Desk<'_>) {
        let mut more = Draft::default();
        for emission in &turn.emitted {
            self.emit(&mut more, emission, desk);
        }
        match turn.next {
            Next::Waiting(requests) => {
                let again = std::mem::take(&mut self.again);
                for request in requests.iter().chain(&again) {
                    self.request(&mut more, request, desk);
                }
                self.request_held(&mut more, desk);
            }
            Next::Finished(end) => {
                more.payloads.push(record::ended(&end, self.machine.state_hash()));
                more.end = Some(match end {
                    End::Completed { result } => RunEnd::Completed { result },
                    End::Failed { error, node } => RunEnd::Failed { error, node },
                });
            }
        }
        let limit = self.limits().max_events;
        let events = self.chain.seq().saturating_add((draft.payloads.len() + more.payloads.len()) as u64);
        if events <= limit {
            draft.payloads.append(&mut more.payloads);
            draft.steps.append(&mut more.steps);
            draft.tasks.append(&mut more.tasks);
            draft.charge = draft.charge.plus(more.charge);
            draft.questions.append(&mut more.questions);
            draft.proposals.append(&mut more.proposals);
            draft.artifacts.append(&mut more.artifacts);
            draft.end = more.end;
            self.continue_elsewhere(draft, events, desk);
        } else {
            let message = format!("the history would have {events} events; the limit is {limit}");
            self.end_failed(draft, EffectError::new("limit_events", message).with_details(measured(limit, events)));
        }
    }

    fn end_failed(&mut self, draft: &mut Draft, error: EffectError) {
        let end = End::Failed { error: error.clone(), node: None };
        let state = draft.state.unwrap_or_else(|| self.machine.state_hash());
        draft.payloads.push(record::ended(&end, state));
        draft.end = Some(RunEnd::Failed { error, node: None });
    }

    fn emit(&self, draft: &mut Draft, emission: &Emission, desk: &Desk<'_>) {
        let mut proposal = None;
        match emission.kind {
            EmitKind::Proposal => {
                let ttl_ms = i64::try_from(desk.config.proposal_ttl.as_millis()).unwrap_or(i64::MAX);
                let proposer = Proposer { run: &self.id, agent: self.agent(), at: self.at(desk), ttl_ms };
                let made = proposer.propose(ProposalId::new(desk.ids.fresh()), emission);
                proposal = Some(made.id.clone());
                draft.proposals.push(made);
            }
            EmitKind::Artifact => draft.artifacts.push(artifact(emission).0),
            EmitKind::Event | EmitKind::Log => {}
        }
        draft.payloads.push(Payload::Emitted { emission: emission.clone() });
        draft.steps.push(Step::Emitted { emission: emission.clone(), proposal });
    }
}

/// The details of an error that says which limit was met, and by what.
pub(super) fn measured(limit: u64, measured: u64) -> Value {
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    [("limit", number(limit)), ("measured", number(measured))].into_iter().collect()
}

/// These details, and why the last attempt failed.
pub(super) fn with_last(details: Value, last: &EffectError) -> Value {
    let last = [("code", Value::from(last.code.as_str())), ("message", Value::from(last.message.as_str()))];
    let Value::Map(members) = details else { return details };
    let members = members.iter().map(|(name, value)| (name.clone(), value.clone()));
    members.chain([("last".into(), last.into_iter().collect())]).collect()
}

/// The bytes that an artifact is kept as, and their digest.
pub fn artifact(emission: &Emission) -> (Vec<u8>, Digest) {
    let bytes = match &emission.value {
        Value::String(text) => text.as_bytes().to_vec(),
        other => other.to_bytes(),
    };
    let digest = Digest::of(&bytes);
    (bytes, digest)
}
