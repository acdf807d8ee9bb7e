//! Tasks and leases.

use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_runtime::record::{
    AuditNote, Ended, Lease, LeaseEnding, LeaseId, LeaseStatus, RunId, Task, TaskId, TaskStatus, fits,
};
use bloom_runtime::store::{Grant, GrantAsk, LeaseEnd, StoreError};
use serde::{Deserialize, Serialize};

use super::history::PreparedAppend;
use super::{Key, Rows, Stage, Table, must_be_new, read, require, row, write_audit};

/// A row of the queue: enough to choose by.
#[derive(Serialize, Deserialize)]
struct Waiting {
    task: TaskId,
    requires: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
}

/// Makes a task of a run.
pub(super) fn create(stage: &mut Stage<'_, '_>, task: &Task) -> Result<(), StoreError> {
    must_be_new(stage, Table::Tasks, "task", task.id.as_str())?;
    let effect = effect_key(&task.run, &task.effect);
    if stage.get(Table::TasksByEffect, &effect)?.is_some() {
        return Err(StoreError::Exists { kind: "task of effect", id: task.effect.to_string() });
    }
    stage.put(Table::TasksByEffect, effect, task.id.as_str().into());
    put(stage, None, task);
    Ok(())
}

/// An effect has its outcome: its task, if it has one, ends with it.
pub(super) fn resolve(stage: &mut Stage<'_, '_>, run: &RunId, effect: &EffectId, at: i64) -> Result<(), StoreError> {
    let Some(id) = stage.get(Table::TasksByEffect, &effect_key(run, effect))? else { return Ok(()) };
    close(stage, row::id(&id)?, "the effect has its outcome", at)
}

/// An attempt at an effect failed: its task, if it has one, waits.
pub(super) fn delay(stage: &mut Stage<'_, '_>, run: &RunId, effect: &EffectId, until: i64) -> Result<(), StoreError> {
    let Some(id) = stage.get(Table::TasksByEffect, &effect_key(run, effect))? else { return Ok(()) };
    let before: Task = require(stage, Table::Tasks, "task", row::id(&id)?)?;
    let mut task = before.clone();
    task.delay(until);
    if task != before {
        put(stage, Some(&before), &task);
    }
    Ok(())
}

/// The run has ended, and its tasks with it.
pub(super) fn cancel_all(stage: &mut Stage<'_, '_>, run: &RunId, at: i64) -> Result<(), StoreError> {
    for id in ids_of_run(stage, run)? {
        close(stage, &id, "the run has ended", at)?;
    }
    Ok(())
}

fn close(stage: &mut Stage<'_, '_>, id: &str, reason: &str, at: i64) -> Result<(), StoreError> {
    let before: Task = require(stage, Table::Tasks, "task", id)?;
    let mut task = Task { resolved: true, ..before.clone() };
    let mut lease: Option<Lease> = match &task.lease {
        Some(lease) => Some(require(stage, Table::Leases, "lease", lease.as_str())?),
        None => None,
    };
    if task.cancel(lease.as_mut(), reason, at)
        && let Some(lease) = &lease
    {
        put_lease(stage, lease);
    }
    if task != before {
        put(stage, Some(&before), &task);
    }
    Ok(())
}

pub(in super::super) fn grant(stage: &mut Stage<'_, '_>, ask: GrantAsk) -> Result<Option<Grant>, StoreError> {
    must_be_new(stage, Table::Leases, "lease", ask.lease.as_str())?;
    let Some(id) = best(stage, &ask)? else { return Ok(None) };
    let before: Task = require(stage, Table::Tasks, "task", id.as_str())?;
    let mut task = before.clone();
    let lease = task.grant(ask.lease, ask.worker, ask.at, ask.ttl_ms)?;
    put(stage, Some(&before), &task);
    put_lease(stage, &lease);
    write_audit(stage, vec![lease.audit_note(&task)])?;
    Ok(Some(Grant { lease, task }))
}

