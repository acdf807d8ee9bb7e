//! Runs that workers execute: handed out whole, and followed event by event.
//!
//! A worker's word is not taken. Each event that it sends is held against the program, as in a replay, and kept only if it is
//! what comes next: the arguments of calls, what is emitted and how the run ends follow from the program. What tools and LLMs
//! answered is the worker's to say, as far as the answers fit; a call of an LLM that the budget does not allow is refused.
//!
//! A run that waits for a time, a signal, a person or another run is not handed out: nobody would have to hold it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bloom_interpreter::Program;
use bloom_interpreter::effect::{Answer, EffectCall, EffectError, EffectId, EffectRequest, LlmRequest, Usage};
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_interpreter::replay::{RebuildError, Rebuilder};
use bloom_ir::document::EmitKind;
use bloom_ir::{Digest, Pinned, Value};

use super::gate::Standing;
use super::lease::{decided, note};
use super::live::{With, commit, sealed, tell};
use super::progress::{EffectSpot, Step};
use super::proposal::Proposer;
use super::run::{Addition, RunEnd, SLICE, artifact};
use super::submit::{Identity, Submit};
use super::{Engine, EngineError, budget, policy};
use crate::dispatch::{Proof, TaskError};
use crate::record::{
    Actor, Artifact, ArtifactId, AuditNote, Charge, Lease, LeaseEnding, ProposalId, RunError, RunId, RunRecord,
    RunStatus, Spent, Task, TaskResult,
};
use crate::store::{Append, Kept, LeaseEnd, StoreError};
use crate::tool::Artifacts;

/// A worker's clock may be ahead by so many milliseconds.
const AHEAD_MS: i64 = 5 * 60 * 1000;

/// Says whether an LLM's answer fits what was asked.
pub type CheckAnswer = fn(&LlmRequest, &Answer) -> Result<(), EffectError>;

/// Where the history of a run stands that a worker executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// How many events it has.
    pub events: u64,
    /// The hash of the last one.
    pub head: Digest,
}

/// What is known of the runs that are being followed: it follows from their histories, and saves going through them again.
#[derive(Default)]
pub(super) struct Followers(Mutex<BTreeMap<RunId, Follower>>);

impl Followers {
    fn take(&self, run: &RunId) -> Option<Follower> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run)
    }

    fn keep(&self, run: RunId, follower: Follower) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run, follower);
    }

    /// Something else happened to the run than what its worker says.
    pub(super) fn forget(&self, run: &RunId) {
        drop(self.take(run));
    }
}

/// Goes through a history with the program.
struct Follower {
    program: Program,
    rebuilder: Rebuilder,
    last_at: i64,
    spent: Spent,
    /// What the budget does not allow: it may fail, and not be answered.
    beyond: BTreeSet<EffectId>,
    artifacts: Vec<Digest>,
    proposals: Vec<ProposalId>,
    /// When what has no outcome yet was asked for, and when the event before that was, in Unix milliseconds.
    asked_at: BTreeMap<EffectId, (i64, i64)>,
}

/// What a worker's events add.
#[derive(Default)]
struct More {
    steps: Vec<Step>,
    spent: Spent,
    charge: Charge,
    proposals: Vec<crate::record::Proposal>,
    artifacts: Vec<Vec<u8>>,
    end: Option<RunEnd>,
}

impl Engine {
    /// Accepts a run that a worker is to execute: one that has the flow's tools, and can ask an LLM if the flow does. A flow that
    /// waits for a time, a signal, a person or another run is [`EngineError::Refused`].
    pub async fn submit_to_workers(&self, id: RunId, submit: Submit) -> Result<RunId, EngineError> {
        let refusals = policy::of_workers(&submit.ir);
        if !refusals.is_empty() {
            return Err(EngineError::Refused(refusals));
        }
        self.submit_from(submit, Identity { id, parent: None, dispatched: true }).await
    }

    /// The document of the run that a worker executes, and the run, for the holder of the lease.
    pub async fn leased_run(&self, proof: &Proof) -> Result<(RunRecord, Vec<u8>), EngineError> {
        let (task, lease) = self.whole_task(proof).await?;
        // Who may give it back may look at it.
        decided(&task, &lease, proof.epoch, &LeaseEnding::GivenBack, self.clock.now())?;
        let run = self.record_of(task.run().unwrap_or(&RunId::new(""))).await?;
        let missing = || EngineError::MissingIr { run: run.id.clone(), ir: run.ir };
        let document = self.store.flow_document(run.ir).await?.ok_or_else(missing)?;
        Ok((run, document))
    }

