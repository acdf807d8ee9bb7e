//! Workers that speak to the server over a network.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::WorkerId;
use bloom_worker::{RemoteConfig, RemoteError, RemoteWorker};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::world::{KEY, Port, World};

/// Answers with the prompt: at once, when it may, or never.
#[derive(Default)]
struct Played {
    hangs: bool,
    waits: bool,
    begun: Notify,
    go_on: Notify,
}

#[async_trait]
impl LlmExecutor for Played {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        self.begun.notify_one();
        if self.hangs {
            pending::<()>().await;
        }
        if self.waits {
            self.go_on.notified().await;
        }
        Ok(Answer { value: task.request.prompt.into(), usage: None })
    }
}

fn worker(url: &str, name: &str, executor: &Arc<Played>) -> RemoteWorker {
    let config = RemoteConfig {
        key: Some(KEY.into()),
        slots: 2,
        backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        wait: Duration::from_secs(1),
        drain: Duration::ZERO,
        ..RemoteConfig::new(url, name)
    };
    RemoteWorker::new(config, Some(executor.clone())).unwrap()
}

/// A task, once it stands so.
async fn once(world: &World, task: &str, status: &str) -> Value {
    let mut work = world.engine.work();
    let waiting = async {
        loop {
            work.mark_unchanged();
            let shown = world.get(task).await.ok(200);
            if shown["status"] == status {
                return shown;
            }
            work.changed().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it never stands so")
}

#[tokio::test]
async fn worker_registers_does_what_there_is_and_what_comes() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let first = world.task(json!({})).await;
    let working = tokio::spawn(worker(&url, "far away", &Arc::default()).run(pending(), pending()));
    let done = once(&world, &first, "completed").await;
    assert_eq!(done["attempts"], 1);
    for prompt in ["а", "б", "в", "г", "ґ"] {
        let task = world.task(json!({ "prompt": prompt })).await;
        once(&world, &task, "completed").await;
    }
    let seat = world.get("/api/runtime/workers/far%20away").await.ok(200);
    assert_eq!(seat["capabilities"]["provides"], json!(["llm.command"]));
    assert_eq!(world.get("/api/runtime/stats").await.ok(200)["tasks"]["by_status"], json!({ "completed": 6 }));
    working.abort();
}

#[tokio::test]
async fn another_worker_takes_over_from_one_that_was_killed() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let task = world.task(json!({})).await;
    let hanging = Arc::new(Played { hangs: true, ..Played::default() });
    let killed = tokio::spawn(worker(&url, "killed", &hanging).run(pending(), pending()));
    hanging.begun.notified().await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    let working = tokio::spawn(worker(&url, "other", &Arc::default()).run(pending(), pending()));
    let done = once(&world, &task, "completed").await;
    assert_eq!(done["attempts"], 2, "the lost attempt counts");
    working.abort();
}

#[tokio::test]
async fn worker_that_stops_gives_back_what_it_holds() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let task = world.task(json!({})).await;
    let hanging = Arc::new(Played { hangs: true, ..Played::default() });
    let (stop, stopped) = oneshot::channel::<()>();
    let working = tokio::spawn(worker(&url, "polite", &hanging).run(async { drop(stopped.await) }, pending()));
    hanging.begun.notified().await;
    stop.send(()).unwrap();
    working.await.unwrap().unwrap();
    let queued = world.get(&task).await.ok(200);
    assert_eq!((&queued["status"], &queued["attempts"]), (&json!("queued"), &json!(0)));
}

#[tokio::test]
async fn worker_that_drains_takes_nothing_more_and_ends_what_it_holds() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let slow = Arc::new(Played { waits: true, ..Played::default() });
    let config = RemoteConfig { key: Some(KEY.into()), slots: 2, ..RemoteConfig::new(&*url, "polite") };
    let working = RemoteWorker::new(config, Some(slow.clone())).unwrap().run(async { drop(stopped.await) }, pending());
    let working = tokio::spawn(working);
    let begun = world.task(json!({})).await;
    slow.begun.notified().await;
    // Its other slot waits for work now, for as long as the server lets it.
    stop.send(()).unwrap();
    let is_draining = async {
        while !world.engine.is_draining(&WorkerId::new("polite")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_draining).await.expect("the server is told");
    let late = world.task(json!({})).await;
    slow.go_on.notify_one();
    working.await.unwrap().unwrap();
    assert_eq!(world.get(&begun).await.ok(200)["status"], "completed");
    let late = world.get(&late).await.ok(200);
    assert_eq!((&late["status"], &late["attempts"]), (&json!("queued"), &json!(0)));
}

