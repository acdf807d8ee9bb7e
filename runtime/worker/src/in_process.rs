//! A worker in the engine's own process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::engine::{Engine, EngineError};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{LeaseEnding, RunId, WorkerId};
use bloom_runtime::store::{Grant, StoreError};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::failure;

/// Takes tasks from an engine and hands them to an executor, through the same verbs as a worker that is far away.
///
/// ```no_run
/// # async fn example(engine: std::sync::Arc<bloom_runtime::engine::Engine>, run: bloom_runtime::record::RunId) {
/// use std::sync::Arc;
/// use bloom_worker::{Command, InProcessWorker};
///
/// let worker = InProcessWorker::start(engine.clone(), Arc::new(Command::new("/usr/local/bin/think")), 1, None);
/// let end = engine.drive(&run).await;
/// worker.stop().await;
/// # }
/// ```
pub struct InProcessWorker {
    id: WorkerId,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    slots: JoinSet<()>,
}

/// Between two tries to record an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Its place in the engine, which its slots share and the last one gives up: no run is to wait for a worker that takes nothing.
struct Seat {
    id: WorkerId,
    engine: Arc<Engine>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.engine.dismiss_worker(&self.id);
    }
}

impl InProcessWorker {
    /// Starts a worker that does up to `slots` tasks at a time, of one run or of all. Needs a tokio runtime.
    pub fn start(engine: Arc<Engine>, executor: Arc<dyn LlmExecutor>, slots: usize, run: Option<RunId>) -> Self {
        let id = engine.register_worker(vec!["llm".to_owned(), executor.provides().to_owned()]);
        let stop = watch::Sender::new(false);
        let seat = Arc::new(Seat { id: id.clone(), engine: engine.clone() });
        let slot = Slot { seat, executor, run, stop: stop.subscribe() };
        let mut set = JoinSet::new();
        for _ in 1..slots {
            set.spawn(slot.clone().work());
        }
        set.spawn(slot.work());
        Self { id, engine, stop, slots: set }
    }

    /// Its id.
    pub fn id(&self) -> &WorkerId {
        &self.id
    }

    /// Gives back what it holds, and ends. A worker that is only dropped leaves its leases to be expired.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.slots.join_next().await.is_some() {}
    }
}

impl Drop for InProcessWorker {
    fn drop(&mut self) {
        self.engine.dismiss_worker(&self.id);
    }
}

/// So much longer than its limit an executor is waited for.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Slot {
    seat: Arc<Seat>,
    executor: Arc<dyn LlmExecutor>,
    run: Option<RunId>,
    stop: watch::Receiver<bool>,
}

impl Slot {
    async fn work(mut self) {
        let engine = self.seat.engine.clone();
        let mut work = engine.work();
        while !*self.stop.borrow() {
            work.mark_unchanged();
            match engine.grant(&self.seat.id, self.run.clone()).await {
                Ok(Some(grant)) => self.perform(grant).await,
                Ok(None) => match engine.next_due(&self.seat.id, self.run.as_ref()).await {
                    Ok(due) => tokio::select! {
                        _ = self.stop.changed() => {}
                        changed = work.changed() => if changed.is_err() { return },
                        () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
                    },
                    Err(error) => return self.give_up(&error),
                },
                Err(error) => return self.give_up(&error),
            }
        }
    }

    fn give_up(&self, error: &EngineError) {
        tracing::error!(worker = %self.seat.id, %error, "no task can be taken");
    }

    async fn perform(&mut self, grant: Grant) {
        let Grant { lease, task } = grant;
        let limit = task.attempt_limit_ms();
        let question = LlmTask {
            idempotency_key: task.idempotency_key(),
            asked_by: task.asked_by(),
            request: task.request,
            timeout_ms: limit,
            attempt: task.attempts,
        };
        let ending = tokio::select! {
            answer = ask(self.executor.as_ref(), question) => match answer {
                Ok(answer) => LeaseEnding::Completed(answer),
                Err(error) => LeaseEnding::Failed(error),
            },
            // An executor keeps to its limit by itself, and then says what was used. One that does not is dropped.
            () = tokio::time::sleep(Duration::from_millis(limit).saturating_add(GRACE)) => {
                LeaseEnding::Failed(failure::timeout(limit))
            }
            _ = self.stop.changed() => LeaseEnding::GivenBack,
        };
        // An answer that was paid for is not given up while its artifacts cannot be kept: the lease bounds it.
        let recorded = loop {
            match self.seat.engine.end_lease(&lease.id, lease.epoch, ending.clone()).await {
                Err(EngineError::Store(error @ StoreError::Unavailable(_))) if !*self.stop.borrow() => {
                    tracing::warn!(worker = %self.seat.id, %error, "a result cannot be recorded for now");
                    tokio::select! {
                        () = tokio::time::sleep(PATIENCE) => {}
                        _ = self.stop.changed() => {}
                    }
                }
                recorded => break recorded,
            }
        };
        match recorded {
            Ok(_) => {}
            // The run was stopped meanwhile, or somebody else has the task: nothing is lost.
            Err(EngineError::Store(StoreError::Task(stale))) => {
                tracing::info!(worker = %self.seat.id, %stale, "a result came too late");
            }
            Err(error) => tracing::error!(worker = %self.seat.id, %error, "a result was not recorded"),
        }
    }
}

/// Has the executor answer. One that panics has failed this question, and no other.
pub(crate) async fn ask(executor: &dyn LlmExecutor, question: LlmTask) -> Result<Answer, EffectError> {
    // Unwind safe: what the executor shares with other questions is its own to keep whole, and nothing of this one is
    // used afterwards.
    let answer = AssertUnwindSafe(async { executor.answer(question).await }).catch_unwind();
    answer.await.unwrap_or_else(|panic| Err(failure::panicked(panic.as_ref())))
}