    /// What a run may read of what runs handed out.
    pub fn artifacts_of(&self, run: &RunRecord) -> Arc<dyn Artifacts> {
        Arc::new(self.fences.handed_out(&run.id, &run.flow, &run.context))
    }

    /// Adds to the history of a run what the worker that executes it says, which holds the lease. Events that are there
    /// already are passed over, so that telling them again is harmless. A stale lease is [`TaskError::Stale`], a gap
    /// [`RunError::OutOfSequence`], an event that the program does not lead to [`EngineError::Unfollowed`]: then none of them
    /// is kept. The last event of a run ends the lease, too.
    pub async fn follow(&self, proof: &Proof, events: Vec<Event>, check: CheckAnswer) -> Result<Followed, EngineError> {
        let (task, lease) = self.whole_task(proof).await?;
        let Some(run) = task.run().cloned() else { return Err(stale(&task, proof)) };
        if task.lease.as_ref() != Some(&proof.lease) || task.epoch != proof.epoch {
            return Err(stale(&task, proof));
        }
        let live = self.live(&run);
        let mut slot = live.slot.clone().lock_owned().await;
        // Whoever needs the run next loads it from what is recorded.
        *slot = None;
        let followed = self.follow_locked(&task, &lease, proof, &run, events, check).await;
        drop(slot);
        self.forget(&run, live);
        followed
    }

    async fn follow_locked(
        &self,
        task: &Task,
        lease: &Lease,
        proof: &Proof,
        run: &RunId,
        events: Vec<Event>,
        check: CheckAnswer,
    ) -> Result<Followed, EngineError> {
        self.load_ledger().await?;
        let record = self.record_of(run).await?;
        let new = self.unknown_of(&record, events).await?;
        if new.is_empty() {
            return Ok(Followed { events: record.events, head: record.history_head });
        }
        self.heartbeat(proof.clone()).await?;
        let mut follower = match self.followers.take(run) {
            Some(known) if known.is_at(&record) => known,
            _ => self.follower(&record).await?,
        };
        let mut more = More::default();
        for event in &new {
            follower.take(event, &record, check, self, &mut more).await?;
        }
        let chain = *follower.rebuilder.chain();
        let followed = Followed { events: chain.seq(), head: chain.head() };
        let limit = follower.limits().max_events;
        if more.end.is_none() && chain.seq() > limit {
            let message = format!("the history has {} events; the limit is {limit}", chain.seq());
            return Err(EngineError::Unfollowed { run: run.clone(), seq: chain.seq(), message });
        }
        let is_over = more.end.is_some();
        let (addition, with) = self.addition_of(&record, task, lease, new, &follower, more)?;
        let (standing, bill) = (Standing::of(&addition.append), self.ledger.bill(&record.flow, &addition.append));
        let committed = commit(self.store.as_ref(), None, addition, with).await.inspect_err(|_| self.ledger.doubt())?;
        tell(self.observer.as_ref(), &self.live(run), run, committed);
        self.ledger.hear(run, bill);
        self.admitting.hear(run, standing);
        if is_over {
            self.fleet().ended(&lease.id);
            self.announce_work();
        } else {
            self.followers.keep(run.clone(), follower);
        }
        Ok(followed)
    }

    /// The task of a lease on a whole run.
    async fn whole_task(&self, proof: &Proof) -> Result<(Task, Lease), EngineError> {
        let (task, lease) = self.task_of(&proof.lease).await?;
        match task.flow {
            Some(_) => Ok((task, lease)),
            None => Err(StoreError::NotFound { kind: "lease of a run", id: proof.lease.to_string() }.into()),
        }
    }

