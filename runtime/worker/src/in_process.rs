//! A worker in the engine's own process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::engine::{Engine, EngineError, Work};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{Lease, LeaseEnding, RunId, WorkerId, WorkerStatus};
use bloom_runtime::store::{Grant, StoreError};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::failure;

/// Takes tasks from an engine and hands them to an executor, through the same verbs as a worker that is far away.
///
/// While the store fails it waits, longer after each failure, and then goes on; an answer is not thrown away meanwhile. A store
/// that must be opened anew ends it: see [`InProcessWorker::ended`].
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
    slots: JoinSet<Result<(), EngineError>>,
}

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

    /// Why it cannot go on: comes when one of its slots has given up, and else never.
    pub async fn ended(&mut self) -> EngineError {
        while let Some(ended) = self.slots.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(lost) => return StoreError::Backend(lost.into()).into(),
            }
        }
        std::future::pending().await
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

/// The delay after the first failure of the store, which doubles with each further one,
const BACKOFF: Duration = Duration::from_millis(500);
/// up to this.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Slot {
    seat: Arc<Seat>,
    executor: Arc<dyn LlmExecutor>,
    run: Option<RunId>,
    stop: watch::Receiver<bool>,
}

impl Slot {
    async fn work(mut self) -> Result<(), EngineError> {
        let mut work = self.seat.engine.work();
        let mut delay = BACKOFF;
        while !*self.stop.borrow() {
            work.mark_unchanged();
            match self.take(&mut work).await {
                Ok(()) => {
                    self.tell(WorkerStatus::Online);
                    delay = BACKOFF;
                }
                Err(error) if error.is_fatal() => {
                    tracing::error!(worker = %self.seat.id, %error, "no task can be taken any more");
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(worker = %self.seat.id, %error, "no task can be taken for now");
                    self.rest(&mut delay).await;
                }
            }
        }
        Ok(())
    }

    /// Does one task, or waits until there may be one.
    async fn take(&mut self, work: &mut Work) -> Result<(), EngineError> {
        let Self { seat, run, .. } = self;
        let engine = seat.engine.clone();
        if let Some(grant) = engine.grant(&seat.id, run.clone()).await? {
            return self.perform(grant).await;
        }
        let due = engine.next_due(&seat.id, run.as_ref()).await?;
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = work.changed() => {}
            () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
        }
        Ok(())
    }

    /// The store failed: what it is asked next has to wait. Whoever lists workers sees it.
    async fn rest(&mut self, delay: &mut Duration) {
        self.tell(WorkerStatus::Error);
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = tokio::time::sleep(*delay) => {}
        }
        *delay = delay.saturating_mul(2).min(LONGEST_BACKOFF);
        // Else it would be granted nothing, and would not learn whether the store works again.
        self.tell(WorkerStatus::Online);
    }

    fn tell(&self, status: WorkerStatus) {
        self.seat.engine.tell_worker_status(&self.seat.id, status);
    }

    async fn perform(&mut self, grant: Grant) -> Result<(), EngineError> {
        let span = grant.span();
        self.perform_within(grant).instrument(span).await
    }

    async fn perform_within(&mut self, grant: Grant) -> Result<(), EngineError> {
        let Grant { lease, task } = grant;
        let limit = task.attempt_limit_ms();
        let question = LlmTask {
            idempotency_key: task.idempotency_key(),
            asked_by: task.asked_by(),
            context: task.context,
            request: task.request,
            timeout_ms: limit,
            attempt: task.attempts,
        };
        let ending = tokio::select! {
            biased;
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
        let is_shut_out = matches!(&ending, LeaseEnding::Failed(error) if error.code == failure::NOT_LOGGED_IN);
        self.end(&lease, ending).await?;
        if is_shut_out {
            tokio::select! {
                biased;
                () = until_let_in(self.executor.as_ref(), PROBE) => self.seat.engine.let_worker_in(&self.seat.id),
                _ = self.stop.changed() => {}
            }
        }
        Ok(())
    }

    /// Ends a lease, as often as it takes: what it brings was paid for. A worker that stops tries once more.
    async fn end(&mut self, lease: &Lease, ending: LeaseEnding) -> Result<(), EngineError> {
        let mut delay = BACKOFF;
        loop {
            let is_last = *self.stop.borrow();
            match self.seat.engine.end_lease(&lease.id, lease.epoch, ending.clone()).await {
                Ok(_) => return Ok(()),
                // The run was stopped meanwhile, or somebody else has the task: nothing is lost.
                Err(EngineError::Store(StoreError::Task(stale))) => {
                    tracing::info!(worker = %self.seat.id, %stale, "a result came too late");
                    return Ok(());
                }
                Err(error @ EngineError::Store(StoreError::Backend(_) | StoreError::Unavailable(_))) if !is_last => {
                    tracing::warn!(worker = %self.seat.id, %error, "a result is not recorded yet");
                    self.rest(&mut delay).await;
                }
                Err(error) => {
                    tracing::error!(worker = %self.seat.id, %error, "a result was not recorded");
                    return if error.is_fatal() { Err(error) } else { Ok(()) };
                }
            }
        }
    }
}

/// The first delay after which it is looked whether a provider lets in again, which doubles with each further one,
pub(crate) const PROBE: Duration = Duration::from_secs(30);
/// up to this.
const LONGEST_PROBE: Duration = Duration::from_mins(10);

/// Waits until the provider of an executor lets it in again.
pub(crate) async fn until_let_in(executor: &dyn LlmExecutor, mut delay: Duration) {
    loop {
        tokio::time::sleep(delay).await;
        delay = delay.saturating_mul(2).min(LONGEST_PROBE);
        let probe = AssertUnwindSafe(executor.probe()).catch_unwind().await;
        match probe.unwrap_or_else(|panic| Err(failure::panicked(panic.as_ref()))) {
            Ok(()) => return tracing::info!("{} is let in again", executor.provides()),
            Err(error) => tracing::warn!(%error, "{} is not let in yet", executor.provides()),
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
