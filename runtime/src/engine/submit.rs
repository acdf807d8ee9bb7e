//! A run is accepted.

use bloom_interpreter::{Machine, RunInfo};
use bloom_ir::document::Limits;
use bloom_ir::{Digest, Value, VerifiedIr};

use super::live::{Committed, Slot, tell, to_the_end};
use super::progress::Step;
use super::run::{Addition, Run};
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
    /// moves on when it is driven. A flow that may not run here, or that calls one that is missing or may not, or inputs that
    /// do not fit, leave nothing behind.
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
        let Submit { ir, inputs, by, context, setting, limits } = submit;
        let (Identity { id, parent, dispatched }, now) = (identity, self.clock.now());
        // What a worker has of tools is its own to say.
        if !dispatched {
            policy::check(&ir, self.tools.as_ref()).map_err(EngineError::Refused)?;
        }
        let program = self.program(&ir)?;
        let info = RunInfo { id: id.to_string(), started_at: now };
        let limits = limits.unwrap_or(*program.limits());
        let machine = Machine::start_within(&program, info, inputs, limits).map_err(EngineError::Inputs)?;

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
        let record = RunRecord { parent, dispatched, ..accepted(&id, &inbox, context, &machine) };
        let mut desk = self.desk();
        // The first event bears the time at which the run started.
        desk.now = now;
        let (run, Addition { mut append, artifacts, steps, .. }) = Run::begin(&record, ir, machine, &by, &desk);
        append.audit.splice(0..0, stored);
        let submission = Submission { flow: kept, document, inbox, run: record, first: append };
        self.take_up(submission, run, artifacts, steps).await?;
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
            Some(known) => ir.bytes_with_signatures_of(known, &self.trust),
            None => ir.bytes().to_vec(),
        };
        let stored = (known.as_ref() != Some(&document)).then(|| record.audit_note(by.clone()));
        Ok((record, document, stored))
    }

    /// Commits a new run, has it in memory, and has it driven; a run that another one starts is driven with that.
    pub(super) async fn take_up(
        &self,
        submission: Submission,
        run: Run,
        artifacts: Vec<Vec<u8>>,
        steps: Vec<Step>,
    ) -> Result<(), EngineError> {
        for bytes in artifacts {
            self.store.put_blob(bytes).await?;
        }
        let Append { tasks, events, .. } = &submission.first;
        let (has_work, recorded) = (!tasks.is_empty(), events.len() as u64);
        let is_here = !submission.run.dispatched;
        let is_wanted = is_here && submission.run.parent.is_none();
        let (id, live) = (run.id.clone(), self.live(&run.id));
        // If this future is dropped now, a run that was accepted goes on.
        let (store, observer, work) = (self.store.clone(), self.observer.clone(), self.work.clone());
        let (tending, taken) = (self.tending.clone(), live.clone());
        let submitting = to_the_end(async move {
            let mut slot = taken.slot.lock().await;
            store.submit(submission).await?;
            tell(observer.as_ref(), &taken, &run.id, Committed { recorded, steps, has_work });
            if is_wanted {
                tending.want(&run.id);
            }
            if is_here {
                *slot = Some(Slot::of(Box::new(run)));
            }
            if has_work {
                work.announce();
            }
            Ok::<_, StoreError>(())
        });
        let submitted = submitting.await.unwrap_or_else(|lost| Err(StoreError::Backend(lost.into())));
        if submitted.is_err() || !is_here {
            self.forget(&id, live);
        }
        Ok(submitted?)
    }
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
        continues: None,
        continued_by: None,
        parent: None,
        steps: Some(0),
        orphaned: false,
        origin: None,
        dispatched: false,
        waiting: false,
        wake_at: None,
    }
}
