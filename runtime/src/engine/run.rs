//! A run in memory: its machine, and what is to be recorded when something happens to it.
//!
//! Nothing here touches the world: each method gives an [`Addition`], which is to be committed before the run goes on. If the
//! commit fails, the run is thrown away and rebuilt from its history.

use std::collections::BTreeSet;
use std::time::Duration;

use bloom_interpreter::effect::{
    Answer, AwaitRequest, AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest, Emission, LlmRequest,
    NodeRef, Outcome, Question as Asking,
};
use bloom_interpreter::history::{Chain, Event, EventType, Forked, Payload};
use bloom_interpreter::record::{self, OpenEffect};
use bloom_interpreter::replay::{Rebuilt, Signals};
use bloom_interpreter::{End, Machine, Next, Program, Turn};
use bloom_ir::document::{EmitKind, Locale, NodeId, NodeKind, Policy};
use bloom_ir::{Digest, Value, VerifiedIr};

use super::child::child_id;
use super::config::EngineConfig;
use super::ledger::Ledger;
use super::open::{Open, OpenEffects};
use super::progress::{EffectSpot, Step};
use super::proposal::Proposer;
use super::retry::Schedule;
use super::tool::Job;
use super::wait::Rest;
use crate::clock::Ids;
use crate::record::{
    Actor, AuditNote, Charge, ContextId, InboxEntry, Parent, ProposalId, Question, QuestionId, QuestionStatus, RunId,
    RunRecord, RunStatus, Spent, Task, TaskEffect, TaskId, TaskStatus,
};
use crate::store::Append;

/// How many steps a run does without a pause, as [`Machine::advance_within`] counts them: some milliseconds, or one node
/// that takes longer.
pub(super) const SLICE: u64 = 1_000_000;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// As drawn.
    Completed {
        /// Its result.
        result: Value,
    },
    /// With an error that nothing took, or by its own decision.
    Failed {
        /// Why.
        error: EffectError,
        /// Where, if at a node.
        node: Option<NodeId>,
    },
    /// It was stopped.
    Cancelled {
        /// By whom and why.
        reason: String,
    },
    /// Its history was long enough: another run goes on in its place.
    Continued {
        /// That run.
        run: RunId,
    },
}

impl RunEnd {
    /// What an event says of the end, if it is one.
    pub(super) fn of_payload(payload: &Payload) -> Option<Self> {
        match payload.clone() {
            Payload::RunCompleted { result, .. } => Some(Self::Completed { result }),
            Payload::RunFailed { error, node, .. } => Some(Self::Failed { error, node }),
            Payload::RunCancelled { reason } => Some(Self::Cancelled { reason }),
            Payload::RunContinued { run, .. } => Some(Self::Continued { run: RunId::new(run) }),
            _ => None,
        }
    }

    /// The run's status.
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Completed { .. } => RunStatus::Completed,
            Self::Failed { .. } => RunStatus::Failed,
            Self::Cancelled { .. } => RunStatus::Cancelled,
            Self::Continued { .. } => RunStatus::Continued,
        }
    }

    /// The status as it is written.
    pub fn status_name(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Continued { .. } => "continued",
        }
    }
}

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

/// What is to be committed, and told once it is.
#[derive(Debug)]
pub(super) struct Addition {
    pub(super) append: Append,
    /// Blobs that must be there before.
    pub(super) artifacts: Vec<Vec<u8>>,
    pub(super) steps: Vec<Step>,
}

impl Addition {
    /// What nobody is told of as a step.
    pub(super) fn silent(append: Append) -> Self {
        Self { append, artifacts: Vec::new(), steps: Vec::new() }
    }

    /// Adds what follows at once, to be committed with it.
    pub(super) fn follow(&mut self, next: Self) {
        let Self { append, artifacts, steps } = next;
        self.append.follow(append);
        self.artifacts.extend(artifacts);
        self.steps.extend(steps);
    }
}

