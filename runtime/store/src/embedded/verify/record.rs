//! What is demanded of a run, and of each record that belongs to one.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_ir::Value;
use bloom_runtime::record::{
    Artifact, InboxEntry, Lease, LeaseStatus, Proposal, ProposalStatus, Question, QuestionStatus, RunRecord, RunStatus,
    Task, TaskResult, TaskStatus,
};
use bloom_runtime::store::StoreError;

use super::super::key::Key;
use super::super::snapshot::Rows;
use super::super::table::Table;
use super::super::verbs::{history, proposal, task};
use super::super::{row, rows};
use super::check::Check;

impl<R: Rows> Check<'_, R> {
    /// With its history.
    pub(super) fn run(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        self.found.runs += 1;
        let id = run.id.as_str();
        let of = (Table::Runs, id);
        self.named::<Value>(Table::RunInputs, id, of)?;
        *self.derived.entry(Table::RunInputs).or_default() += 1;
        self.named::<InboxEntry>(Table::Inbox, run.inbox.as_str(), of)?;

        let point = id.as_bytes();
        self.follows(Table::RunsByTime, &history::time_key(Key::new(), run), point, of)?;
        let (by_flow, place, marks) = history::by_flow(run);
        self.follows(by_flow, &place, &marks, of)?;
        let counted = self.counts_of_runs.entry(history::flow_key(&run.flow, run.status).build()).or_default();
        *counted = counted.and(history::Count::of(Some(&marks))?);
        let by_status = history::time_key(history::status_key(run.status), run);
        self.follows(Table::RunsByStatus, &by_status, point, of)?;
        if history::is_moving(run) {
            self.follows(Table::Moving, &history::time_key(Key::new(), run), point, of)?;
        }
        if let Some(at) = run.wake_at {
            self.follows(Table::Wakes, &Key::new().signed(at).text(id).build(), point, of)?;
        }
        self.history(run)
    }

    /// What a run needs beside what belongs to it.
    pub(super) fn links(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        let id = run.id.as_str();
        let document = self.is_there(Table::FlowDocuments, run.ir.as_bytes())?;
        self.demand(document, Table::Runs, id, "the IR that it pins is not there");
        if let Some(next) = &run.continued_by {
            self.named::<RunRecord>(Table::Runs, next.as_str(), (Table::Runs, id))?;
        }
        Ok(())
    }

    /// A history is whole, ends where the record says, and has one outcome of each effect.
    fn history(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        let (rows, id) = (self.rows, run.id.as_str());
        let mut chain = Chain::default();
        let mut end: Option<RunStatus> = None;
        let mut settled: BTreeSet<EffectId> = BTreeSet::new();
        rows.ascend(Table::EventsByRun, &Key::new().text(id).span(), |_, number| {
            self.found.events += 1;
            *self.derived.entry(Table::EventsByRun).or_default() += 1;
            let Some(row) = rows.get(Table::Events, number)? else {
                self.fault(Table::Runs, id, format_args!("event {} is not there", chain.seq() + 1));
                return Ok(ControlFlow::Continue(()));
            };
            self.found.rows += 1;
            let event: Event = match row::decode_event(&row, |digest| rows.get(Table::Blobs, digest.as_bytes())) {
                Ok(event) => event,
                Err(error) => {
                    self.fault(Table::Runs, id, error);
                    return Ok(ControlFlow::Continue(()));
                }
            };
            if let Err(error) = chain.accept(&event) {
                self.fault(Table::Runs, id, error);
                return Ok(ControlFlow::Break(()));
            }
            self.demand(end.is_none(), Table::Runs, id, format_args!("event {} comes after its end", event.seq));
            end = event.payload.as_ref().and_then(ending);
            if let Some(artifact) = Artifact::handed_out(&run.id, &event) {
                let (table, place, row) = rows::handed_out(&artifact);
                self.follows(table, &place, &row, (Table::Runs, id))?;
            }
            if let Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) = &event.payload
            {
                let is_first = settled.insert(effect.clone());
                self.demand(is_first, Table::Runs, id, format_args!("effect {effect} has a second outcome"));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let head = (run.events, run.history_head) == (chain.seq(), chain.head());
        let what =
            format!("its record tells of {} events, its history has {}, or another end", run.events, chain.seq());
        self.demand(head, Table::Runs, id, what);
        // An event that was erased tells no end.
        if end.is_some() || !run.status.is_terminal() {
            let due = end.map_or(!run.status.is_terminal(), |end| end == run.status);
            self.demand(due, Table::Runs, id, format_args!("it is {:?}, and its history says otherwise", run.status));
        }
        for effect in settled {
            let key = task::effect_key(&run.id, &effect);
            if let Some(row) = rows.get(Table::TasksByEffect, &key)?
                && let Some(task) = self.named::<Task>(Table::Tasks, row::id(&row)?, (Table::Runs, id))?
            {
                self.demand(task.resolved && !task.is_open(), Table::Tasks, &task.id, "its effect has its outcome");
            }
        }
        Ok(())
    }

    pub(super) fn task(&mut self, task: &Task) -> Result<(), StoreError> {
        let id = task.id.as_str();
        let of = (Table::Tasks, id);
        let point = id.as_bytes();
        if let Some(effect) = &task.of {
            self.follows(Table::TasksByEffect, &task::effect_key(&effect.run, &effect.effect), point, of)?;
            let run: Option<RunRecord> = self.named(Table::Runs, effect.run.as_str(), of)?;
            let is_over = run.is_some_and(|run| run.status.is_terminal()) && task.is_open();
            self.demand(!is_over, Table::Tasks, id, "it is open, and its run has ended");
        }
        self.follows(Table::TasksByStatus, &task::task_time_key(task), point, of)?;
        if task.status == TaskStatus::Queued {
            let is_right = |row: &[u8]| task::is_queue_row(row, task);
            self.follows_as(Table::TaskQueue, &task::queue_key(task), is_right, of)?;
        }
        let lease: Option<Lease> = match &task.lease {
            Some(lease) => self.named(Table::Leases, lease.as_str(), of)?,
            None => None,
        };
        if let Some(lease) = &lease {
            self.demand(lease.task == task.id, Table::Tasks, id, "its lease is another's");
            self.demand(lease.epoch <= task.epoch, Table::Tasks, id, "its lease is newer than its epoch");
        }
        let is_leased = lease.is_some_and(|lease| lease.status == LeaseStatus::Active);
        self.demand(task.is_held() == is_leased, Table::Tasks, id, "it is held, or its lease is active, not both");
        let is_answered = task.status == TaskStatus::Completed;
        self.demand(task.answer.is_some() == is_answered, Table::Tasks, id, "it is completed, or answered, not both");
        Ok(())
    }

    pub(super) fn lease(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let id = lease.id.as_str();
        let of = (Table::Leases, id);
        self.follows(Table::LeasesByStatus, &task::lease_time_key(lease), id.as_bytes(), of)?;
        if let Some(token) = &lease.token {
            self.follows(Table::LeaseTokens, token.as_bytes(), id.as_bytes(), of)?;
        }
        let task: Option<Task> = self.named(Table::Tasks, lease.task.as_str(), of)?;
        let is_newest = task.is_none_or(|task| task.lease.as_ref() == Some(&lease.id));
        let is_left = lease.status == LeaseStatus::Active && !is_newest;
        self.demand(!is_left, Table::Leases, id, "it is active, and its task has a newer one");
        let has_ended = lease.status != LeaseStatus::Active;
        self.demand(lease.ended_at.is_some() == has_ended, Table::Leases, id, "it is active, or ended, not both");
        Ok(())
    }

    pub(super) fn result(&mut self, result: &TaskResult) -> Result<(), StoreError> {
        let of = (Table::TaskResults, result.lease.as_str());
        self.named::<Lease>(Table::Leases, result.lease.as_str(), of)?;
        self.named::<Task>(Table::Tasks, result.task.as_str(), of)?;
        self.named::<Artifact>(Table::Artifacts, result.artifact.as_str(), of)?;
        Ok(())
    }

    pub(super) fn question(&mut self, question: &Question) -> Result<(), StoreError> {
        let id = question.id.as_str();
        let of = (Table::Questions, id);
        let time = Key::new().signed(question.created_at).text(id).build();
        self.follows(Table::QuestionsByTime, &time, id.as_bytes(), of)?;
        let effect = task::effect_key(&question.run, &question.effect);
        self.follows(Table::QuestionsByEffect, &effect, id.as_bytes(), of)?;
        let run: Option<RunRecord> = self.named(Table::Runs, question.run.as_str(), of)?;
        if question.status == QuestionStatus::Open {
            self.follows(Table::OpenQuestions, &time, id.as_bytes(), of)?;
            let is_over = run.is_some_and(|run| run.status.is_terminal());
            self.demand(!is_over, Table::Questions, id, "it is open, and its run has ended");
        }
        Ok(())
    }

    pub(super) fn proposal(&mut self, proposal: &Proposal) -> Result<(), StoreError> {
        let id = proposal.id.as_str();
        let (of, point) = ((Table::Proposals, id), id.as_bytes());
        self.named::<RunRecord>(Table::Runs, proposal.run.as_str(), of)?;
        self.follows(Table::ProposalsByTime, &proposal::time_key(Key::new(), proposal), point, of)?;
        let by_status = proposal::time_key(proposal::status_key(proposal.status), proposal);
        self.follows(Table::ProposalsByStatus, &by_status, point, of)?;
        let emission = Key::new().text(proposal.run.as_str()).text(&proposal.emission).build();
        self.follows(Table::ProposalsByEmission, &emission, point, of)?;
        match &proposal.duplicate_of {
            None if proposal.status == ProposalStatus::Pending => {
                self.follows(Table::PendingContents, &proposal::content_key(proposal), point, of)?;
            }
            Some(original) if proposal.status != ProposalStatus::Expired => {
                let key = proposal::duplicate_key(original.as_str(), id);
                self.follows(Table::Duplicates, &key, point, of)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The status that a run has by its last event.
fn ending(payload: &Payload) -> Option<RunStatus> {
    match payload {
        Payload::RunCompleted { .. } => Some(RunStatus::Completed),
        Payload::RunFailed { .. } => Some(RunStatus::Failed),
        Payload::RunCancelled { .. } => Some(RunStatus::Cancelled),
        Payload::RunContinued { .. } => Some(RunStatus::Continued),
        _ => None,
    }
}