#[tokio::test]
async fn what_a_worker_brings_is_kept_for_clients() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let task = world.task(json!({})).await;
    let working = tokio::spawn(worker(&url, "far away", &Arc::default()).run(pending(), pending()));
    let done = once(&world, &task, "completed").await;
    let path = format!("/api/runtime/artifacts?task_id={}", done["id"].as_str().unwrap());
    let kept = world.get(&path).await.ok(200);
    assert_eq!((&kept[0]["type"], &kept[0]["content"]), (&json!("LLM_RESULT"), &json!("Review this")));
    assert_eq!(kept.as_array().unwrap().len(), 1);
    working.abort();
}

#[tokio::test]
async fn executor_is_stopped_when_the_task_is_taken_away() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    world.task(json!({})).await;
    let hanging = Arc::new(Played { hangs: true, ..Played::default() });
    let mut config = RemoteConfig::new(&*url, "slow");
    (config.key, config.heartbeat) = (Some(KEY.into()), Duration::from_millis(10));
    let working = tokio::spawn(RemoteWorker::new(config, Some(hanging.clone())).unwrap().run(pending(), pending()));
    hanging.begun.notified().await;
    world.delete("/api/runtime/workers/slow").await.ok(200);
    // It is told at its next heartbeat, registers again, and is granted the task again.
    tokio::time::timeout(Duration::from_secs(30), hanging.begun.notified()).await.expect("it is granted it again");
    working.abort();
}

#[tokio::test]
async fn worker_waits_for_a_server_that_is_not_there() {
    let world = World::new();
    let port = Port::new();
    let (url, serving) = world.serve(port.number()).await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let working = tokio::spawn(worker(&url, "patient", &Arc::default()).run(pending(), pending()));
    let task = world.task(json!({})).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let (_, serving) = world.serve(port.number()).await;
    once(&world, &task, "completed").await;

    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let task = world.task(json!({})).await;
    let (_, _serving) = world.serve(port.number()).await;
    once(&world, &task, "completed").await;
    working.abort();
}

#[tokio::test]
async fn worker_ends_when_the_server_does_not_let_it_in() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let refused = RemoteWorker::new(RemoteConfig::new(url, "stranger"), Some(Arc::new(Played::default()))).unwrap();
    let ended = refused.run(pending(), pending()).await;
    assert!(matches!(ended, Err(RemoteError::Refused { status: 401, .. })), "{ended:?}");
}

/// Is let in by its provider when it may be.
#[derive(Default)]
struct Login {
    is_in: AtomicBool,
    asked: AtomicUsize,
    probed: AtomicUsize,
}

#[async_trait]
impl LlmExecutor for Login {
    fn provides(&self) -> &'static str {
        "llm.claude_cli"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.probe_now()?;
        Ok(Answer { value: task.request.prompt.into(), usage: None })
    }

    async fn probe(&self) -> Result<(), EffectError> {
        self.probed.fetch_add(1, Ordering::SeqCst);
        self.probe_now()
    }
}

impl Login {
    fn probe_now(&self) -> Result<(), EffectError> {
        if self.is_in.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(EffectError::new("not_logged_in", "Invalid API key"))
        }
    }
}

#[tokio::test]
async fn worker_that_is_not_let_in_says_so_and_offers_nothing_until_it_is() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let task = world.task(json!({})).await;
    let login = Arc::new(Login::default());
    let config = RemoteConfig {
        key: Some(KEY.into()),
        wait: Duration::from_secs(1),
        backoff: Duration::from_millis(5),
        heartbeat: Duration::from_millis(20),
        probe: Duration::from_millis(5),
        ..RemoteConfig::new(url, "w1")
    };
    let working = tokio::spawn(RemoteWorker::new(config, Some(login.clone())).unwrap().run(pending(), pending()));
    let seen = async {
        loop {
            let seat = world.get("/api/runtime/workers/w1").await;
            if seat.body["blocked"]["code"] == "not_logged_in" && seat.body["capabilities"]["provides"] == json!([]) {
                return seat.body;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seat = tokio::time::timeout(Duration::from_secs(30), seen).await.expect("it offers what it has not");
    assert_eq!(
        (&seat["blocked"]["message"], &seat["blocked"]["until"], &seat["capabilities"]["claude_cli"]),
        (&json!("Invalid API key"), &Value::Null, &json!(false))
    );
    let probed = async {
        while login.probed.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), probed).await.expect("it does not look again");
    assert_eq!(login.asked.load(Ordering::SeqCst), 1, "tasks are no probes");
    assert_eq!(world.get(&task).await.ok(200)["attempts"], 0, "it is not the task's failure");
    login.is_in.store(true, Ordering::SeqCst);
    once(&world, &task, "completed").await;
    let seat = world.get("/api/runtime/workers/w1").await.ok(200);
    assert_eq!((seat.get("blocked"), &seat["capabilities"]["provides"]), (None, &json!(["llm.claude_cli"])));
    working.abort();
}