/// What one happening adds, before it is numbered and chained.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) payloads: Vec<Payload>,
    tasks: Vec<Task>,
    pub(super) questions: Vec<Question>,
    pub(super) inbox: Vec<InboxEntry>,
    orphans: Vec<RunId>,
    proposals: Vec<crate::record::Proposal>,
    artifacts: Vec<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    pub(super) audit: Vec<AuditNote>,
    spent: Spent,
    charge: Charge,
    pub(super) end: Option<RunEnd>,
    /// The state at the end, where that is not the machine's.
    state: Option<Digest>,
}

impl Run {
    /// A new run: its first events are those of its first turn.
    pub(super) fn begin(
        record: &RunRecord,
        ir: VerifiedIr,
        machine: Machine,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let started = record::started(&machine, &desk.config.version);
        Self::begin_with(record, ir, machine, started, by, desk)
    }

    /// The same with its first event.
    pub(super) fn begin_with(
        record: &RunRecord,
        ir: VerifiedIr,
        machine: Machine,
        started: Payload,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let signals = match &started {
            Payload::RunStarted(started) => started.continues.as_ref().map(|before| before.signals.clone()),
            _ => None,
        };
        let mut run = Self {
            id: record.id.clone(),
            context: record.context.clone(),
            program: machine.program().clone(),
            ir,
            machine,
            chain: Chain::default(),
            last_at: i64::MIN,
            open: OpenEffects::default(),
            dearest: 0,
            calls: record.calls_before,
            budget: record.budget.clone(),
            has_moved: false,
            signals: signals.unwrap_or_default(),
            parent: record.parent.clone(),
            active_before: Duration::ZERO,
            underway: None,
            again: Vec::new(),
            artifacts: Vec::new(),
            proposals: Vec::new(),
            told: Rest::default(),
            end: None,
        };
        let mut draft = Draft::default();
        draft.payloads.push(started);
        draft.steps.push(Step::Started);
        let note = run.note("run_started", by.clone(), [("ir_hash", run.program.hash().to_string().into())]);
        draft.audit.push(note);
        if record.dispatched {
            draft.tasks.push(run.whole(desk));
        } else {
            run.take_turn(&mut draft, desk);
        }
        let mut addition = run.seal(draft, desk);
        // Nothing is open here, because its effects are a worker's.
        addition.append.waiting &= !record.dispatched;
        (run, addition)
    }

    /// A run of another engine as its history left it, with the tasks of what LLMs were asked and have not answered.
    pub(super) fn adopted(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        events: &[Event],
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let mut run = Self::recovered(record, ir, rebuilt, events, Vec::new());
        let mut draft = Draft::default();
        for open in run.open.iter().filter(|open| open.effect.is_requested()) {
            let request = open.effect.ask();
            if let EffectCall::Llm(call) = &request.call {
                let attempts = open.effect.failed_attempts();
                draft.tasks.push(Task { attempts, ..run.task(request, call, desk) });
            }
        }
        let addition = run.seal(draft, desk);
        (run, addition)
    }