    /// The events that are not recorded yet; those before must be what is.
    async fn unknown_of(&self, record: &RunRecord, mut events: Vec<Event>) -> Result<Vec<Event>, EngineError> {
        let Some(first) = events.first().map(|event| event.seq) else { return Ok(events) };
        let gap = || RunError::OutOfSequence {
            run: record.id.clone(),
            expected: first.saturating_sub(1),
            actual: record.events,
        };
        if first == 0 || first > record.events.saturating_add(1) {
            return Err(StoreError::from(gap()).into());
        }
        let known = usize::try_from(record.events.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        let known = known.min(events.len());
        let recorded = self.store.history(&record.id, first, known).await?;
        let is_same = recorded.len() == known && recorded.iter().zip(&events).all(|(a, b)| a.hash() == b.hash());
        if !is_same {
            let other = RunError::OtherHistory { run: record.id.clone(), events: record.events };
            return Err(StoreError::from(other).into());
        }
        Ok(events.split_off(known))
    }

    async fn follower(&self, record: &RunRecord) -> Result<Follower, EngineError> {
        let ir = self.pinned(record, Pinned::Resume).await?;
        let program = self.program(&ir)?;
        let events = self.history(&record.id).await?;
        let mut follower = Follower {
            rebuilder: Rebuilder::new(&program, &events),
            program,
            last_at: i64::MIN,
            spent: Spent::default(),
            beyond: BTreeSet::new(),
            artifacts: Vec::new(),
            proposals: Vec::new(),
            asked_at: BTreeMap::new(),
        };
        let filter = crate::store::ProposalFilter { run: Some(record.id.clone()), status: None, limit: usize::MAX };
        follower.proposals = self.store.proposals(&filter).await?.into_iter().rev().map(|made| made.id).collect();
        for event in &events {
            follower.follow(event, &record.id).await?;
            if let Some(payload) = &event.payload {
                follower.note(payload, event.at);
            }
            follower.last_at = event.at;
        }
        Ok(follower)
    }

    fn addition_of(
        &self,
        record: &RunRecord,
        task: &Task,
        lease: &Lease,
        events: Vec<Event>,
        follower: &Follower,
        more: More,
    ) -> Result<(Addition, With), EngineError> {
        let More { steps, spent, charge, proposals, artifacts, end } = more;
        let now = self.clock.now();
        let audit = end.iter().map(|end| follower.end_note(record, end)).collect();
        let status = end.as_ref().map_or(RunStatus::Running, RunEnd::status);
        let events = sealed(&record.id, Chain::at(record.events, record.history_head), events)?;
        let append = Append {
            spent,
            charge,
            proposals,
            audit,
            // With its end the lease ends in the same transaction, which looks at it, too.
            held: end.is_none().then(|| Proof { lease: lease.id.clone(), epoch: lease.epoch }),
            ..Append::of(record.id.clone(), record.events, events, status)
        };
        let with = match end {
            None => With::Nothing,
            Some(end) => {
                let ending = LeaseEnding::Completed(Answer { value: result(&end), usage: None });
                let after = decided(task, lease, lease.epoch, &ending, now)?.task;
                let note = note(&after, lease, &ending, now);
                let kept = self.kept_result(record, task, lease, &end, follower.spent.tokens, now);
                let (lease, epoch) = (lease.id.clone(), lease.epoch);
                With::Lease(Box::new(LeaseEnd {
                    lease,
                    epoch,
                    ending,
                    at: now,
                    append: None,
                    retry_at: None,
                    kept: Some(kept),
                    audit: vec![note],
                }))
            }
        };
        Ok((Addition { append, artifacts, steps }, with))
    }

    fn kept_result(&self, record: &RunRecord, task: &Task, lease: &Lease, end: &RunEnd, tokens: u64, at: i64) -> Kept {
        let outcome = match end {
            RunEnd::Failed { error, .. } => Err(error.to_string()),
            end => Ok(result(end).to_json().to_string()),
        };
        let content = match &outcome {
            Ok(text) | Err(text) => text.clone().into_bytes(),
        };
        let artifact = Artifact {
            id: ArtifactId::new(self.ids.fresh()),
            task: Some(task.id.clone()),
            job: Some(record.id.clone()),
            kind: "EXECUTION_RESULT".to_owned(),
            name: None,
            created_at: at,
            content: Digest::of(&content),
            bytes: content.len() as u64,
            media_type: outcome.is_ok().then(|| "application/json".to_owned()),
            entity_refs: Vec::new(),
            tags: Vec::new(),
        };
        let duration_ms = u64::try_from(at.saturating_sub(lease.started_at)).unwrap_or_default();
        let result = TaskResult {
            lease: lease.id.clone(),
            task: task.id.clone(),
            worker: lease.worker.clone(),
            artifact: artifact.id.clone(),
            outcome,
            duration_ms,
            tokens_used: Some(tokens),
            completed_at: at,
        };
        Kept { result, artifact, content }
    }
}

impl Follower {
    fn is_at(&self, record: &RunRecord) -> bool {
        let chain: &Chain = self.rebuilder.chain();
        chain.seq() == record.events && chain.head() == record.history_head
    }

