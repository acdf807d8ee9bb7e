//! A run is accepted.

use bloom_interpreter::{Machine, RunInfo};
use bloom_ir::document::Limits;
use bloom_ir::{Digest, Value, VerifiedIr};

use super::gate::Standing;
use super::live::{Committed, Slot, tell};
use super::panicked::Panicked;
use super::progress::Step;
use super::run::{Addition, Desk, Run, RunEnd};
use super::to_the_end::to_the_end;
use super::turn::{self, Ticket};
use super::{Engine, EngineError, policy};
use crate::record::{
    Actor, AuditNote, ContextId, FlowRecord, InboxEntry, InboxId, InboxStatus, Parent, RunId, RunRecord, RunStatus,
};
use crate::store::{Append, StoreError, Submission};

/// A run that somebody wants.
#[derive(Clone, Debug)]
pub struct Submit {
    /// The flow, as verified under the trust list of who submits.
    pub ir: VerifiedIr,
    /// Its inputs: a map.
    pub inputs: Value,
    /// Who wants it; by submitting, they approve it.
    pub by: Actor,
    /// The execution context.
    pub context: ContextId,
    /// What who submits wants to find again with the run's inbox entry, as the folders it was started with; null for
    /// nothing. No part of the run.
    pub setting: Value,
    /// Limits that narrow those that are signed with the flow; wider ones change nothing.
    pub limits: Option<Limits>,
    /// The name of the budget profile; none: that of the agent.
    pub budget: Option<String>,
    /// Whether who submits waits for its end, and learns of the run by that alone: then it may be accepted a few milliseconds later,
    /// with the answer to its first call.
    pub is_awaited: bool,
}

/// Which run it becomes.
pub(super) struct Identity {
    pub(super) id: RunId,
    pub(super) parent: Option<Parent>,
    /// Whether a worker executes it.
    pub(super) dispatched: bool,
}

impl Engine {
    /// Accepts a run: keeps in one commit its IR, its inbox entry, its record, `run.started`, and what its first turn needs. It
    /// moves on when it is driven, unless it has ended by then. Where as many runs are under way as may be, it is kept without events and begins when its turn
    /// has come. A flow that may not run here, or that calls one that is missing or may not, inputs that do not fit, an agent that
    /// does not work in the context ([`EngineError::Context`]), or one of which too many runs wait already ([`EngineError::QueueFull`]), leave nothing behind.
    pub async fn submit(&self, submit: Submit) -> Result<RunId, EngineError> {
        self.submit_as(self.ids.run(), submit).await
    }

    /// The same, as a run of this id: where there is one, that is [`StoreError::RunExists`]. An id that follows from a request
    /// makes its repetition harmless.
    ///
    /// [`StoreError::RunExists`]: crate::store::StoreError::RunExists
    pub async fn submit_as(&self, id: RunId, submit: Submit) -> Result<RunId, EngineError> {
        let missing = self.check_called(&submit.ir).await?;
        if !missing.is_empty() {
            return Err(EngineError::Refused(missing));
        }
        self.submit_from(submit, Identity { id, parent: None, dispatched: false }).await
    }

    /// What stands against running a flow here, with those that it calls: [`EngineError::Refused`].
    pub async fn admit(&self, ir: &VerifiedIr) -> Result<(), EngineError> {
        let mut refusals = policy::check(ir, self.tools.as_ref()).err().unwrap_or_default();
        refusals.extend(self.check_called(ir).await?);
        if refusals.is_empty() { Ok(()) } else { Err(EngineError::Refused(refusals)) }
    }

    pub(super) async fn submit_from(&self, submit: Submit, identity: Identity) -> Result<RunId, EngineError> {
        let Submit { ir, inputs, by, context, setting, limits, budget, is_awaited } = submit;
        let (Identity { id, parent, dispatched }, now) = (identity, self.clock.now());
        // What a worker has of tools is its own to say.
        if !dispatched {
            policy::check(&ir, self.tools.as_ref()).map_err(EngineError::Refused)?;
        }
        let program = self.program(&ir)?;
        let info = RunInfo { id: id.to_string(), started_at: now };
        let (agent, budgets) = (program.flow().id.as_str(), &self.config.budgets);
        let budget = budgets.choose(budget.as_deref(), agent).map_err(EngineError::NoSuchBudget)?;
        let profile = budgets.of(agent, budget.as_deref());
        let limits = profile.narrowed(limits.unwrap_or(*program.limits()));
        // One that a worker executes may begin with less, once it is let in; inputs may be large, and others need them once.
        let again = dispatched.then(|| (info.clone(), inputs.clone()));
        let mut machine = Machine::start_within(&program, info, inputs, limits).map_err(EngineError::Inputs)?;

        self.check_context(&id, &context, agent, &by).await?;
        let ticket = self.enter(&id, agent, parent.as_ref()).await?;
        if let Some((info, inputs)) = again.filter(|_| ticket.turn().is_none()) {
            let left = self.ledger.reserve_whole(&id, agent, &profile.day, *machine.limits(), now);
            machine = Machine::start_within(&program, info, inputs, left).map_err(EngineError::Inputs)?;
        }
        let (kept, document, stored) = self.kept(&ir, &by, now).await?;
        let inbox = InboxEntry {
            id: InboxId::new(self.ids.fresh()),
            source: by.clone(),
            action: "run-flow".to_owned(),
            target: format!("{}@{}", kept.id, kept.version),
            payload: [("inputs", machine.inputs().clone()), ("ir", ir.hash().to_string().into()), ("setting", setting)]
                .into_iter()
                .collect(),
            status: InboxStatus::Processed,
            created_at: now,
            correlation_id: id.to_string(),
            approved_by: Some(by.clone()),
        };
        let turn = ticket.turn();
        let record = RunRecord { budget, parent, dispatched, turn, ..accepted(&id, &inbox, context, &machine) };
        let (run, addition) = if turn.is_some() {
            (None, Addition::silent(turn::waiting(&record, Vec::new(), &by)))
        } else {
            // The first event bears the time at which the run started.
            let (mut run, mut addition) = Run::begin(&record, ir, machine, &by, &Desk { now, ..self.desk() });
            if is_awaited && !dispatched {
                self.answer_first(&mut run, &mut addition).await;
            }
            (Some(run), addition)
        };
        let Addition { append: mut first, artifacts, steps } = addition;
        first.audit.splice(0..0, stored);
        let submission = Submission { flow: kept, document, inbox, run: record, first };
        self.take_up(submission, Begun { run, artifacts, steps, ticket: Some(ticket) }).await?;
        Ok(id)
    }