    /// A run as its history left it. `proposals` are those that it made.
    pub(super) fn recovered(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        events: &[Event],
        proposals: Vec<ProposalId>,
    ) -> Self {
        let Rebuilt { machine, chain, emitted, open, signals } = rebuilt;
        // Those that ask an LLM are held below.
        let is_again = |effect: &&OpenEffect| {
            effect.ask().recorded_first() && !effect.is_requested() && !matches!(effect.ask().call, EffectCall::Llm(_))
        };
        let again = open.iter().filter(is_again).map(|effect| effect.ask().clone()).collect();
        let artifacts = events.iter().filter_map(|event| match &event.payload {
            Some(Payload::Emitted { emission }) if emission.kind == EmitKind::Artifact => Some(artifact(emission).1),
            _ => None,
        });
        // What happened before it left its origin was another run's time.
        let own = || events.iter().rev().take_while(|event| event.kind != EventType::RunForked);
        let asked: BTreeSet<&EffectId> = events.iter().filter_map(asked_of_llm).collect();
        let usages = || {
            own().filter_map(|event| match event.payload.as_ref()? {
                Payload::EffectCompleted { effect, answer, .. } => Some((effect, answer.usage.as_ref()?)),
                Payload::EffectAttempted { effect, error, .. } | Payload::EffectFailed { effect, error, .. } => {
                    Some((effect, error.usage.as_deref()?))
                }
                _ => None,
            })
        };
        let usages = || usages().filter(|(effect, _)| asked.contains(effect)).map(|(_, usage)| usage);
        let active = usages().fold(0_u64, |sum, usage| sum.saturating_add(usage.latency_ms));
        let is_outcome = |event: &Event| matches!(event.kind, EventType::EffectCompleted | EventType::EffectFailed);
        let mut run = Self {
            id: record.id.clone(),
            context: record.context.clone(),
            program: machine.program().clone(),
            ir,
            active_before: Duration::from_millis(active),
            dearest: usages().filter_map(|usage| usage.cost_micro_usd).max().unwrap_or_default(),
            calls: record.calls_before.saturating_add(asked.len() as u64),
            budget: record.budget.clone(),
            has_moved: events.iter().any(is_outcome),
            chain,
            last_at: events.last().map_or(i64::MIN, |event| event.at),
            open: OpenEffects::default(),
            signals,
            parent: record.parent.clone(),
            underway: Some(Box::new(Underway { emitted })),
            again,
            machine,
            artifacts: artifacts.collect(),
            proposals,
            told: Rest { waiting: record.waiting, wake_at: record.wake_at },
            end: None,
        };
        for effect in open {
            let begun = effect.is_requested();
            let mut open = Open::new(effect, begun);
            if let (EffectCall::Llm(call), true) = (&open.effect.ask().call, begun) {
                // It was reserved when it was requested, whatever is left by now.
                open.reserved = run.needed(call);
            }
            open.is_held = !begun && matches!(open.effect.ask().call, EffectCall::Llm(_));
            run.open.insert(open);
        }
        run
    }

    /// A run as the first events of another one left it: it adds that it goes on from there.
    pub(super) fn forked(
        record: &RunRecord,
        ir: VerifiedIr,
        rebuilt: Rebuilt,
        shared: &[Event],
        forked: Forked,
        by: &Actor,
        desk: &Desk<'_>,
    ) -> (Self, Addition) {
        let mut run = Self::recovered(record, ir, rebuilt, shared, Vec::new());
        run.active_before = Duration::ZERO;
        let mut draft = Draft::default();
        let detail = [
            ("ir_hash", run.program.hash().to_string().into()),
            ("origin", Value::from(forked.origin.as_str())),
            ("at", Value::from(i64::try_from(forked.at).unwrap_or(i64::MAX))),
        ];
        draft.payloads.push(Payload::RunForked(forked));
        draft.steps.push(Step::Started);
        draft.audit.push(run.note("run_forked", by.clone(), detail));
        run.move_on(&mut draft, desk);
        let addition = run.seal(draft, desk);
        (run, addition)
    }

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

