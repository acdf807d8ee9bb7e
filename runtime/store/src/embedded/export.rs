//! Everything that is in a store, or what belongs to one run, as records.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;

use bloom_interpreter::history::Event;
use bloom_ir::Digest;
use bloom_runtime::record::{
    Artifact, AuditEntry, Context, FlowRecord, FlowVersion, InboxEntry, Lease, ManagedProject, NodeStatus, Proposal,
    Question, RunId, RunRecord, Spending, Task, TaskResult, Worker,
};
use bloom_runtime::store::StoreError;
use serde::de::DeserializeOwned;

use super::key::{Key, Span};
use super::row;
use super::snapshot::{Rows as _, Snapshot};
use super::table::Table;
use super::verbs::history;
use crate::transfer::{
    Blob, Bytes, Contents, Format, LineWriter, NamedVersion, PlacedBlob, Record, Setting, StoredFlow, TransferError,
};

/// Writes everything, in an order in which what is referred to comes first where that can be.
pub(super) fn export(rows: &Snapshot, out: impl Write, made_at: i64) -> Result<Contents, TransferError> {
    let mut lines = LineWriter::new(out, Format::Export, made_at)?;
    records(rows, Table::Flows, |flow: FlowRecord| lines.write(&stored_flow(rows, flow)?))?;
    each(rows, Table::FlowVersions, &Key::new().span(), |name, value| {
        lines.write(&Record::FlowVersion(named_version(name, row::decode(value)?)?))
    })?;
    records(rows, Table::Contexts, |context: Context| lines.write(&Record::Context(context)))?;
    each(rows, Table::Settings, &Key::new().span(), |name, value| {
        let (name, value) = (row::id(name)?.to_owned(), row::decode(value)?);
        lines.write(&Record::Setting(Setting { name, value }))
    })?;
    records(rows, Table::Workers, |worker: Worker| lines.write(&Record::Worker(worker)))?;
    records(rows, Table::Projects, |project: ManagedProject| lines.write(&Record::Project(project)))?;
    records(rows, Table::NodeStatuses, |node: NodeStatus| lines.write(&Record::NodeStatus(node)))?;
    records(rows, Table::Spending, |spending: Spending| lines.write(&Record::Spending(spending)))?;
    records(rows, Table::Inbox, |entry: InboxEntry| lines.write(&Record::Inbox(entry)))?;

    let mut beside = BTreeSet::new();
    records(rows, Table::Runs, |run: RunRecord| {
        let run = whole_run(rows, run)?;
        let id = run.id.clone();
        lines.write(&Record::Run(run))?;
        each_event(rows, &id, |event, kept_beside| {
            beside.extend(kept_beside);
            lines.write(&Record::Event(event))
        })
    })?;

    records(rows, Table::Tasks, |task: Task| lines.write(&Record::Task(task)))?;
    records(rows, Table::Leases, |lease: Lease| lines.write(&Record::Lease(lease)))?;
    each(rows, Table::Blobs, &Key::new().span(), |key, bytes| {
        let digest = digest_at(Table::Blobs, key)?;
        // The events have those that are theirs.
        if beside.contains(&digest) {
            return Ok(());
        }
        lines.write(&Record::Blob(Blob { digest, content: Bytes::of(bytes.to_vec()) }))
    })?;
    each(rows, Table::Placed, &Key::new().span(), |key, value| {
        let (digest, placed) = (digest_at(Table::Placed, key)?, row::decode(value)?);
        lines.write(&Record::Placed(PlacedBlob { digest, placed }))
    })?;
    records(rows, Table::Artifacts, |artifact: Artifact| lines.write(&Record::Artifact(artifact)))?;
    records(rows, Table::TaskResults, |result: TaskResult| lines.write(&Record::Result(result)))?;
    records(rows, Table::Questions, |question: Question| lines.write(&Record::Question(question)))?;
    records(rows, Table::Proposals, |proposal: Proposal| lines.write(&Record::Proposal(proposal)))?;
    records(rows, Table::Audit, |entry: AuditEntry| lines.write(&Record::Audit(entry)))?;
    Ok(lines.finish()?.1)
}

/// A flow with its document.
pub(super) fn stored_flow(rows: &Snapshot, flow: FlowRecord) -> Result<Record, StoreError> {
    let document = rows.get(Table::FlowDocuments, flow.hash.as_bytes())?;
    let document = document.ok_or_else(|| missing(Table::FlowDocuments, flow.hash))?;
    Ok(Record::Flow(StoredFlow { flow, document: Bytes::of(document) }))
}

/// A version with its name, which the key has.
fn named_version(key: &[u8], of: FlowVersion) -> Result<NamedVersion, StoreError> {
    let name = Key::text_at(key).and_then(|(id, rest)| Some((id, Key::text_at(rest)?.0)));
    let (id, version) = name.ok_or_else(|| missing(Table::FlowVersions, "a name"))?;
    Ok(NamedVersion { id, version, of })
}

/// A run with its inputs.
fn whole_run(rows: &Snapshot, run: RunRecord) -> Result<RunRecord, StoreError> {
    let id = run.id;
    history::run(rows, &id)?.ok_or_else(|| missing(Table::Runs, id))
}

/// Visits the events of a run, each with the digest of its payload where that is kept beside it.
pub(super) fn each_event(
    rows: &Snapshot,
    run: &RunId,
    mut visit: impl FnMut(Event, Option<Digest>) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    each(rows, Table::EventsByRun, &Key::new().text(run.as_str()).span(), |_, number| {
        let event = rows.get(Table::Events, number)?.ok_or_else(|| missing(Table::Events, run))?;
        let mut beside = None;
        let event = row::decode_event(&event, |digest| {
            beside = Some(digest);
            rows.get(Table::Blobs, digest.as_bytes())
        })?;
        visit(event, beside)
    })
}

/// Visits the records of a table.
pub(super) fn records<T: DeserializeOwned>(
    rows: &Snapshot,
    table: Table,
    mut visit: impl FnMut(T) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    each(rows, table, &Key::new().span(), |_, row| visit(row::decode(row)?))
}

/// Visits rows until one fails.
fn each(
    rows: &Snapshot,
    table: Table,
    span: &Span,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let mut failure = None;
    rows.ascend(table, span, |key, value| {
        Ok(match visit(key, value) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        })
    })?;
    failure.map_or(Ok(()), Err)
}

fn digest_at(table: Table, key: &[u8]) -> Result<Digest, StoreError> {
    let bytes = key.try_into().map_err(|_| StoreError::Damaged(format!("{table:?} has a key that is no digest")))?;
    Ok(Digest::from_bytes(bytes))
}

fn missing(table: Table, id: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{table:?}: {id} is not there"))
}
