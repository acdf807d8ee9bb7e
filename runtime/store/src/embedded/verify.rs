//! Whether a store agrees with itself: records with what points to them and with each other, histories and the audit log
//! from end to end.
//!
//! It looks at one moment of the store, row by row, and holds one record and one history's effects in memory at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{
    Artifact, AuditChain, AuditEntry, Context, FlowRecord, FlowVersion, InboxEntry, Lease, LeaseStatus, ManagedProject,
    NodeStatus, Proposal, ProposalStatus, Question, QuestionStatus, RunRecord, RunStatus, Spending, Task, TaskResult,
    TaskStatus, Worker,
};
use bloom_runtime::store::StoreError;
use serde::de::DeserializeOwned;

use super::key::Key;
use super::snapshot::{Rows as _, Snapshot};
use super::table::Table;
use super::verbs::{flow as flow_rows, history, proposal, task};
use super::{row, rows};
use crate::place::Placed;

/// What a verification of a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many runs there are.
    pub runs: u64,
    /// How many events their histories have.
    pub events: u64,
    /// How many entries the audit log has.
    pub audit: u64,
    /// How many rows were looked at.
    pub rows: u64,
    /// What is not as it must be, each told in a sentence: the first [`Verification::TOLD`] of them.
    pub faults: Vec<String>,
    /// How many there are.
    pub fault_count: u64,
}

impl Verification {
    /// So many faults are told at most.
    pub const TOLD: usize = 100;
}

/// Tables whose rows all follow from other rows.
const DERIVED: [Table; 24] = [
    Table::FlowsById,
    Table::RunInputs,
    Table::RunsByTime,
    Table::RunsByFlow,
    Table::RunCounts,
    Table::RunsByStatus,
    Table::Moving,
    Table::Wakes,
    Table::EventsByRun,
    Table::TasksByEffect,
    Table::TasksByStatus,
    Table::TaskQueue,
    Table::LeasesByStatus,
    Table::LeaseTokens,
    Table::ProjectsByName,
    Table::ArtifactsByTime,
    Table::ArtifactsByTask,
    Table::HandedOut,
    Table::QuestionsByTime,
    Table::OpenQuestions,
    Table::QuestionsByEffect,
    Table::ProposalsByTime,
    Table::ProposalsByStatus,
    Table::ProposalsByEmission,
];

pub(super) fn verify(rows: &Snapshot) -> Result<Verification, StoreError> {
    let mut check =
        Check { rows, found: Verification::default(), derived: BTreeMap::new(), counts_of_runs: BTreeMap::new() };
    check.blobs()?;
    check.flows()?;
    check.runs()?;
    check.tasks()?;
    check.leases()?;
    check.results()?;
    check.questions()?;
    check.proposals()?;
    check.projects()?;
    check.spending()?;
    check.others()?;
    check.audit()?;
    check.counts()?;
    Ok(check.found)
}

struct Check<'a> {
    rows: &'a Snapshot,
    found: Verification,
    /// How many rows each derived table must have.
    derived: BTreeMap<Table, u64>,
    /// How many runs there are by [`Table::RunCounts`]'s keys.
    counts_of_runs: BTreeMap<Vec<u8>, history::Count>,
}