    fn limits(&self) -> bloom_ir::document::Limits {
        self.rebuilder.machine().map_or(*self.program.limits(), |machine| *machine.limits())
    }

    /// Holds an event against the program.
    async fn follow(&mut self, event: &Event, run: &RunId) -> Result<(), EngineError> {
        while !self.rebuilder.catch_up_within(SLICE) {
            tokio::task::yield_now().await;
        }
        self.rebuilder.follow(event).map_err(|error| {
            let message = match error {
                RebuildError::Refused(verdict) => verdict.to_string(),
                other => other.to_string(),
            };
            EngineError::Unfollowed { run: run.clone(), seq: event.seq, message }
        })
    }

    /// Holds an event of a worker against the program, and takes note of what it adds.
    async fn take(
        &mut self,
        event: &Event,
        record: &RunRecord,
        check: CheckAnswer,
        engine: &Engine,
        more: &mut More,
    ) -> Result<(), EngineError> {
        let refused = |message: String| EngineError::Unfollowed { run: record.id.clone(), seq: event.seq, message };
        let Some(payload) = &event.payload else { return Err(refused("it has no payload".to_owned())) };
        if event.at < self.last_at {
            return Err(refused("it is earlier than the event before it".to_owned()));
        }
        // All that is recorded later would be of that time, and waits would be over.
        if event.at > engine.clock.now().saturating_add(AHEAD_MS) {
            return Err(refused("it is of a time that is to come: the worker's clock is ahead".to_owned()));
        }
        let asked = match payload {
            Payload::RunStarted(_)
            | Payload::RunForked(_)
            | Payload::RunCancelled { .. }
            | Payload::RunContinued { .. }
            | Payload::SignalReceived { .. } => {
                return Err(refused("that is not a worker's to say".to_owned()));
            }
            Payload::EffectCompleted { effect, answer, .. } => {
                let asked = self.rebuilder.open(effect).map(|open| open.ask().clone());
                if let Some(EffectRequest { call: EffectCall::Llm(call), .. }) = &asked {
                    if self.beyond.contains(effect) {
                        return Err(refused("an LLM was asked beyond the budget".to_owned()));
                    }
                    check(call, answer).map_err(|error| refused(error.to_string()))?;
                }
                asked
            }
            Payload::EffectFailed { effect, .. } | Payload::EffectAttempted { effect, .. } => {
                self.rebuilder.open(effect).map(|open| open.ask().clone())
            }
            Payload::EffectRequested { .. }
            | Payload::Emitted { .. }
            | Payload::RunCompleted { .. }
            | Payload::RunFailed { .. } => None,
        };
        self.follow(event, &record.id).await?;
        self.note(payload, event.at);
        self.last_at = event.at;
        if let Some(usage) = usage(payload) {
            more.spent.add(usage);
            more.charge.add_usage(usage);
        }
        if matches!(payload, Payload::EffectRequested { call: EffectCall::Llm(_), .. }) {
            more.charge.calls += 1;
        }
        match payload {
            Payload::Emitted { emission } => {
                let mut proposal = None;
                match emission.kind {
                    EmitKind::Proposal => {
                        let ttl_ms = i64::try_from(engine.config.proposal_ttl.as_millis()).unwrap_or(i64::MAX);
                        let agent = &self.program.flow().id;
                        let proposer = Proposer { run: &record.id, agent, at: event.at, ttl_ms };
                        let made = proposer.propose(ProposalId::new(engine.ids.fresh()), emission);
                        self.proposals.push(made.id.clone());
                        proposal = Some(made.id.clone());
                        more.proposals.push(made);
                    }
                    EmitKind::Artifact => more.artifacts.push(artifact(emission).0),
                    EmitKind::Event | EmitKind::Log => {}
                }
                more.steps.push(Step::Emitted { emission: emission.clone(), proposal });
            }
            Payload::EffectCompleted { attempt, .. } | Payload::EffectFailed { attempt, .. } => {
                let error = match payload {
                    Payload::EffectFailed { error, .. } => Some(error.clone()),
                    _ => None,
                };
                if let Some(asked) = &asked {
                    let (effect, usage) = (self.spot(asked), usage(payload).cloned());
                    // One that is recorded together with its outcome was begun after what is before it.
                    let took = self.asked_at.remove(&asked.id).map(|(asked_at, before)| {
                        event.at.saturating_sub(if event.at > asked_at { asked_at } else { before })
                    });
                    let took = took.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
                    more.steps.push(Step::Settled { effect, attempt: *attempt, took, error, usage });
                }
            }
            Payload::EffectAttempted { attempt, error, delay_ms, .. } => {
                if let Some(asked) = &asked {
                    let (effect, delay) = (self.spot(asked), Duration::from_millis(*delay_ms));
                    more.steps.push(Step::AttemptFailed { effect, attempt: *attempt, error: error.clone(), delay });
                }
            }
            payload => {
                more.end = RunEnd::of_payload(payload);
                more.steps.extend(more.end.clone().map(Step::Ended));
            }
        }
        Ok(())
    }

