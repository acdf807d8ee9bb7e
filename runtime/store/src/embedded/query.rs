//! What reads much: lists, histories, logs.

use std::ops::{ControlFlow, RangeInclusive};

use bloom_interpreter::history::Event;
use bloom_runtime::record::{AuditEntry, FlowRecord, Lease, LeaseId, Proposal, ProposalId, RunId, RunRecord};
use bloom_runtime::store::{ProposalFilter, RunFilter, StoreError};

use super::key::Key;
use super::row;
use super::table::{Rows, Snapshot, Table};
use super::verbs::{history as run_rows, proposal as proposal_rows, task as task_rows};

pub(super) fn flows(mut rows: &Snapshot) -> Result<Vec<FlowRecord>, StoreError> {
    let mut flows: Vec<FlowRecord> = Vec::new();
    rows.ascend(Table::Flows, &Key::new().span(), |_, row| {
        flows.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    flows.sort_by(|a, b| (b.stored_at, &b.hash).cmp(&(a.stored_at, &a.hash)));
    Ok(flows)
}

pub(super) fn runs(mut rows: &Snapshot, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
    let (table, under) = match (&filter.flow, filter.status) {
        (Some(flow), _) => (Table::RunsByFlow, Key::new().text(flow)),
        (None, Some(status)) => (Table::RunsByStatus, run_rows::status_key(status)),
        (None, None) => (Table::RunsByTime, Key::new()),
    };
    let mut span = under.clone().span();
    if let Some(id) = &filter.before {
        let not_found = || StoreError::NotFound { kind: "run", id: id.to_string() };
        let run = run_rows::run(&mut rows, id)?.ok_or_else(not_found)?;
        span = span.until(Key::from(run_rows::time_key(under, &run)));
    }
    let mut runs = Vec::new();
    rows.descend(table, &span, |_, id| {
        if runs.len() == filter.limit {
            return Ok(ControlFlow::Break(()));
        }
        let id = row::id(id)?;
        let run = run_rows::run(&mut { rows }, &RunId::new(id))?.ok_or_else(|| dangling(table, id))?;
        if filter.status.is_none_or(|status| status == run.status) {
            runs.push(run);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(runs)
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
        let proposal = proposal_rows::proposal(&mut { rows }, &ProposalId::new(id))?;
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
    let mut index = rows;
    index.ascend(Table::EventsByRun, &key().span().from(key().number(from)), |_, number| {
        if events.len() == limit {
            return Ok(ControlFlow::Break(()));
        }
        let mut rows = rows;
        let row = rows.get(Table::Events, number)?;
        let row = row.ok_or_else(|| dangling(Table::EventsByRun, run))?;
        events.push(row::decode_event(&row, |digest| rows.get(Table::Blobs, digest.as_bytes()))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(events)
}

pub(super) fn active_leases(rows: &Snapshot) -> Result<Vec<Lease>, StoreError> {
    let mut leases = Vec::new();
    let mut index = rows;
    index.ascend(Table::ActiveLeases, &Key::new().span(), |_, id| {
        let id = row::id(id)?;
        let lease = task_rows::lease(&mut { rows }, &LeaseId::new(id))?;
        leases.push(lease.ok_or_else(|| dangling(Table::ActiveLeases, id))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(leases)
}

pub(super) fn audit(mut rows: &Snapshot, range: &RangeInclusive<u64>) -> Result<Vec<AuditEntry>, StoreError> {
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

pub(super) fn audit_head(mut rows: &Snapshot) -> Result<Option<AuditEntry>, StoreError> {
    rows.last(Table::Audit)?.map(|(_, row)| row::decode(&row)).transpose()
}

pub(super) fn audit_entry(mut rows: &Snapshot, seq: u64) -> Result<AuditEntry, StoreError> {
    let row = rows.get(Table::Audit, &Key::new().number(seq).build())?;
    row::decode(&row.ok_or_else(|| dangling(Table::Audit, seq))?)
}

fn dangling(table: Table, id: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{table:?} points to {id}, which is not there"))
}
