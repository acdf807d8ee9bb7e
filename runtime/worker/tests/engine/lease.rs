//! Tasks and leases: stale ones change nothing, repeated ones are harmless, providers are not blamed on tasks.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::dispatch::TaskError;
use bloom_runtime::engine::{Engine, EngineConfig, EngineError, LeaseResult, RetryAfter, RunEnd};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{LeaseEnding, RunId, TaskStatus, WorkerId};
use bloom_runtime::store::{Grant, StoreError};
use bloom_worker::InProcessWorker;
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::world::{Tools, World, flow, passing, submission};

fn asks() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "How many?" }], "into": "n", "output": { "type": "integer" }, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        }),
    )
}

struct Asked {
    world: World,
    engine: Arc<Engine>,
    run: RunId,
    worker: WorkerId,
}

impl Asked {
    async fn new() -> Self {
        let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } }));
        let engine = world.engine();
        let run = engine.submit(submission(&asks())).await.unwrap();
        let worker = engine.register_worker(vec!["llm".to_owned(), "llm.test".to_owned()]);
        Self { world, engine, run, worker }
    }

    async fn grant(&self) -> Option<Grant> {
        self.engine.grant(&self.worker, None).await.unwrap()
    }

    async fn end(&self, grant: &Grant, ending: LeaseEnding) -> Result<LeaseResult, EngineError> {
        self.engine.end_lease(&grant.lease.id, grant.lease.epoch, ending).await
    }

    async fn kinds(&self) -> Vec<String> {
        self.world.kinds(&self.run).await
    }
}

fn seven() -> LeaseEnding {
    LeaseEnding::Completed(Answer { value: 7_i64.into(), usage: None })
}

fn is_stale(result: &Result<LeaseResult, EngineError>) -> bool {
    matches!(result, Err(EngineError::Store(StoreError::Task(TaskError::Stale { .. }))))
}

