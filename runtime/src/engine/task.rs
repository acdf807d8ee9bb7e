//! Tasks that clients post, and what people do with tasks.

use bloom_interpreter::effect::LlmRequest;

use super::{Engine, EngineError};
use crate::dispatch::Proof;
use crate::record::{Actor, ContextId, Lease, LeaseId, Task, TaskId, TaskStatus, WorkerId};
use crate::store::StoreError;

/// A task that a client posts.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The execution context.
    pub context: ContextId,
    /// The agent that it is done for.
    pub agent_slug: String,
    /// What is asked.
    pub request: LlmRequest,
    /// The time limit of an attempt.
    pub timeout_seconds: u32,
    /// Higher first.
    pub priority: i32,
    /// How many grants count before it is dead.
    pub max_attempts: u32,
}

impl Engine {
    /// Keeps a task that a client posts: workers that pull may take it at once. One for an agent that does not work in the context is
    /// [`EngineError::Context`].
    pub async fn post_task(&self, new: NewTask, by: &Actor) -> Result<Task, EngineError> {
        self.fences.check_work(&new.context, &new.agent_slug, by).await?;
        let now = self.clock.now();
        let task = Task {
            id: TaskId::new(self.ids.fresh()),
            of: None,
            flow: None,
            context: new.context,
            agent_slug: new.agent_slug,
            request: new.request,
            requires: self.config.llm_requires.clone(),
            timeout_seconds: new.timeout_seconds,
            time_limit_ms: None,
            time_used_ms: 0,
            priority: new.priority,
            status: TaskStatus::Queued,
            created_at: now,
            updated_at: now,
            not_before: None,
            lease: None,
            attempts: 0,
            max_attempts: new.max_attempts.max(1),
            epoch: 0,
            answer: None,
            error: None,
            resolved: false,
        };
        let note = task.audit_note("task_created", by, now);
        self.store.create_task(task.clone(), vec![note]).await?;
        self.announce_work();
        Ok(task)
    }

    /// The best worker for a task of those that tasks are pushed to, if there is one with a free slot.
    pub fn choose_agent(&self, task: &Task) -> Option<WorkerId> {
        self.fleet().choose(task, true, self.clock.now())
    }

    /// A person has a failed or dead task tried again.
    pub async fn requeue(&self, task: &TaskId, by: &Actor) -> Result<Task, EngineError> {
        let now = self.clock.now();
        let note = self.task(task).await?.audit_note("task_requeued", by, now);
        let task = self.store.requeue(task, now, vec![note]).await?;
        self.announce_work();
        Ok(task)
    }

    /// A task as it is now: running where its holder was heard of.
    pub fn current_task(&self, task: Task) -> Task {
        let is_running = task.status == TaskStatus::Leased
            && task.lease.as_ref().is_some_and(|lease| self.fleet().has_beaten(lease));
        if is_running { Task { status: TaskStatus::Running, ..task } } else { task }
    }

    /// A lease as it is now, with what was heard of its holder.
    pub fn current_lease(&self, lease: Lease) -> Lease {
        self.fleet().current(lease)
    }

    /// What stands for the holder of a task who may not know of leases and epochs: what it shows, else the one lease that
    /// the task has had. `None` when it was never granted.
    pub async fn proof(
        &self,
        task: &TaskId,
        lease: Option<LeaseId>,
        epoch: Option<u64>,
    ) -> Result<Option<Proof>, EngineError> {
        let task = self.task(task).await?;
        let Some(newest) = task.lease else { return Ok(None) };
        let lease = lease.unwrap_or_else(|| newest.clone());
        match epoch {
            Some(epoch) => Ok(Some(Proof { lease, epoch })),
            None if task.epoch == 1 => Ok(Some(Proof { lease, epoch: 1 })),
            // The lease's id says as much as its epoch.
            None if lease != newest => Ok(Some(Proof { lease, epoch: 0 })),
            None => Err(EngineError::ProofNeeded(task.id)),
        }
    }

    pub(super) async fn task(&self, id: &TaskId) -> Result<Task, EngineError> {
        let missing = || StoreError::NotFound { kind: "task", id: id.to_string() };
        Ok(self.store.task(id).await?.ok_or_else(missing)?)
    }
}