    /// What is kept of a flow that a run pins: its record, its document with all signatures that are known, and what the audit
    /// log says if that is new. The components that it pins are kept before it.
    pub(super) async fn kept(
        &self,
        ir: &VerifiedIr,
        by: &Actor,
        now: i64,
    ) -> Result<(FlowRecord, Vec<u8>, Option<AuditNote>), EngineError> {
        let flow = ir.document().flow.clone();
        let (id, version, title) = (flow.id, flow.version, flow.title);
        let record = FlowRecord { hash: ir.hash(), program: ir.program(), id, version, title, stored_at: now };
        self.tools.keep(&ir.document().policy.pinned()).await.map_err(EngineError::Tools)?;
        let known = self.store.flow_document(record.hash).await?;
        let document = match &known {
            Some(known) => ir.bytes_with_signatures_of(known, &self.trust.trusted()),
            None => ir.bytes().to_vec(),
        };
        let stored = (known.as_ref() != Some(&document)).then(|| record.audit_note(by.clone()));
        Ok((record, document, stored))
    }

    /// Commits a new run, has it in memory, and has it driven, if it begins now; a run that another one starts is driven with
    /// that.
    pub(super) async fn take_up(&self, submission: Submission, begun: Begun) -> Result<(), EngineError> {
        let Begun { run, artifacts, steps, ticket } = begun;
        for bytes in artifacts {
            self.store.put_blob(bytes).await?;
        }
        let Append { tasks, events, .. } = &submission.first;
        let (has_work, recorded) = (!tasks.is_empty(), events.len() as u64);
        let standing = Standing::of(&submission.first);
        let bill = self.ledger.bill(&submission.run.flow, &submission.first);
        let run = run.filter(|_| !submission.run.dispatched).map(Box::new);
        // Of one that has ended nobody is to be told anything more, unless another one goes on in its place.
        let is_over =
            run.as_ref().and_then(|run| run.end()).is_some_and(|end| !matches!(end, RunEnd::Continued { .. }));
        let is_here = run.is_some() && !(is_over && submission.run.parent.is_none());
        let is_wanted = is_here && submission.run.parent.is_none();
        let (id, live) = (submission.run.id.clone(), self.live(&submission.run.id));
        let of = id.clone();
        // If this future is dropped now, a run that was accepted goes on.
        let (store, observer, work) = (self.store.clone(), self.observer.clone(), self.work.clone());
        let (tending, taken) = (self.tending.clone(), live.clone());
        let submitting = to_the_end(async move {
            let mut slot = taken.slot.lock().await;
            if let Err(error) = store.submit(submission).await {
                if let (StoreError::RunExists(_), Some(ticket)) = (&error, ticket) {
                    ticket.leave();
                }
                return Err(error);
            }
            tell(observer.as_ref(), &taken, &of, Committed { recorded, steps, has_work });
            if is_wanted {
                taken.note_plain();
                tending.want(&of);
            }
            if let Some(ticket) = ticket {
                ticket.keep(standing, bill);
            }
            *slot = run.filter(|_| is_here).map(Slot::of);
            drop(slot);
            if has_work {
                work.announce();
            }
            Ok::<_, StoreError>(())
        });
        let panicked = |Panicked(cause)| StoreError::Backend(cause.into());
        let submitted = submitting.await.map_err(panicked).flatten();
        if submitted.is_err() || !is_here {
            self.forget(&id, live);
        }
        Ok(submitted?)
    }
}

/// A new run as it begins, which is to be kept.
pub(super) struct Begun {
    /// None where it waits for its turn.
    pub(super) run: Option<Run>,
    /// Blobs that must be there before.
    pub(super) artifacts: Vec<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    /// None of a run that need not be let in.
    pub(super) ticket: Option<Ticket>,
}

/// A run that nothing is recorded of yet, with the machine that it begins with, as an entry of the inbox asked for it.
pub(super) fn accepted(id: &RunId, inbox: &InboxEntry, context: ContextId, machine: &Machine) -> RunRecord {
    let program = machine.program();
    let (flow, at) = (program.flow(), inbox.created_at);
    RunRecord {
        id: id.clone(),
        flow: flow.id.clone(),
        version: flow.version.clone(),
        ir: program.hash(),
        status: RunStatus::Queued,
        context,
        inbox: inbox.id.clone(),
        inputs: machine.inputs().clone(),
        created_at: at,
        updated_at: at,
        events: 0,
        history_head: Digest::of(b""),
        result: None,
        error: None,
        tokens: 0,
        cost_micro_usd: 0,
        limits: Some(*machine.limits()).filter(|own| own != program.limits()),
        budget: None,
        calls_before: 0,
        continues: None,
        continued_by: None,
        parent: None,
        steps: Some(0),
        orphaned: false,
        origin: None,
        dispatched: false,
        waiting: false,
        wake_at: None,
        turn: None,
    }
}
