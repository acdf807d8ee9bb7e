//! Tasks and leases.

use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_ir::Digest;
use bloom_runtime::dispatch::{Command, Decision, Granting, Proof, decide};
use bloom_runtime::record::{
    Artifact, AuditNote, Lease, LeaseEnding, LeaseId, LeaseStatus, RunId, Task, TaskId, TaskResult, TaskStatus,
    WorkerId, fits,
};
use bloom_runtime::store::{Grant, GrantAsk, Kept, LeaseEnd, QueueFilter, StoreError};
use serde::{Deserialize, Serialize};

use super::history::PreparedAppend;
use super::{Content, Key, Rows, Stage, Table, artifact, must_be_new, read, require, row, write_audit};

/// A row of the queue: enough to choose by.
#[derive(PartialEq, Serialize, Deserialize)]
struct Waiting {
    task: TaskId,
    requires: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    /// A client posted it. Rows of earlier versions do not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_posted: bool,
}

impl Waiting {
    fn of(task: &Task) -> Self {
        Self {
            task: task.id.clone(),
            requires: task.requires.clone(),
            not_before: task.not_before,
            is_posted: task.of.is_none(),
        }
    }

    fn is_due(&self, at: i64) -> bool {
        self.not_before.is_none_or(|due| due <= at)
    }
}

/// Makes a task of a run, or of a client.
pub(in super::super) fn create(stage: &mut Stage<'_>, task: &Task) -> Result<(), StoreError> {
    must_be_new(stage, Table::Tasks, "task", task.id.as_str())?;
    if let Some(of) = &task.of {
        let effect = effect_key(&of.run, &of.effect);
        if stage.get(Table::TasksByEffect, &effect)?.is_some() {
            return Err(StoreError::Exists { kind: "task of effect", id: of.effect.to_string() });
        }
        stage.put(Table::TasksByEffect, effect, task.id.as_str().into());
    }
    put(stage, None, task);
    Ok(())
}

/// Whoever shows this must hold a task of the run, now.
pub(super) fn must_hold(rows: &impl Rows, run: &RunId, proof: &Proof) -> Result<(), StoreError> {
    let lease: Lease = require(rows, Table::Leases, "lease", proof.lease.as_str())?;
    let task: Task = require(rows, Table::Tasks, "task", lease.task.as_str())?;
    if task.run() != Some(run) {
        return Err(StoreError::Contradiction("what a worker adds is of the run that it holds"));
    }
    // Alive is who holds it; when that is said to be is of no account here.
    decide(&task, Some(&lease), &Command::Heartbeat(proof.clone()), task.updated_at)?;
    Ok(())
}

/// Makes a task that a client posted.
pub(in super::super) fn post(stage: &mut Stage<'_>, task: &Task, audit: Vec<AuditNote>) -> Result<(), StoreError> {
    if task.of.is_some() {
        return Err(StoreError::Contradiction("a task of a run comes with the run's history"));
    }
    create(stage, task)?;
    write_audit(stage, audit)
}

/// An effect has its outcome: its task, if it has one, ends with it.
pub(super) fn resolve(stage: &mut Stage<'_>, run: &RunId, effect: &EffectId, at: i64) -> Result<(), StoreError> {
    let Some(id) = stage.get(Table::TasksByEffect, &effect_key(run, effect))? else { return Ok(()) };
    command(stage, row::id(&id)?, &Command::Cancel("the effect has its outcome"), at)?;
    Ok(())
}

