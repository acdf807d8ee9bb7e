//! Whether a store agrees with itself: records with what points to them and with each other, histories and the audit log
//! from end to end.
//!
//! It looks at one moment of the store, row by row, and holds one record and one history's effects in memory at a time.

mod check;
mod record;

use std::ops::ControlFlow;

use bloom_ir::{Digest, Value};
use bloom_runtime::record::{
    Artifact, AuditChain, AuditEntry, Context, FlowRecord, FlowVersion, InboxEntry, Lease, ManagedProject, NodeStatus,
    Proposal, Question, RunRecord, Spending, Task, TaskResult, Worker,
};
use bloom_runtime::store::StoreError;

use super::key::Key;
use super::snapshot::{Rows, Snapshot};
use super::table::Table;
use super::verbs::flow as flow_rows;
use super::{row, rows};
use crate::place::Placed;
use crate::transfer::Record;

use self::check::{Check, shown};

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
    let mut check = Check::new(rows);
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

/// What contradicts a run with what belongs to it, as it stands in the rows; of what it needs beside, nothing.
pub(super) fn verify_run<'a>(
    rows: &impl Rows,
    run: &RunRecord,
    belongings: impl IntoIterator<Item = &'a Record>,
) -> Result<Vec<String>, StoreError> {
    let mut check = Check::new(rows);
    check.run(run)?;
    for record in belongings {
        match record {
            Record::Task(task) => check.task(task)?,
            Record::Lease(lease) => check.lease(lease)?,
            Record::Result(result) => check.result(result)?,
            Record::Question(question) => check.question(question)?,
            Record::Proposal(proposal) => check.proposal(proposal)?,
            _ => {}
        }
    }
    Ok(check.found.faults)
}

impl Check<'_, Snapshot> {
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
            check.links(&run)?;
            check.run(&run)
        })
    }

    fn tasks(&mut self) -> Result<(), StoreError> {
        self.each(Table::Tasks, |check, _, task: Task| check.task(&task))
    }

    fn leases(&mut self) -> Result<(), StoreError> {
        self.each(Table::Leases, |check, _, lease: Lease| check.lease(&lease))
    }

    fn results(&mut self) -> Result<(), StoreError> {
        self.each(Table::TaskResults, |check, _, result: TaskResult| check.result(&result))?;
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
        self.each(Table::Questions, |check, _, question: Question| check.question(&question))
    }

    fn proposals(&mut self) -> Result<(), StoreError> {
        self.each(Table::Proposals, |check, _, proposal: Proposal| check.proposal(&proposal))
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