impl Check<'_> {
    fn fault(&mut self, table: Table, of: impl Display, what: impl Display) {
        self.found.fault_count += 1;
        if self.found.faults.len() < Verification::TOLD {
            self.found.faults.push(format!("{table:?} {of}: {what}"));
        }
    }

    fn demand(&mut self, holds: bool, table: Table, of: impl Display, what: impl Display) {
        if !holds {
            self.fault(table, of, what);
        }
    }

    /// Visits the rows of a table; one that cannot be read is a fault.
    fn each<T: DeserializeOwned>(
        &mut self,
        table: Table,
        mut visit: impl FnMut(&mut Self, &[u8], T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.ascend(table, &Key::new().span(), |key, row| {
            self.found.rows += 1;
            match row::decode(row) {
                Ok(record) => visit(self, key, record)?,
                Err(error) => self.fault(table, shown(key), error),
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The record that another one names, if it is there and can be read; a fault of the other one where it is not.
    fn named<T: DeserializeOwned>(
        &mut self,
        table: Table,
        id: &str,
        by: (Table, &str),
    ) -> Result<Option<T>, StoreError> {
        let Some(row) = self.rows.get(table, id.as_bytes())? else {
            self.fault(by.0, by.1, format_args!("{table:?} {id} is not there"));
            return Ok(None);
        };
        // That it cannot be read is told of its own table.
        Ok(row::decode(&row).ok())
    }

    fn is_there(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.rows.get(table, key)?.is_some())
    }

    /// A row that must be there since a record is.
    fn follows(&mut self, index: Table, key: &[u8], value: &[u8], of: (Table, &str)) -> Result<(), StoreError> {
        self.follows_as(index, key, |found| found == value, of)
    }

    /// The same of a row that may be written in more than one way.
    fn follows_as(
        &mut self,
        index: Table,
        key: &[u8],
        is_right: impl FnOnce(&[u8]) -> bool,
        of: (Table, &str),
    ) -> Result<(), StoreError> {
        *self.derived.entry(index).or_default() += 1;
        match self.rows.get(index, key)? {
            Some(found) if is_right(&found) => {}
            Some(_) => self.fault(of.0, of.1, format_args!("{index:?} has another row in its place")),
            None => self.fault(of.0, of.1, format_args!("{index:?} does not have it")),
        }
        Ok(())
    }

    /// What is in a derived table beyond what must be there.
    fn counts(&mut self) -> Result<(), StoreError> {
        for (key, count) in std::mem::take(&mut self.counts_of_runs) {
            self.follows(Table::RunCounts, &key, &count.row(), (Table::RunCounts, &shown(&key)))?;
        }
        for table in DERIVED.into_iter().chain([Table::PendingContents, Table::Duplicates]) {
            let (due, found) = (self.derived.get(&table).copied().unwrap_or_default(), self.rows.len(table)?);
            self.found.rows += found;
            let surplus = format_args!("{found} rows where {due} are due").to_string();
            self.demand(found == due, table, "as a whole", surplus);
        }
        let pairs = [(Table::Flows, Table::FlowDocuments), (Table::Events, Table::EventsByRun)];
        for (table, other) in pairs {
            let (rows, others) = (self.rows.len(table)?, self.rows.len(other)?);
            self.demand(rows == others, table, "as a whole", format!("{rows} rows, and {others} of {other:?}"));
        }
        Ok(())
    }

    fn blobs(&mut self) -> Result<(), StoreError> {
        self.rows.ascend(Table::Blobs, &Key::new().span(), |key, bytes| {
            self.found.rows += 1;
            self.demand(Digest::of(bytes).as_bytes() == key, Table::Blobs, shown(key), "its bytes have another digest");
            Ok(ControlFlow::Continue(()))
        })
    }

    fn flows(&mut self) -> Result<(), StoreError> {
        self.each(Table::Flows, |check, key, flow: FlowRecord| {
            let document = check.is_there(Table::FlowDocuments, key)?;
            check.demand(document, Table::Flows, flow.hash, "its document is not there");
            check.demand(flow.hash.as_bytes() == key, Table::Flows, flow.hash, "it stands in another's place");
            let of = flow.hash.to_string();
            check.follows(Table::FlowsById, &flow_rows::place(&flow), key, (Table::Flows, &of))?;
            if flow.is_registered() {
                let name = Key::new().text(&flow.id).text(&flow.version).build();
                let row = check.rows.get(Table::FlowVersions, &name)?;
                let version: Option<FlowVersion> = row.as_deref().map(row::decode).transpose().ok().flatten();
                let lists = version.is_some_and(|version| version.documents.contains(&flow.hash));
                check.demand(lists, Table::Flows, flow.hash, "its version does not list it");
            }
            Ok(())
        })?;
        self.each(Table::FlowVersions, |check, key, version: FlowVersion| {
            for document in &version.documents {
                let is_there = check.is_there(Table::FlowDocuments, document.as_bytes())?;
                check.demand(is_there, Table::FlowVersions, shown(key), format_args!("{document} is not there"));
            }
            Ok(())
        })
    }

    fn runs(&mut self) -> Result<(), StoreError> {
        self.each(Table::Runs, |check, _, run: RunRecord| {
            check.found.runs += 1;
            let id = run.id.as_str();
            let of = (Table::Runs, id);
            check.named::<Value>(Table::RunInputs, id, of)?;
            *check.derived.entry(Table::RunInputs).or_default() += 1;
            check.named::<InboxEntry>(Table::Inbox, run.inbox.as_str(), of)?;
            let document = check.is_there(Table::FlowDocuments, run.ir.as_bytes())?;
            check.demand(document, Table::Runs, id, "the IR that it pins is not there");
            if let Some(next) = &run.continued_by {
                check.named::<RunRecord>(Table::Runs, next.as_str(), of)?;
            }

            let point = id.as_bytes();
            check.follows(Table::RunsByTime, &history::time_key(Key::new(), &run), point, of)?;
            let (by_flow, place, marks) = history::by_flow(&run);
            check.follows(by_flow, &place, &marks, of)?;
            let counted = check.counts_of_runs.entry(history::flow_key(&run.flow, run.status).build()).or_default();
            *counted = counted.and(history::Count::of(Some(&marks))?);
            let by_status = history::time_key(history::status_key(run.status), &run);
            check.follows(Table::RunsByStatus, &by_status, point, of)?;
            if history::is_moving(&run) {
                check.follows(Table::Moving, &history::time_key(Key::new(), &run), point, of)?;
            }
            if let Some(at) = run.wake_at {
                check.follows(Table::Wakes, &Key::new().signed(at).text(id).build(), point, of)?;
            }
            check.history(&run)
        })
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

    fn tasks(&mut self) -> Result<(), StoreError> {
        self.each(Table::Tasks, |check, _, task: Task| {
            let id = task.id.as_str();
            let of = (Table::Tasks, id);
            let point = id.as_bytes();
            if let Some(effect) = &task.of {
                check.follows(Table::TasksByEffect, &task::effect_key(&effect.run, &effect.effect), point, of)?;
                let run: Option<RunRecord> = check.named(Table::Runs, effect.run.as_str(), of)?;
                let is_over = run.is_some_and(|run| run.status.is_terminal()) && task.is_open();
                check.demand(!is_over, Table::Tasks, id, "it is open, and its run has ended");
            }
            check.follows(Table::TasksByStatus, &task::task_time_key(&task), point, of)?;
            if task.status == TaskStatus::Queued {
                let is_right = |row: &[u8]| task::is_queue_row(row, &task);
                check.follows_as(Table::TaskQueue, &task::queue_key(&task), is_right, of)?;
            }
            let lease: Option<Lease> = match &task.lease {
                Some(lease) => check.named(Table::Leases, lease.as_str(), of)?,
                None => None,
            };
            if let Some(lease) = &lease {
                check.demand(lease.task == task.id, Table::Tasks, id, "its lease is another's");
                check.demand(lease.epoch <= task.epoch, Table::Tasks, id, "its lease is newer than its epoch");
            }
            let is_leased = lease.is_some_and(|lease| lease.status == LeaseStatus::Active);
            check.demand(task.is_held() == is_leased, Table::Tasks, id, "it is held, or its lease is active, not both");
            let is_answered = task.status == TaskStatus::Completed;
            check.demand(
                task.answer.is_some() == is_answered,
                Table::Tasks,
                id,
                "it is completed, or answered, not both",
            );
            Ok(())
        })
    }

    fn leases(&mut self) -> Result<(), StoreError> {
        self.each(Table::Leases, |check, _, lease: Lease| {
            let id = lease.id.as_str();
            let of = (Table::Leases, id);
            check.follows(Table::LeasesByStatus, &task::lease_time_key(&lease), id.as_bytes(), of)?;
            if let Some(token) = &lease.token {
                check.follows(Table::LeaseTokens, token.as_bytes(), id.as_bytes(), of)?;
            }
            let task: Option<Task> = check.named(Table::Tasks, lease.task.as_str(), of)?;
            let is_newest = task.is_none_or(|task| task.lease.as_ref() == Some(&lease.id));
            let is_left = lease.status == LeaseStatus::Active && !is_newest;
            check.demand(!is_left, Table::Leases, id, "it is active, and its task has a newer one");
            let has_ended = lease.status != LeaseStatus::Active;
            check.demand(lease.ended_at.is_some() == has_ended, Table::Leases, id, "it is active, or ended, not both");
            Ok(())
        })
    }

    fn results(&mut self) -> Result<(), StoreError> {
        self.each(Table::TaskResults, |check, _, result: TaskResult| {
            let of = (Table::TaskResults, result.lease.as_str());
            check.named::<Lease>(Table::Leases, result.lease.as_str(), of)?;
            check.named::<Task>(Table::Tasks, result.task.as_str(), of)?;
            check.named::<Artifact>(Table::Artifacts, result.artifact.as_str(), of)?;
            Ok(())
        })?;
        let mut made = 0;
        self.each(Table::Artifacts, |check, _, artifact: Artifact| {
            let id = artifact.id.as_str();
            let of = (Table::Artifacts, id);
            let place = |under: Key| under.signed(artifact.created_at).text(id).build();
            check.follows(Table::ArtifactsByTime, &place(Key::new()), id.as_bytes(), of)?;
            if let Some(task) = &artifact.task {
                let by_task = place(Key::new().text(task.as_str()));
                check.follows(Table::ArtifactsByTask, &by_task, id.as_bytes(), of)?;
            }
            let digest = artifact.content.as_bytes();
            let content = check.is_there(Table::Blobs, digest)? || check.is_there(Table::Placed, digest)?;
            check.demand(content, Table::Artifacts, id, "its content is not there");
            // The task may have been archived, and its result with it.
            made += match &artifact.task {
                Some(task) => u64::from(check.is_there(Table::Tasks, task.as_str().as_bytes())?),
                None => 1,
            };
            Ok(())
        })?;
        let results = self.rows.len(Table::TaskResults)?;
        let what = format!("{results} rows, and {made} artifacts were made of them");
        self.demand(results == made, Table::TaskResults, "as a whole", what);
        Ok(())
    }

    fn questions(&mut self) -> Result<(), StoreError> {
        self.each(Table::Questions, |check, _, question: Question| {
            let id = question.id.as_str();
            let of = (Table::Questions, id);
            let time = Key::new().signed(question.created_at).text(id).build();
            check.follows(Table::QuestionsByTime, &time, id.as_bytes(), of)?;
            let effect = task::effect_key(&question.run, &question.effect);
            check.follows(Table::QuestionsByEffect, &effect, id.as_bytes(), of)?;
            let run: Option<RunRecord> = check.named(Table::Runs, question.run.as_str(), of)?;
            if question.status == QuestionStatus::Open {
                check.follows(Table::OpenQuestions, &time, id.as_bytes(), of)?;
                let is_over = run.is_some_and(|run| run.status.is_terminal());
                check.demand(!is_over, Table::Questions, id, "it is open, and its run has ended");
            }
            Ok(())
        })
    }

    fn proposals(&mut self) -> Result<(), StoreError> {
        self.each(Table::Proposals, |check, _, proposal: Proposal| {
            let id = proposal.id.as_str();
            let (of, point) = ((Table::Proposals, id), id.as_bytes());
            check.named::<RunRecord>(Table::Runs, proposal.run.as_str(), of)?;
            check.follows(Table::ProposalsByTime, &proposal::time_key(Key::new(), &proposal), point, of)?;
            let by_status = proposal::time_key(proposal::status_key(proposal.status), &proposal);
            check.follows(Table::ProposalsByStatus, &by_status, point, of)?;
            let emission = Key::new().text(proposal.run.as_str()).text(&proposal.emission).build();
            check.follows(Table::ProposalsByEmission, &emission, point, of)?;
            match &proposal.duplicate_of {
                None if proposal.status == ProposalStatus::Pending => {
                    check.follows(Table::PendingContents, &proposal::content_key(&proposal), point, of)?;
                }
                Some(original) if proposal.status != ProposalStatus::Expired => {
                    let key = proposal::duplicate_key(original.as_str(), id);
                    check.follows(Table::Duplicates, &key, point, of)?;
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn projects(&mut self) -> Result<(), StoreError> {
        self.each(Table::Projects, |check, _, project: ManagedProject| {
            let id = project.id.as_str();
            check.follows(Table::ProjectsByName, project.name.as_bytes(), id.as_bytes(), (Table::Projects, id))
        })?;
        self.each(Table::NodeStatuses, |check, _, node: NodeStatus| {
            let of = (Table::NodeStatuses, node.id.as_str());
            check.named::<ManagedProject>(Table::Projects, node.project.as_str(), of).map(drop)
        })
    }

    fn spending(&mut self) -> Result<(), StoreError> {
        self.each(Table::Spending, |check, key, spending: Spending| {
            let place = rows::spending(&spending).into_iter().map(|(_, key, _)| key).next();
            let is_own = place.is_some_and(|place| place == key);
            check.demand(is_own, Table::Spending, &spending.agent, "it stands in another's place");
            Ok(())
        })
    }

    /// What only has to be readable.
    fn others(&mut self) -> Result<(), StoreError> {
        self.each(Table::Inbox, |_, _, _: InboxEntry| Ok(()))?;
        self.each(Table::RunInputs, |_, _, _: Value| Ok(()))?;
        self.each(Table::Placed, |_, _, _: Placed| Ok(()))?;
        self.each(Table::Contexts, |_, _, _: Context| Ok(()))?;
        self.each(Table::Workers, |_, _, _: Worker| Ok(()))?;
        self.each(Table::Settings, |_, _, _: String| Ok(()))
    }

    fn audit(&mut self) -> Result<(), StoreError> {
        let mut chain = AuditChain::default();
        let mut is_whole = true;
        self.each(Table::Audit, |check, _, entry: AuditEntry| {
            check.found.audit += 1;
            if is_whole && let Err(fault) = chain.accept(&entry) {
                is_whole = false;
                check.fault(Table::Audit, entry.seq, fault);
            }
            Ok(())
        })
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

/// A key that a person may read, where it is one.
fn shown(key: &[u8]) -> String {
    str::from_utf8(key).map_or_else(|_| format!("{key:02x?}"), |key| key.replace('\0', " "))
}