/// An attempt at an effect failed: its task, if it has one and nobody has it, waits.
pub(super) fn delay(stage: &mut Stage<'_>, run: &RunId, effect: &EffectId, until: i64) -> Result<(), StoreError> {
    let Some(id) = stage.get(Table::TasksByEffect, &effect_key(run, effect))? else { return Ok(()) };
    match command(stage, row::id(&id)?, &Command::Delay(until), until) {
        Ok(_) | Err(StoreError::Task(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The run has ended, and its tasks with it.
pub(super) fn cancel_all(stage: &mut Stage<'_>, run: &RunId, at: i64) -> Result<(), StoreError> {
    for id in ids_of_run(stage, run)? {
        command(stage, &id, &Command::Cancel("the run has ended"), at)?;
    }
    Ok(())
}

/// The holder of leases is removed, and they are revoked; gives the tasks that are queued again.
pub(super) fn revoke_all(stage: &mut Stage<'_>, worker: &WorkerId, at: i64) -> Result<Vec<Task>, StoreError> {
    let held = active(stage)?.into_iter().filter(|lease| lease.worker == *worker);
    held.map(|lease| Ok(command(stage, lease.task.as_str(), &Command::Revoke, at)?.task)).collect()
}

/// Has a task do what the rules say, and keeps what they make of it.
fn command(stage: &mut Stage<'_>, task: &str, command: &Command, at: i64) -> Result<Decision, StoreError> {
    let before: Task = require(stage, Table::Tasks, "task", task)?;
    let lease: Option<Lease> = match &before.lease {
        Some(lease) => Some(require(stage, Table::Leases, "lease", lease.as_str())?),
        None => None,
    };
    let decision = decide(&before, lease.as_ref(), command, at)?;
    if decision.task != before {
        put(stage, Some(&before), &decision.task);
    }
    if let Some(after) = decision.lease.as_ref().filter(|after| lease.as_ref() != Some(after)) {
        put_lease(stage, lease.as_ref().filter(|before| before.id == after.id), after);
    }
    Ok(decision)
}

pub(in super::super) fn grant(stage: &mut Stage<'_>, ask: GrantAsk) -> Result<Option<Grant>, StoreError> {
    must_be_new(stage, Table::Leases, "lease", ask.lease.as_str())?;
    let id = match &ask.task {
        Some(task) => Some(task.clone()),
        None => best(stage, &ask)?,
    };
    let Some(id) = id else { return Ok(None) };
    let GrantAsk { lease, worker, ttl_ms, token, task, at, .. } = ask;
    let granting = Granting { lease, worker, ttl_ms, token, by_name: task.is_some() };
    let Decision { task, lease, .. } = command(stage, id.as_str(), &Command::Grant(granting), at)?;
    let Some(lease) = lease else { return Ok(None) };
    write_audit(stage, vec![lease.audit_note(&task)])?;
    Ok(Some(Grant { lease, task }))
}

/// The first of the queue that the worker can do.
pub(in super::super) fn best(rows: &impl Rows, ask: &GrantAsk) -> Result<Option<TaskId>, StoreError> {
    if let Some(run) = &ask.run {
        let fitting = of_run(rows, run)?
            .into_iter()
            .filter(|task| task.status == TaskStatus::Queued && task.is_due(ask.at) && task.fits(&ask.provides))
            .min_by_key(queue_key);
        return Ok(fitting.map(|task| task.id));
    }
    let mut found = None;
    rows.ascend(Table::TaskQueue, &Key::new().span(), |_, row| {
        let waiting: Waiting = row::decode(row)?;
        if waiting.is_due(ask.at) && fits(&waiting.requires, &ask.provides) {
            found = Some(waiting.task);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

pub(in super::super) fn next_due(
    rows: &impl Rows,
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
    retry_at: Option<i64>,
    kept: Option<(TaskResult, Artifact, Content)>,
    audit: Vec<AuditNote>,
}

impl PreparedEnd {
    pub(in super::super) fn new(end: LeaseEnd) -> Result<Self, StoreError> {
        let LeaseEnd { lease, epoch, ending, at, append, retry_at, kept, audit } = end;
        if let Some(Kept { result, artifact, content }) = &kept
            && (result.lease != lease || result.artifact != artifact.id || artifact.content != Digest::of(content))
        {
            return Err(StoreError::Contradiction("a result, its lease and its artifact name each other"));
        }
        let append = append.map(PreparedAppend::new).transpose()?;
        let kept = kept.map(|Kept { result, artifact, content }| (result, artifact, Content::Here(content)));
        Ok(Self { lease, epoch, ending, at, append, retry_at, kept, audit })
    }

    pub(in super::super) fn bytes(&self) -> usize {
        let kept = match &self.kept {
            Some((_, _, Content::Here(content))) => content.len(),
            _ => 0,
        };
        self.append.as_ref().map_or(kept, |append| append.bytes().saturating_add(kept))
    }

    /// What is to be kept of what the holder brought, with its digest.
    pub(in super::super) fn content(&mut self) -> Option<(Digest, &mut Content)> {
        self.kept.as_mut().map(|(_, artifact, content)| (artifact.content, content))
    }

    pub(in super::super) fn end(self, stage: &mut Stage<'_>) -> Result<Task, StoreError> {
        let lease: Lease = require(stage, Table::Leases, "lease", self.lease.as_str())?;
        let id = lease.task.as_str();
        if let Some(append) = &self.append
            && require::<Task>(stage, Table::Tasks, "task", id)?.run() != Some(append.run())
        {
            return Err(StoreError::Contradiction("what is appended is of the task's run"));
        }
        let proof = Proof { lease: self.lease.clone(), epoch: self.epoch };
        let decision = command(stage, id, &Command::End(proof, self.ending), self.at)?;
        if decision.is_repeated {
            return Ok(decision.task);
        }
        if let Some(until) = self.retry_at.filter(|_| decision.task.status == TaskStatus::Queued) {
            command(stage, id, &Command::Delay(until), self.at)?;
        }
        if let Some((result, artifact, content)) = self.kept {
            artifact::create(stage, &artifact, content)?;
            stage.put(Table::TaskResults, self.lease.as_str().into(), row::encode(&result));
        }
        if let Some(append) = self.append {
            append.append(stage)?;
        }
        write_audit(stage, self.audit)?;
        // The append may have closed it.
        require(stage, Table::Tasks, "task", id)
    }
}

pub(in super::super) fn requeue(
    stage: &mut Stage<'_>,
    id: &TaskId,
    at: i64,
    audit: Vec<AuditNote>,
) -> Result<Task, StoreError> {
    let decision = command(stage, id.as_str(), &Command::Requeue, at)?;
    write_audit(stage, audit)?;
    Ok(decision.task)
}

pub(in super::super) fn task(rows: &impl Rows, id: &TaskId) -> Result<Option<Task>, StoreError> {
    read(rows, Table::Tasks, id.as_str())
}

pub(in super::super) fn lease(rows: &impl Rows, id: &LeaseId) -> Result<Option<Lease>, StoreError> {
    read(rows, Table::Leases, id.as_str())
}

/// A lease and its task.
pub(in super::super) fn leased(rows: &impl Rows, id: &LeaseId) -> Result<Option<(Lease, Task)>, StoreError> {
    let Some(lease) = lease(rows, id)? else { return Ok(None) };
    let task = require(rows, Table::Tasks, "task", lease.task.as_str())?;
    Ok(Some((lease, task)))
}

/// The tasks of a run, oldest first.
pub(in super::super) fn of_run(rows: &impl Rows, run: &RunId) -> Result<Vec<Task>, StoreError> {
    let ids = ids_of_run(rows, run)?;
    let mut tasks: Vec<Task> =
        ids.iter().map(|id| require(rows, Table::Tasks, "task", id)).collect::<Result<_, _>>()?;
    tasks.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(tasks)
}

fn ids_of_run(rows: &impl Rows, run: &RunId) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::TasksByEffect, &Key::new().text(run.as_str()).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

pub(in super::super) fn result(rows: &impl Rows, lease: &LeaseId) -> Result<Option<TaskResult>, StoreError> {
    read(rows, Table::TaskResults, lease.as_str())
}

/// The lease with a secret of this digest.
pub(in super::super) fn by_token(rows: &impl Rows, token: Digest) -> Result<Option<Lease>, StoreError> {
    let Some(id) = rows.get(Table::LeaseTokens, token.as_bytes())? else { return Ok(None) };
    read(rows, Table::Leases, row::id(&id)?)
}

/// Leases that nobody ended.
pub(in super::super) fn active(rows: &impl Rows) -> Result<Vec<Lease>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::LeasesByStatus, &lease_status_key(LeaseStatus::Active).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    ids.iter().map(|id| require(rows, Table::Leases, "lease", id)).collect()
}

/// The first tasks of the queue, of those that are asked for.
pub(in super::super) fn queue(rows: &impl Rows, filter: &QueueFilter) -> Result<Vec<Task>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::TaskQueue, &Key::new().span(), |_, row| {
        if ids.len() == filter.limit {
            return Ok(ControlFlow::Break(()));
        }
        let waiting: Waiting = row::decode(row)?;
        let is_able = |provides: &Vec<String>| fits(&waiting.requires, provides);
        if waiting.is_due(filter.due) && (filter.posted || !waiting.is_posted) && filter.able.iter().any(is_able) {
            ids.push(waiting.task);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let tasks: Vec<Task> =
        ids.iter().map(|id| require(rows, Table::Tasks, "task", id.as_str())).collect::<Result<_, _>>()?;
    Ok(tasks.into_iter().filter(|task| filter.posted || task.of.is_some()).collect())
}

fn put(stage: &mut Stage<'_>, before: Option<&Task>, task: &Task) {
    if let Some(before) = before.filter(|before| before.status == TaskStatus::Queued) {
        stage.remove(Table::TaskQueue, queue_key(before));
    }
    if task.status == TaskStatus::Queued {
        stage.put(Table::TaskQueue, queue_key(task), queue_row(task));
    }
    if before.is_none_or(|before| before.status != task.status) {
        if let Some(before) = before {
            stage.remove(Table::TasksByStatus, task_time_key(before));
        }
        stage.put(Table::TasksByStatus, task_time_key(task), task.id.as_str().into());
    }
    stage.put(Table::Tasks, task.id.as_str().into(), row::encode(task));
}

fn put_lease(stage: &mut Stage<'_>, before: Option<&Lease>, lease: &Lease) {
    let id = || lease.id.as_str().into();
    if before.is_none_or(|before| before.status != lease.status) {
        if let Some(before) = before {
            stage.remove(Table::LeasesByStatus, lease_time_key(before));
        }
        stage.put(Table::LeasesByStatus, lease_time_key(lease), id());
    }
    if let Some(token) = lease.token.filter(|_| before.is_none()) {
        stage.put(Table::LeaseTokens, token.as_bytes().to_vec(), id());
    }
    stage.put(Table::Leases, id(), row::encode(lease));
}

pub(in super::super) fn effect_key(run: &RunId, effect: &EffectId) -> Vec<u8> {
    Key::new().text(run.as_str()).text(effect.as_str()).build()
}

/// Higher priority first, then older, then by id.
pub(in super::super) fn queue_key(task: &Task) -> Vec<u8> {
    Key::new().signed(-i64::from(task.priority)).signed(task.created_at).text(task.id.as_str()).build()
}

/// A task's row of the queue.
pub(in super::super) fn queue_row(task: &Task) -> Vec<u8> {
    row::encode(&Waiting::of(task))
}

/// Whether a row of the queue is this task's, as this version writes it or an earlier one.
pub(in super::super) fn is_queue_row(row: &[u8], task: &Task) -> bool {
    let due = Waiting::of(task);
    row::decode::<Waiting>(row).is_ok_and(|found| {
        let is_posted = found.is_posted || due.is_posted;
        Waiting { is_posted, ..found } == due
    })
}

pub(in super::super) fn task_status_key(status: TaskStatus) -> Key {
    Key::new().number(match status {
        TaskStatus::Queued => 0,
        TaskStatus::Leased | TaskStatus::Running => 1,
        TaskStatus::Completed => 2,
        TaskStatus::Failed => 3,
        TaskStatus::Dead => 4,
    })
}

pub(in super::super) fn lease_status_key(status: LeaseStatus) -> Key {
    Key::new().number(match status {
        LeaseStatus::Active => 0,
        LeaseStatus::Released => 1,
        LeaseStatus::Expired => 2,
        LeaseStatus::Failed => 3,
    })
}

/// The place of a task among those of its status.
pub(in super::super) fn task_time_key(task: &Task) -> Vec<u8> {
    task_status_key(task.status).signed(task.created_at).text(task.id.as_str()).build()
}

/// When a task was made, by [`task_time_key`].
pub(in super::super) fn time_of(key: &[u8]) -> Option<i64> {
    Key::signed_at(key.get(size_of::<u64>()..)?)
}

/// The place of a lease among those of its status.
pub(in super::super) fn lease_time_key(lease: &Lease) -> Vec<u8> {
    lease_status_key(lease.status).signed(lease.started_at).text(lease.id.as_str()).build()
}
