//! What reads much: lists, histories, logs.

use std::cmp::Reverse;
use std::ops::{ControlFlow, RangeInclusive};

use bloom_interpreter::history::Event;
use bloom_runtime::record::{
    Artifact, AuditEntry, FlowRecord, Lease, LeaseStatus, Proposal, ProposalId, RunId, RunRecord, RunStatus, Task,
    TaskStatus, Worker,
};
use bloom_runtime::store::{
    ArtifactFilter, LeaseFilter, ProposalFilter, RunFilter, StandingCount, StandingRun, StoreError, TaskFilter,
    WorkCounts,
};
use serde::de::DeserializeOwned;

use super::key::{Key, Span};
use super::row;
use super::snapshot::{Rows, Snapshot};
use super::table::Table;
use super::verbs::{self, history as run_rows, proposal as proposal_rows, task as task_rows};

pub(super) fn flows(rows: &Snapshot) -> Result<Vec<FlowRecord>, StoreError> {
    let mut flows: Vec<FlowRecord> = Vec::new();
    rows.ascend(Table::Flows, &Key::new().span(), |_, row| {
        flows.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    flows.sort_by(|a, b| (b.stored_at, &b.hash).cmp(&(a.stored_at, &a.hash)));
    Ok(flows)
}

pub(super) fn runs(rows: &Snapshot, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
    let (table, spans) = runs_spans(rows, filter)?;
    let mut places = Vec::new();
    for span in &spans {
        let mut left = filter.limit;
        rows.descend(table, span, |key, _| {
            if left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            left -= 1;
            places.push(place(key, table)?);
            Ok(ControlFlow::Continue(()))
        })?;
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.truncate(filter.limit);
    let found = places.into_iter().map(|(_, id)| {
        let run = run_rows::run(rows, &id)?;
        run.ok_or_else(|| dangling(table, &id))
    });
    found.collect()
}

/// Without a time it follows from what is counted; within one the runs are, and no more than `up_to` of them.
pub(super) fn count_runs(rows: &Snapshot, filter: &RunFilter, up_to: u64) -> Result<u64, StoreError> {
    if (filter.from, filter.to, &filter.before) == (None, None, &None) {
        return counted_runs(rows, filter);
    }
    let (table, spans) = runs_spans(rows, filter)?;
    let mut count = 0;
    for span in &spans {
        rows.descend(table, span, |_, _| {
            if count == up_to {
                return Ok(ControlFlow::Break(()));
            }
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(count)
}

fn counted_runs(rows: &Snapshot, filter: &RunFilter) -> Result<u64, StoreError> {
    let span = filter.flow.as_ref().map_or_else(Key::new, |flow| Key::new().text(flow)).span();
    let mut count = 0_u64;
    rows.ascend(Table::RunCounts, &span, |key, row| {
        let (_, status, _) = run_rows::flow_and_status(key)?;
        if filter.status.is_none_or(|wanted| wanted == status) {
            count = count.saturating_add(run_rows::Count::read(row)?.runs);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

/// However many runs there are, no row of them is read.
pub(super) fn standing_counts(rows: &Snapshot) -> Result<Vec<StandingCount>, StoreError> {
    let mut counts = Vec::new();
    rows.ascend(Table::RunCounts, &Key::new().span(), |key, row| {
        let (flow, status, _) = run_rows::flow_and_status(key)?;
        if !status.is_terminal() {
            let run_rows::Count { runs, waiting } = run_rows::Count::read(row)?;
            counts.push(StandingCount { flow, status, runs, waiting });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

/// Those that run are read by their index alone, as there may be very many.
pub(super) fn standing_runs(rows: &Snapshot, status: RunStatus) -> Result<Vec<StandingRun>, StoreError> {
    let mut flows = Vec::new();
    rows.ascend(Table::RunCounts, &Key::new().span(), |key, _| {
        let (flow, of, _) = run_rows::flow_and_status(key)?;
        flows.extend((of == status).then_some(flow));
        Ok(ControlFlow::Continue(()))
    })?;
    let mut runs = Vec::new();
    for flow in flows {
        rows.ascend(Table::RunsByFlow, &run_rows::flow_key(&flow, status).span(), |key, marks| {
            let (at, id) = place(key, Table::RunsByFlow)?;
            let marks = run_rows::Marks::read(marks)?;
            runs.push((
                at,
                StandingRun { id, flow: flow.clone(), awaited: marks.awaited, waiting: marks.waiting, turn: None },
            ));
            Ok(ControlFlow::Continue(()))
        })?;
    }
    runs.sort_unstable_by(|(a, run), (b, other)| (a, &run.id).cmp(&(b, &other.id)));
    let mut runs: Vec<StandingRun> = runs.into_iter().map(|(_, run)| run).collect();
    if status == RunStatus::Queued {
        for run in &mut runs {
            let record: Option<RunRecord> = verbs::read(rows, Table::Runs, run.id.as_str())?;
            let record = record.ok_or_else(|| dangling(Table::RunsByFlow, &run.id))?;
            run.turn = record.turn.map(|turn| turn.number);
        }
    }
    Ok(runs)
}

/// When the run that a row of an index is of was made, and which it is: what the keys of these indexes end with.
fn place(key: &[u8], table: Table) -> Result<(i64, RunId), StoreError> {
    let rest = match table {
        Table::RunsByFlow => run_rows::flow_and_status(key)?.2,
        Table::RunsByStatus => key.get(size_of::<u64>()..).unwrap_or_default(),
        _ => key,
    };
    let (at, id) = (Key::signed_at(rest), rest.get(size_of::<i64>()..).and_then(Key::text_at));
    match (at, id) {
        (Some(at), Some((id, _))) => Ok((at, RunId::new(id))),
        _ => Err(StoreError::Damaged(format!("a row of {table:?} is of no run"))),
    }
}

/// The index that answers a filter, and the parts of it.
fn runs_spans(rows: &Snapshot, filter: &RunFilter) -> Result<(Table, Vec<Span>), StoreError> {
    let (table, parts) = match (&filter.flow, filter.status) {
        (Some(flow), Some(status)) => (Table::RunsByFlow, vec![run_rows::flow_key(flow, status)]),
        (Some(flow), None) => {
            (Table::RunsByFlow, run_rows::STATUSES.map(|status| run_rows::flow_key(flow, status)).into())
        }
        (None, Some(status)) => (Table::RunsByStatus, vec![run_rows::status_key(status)]),
        (None, None) => (Table::RunsByTime, vec![Key::new()]),
    };
    let before = match &filter.before {
        None => None,
        Some(id) => {
            let not_found = || StoreError::NotFound { kind: "run", id: id.to_string() };
            Some(run_rows::run(rows, id)?.ok_or_else(not_found)?)
        }
    };
    let spans = parts.into_iter().map(|under| {
        let mut span = under.clone().span();
        if let Some(from) = filter.from {
            span = span.from(under.clone().signed(from));
        }
        if let Some(to) = filter.to {
            span = span.until(under.clone().signed(to));
        }
        match &before {
            None => span,
            Some(run) => span.until(Key::from(run_rows::time_key(under, run))),
        }
    });
    Ok((table, spans.collect()))
}

pub(super) fn proposals(rows: &Snapshot, filter: &ProposalFilter) -> Result<Vec<Proposal>, StoreError> {
    let (table, span) = match (&filter.run, filter.status) {
        (Some(run), _) => (Table::ProposalsByEmission, Key::new().text(run.as_str()).span()),
        (None, Some(status)) => (Table::ProposalsByStatus, proposal_rows::status_key(status).span()),
        (None, None) => (Table::ProposalsByTime, Key::new().span()),
    };
    // Those of a run are in the order of their emissions, so all of them are read before they are cut off.
    let enough = if filter.run.is_some() { usize::MAX } else { filter.limit };
    let mut proposals: Vec<Proposal> = Vec::new();
    rows.descend(table, &span, |_, id| {
        if proposals.len() == enough {
            return Ok(ControlFlow::Break(()));
        }
        let id = row::id(id)?;
        let proposal = proposal_rows::proposal(rows, &ProposalId::new(id))?;
        let proposal = proposal.ok_or_else(|| dangling(table, id))?;
        if filter.status.is_none_or(|status| status == proposal.status) {
            proposals.push(proposal);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    proposals.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    proposals.truncate(filter.limit);
    Ok(proposals)
}

pub(super) fn history(rows: &Snapshot, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
    let key = || Key::new().text(run.as_str());
    let mut events = Vec::new();
    rows.ascend(Table::EventsByRun, &key().span().from(key().number(from)), |_, number| {
        if events.len() == limit {
            return Ok(ControlFlow::Break(()));
        }
        let row = rows.get(Table::Events, number)?;
        let row = row.ok_or_else(|| dangling(Table::EventsByRun, run))?;
        events.push(row::decode_event(&row, |digest| rows.get(Table::Blobs, digest.as_bytes()))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(events)
}

pub(super) fn tasks(rows: &Snapshot, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
    let wanted = filter.status.map_or(TaskStatus::STORED.to_vec(), |status| vec![status]);
    let before: Option<Task> = match &filter.before {
        Some(id) => Some(verbs::require(rows, Table::Tasks, "task", id.as_str())?),
        None => None,
    };
    let spans = wanted.into_iter().map(|status| {
        let span = task_rows::task_status_key(status).span();
        match &before {
            Some(task) => span.until(Key::from(task_rows::task_time_key(&Task { status, ..task.clone() }))),
            None => span,
        }
    });
    let is_wanted = |task: &Task| !filter.questions || task.flow.is_none();
    newest_of(rows, (Table::TasksByStatus, Table::Tasks), spans, filter.limit, is_wanted, |task: &Task| {
        (task.created_at, task.id.to_string())
    })
}

pub(super) fn leases(rows: &Snapshot, filter: &LeaseFilter) -> Result<Vec<Lease>, StoreError> {
    let wanted = filter.status.map_or(LeaseStatus::ALL.to_vec(), |status| vec![status]);
    let before: Option<Lease> = match &filter.before {
        Some(id) => Some(verbs::require(rows, Table::Leases, "lease", id.as_str())?),
        None => None,
    };
    let spans = wanted.into_iter().map(|status| {
        let span = task_rows::lease_status_key(status).span();
        match &before {
            Some(lease) => span.until(Key::from(task_rows::lease_time_key(&Lease { status, ..lease.clone() }))),
            None => span,
        }
    });
    newest(rows, (Table::LeasesByStatus, Table::Leases), spans, filter.limit, |lease: &Lease| {
        (lease.started_at, lease.id.to_string())
    })
}

pub(super) fn artifacts(rows: &Snapshot, filter: &ArtifactFilter) -> Result<Vec<Artifact>, StoreError> {
    let (index, span) = match &filter.task {
        Some(task) => (Table::ArtifactsByTask, Key::new().text(task.as_str()).span()),
        None => (Table::ArtifactsByTime, Key::new().span()),
    };
    let age = |artifact: &Artifact| (artifact.created_at, artifact.id.to_string());
    let mut found = newest(rows, (index, Table::Artifacts), [span], filter.limit, age)?;
    if filter.task.is_none() {
        let limit = found.len().saturating_add(filter.limit);
        rows.descend(Table::HandedOut, &Key::new().span(), |_, row| {
            if found.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            found.push(row::decode(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        found.sort_by_key(|artifact| Reverse(age(artifact)));
        found.truncate(filter.limit);
    }
    Ok(found)
}

/// The newest records of several spans of an index that each are in the order of time.
fn newest<T: DeserializeOwned>(
    rows: &Snapshot,
    tables: (Table, Table),
    spans: impl IntoIterator<Item = Span>,
    limit: usize,
    age: impl Fn(&T) -> (i64, String),
) -> Result<Vec<T>, StoreError> {
    newest_of(rows, tables, spans, limit, |_| true, age)
}

/// The same, of those that are wanted.
fn newest_of<T: DeserializeOwned>(
    rows: &Snapshot,
    (index, table): (Table, Table),
    spans: impl IntoIterator<Item = Span>,
    limit: usize,
    is_wanted: impl Fn(&T) -> bool,
    age: impl Fn(&T) -> (i64, String),
) -> Result<Vec<T>, StoreError> {
    let mut found: Vec<T> = Vec::new();
    for span in spans {
        let mut left = limit;
        rows.descend(index, &span, |_, id| {
            if left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            let id = row::id(id)?;
            let record = rows.get(table, id.as_bytes())?.ok_or_else(|| dangling(index, id))?;
            let record = row::decode(&record)?;
            if is_wanted(&record) {
                left -= 1;
                found.push(record);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    found.sort_by_cached_key(|record| Reverse(age(record)));
    found.truncate(limit);
    Ok(found)
}

/// Those that are most are not counted one by one.
pub(super) fn work_counts(rows: &Snapshot) -> Result<WorkCounts, StoreError> {
    let mut counts = WorkCounts::default();
    let mut others = 0;
    for status in [TaskStatus::Queued, TaskStatus::Leased, TaskStatus::Failed, TaskStatus::Dead] {
        let count = count(rows, Table::TasksByStatus, &task_rows::task_status_key(status).span())?;
        counts.tasks.insert(status, count);
        others += count;
    }
    counts.oldest_queued = oldest(rows, TaskStatus::Queued)?;
    counts.tasks.insert(TaskStatus::Completed, rows.len(Table::TasksByStatus)?.saturating_sub(others));
    others = 0;
    for status in [LeaseStatus::Active, LeaseStatus::Expired, LeaseStatus::Failed] {
        let count = count(rows, Table::LeasesByStatus, &task_rows::lease_status_key(status).span())?;
        counts.leases.insert(status, count);
        others += count;
    }
    counts.leases.insert(LeaseStatus::Released, rows.len(Table::LeasesByStatus)?.saturating_sub(others));
    counts.tasks.retain(|_, count| *count > 0);
    counts.leases.retain(|_, count| *count > 0);
    Ok(counts)
}

/// When the oldest task of a status was made.
fn oldest(rows: &Snapshot, status: TaskStatus) -> Result<Option<i64>, StoreError> {
    let mut oldest = None;
    rows.ascend(Table::TasksByStatus, &task_rows::task_status_key(status).span(), |key, _| {
        oldest = task_rows::time_of(key);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(oldest)
}

fn count(rows: &Snapshot, table: Table, span: &Span) -> Result<u64, StoreError> {
    let mut count = 0;
    rows.ascend(table, span, |_, _| {
        count += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

pub(super) fn workers(rows: &Snapshot) -> Result<Vec<Worker>, StoreError> {
    let mut workers = Vec::new();
    rows.ascend(Table::Workers, &Key::new().span(), |_, row| {
        workers.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(workers)
}

pub(super) fn audit(rows: &Snapshot, range: &RangeInclusive<u64>) -> Result<Vec<AuditEntry>, StoreError> {
    let mut span = Key::new().span().from(Key::new().number(*range.start()));
    if let Some(beyond) = range.end().checked_add(1) {
        span = span.until(Key::new().number(beyond));
    }
    let mut entries = Vec::new();
    rows.ascend(Table::Audit, &span, |_, row| {
        entries.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries)
}

pub(super) fn audit_head(rows: &Snapshot) -> Result<Option<AuditEntry>, StoreError> {
    rows.last(Table::Audit)?.map(|(_, row)| row::decode(&row)).transpose()
}

pub(super) fn audit_entry(rows: &Snapshot, seq: u64) -> Result<AuditEntry, StoreError> {
    let row = rows.get(Table::Audit, &Key::new().number(seq).build())?;
    row::decode(&row.ok_or_else(|| dangling(Table::Audit, seq))?)
}

fn dangling(table: Table, id: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{table:?} points to {id}, which is not there"))
}