    /// Takes note of a request. What must not be performed before it is recorded is recorded now, an LLM's with its task.
    fn request(&mut self, draft: &mut Draft, request: &EffectRequest, desk: &Desk<'_>) {
        let mut open = match self.open.remove(&request.id) {
            Some(open) => open,
            None => Open::new(OpenEffect::new(request.clone()), false),
        };
        let by_person = desk.config.llm_by_person;
        if let (EffectCall::Llm(call), false, false) = (&request.call, open.effect.is_requested(), by_person) {
            match self.reserve(&request.id, call, desk) {
                Ok(Some(reserved)) => (open.reserved, open.is_held) = (reserved, false),
                Ok(None) => open.is_held = true,
                // Its request is recorded together with that.
                Err(error) => (open.refused, open.is_held) = (Some(error), false),
            }
        }
        if request.recorded_first()
            && open.refused.is_none()
            && (by_person || !open.is_held)
            && let Some(payload) = open.effect.request()
        {
            draft.payloads.push(payload);
            match &request.call {
                EffectCall::Llm(_) if by_person => self.ask_person(draft, &mut open, desk),
                EffectCall::Llm(call) => {
                    draft.tasks.push(self.task(request, call, desk));
                    draft.charge.calls += 1;
                    self.calls += 1;
                }
                EffectCall::Await(AwaitRequest { what: AwaitedThing::Ask(asked), until, .. }) => {
                    draft.questions.push(self.question(request, asked, *until, desk));
                }
                _ => {}
            }
        }
        self.open.insert(open);
    }

    /// Requests what waited until others had given back what they had reserved, as far as they have.
    fn request_held(&mut self, draft: &mut Draft, desk: &Desk<'_>) {
        while let Some(held) = self.open.first_held() {
            let request = held.effect.ask().clone();
            let id = request.id.clone();
            self.request(draft, &request, desk);
            if self.open.get(&id).is_some_and(|open| open.is_held) {
                return;
            }
        }
    }

    pub(super) fn question(
        &self,
        request: &EffectRequest,
        asked: &Asking,
        until: Option<i64>,
        desk: &Desk<'_>,
    ) -> Question {
        let at = self.at(desk);
        Question {
            id: QuestionId::new(desk.ids.fresh()),
            run: self.id.clone(),
            effect: request.id.clone(),
            node: request.node.clone(),
            context: self.context.clone(),
            agent: self.agent().to_owned(),
            asked: asked.clone(),
            until,
            status: QuestionStatus::Open,
            created_at: at,
            updated_at: at,
            answer: None,
            answered_by: None,
        }
    }

    fn task(&self, request: &EffectRequest, call: &bloom_interpreter::effect::LlmRequest, desk: &Desk<'_>) -> Task {
        let node_limit = self.limits().node_timeout_seconds;
        let at = self.at(desk);
        Task {
            id: TaskId::new(desk.ids.fresh()),
            flow: None,
            of: Some(TaskEffect {
                run: self.id.clone(),
                effect: request.id.clone(),
                asked_by: NodeRef { node: request.node.clone(), visit: request.visit },
            }),
            context: self.context.clone(),
            agent_slug: self.agent().to_owned(),
            request: call.clone(),
            requires: desk.config.llm_requires.clone(),
            timeout_seconds: call.timeout_seconds.map_or(node_limit, |own| own.min(node_limit)),
            time_limit_ms: Some(u64::from(node_limit).saturating_mul(1000)),
            time_used_ms: 0,
            priority: 0,
            status: TaskStatus::Queued,
            created_at: at,
            updated_at: at,
            not_before: None,
            lease: None,
            attempts: 0,
            max_attempts: Schedule::new(desk.config, call.retry.as_ref()).attempts,
            epoch: 0,
            answer: None,
            error: None,
            resolved: false,
        }
    }

    /// The task to execute all of it.
    fn whole(&self, desk: &Desk<'_>) -> Task {
        let document = self.ir.document();
        let mut requires = vec!["ir:0.1".to_owned()];
        requires.extend(document.policy.allowed_tools.keys().map(|tool| tool_capability(tool)));
        if document.nodes.values().any(|node| matches!(node.kind, NodeKind::LlmCall(_))) {
            requires.extend(desk.config.llm_requires.iter().cloned());
        }
        let nothing = LlmRequest {
            prompt: String::new(),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            output: serde_json::Value::Bool(false),
            timeout_seconds: None,
            retry: None,
        };
        let request = EffectRequest {
            id: EffectId::new(TaskEffect::WHOLE),
            node: document.entry.clone(),
            visit: 1,
            call: EffectCall::Llm(nothing.clone()),
        };
        Task {
            flow: Some(self.ir.hash()),
            requires,
            timeout_seconds: self.limits().timeout_seconds,
            time_limit_ms: Some(u64::from(self.limits().timeout_seconds).saturating_mul(1000)),
            ..self.task(&request, &nothing, desk)
        }
    }