#[tokio::test]
async fn a_question_waits_as_a_task_until_a_worker_takes_it() {
    let asked = Asked::new().await;
    assert_eq!(asked.kinds().await, ["run.started", "effect.requested"]);
    let other = asked.engine.register_worker(vec!["gpu".to_owned()]);
    assert!(asked.engine.grant(&other, None).await.unwrap().is_none(), "it cannot do that");
    let stranger = WorkerId::new("stranger");
    assert!(asked.engine.grant(&stranger, None).await.unwrap().is_none(), "it is not of this engine");
    let grant = asked.grant().await.unwrap();
    assert_eq!(
        (grant.task.run().cloned().unwrap(), grant.task.attempts, grant.task.timeout_seconds),
        (asked.run.clone(), 1, 120)
    );
    assert!(asked.grant().await.is_none(), "it is taken");
    let done = asked.end(&grant, seven()).await.unwrap();
    assert_eq!(done.task.status, TaskStatus::Completed);
    assert_eq!(asked.engine.drive(&asked.run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
}

#[tokio::test]
async fn a_repeated_completion_is_harmless_and_another_one_is_stale() {
    let asked = Asked::new().await;
    let grant = asked.grant().await.unwrap();
    let first = asked.end(&grant, seven()).await.unwrap();
    let events = asked.kinds().await;
    let second = asked.end(&grant, seven()).await.unwrap();
    assert_eq!(first.task, second.task);
    let eight = LeaseEnding::Completed(Answer { value: 8_i64.into(), usage: None });
    assert!(is_stale(&asked.end(&grant, eight).await));
    assert_eq!(asked.kinds().await, events);
}

#[tokio::test]
async fn a_stale_lease_changes_nothing() {
    let asked = Asked::new().await;
    let old = asked.grant().await.unwrap();
    asked.end(&old, LeaseEnding::GivenBack).await.unwrap();
    let new = asked.grant().await.unwrap();
    assert_eq!((new.lease.epoch, new.task.attempts), (old.lease.epoch + 1, 1), "what is given back does not count");
    assert!(is_stale(&asked.end(&old, seven()).await));
    assert!(is_stale(&asked.engine.end_lease(&new.lease.id, old.lease.epoch, seven()).await));
    assert_eq!(asked.kinds().await.len(), 2);
    asked.end(&new, seven()).await.unwrap();
}

#[tokio::test]
async fn failures_are_tried_again_by_the_task_until_it_is_dead() {
    let asked = Asked::new().await;
    for attempt in 1..=3 {
        let grant = asked.grant().await.unwrap();
        let ended = asked.end(&grant, LeaseEnding::Failed(passing("overloaded"))).await.unwrap();
        let expected = if attempt == 3 { TaskStatus::Dead } else { TaskStatus::Queued };
        assert_eq!((ended.task.status, ended.task.attempts), (expected, attempt));
        assert_eq!(matches!(ended.retry_after, Some(RetryAfter::Delay(_))), attempt < 3);
        assert!(asked.grant().await.is_none(), "not before the delay is over");
        asked.world.clock.0.fetch_add(5000, std::sync::atomic::Ordering::SeqCst);
    }
    assert_eq!(
        asked.kinds().await,
        ["run.started", "effect.requested", "effect.attempted", "effect.attempted", "effect.failed", "run.failed"]
    );
    let end = asked.engine.drive(&asked.run).await.unwrap();
    assert!(
        matches!(end, RunEnd::Failed { error, .. } if error.code == "overloaded" && error.message.contains("attempt 3 of 3"))
    );
    asked.world.assert_replays(&asked.run).await;
}

#[tokio::test]
async fn a_lasting_failure_is_not_tried_again() {
    let asked = Asked::new().await;
    let grant = asked.grant().await.unwrap();
    let ended = asked.end(&grant, LeaseEnding::Failed(EffectError::new("refused", "no"))).await.unwrap();
    assert_eq!((ended.task.status, ended.retry_after), (TaskStatus::Failed, None));
    assert_eq!(asked.kinds().await.last().unwrap(), "run.failed");
}

#[tokio::test]
async fn an_exhausted_quota_halts_the_run_and_counts_as_nothing() {
    let world = World::new(
        Tools::default(),
        &json!({ "default": { "error": { "code": "quota", "message": "limit reached", "retryable": true } } }),
    );
    let engine = world.engine();
    let run = engine.submit(submission(&asks())).await.unwrap();
    let halted = world.drive(&engine, &run).await;
    assert!(
        matches!(&halted, Err(error @ EngineError::Halted { error: why, .. }) if error.is_resumable() && why.code == "quota"),
        "{halted:?}"
    );
    let task = world.store.tasks(&run).await.unwrap().remove(0);
    assert_eq!((task.status, task.attempts), (TaskStatus::Queued, 0));
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested"]);
    assert_eq!(world.llm.asked_by_key().values().sum::<usize>(), 1, "nothing more is asked of it");

    world.llm.replace(&json!({ "default": { "answer": 7 } }));
    assert_eq!(world.drive(&world.engine(), &run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_quota_that_ends_in_time_is_waited_for_by_nobody_but_the_clock() {
    let asked = Asked::new().await;
    let resets_at = bloom_runtime::clock::Clock::now(&*asked.world.clock) + 1000;
    let details = [("resets_at", bloom_ir::Value::Int(resets_at))].into_iter().collect();
    let quota = EffectError { details: Some(details), ..passing("quota") };
    let grant = asked.grant().await.unwrap();
    let ended = asked.end(&grant, LeaseEnding::Failed(quota.clone())).await.unwrap();
    assert_eq!(ended.retry_after, Some(RetryAfter::Provider(quota)));
    assert!(asked.grant().await.is_none(), "the provider's circuit is open");
    asked.world.clock.0.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    assert!(asked.grant().await.is_some());
}

#[tokio::test]
async fn leases_of_a_process_that_is_gone_are_expired_when_the_run_goes_on() {
    let asked = Asked::new().await;
    let lost = asked.grant().await.unwrap();
    let engine = asked.world.engine();
    let end = asked.world.drive(&engine, &asked.run).await.unwrap();
    assert_eq!(end, RunEnd::Completed { result: 7_i64.into() });
    let task = asked.world.store.tasks(&asked.run).await.unwrap().remove(0);
    assert_eq!((task.attempts, task.epoch), (2, 2), "the lost attempt counts");
    assert_eq!(
        asked.kinds().await,
        ["run.started", "effect.requested", "effect.attempted", "effect.completed", "run.completed"]
    );
    assert!(is_stale(&engine.end_lease(&lost.lease.id, lost.lease.epoch, LeaseEnding::GivenBack).await));
    asked.world.assert_replays(&asked.run).await;
}

#[tokio::test]
async fn cancelling_a_run_ends_its_tasks() {
    let asked = Asked::new().await;
    let grant = asked.grant().await.unwrap();
    asked.engine.cancel(&asked.run, &bloom_runtime::record::Actor("owner".to_owned()), "").await.unwrap();
    assert!(is_stale(&asked.end(&grant, seven()).await));
    let task = asked.world.store.tasks(&asked.run).await.unwrap().remove(0);
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(asked.world.store.active_leases().await.unwrap(), []);
    assert_eq!(asked.kinds().await, ["run.started", "effect.requested", "run.cancelled"]);
}

#[tokio::test]
async fn a_worker_that_stops_gives_back_what_it_holds() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let run = engine.submit(submission(&asks())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let hangs =
        bloom_worker::Command::new("/bin/sh").args(["-c".to_owned(), format!(": > {}; sleep 1000", begun.display())]);
    let worker = bloom_worker::InProcessWorker::start(engine.clone(), Arc::new(hangs), 1, Some(run.clone()));
    let asked = async {
        while !begun.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asked).await.expect("nobody is asked");
    worker.stop().await;
    let task = world.store.tasks(&run).await.unwrap().remove(0);
    assert_eq!((task.status, task.attempts, task.epoch), (TaskStatus::Queued, 0, 1));
}

/// Panics at the first question, answers the others with 7.
#[derive(Default)]
struct Fragile(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl LlmExecutor for Fragile {
    fn provides(&self) -> &'static str {
        "llm.fragile"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        let before = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        assert!(before > 0, "no such table");
        Ok(Answer { value: 7_i64.into(), usage: None })
    }
}

#[tokio::test]
async fn an_executor_that_panics_fails_its_question_and_no_other() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let worker = InProcessWorker::start(engine.clone(), Arc::new(Fragile::default()), 1, None);
    let first = engine.submit(submission(&asks())).await.unwrap();
    let RunEnd::Failed { error, .. } = engine.drive(&first).await.unwrap() else { panic!() };
    assert_eq!(
        (error.code.as_str(), error.retryable, error.message.as_str()),
        ("executor_panicked", false, "the executor panicked: no such table")
    );
    let second = engine.submit(submission(&asks())).await.unwrap();
    assert_eq!(engine.drive(&second).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    worker.stop().await;
}

fn has_no_worker(end: &Result<RunEnd, EngineError>) -> bool {
    matches!(end, Err(error @ EngineError::Halted { error: why, .. }) if error.is_resumable() && why.code == "no_worker")
}

#[tokio::test]
async fn a_run_halts_where_no_worker_can_take_its_task() {
    let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } }));
    let engine = world.engine();
    let run = engine.submit(submission(&asks())).await.unwrap();
    assert!(has_no_worker(&engine.drive(&run).await), "there is none");
    let other = engine.register_worker(vec!["gpu".to_owned()]);
    assert!(has_no_worker(&engine.drive(&run).await), "the only one cannot do it");
    engine.dismiss_worker(&other);
    assert_eq!(world.drive(&engine, &run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
}

#[tokio::test]
async fn a_run_halts_when_its_last_worker_leaves() {
    let asked = Asked::new().await;
    let driving = tokio::spawn({
        let (engine, run) = (asked.engine.clone(), asked.run.clone());
        async move { engine.drive(&run).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!driving.is_finished(), "the worker may take it yet");
    asked.engine.dismiss_worker(&asked.worker);
    assert!(has_no_worker(&driving.await.unwrap()));
}

#[tokio::test]
async fn nobody_waits_for_a_worker_that_gave_up() {
    let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } }));
    let failing = world.engine_on(Arc::new(Disk::crashing(world.store.clone(), 2, Crash::Before)));
    let run = failing.submit(submission(&asks())).await.unwrap();
    // The next commit is hit, which is its first grant.
    let mut worker = world.worker(&failing);
    let error = tokio::time::timeout(Duration::from_mins(1), worker.ended()).await.expect("it goes on for ever");
    assert!(error.is_fatal(), "{error}");
    assert_eq!(failing.workers(), [], "it keeps its seat");
    worker.stop().await;
    assert_eq!(world.drive(&world.engine(), &run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
}

#[tokio::test]
async fn a_run_waits_for_a_worker_where_workers_come_and_go() {
    let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } }));
    let engine = world.engine_with(EngineConfig { awaits_workers: true, ..EngineConfig::default() });
    let run = engine.submit(submission(&asks())).await.unwrap();
    let driving = tokio::spawn({
        let (engine, run) = (engine.clone(), run.clone());
        async move { engine.drive(&run).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!driving.is_finished());
    let worker = world.worker(&engine);
    assert_eq!(driving.await.unwrap().unwrap(), RunEnd::Completed { result: 7_i64.into() });
    worker.stop().await;
}