/// The first of the queue that the worker can do.
fn best(stage: &mut Stage<'_, '_>, ask: &GrantAsk) -> Result<Option<TaskId>, StoreError> {
    if let Some(run) = &ask.run {
        let fitting = of_run(stage, run)?
            .into_iter()
            .filter(|task| task.status == TaskStatus::Queued && task.is_due(ask.at) && task.fits(&ask.provides))
            .min_by_key(queue_key);
        return Ok(fitting.map(|task| task.id));
    }
    let mut found = None;
    stage.ascend(Table::TaskQueue, &Key::new().span(), |_, row| {
        let waiting: Waiting = row::decode(row)?;
        if waiting.not_before.is_none_or(|due| due <= ask.at) && fits(&waiting.requires, &ask.provides) {
            found = Some(waiting.task);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

pub(in super::super) fn next_due(
    rows: &mut impl Rows,
    provides: &[String],
    run: Option<&RunId>,
) -> Result<Option<i64>, StoreError> {
    if let Some(run) = run {
        let tasks = of_run(rows, run)?.into_iter();
        let waiting = tasks.filter(|task| task.status == TaskStatus::Queued && task.fits(provides));
        return Ok(waiting.filter_map(|task| task.not_before).min());
    }
    let mut due: Option<i64> = None;
    rows.ascend(Table::TaskQueue, &Key::new().span(), |_, row| {
        let waiting: Waiting = row::decode(row)?;
        if fits(&waiting.requires, provides) {
            due = due.into_iter().chain(waiting.not_before).min();
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(due)
}

/// An ending whose append is made and checked in itself.
pub(in super::super) struct PreparedEnd {
    lease: LeaseId,
    epoch: u64,
    ending: LeaseEnding,
    at: i64,
    append: Option<PreparedAppend>,
    audit: Vec<AuditNote>,
}

impl PreparedEnd {
    pub(in super::super) fn new(end: LeaseEnd) -> Result<Self, StoreError> {
        let LeaseEnd { lease, epoch, ending, at, append, audit } = end;
        let append = append.map(PreparedAppend::new).transpose()?;
        Ok(Self { lease, epoch, ending, at, append, audit })
    }

    pub(in super::super) fn bytes(&self) -> usize {
        self.append.as_ref().map_or(0, PreparedAppend::bytes)
    }

    pub(in super::super) fn end(self, stage: &mut Stage<'_, '_>) -> Result<Task, StoreError> {
        let mut lease: Lease = require(stage, Table::Leases, "lease", self.lease.as_str())?;
        let before: Task = require(stage, Table::Tasks, "task", lease.task.as_str())?;
        let mut task = before.clone();
        if self.append.as_ref().is_some_and(|append| *append.run() != task.run) {
            return Err(StoreError::Contradiction("what is appended is of the task's run"));
        }
        match task.end(&mut lease, self.epoch, &self.ending, self.at)? {
            Ended::Repeated => return Ok(task),
            Ended::Changed => {}
        }
        put(stage, Some(&before), &task);
        put_lease(stage, &lease);
        if let Some(append) = self.append {
            append.append(stage)?;
        }
        write_audit(stage, self.audit)?;
        // The append may have closed it.
        require(stage, Table::Tasks, "task", task.id.as_str())
    }
}

pub(in super::super) fn requeue(
    stage: &mut Stage<'_, '_>,
    id: &TaskId,
    at: i64,
    audit: Vec<AuditNote>,
) -> Result<Task, StoreError> {
    let before: Task = require(stage, Table::Tasks, "task", id.as_str())?;
    let mut task = before.clone();
    task.requeue(at)?;
    put(stage, Some(&before), &task);
    write_audit(stage, audit)?;
    Ok(task)
}

pub(in super::super) fn task(rows: &mut impl Rows, id: &TaskId) -> Result<Option<Task>, StoreError> {
    read(rows, Table::Tasks, id.as_str())
}

pub(in super::super) fn lease(rows: &mut impl Rows, id: &LeaseId) -> Result<Option<Lease>, StoreError> {
    read(rows, Table::Leases, id.as_str())
}

/// The tasks of a run, oldest first.
pub(in super::super) fn of_run(rows: &mut impl Rows, run: &RunId) -> Result<Vec<Task>, StoreError> {
    let ids = ids_of_run(rows, run)?;
    let mut tasks: Vec<Task> =
        ids.iter().map(|id| require(rows, Table::Tasks, "task", id)).collect::<Result<_, _>>()?;
    tasks.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(tasks)
}

fn ids_of_run(rows: &mut impl Rows, run: &RunId) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::TasksByEffect, &Key::new().text(run.as_str()).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

fn put(stage: &mut Stage<'_, '_>, before: Option<&Task>, task: &Task) {
    if let Some(before) = before.filter(|before| before.status == TaskStatus::Queued) {
        stage.remove(Table::TaskQueue, queue_key(before));
    }
    if task.status == TaskStatus::Queued {
        let waiting = Waiting { task: task.id.clone(), requires: task.requires.clone(), not_before: task.not_before };
        stage.put(Table::TaskQueue, queue_key(task), row::encode(&waiting));
    }
    stage.put(Table::Tasks, task.id.as_str().into(), row::encode(task));
}

fn put_lease(stage: &mut Stage<'_, '_>, lease: &Lease) {
    let id = || lease.id.as_str().into();
    match lease.status {
        LeaseStatus::Active => stage.put(Table::ActiveLeases, id(), id()),
        _ => stage.remove(Table::ActiveLeases, id()),
    }
    stage.put(Table::Leases, id(), row::encode(lease));
}

fn effect_key(run: &RunId, effect: &EffectId) -> Vec<u8> {
    Key::new().text(run.as_str()).text(effect.as_str()).build()
}

/// Higher priority first, then older, then by id.
fn queue_key(task: &Task) -> Vec<u8> {
    Key::new().signed(-i64::from(task.priority)).signed(task.created_at).text(task.id.as_str()).build()
}