    /// Numbers and chains what is to be added.
    pub(super) fn seal(&mut self, draft: Draft, desk: &Desk<'_>) -> Addition {
        let Draft {
            payloads,
            tasks,
            questions,
            inbox,
            mut orphans,
            proposals,
            artifacts,
            mut steps,
            mut audit,
            spent,
            charge,
            end,
            state: _,
        } = draft;
        let expected = self.chain.seq();
        let at = self.at(desk);
        let events = payloads.into_iter().map(|payload| self.chain.seal(at, payload)).collect();
        self.last_at = at;
        self.proposals.extend(proposals.iter().map(|proposal| proposal.id.clone()));
        self.artifacts.extend(artifacts.iter().map(|bytes| Digest::of(bytes)));
        if let Some(end) = &end {
            audit.push(self.end_note(end));
            steps.push(Step::Ended(end.clone()));
            orphans.extend(self.open.iter().filter_map(|open| self.child_of(open.effect.ask())));
            self.open.clear();
            self.end = Some(end.clone());
        }
        for note in &mut audit {
            note.at = at;
        }
        let next = match &end {
            Some(RunEnd::Continued { run }) => self.successor(run, desk),
            _ => None,
        };
        let status = end.map_or(RunStatus::Running, |end| end.status());
        let Rest { waiting, wake_at } = self.rest();
        self.told = Rest { waiting, wake_at };
        let append = Append {
            run: self.id.clone(),
            expected,
            events,
            status,
            spent,
            charge,
            tasks,
            waiting,
            wake_at,
            questions,
            inbox,
            proposals,
            audit,
            next: next.map(Box::new),
            orphans,
            held: None,
        };
        Addition { append, artifacts, steps }
    }

    /// The time of what is recorded now: never before what was recorded last, whatever the clock does.
    pub(super) fn at(&self, desk: &Desk<'_>) -> i64 {
        desk.now.max(self.last_at)
    }

    fn end_note(&self, end: &RunEnd) -> AuditNote {
        let digests: Value = self.artifacts.iter().map(|digest| Value::from(digest.to_string())).collect();
        let proposals: Value = self.proposals.iter().map(|id| Value::from(id.as_str())).collect();
        self.note(
            &format!("run_{}", end.status_name()),
            Actor(format!("run:{}", self.id)),
            [
                ("ir_hash", Value::from(self.program.hash().to_string())),
                ("history_head", Value::from(self.chain.head().to_string())),
                ("artifacts", digests),
                ("proposals", proposals),
            ],
        )
    }

    pub(super) fn note<const N: usize>(&self, action: &str, actor: Actor, detail: [(&str, Value); N]) -> AuditNote {
        AuditNote {
            at: self.last_at,
            actor,
            action: action.to_owned(),
            entity_type: "run".to_owned(),
            entity_id: self.id.to_string(),
            job_id: Some(self.id.to_string()),
            context_id: Some(self.context.to_string()),
            epoch: None,
            detail: detail.into_iter().collect(),
        }
    }
}

/// The effect that an event says was asked of an LLM.
fn asked_of_llm(event: &Event) -> Option<&EffectId> {
    match event.payload.as_ref()? {
        Payload::EffectRequested { effect, call: EffectCall::Llm(_), .. } => Some(effect),
        _ => None,
    }
}

/// What a worker provides that has a tool: `tool.memory_read` for `memory-read`.
pub(super) fn tool_capability(tool: &str) -> String {
    format!("tool.{}", tool.replace('-', "_"))
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
