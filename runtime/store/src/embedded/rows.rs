//! All rows that stand for a record: its own first, then those by which it is found. Who puts a whole record into a store, or takes
//! one out of it, puts or takes these; what changes a record in its place is in [`super::verbs`].

use bloom_interpreter::history::Sealed;
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{
    Artifact, AuditEntry, FlowRecord, Lease, ManagedProject, NodeStatus, Proposal, ProposalStatus, Question,
    QuestionStatus, RunId, RunRecord, Spending, Task, TaskStatus,
};

use super::key::Key;
use super::row;
use super::table::Table;
use super::verbs::{flow as flow_rows, history, proposal as proposal_rows, task as task_rows};

/// A row and the table that it is in.
pub(super) type Entry = (Table, Vec<u8>, Vec<u8>);

pub(super) fn flow(flow: &FlowRecord, document: Vec<u8>) -> Vec<Entry> {
    let hash = || flow.hash.as_bytes().to_vec();
    vec![
        (Table::Flows, hash(), row::encode(flow)),
        (Table::FlowsById, flow_rows::place(flow), hash()),
        (Table::FlowDocuments, hash(), document),
    ]
}

pub(super) fn flow_version(id: &str, version: &str, of: &bloom_runtime::record::FlowVersion) -> Vec<Entry> {
    vec![(Table::FlowVersions, flow_rows::version_key(id, version), row::encode(of))]
}

/// Without its history.
pub(super) fn run(run: &RunRecord) -> Vec<Entry> {
    let id = || run.id.as_str().into();
    let mut record = run.clone();
    let inputs = std::mem::replace(&mut record.inputs, Value::Null);
    let mut rows = vec![
        (Table::Runs, id(), row::encode(&record)),
        (Table::RunInputs, id(), row::encode(&inputs)),
        (Table::RunsByTime, history::time_key(Key::new(), run), id()),
        history::by_flow(run),
        (Table::RunsByStatus, history::time_key(history::status_key(run.status), run), id()),
    ];
    if history::is_moving(run) {
        rows.push((Table::Moving, history::time_key(Key::new(), run), id()));
    }
    if let Some(at) = run.wake_at {
        rows.push((Table::Wakes, Key::new().signed(at).text(run.id.as_str()).build(), id()));
    }
    rows
}

/// The event with this number among all events.
pub(super) fn event(run: &RunId, event: &Sealed, number: u64) -> Vec<Entry> {
    let encoded = row::encode_event(event);
    let index = Key::new().text(run.as_str()).number(event.seq).build();
    let mut rows = vec![
        (Table::Events, Key::new().number(number).build(), encoded.row),
        (Table::EventsByRun, index, number.to_be_bytes().into()),
    ];
    rows.extend(encoded.beside.map(|(digest, payload)| blob(digest, payload)));
    rows.extend(Artifact::handed_out(run, event).as_ref().map(handed_out));
    rows
}

/// An artifact that an event tells of.
pub(super) fn handed_out(artifact: &Artifact) -> Entry {
    let place = Key::new().signed(artifact.created_at).text(artifact.id.as_str()).build();
    (Table::HandedOut, place, row::encode(artifact))
}

pub(super) fn blob(digest: Digest, bytes: Vec<u8>) -> Entry {
    (Table::Blobs, digest.as_bytes().to_vec(), bytes)
}

pub(super) fn task(task: &Task) -> Vec<Entry> {
    let id = || task.id.as_str().into();
    let mut rows =
        vec![(Table::Tasks, id(), row::encode(task)), (Table::TasksByStatus, task_rows::task_time_key(task), id())];
    if let Some(of) = &task.of {
        rows.push((Table::TasksByEffect, task_rows::effect_key(&of.run, &of.effect), id()));
    }
    if task.status == TaskStatus::Queued {
        rows.push((Table::TaskQueue, task_rows::queue_key(task), task_rows::queue_row(task)));
    }
    rows
}

pub(super) fn lease(lease: &Lease) -> Vec<Entry> {
    let id = || lease.id.as_str().into();
    let mut rows = vec![
        (Table::Leases, id(), row::encode(lease)),
        (Table::LeasesByStatus, task_rows::lease_time_key(lease), id()),
    ];
    rows.extend(lease.token.map(|token| (Table::LeaseTokens, token.as_bytes().to_vec(), id())));
    rows
}

pub(super) fn artifact(artifact: &Artifact) -> Vec<Entry> {
    let id = || artifact.id.as_str().into();
    let place = |under: Key| under.signed(artifact.created_at).text(artifact.id.as_str()).build();
    let mut rows =
        vec![(Table::Artifacts, id(), row::encode(artifact)), (Table::ArtifactsByTime, place(Key::new()), id())];
    if let Some(task) = &artifact.task {
        rows.push((Table::ArtifactsByTask, place(Key::new().text(task.as_str())), id()));
    }
    rows
}

pub(super) fn question(question: &Question) -> Vec<Entry> {
    let id = || question.id.as_str().into();
    let time = || Key::new().signed(question.created_at).text(question.id.as_str()).build();
    let mut rows = vec![
        (Table::Questions, id(), row::encode(question)),
        (Table::QuestionsByTime, time(), id()),
        (Table::QuestionsByEffect, task_rows::effect_key(&question.run, &question.effect), id()),
    ];
    if question.status == QuestionStatus::Open {
        rows.push((Table::OpenQuestions, time(), id()));
    }
    rows
}

pub(super) fn proposal(proposal: &Proposal) -> Vec<Entry> {
    let id = || proposal.id.as_str().into();
    let by_status = proposal_rows::status_key(proposal.status);
    let emission = Key::new().text(proposal.run.as_str()).text(&proposal.emission).build();
    let mut rows = vec![
        (Table::Proposals, id(), row::encode(proposal)),
        (Table::ProposalsByTime, proposal_rows::time_key(Key::new(), proposal), id()),
        (Table::ProposalsByStatus, proposal_rows::time_key(by_status, proposal), id()),
        (Table::ProposalsByEmission, emission, id()),
    ];
    match &proposal.duplicate_of {
        None if proposal.status == ProposalStatus::Pending => {
            rows.push((Table::PendingContents, proposal_rows::content_key(proposal), id()));
        }
        Some(original) if proposal.status != ProposalStatus::Expired => {
            let key = proposal_rows::duplicate_key(original.as_str(), proposal.id.as_str());
            rows.push((Table::Duplicates, key, id()));
        }
        _ => {}
    }
    rows
}

pub(super) fn spending(spending: &Spending) -> Vec<Entry> {
    let key = history::spending_key(spending.day).text(&spending.agent).build();
    vec![(Table::Spending, key, row::encode(spending))]
}

pub(super) fn project(project: &ManagedProject) -> Vec<Entry> {
    let id = || project.id.as_str().into();
    vec![(Table::Projects, id(), row::encode(project)), (Table::ProjectsByName, project.name.as_str().into(), id())]
}

pub(super) fn node_status(node: &NodeStatus) -> Vec<Entry> {
    let key = Key::new().text(node.project.as_str()).text(node.node.as_str()).build();
    vec![(Table::NodeStatuses, key, row::encode(node))]
}

pub(super) fn audit(entry: &AuditEntry) -> Vec<Entry> {
    vec![(Table::Audit, Key::new().number(entry.seq).build(), row::encode(entry))]
}

/// A record by its id alone.
pub(super) fn plain<T: serde::Serialize>(table: Table, id: &str, record: &T) -> Vec<Entry> {
    vec![(table, id.into(), row::encode(record))]
}