    /// Takes note of what was asked for, used and handed out.
    fn note(&mut self, payload: &Payload, at: i64) {
        if let Payload::EffectRequested { effect, .. } = payload {
            let before = if self.last_at == i64::MIN { at } else { self.last_at };
            self.asked_at.insert(effect.clone(), (at, before));
        }
        if let Payload::EffectRequested { effect, call: EffectCall::Llm(call), .. } = payload {
            self.note_budget(effect, call);
        }
        if let Some(usage) = usage(payload) {
            self.spent.add(usage);
        }
        if let Payload::Emitted { emission } = payload
            && emission.kind == EmitKind::Artifact
        {
            self.artifacts.push(artifact(emission).1);
        }
    }

    /// Takes note of a call that the run has no tokens or no money for.
    fn note_budget(&mut self, effect: &EffectId, call: &LlmRequest) {
        let (limits, machine) = (self.limits(), self.rebuilder.machine());
        let (used, cost) = machine.map_or((0, 0), |machine| (machine.tokens(), machine.cost_micro_usd()));
        let tokens = used.saturating_add(budget::tokens_of(call));
        let has_money = limits.max_cost_micro_usd.is_none_or(|limit| cost <= limit);
        if tokens > limits.max_tokens || !has_money {
            self.beyond.insert(effect.clone());
        }
    }

    fn spot(&self, request: &EffectRequest) -> EffectSpot {
        EffectSpot::of(&self.program, request)
    }

    fn end_note(&self, record: &RunRecord, end: &RunEnd) -> AuditNote {
        let digests: Value = self.artifacts.iter().map(|digest| Value::from(digest.to_string())).collect();
        let proposals: Value = self.proposals.iter().map(|id| Value::from(id.as_str())).collect();
        let detail = [
            ("ir_hash", Value::from(record.ir.to_string())),
            ("history_head", Value::from(self.rebuilder.chain().head().to_string())),
            ("artifacts", digests),
            ("proposals", proposals),
        ];
        let by = Actor(format!("run:{}", record.id));
        let action = format!("run_{}", end.status_name());
        AuditNote::of_run(self.last_at, &by, &action, (&record.id, &record.context), detail)
    }
}

fn usage(payload: &Payload) -> Option<&Usage> {
    match payload {
        Payload::EffectCompleted { answer, .. } => answer.usage.as_ref(),
        Payload::EffectAttempted { error, .. } | Payload::EffectFailed { error, .. } => error.usage.as_deref(),
        _ => None,
    }
}

fn result(end: &RunEnd) -> Value {
    match end {
        RunEnd::Completed { result } => result.clone(),
        _ => Value::Null,
    }
}

fn stale(task: &Task, proof: &Proof) -> EngineError {
    let Proof { lease, epoch } = proof.clone();
    StoreError::from(TaskError::Stale { lease, epoch, current: task.epoch, status: task.status }).into()
}
