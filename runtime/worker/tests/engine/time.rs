//! Retries, time limits: under paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError, Usage};
use bloom_interpreter::history::Payload;
use bloom_runtime::engine::RunEnd;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::LeaseEnding;
use bloom_worker::InProcessWorker;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::disk::Disk;
use crate::world::{Act, Tools, World, flow, passing, submission};

fn calls(effect: &str, extra: &Json) -> Json {
    let mut nodes = json!({
        "n1": { "type": "action", "op": "tool", "tool": "t", "args": {}, "into": "x", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "v['x']" },
    });
    nodes["n1"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    flow(&[("t", effect)], &nodes)
}

async fn delays(world: &World, id: &bloom_runtime::record::RunId) -> Vec<u64> {
    let events = world.events(id).await;
    let delays = events.iter().filter_map(|payload| match payload {
        Payload::EffectAttempted { delay_ms, .. } => Some(*delay_ms),
        _ => None,
    });
    delays.collect()
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_tried_again_after_recorded_delays() {
    let tools = Tools::default().with("t", "read", |_, before| match before {
        0 | 1 => Act::Fail(passing("busy")),
        _ => Act::Answer(json!("done")),
    });
    let world = World::new(tools, &json!({}));
    let started = Instant::now();
    let (id, end) = world.run(&calls("read", &json!({}))).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "done".into() });
    let delays = delays(&world, &id).await;
    assert!(matches!(delays[..], [1000..=1250, 2000..=2500]), "{delays:?}");
    assert!(started.elapsed() >= Duration::from_millis(delays.iter().sum()));
    assert_eq!(
        world.kinds(&id).await,
        [
            "run.started",
            "effect.requested",
            "effect.attempted",
            "effect.attempted",
            "effect.completed",
            "run.completed"
        ]
    );
    world.assert_replays(&id).await;
}

#[tokio::test(start_paused = true)]
async fn attempts_run_out() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Fail(passing("busy")));
    let world = World::new(tools, &json!({}));
    let (_, end) = world.run(&calls("read", &json!({}))).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, .. } if error.code == "busy"));
    assert_eq!(world.tools.calls("t"), 3);

    let own = json!({ "retry": { "attempts": 5, "backoff_ms": [10] } });
    let (id, _) = world.run(&calls("read", &own)).await;
    assert_eq!(world.tools.calls("t"), 3 + 5);
    assert!(delays(&world, &id).await.iter().all(|delay| *delay <= 12));

    let named = json!({ "retry": { "attempts": 5, "not_retryable": ["busy"] } });
    let _ = world.run(&calls("read", &named)).await;
    assert_eq!(world.tools.calls("t"), 3 + 5 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_is_not_tried_again() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Fail(EffectError::new("gone", "for ever")));
    let world = World::new(tools, &json!({}));
    let _ = world.run(&calls("read", &json!({}))).await;
    assert_eq!(world.tools.calls("t"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_is_timed_out() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Hang);
    let world = World::new(tools, &json!({}));
    let started = Instant::now();
    let (_, end) = world.run(&calls("read", &json!({}))).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, .. } if error.code == "limit_node_time"));
    // 45 s, 45 s, and what is left of the node's 120 s.
    assert_eq!(world.tools.calls("t"), 3);
    assert!((119..=121).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());

    let started = Instant::now();
    let own = json!({ "timeout_seconds": 2, "retry": { "attempts": 1 } });
    let _ = world.run(&calls("read", &own)).await;
    assert_eq!(started.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_operational_call_that_hangs_has_an_unknown_outcome() {
    let tools = Tools::default().with("t", "operational", |_, before| match before {
        0 | 1 => Act::Hang,
        _ => Act::Answer(json!("done")),
    });
    let world = World::new(tools, &json!({}));
    let (_, end) = world.run(&calls("operational", &json!({}))).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, .. } if error.code == "outcome_unknown"));
    assert_eq!(world.tools.calls("t"), 1);
    let (_, end) = world.run(&calls("operational", &json!({ "on_unknown": "retry" }))).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "done".into() });
}

#[tokio::test(start_paused = true)]
async fn a_run_has_so_much_active_time() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Hang);
    let world = World::new(tools, &json!({}));
    let mut hangs = calls("read", &json!({}));
    hangs["policy"]["limits"] = json!({ "timeout_seconds": 30 });
    let started = Instant::now();
    let (id, end) = world.run(&hangs).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, node: None } if error.code == "limit_time"));
    assert_eq!(started.elapsed().as_secs(), 30);
    assert_eq!(world.kinds(&id).await, ["run.started", "run.failed"]);
    world.assert_replays(&id).await;
}

/// Asks an LLM twice, at the same time limit.
fn asks(limit_seconds: u32) -> Json {
    let ask =
        |next| json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": next });
    let nodes = json!({
        "n1": ask("n2"),
        "n2": ask("n3"),
        "n3": { "type": "return", "status": "completed", "value": "v['x']" },
    });
    let mut flow = flow(&[], &nodes);
    flow["policy"]["limits"] = json!({ "timeout_seconds": limit_seconds });
    flow
}

/// Overloaded when it is asked first.
#[derive(Default)]
struct Overloaded(Mutex<Vec<Instant>>);

#[async_trait::async_trait]
impl LlmExecutor for Overloaded {
    fn provides(&self) -> &'static str {
        "llm.overloaded"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        let mut asked = self.0.lock().unwrap();
        asked.push(Instant::now());
        if asked.len() == 1 { Err(passing("overloaded")) } else { Ok(Answer { value: 7_i64.into(), usage: None }) }
    }
}

#[tokio::test(start_paused = true)]
async fn no_slot_takes_a_task_before_its_delay_is_over() {
    let world = World::new(Tools::default(), &json!({})).in_time();
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    let executor = Arc::new(Overloaded::default());
    let worker = InProcessWorker::start(engine.clone(), executor.clone(), 3, None);
    let id = engine.submit(submission(&asks(600))).await.unwrap();
    assert_eq!(engine.drive(&id).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    let [delay] = delays(&world, &id).await[..] else { panic!() };
    let asked = executor.0.lock().unwrap().clone();
    let waited = asked[1] - asked[0];
    // The clock is ahead of tokio's by a millisecond for each look at it.
    assert!(waited + Duration::from_millis(100) >= Duration::from_millis(delay), "{waited:?} of {delay} ms");
    assert!(disk.commits() < 40, "nobody polls: {} commits", disk.commits());
    worker.stop().await;
    world.assert_replays(&id).await;
}

#[tokio::test(start_paused = true)]
async fn a_delay_outlives_the_process() {
    let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } })).in_time();
    let engine = world.engine();
    let id = engine.submit(submission(&asks(600))).await.unwrap();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    let grant = engine.grant(&worker, None).await.unwrap().unwrap();
    engine.end_lease(&grant.lease.id, 1, LeaseEnding::Failed(passing("overloaded"))).await.unwrap();
    let started = Instant::now();
    let end = world.drive(&world.engine(), &id).await.unwrap();
    assert_eq!(end, RunEnd::Completed { result: 7_i64.into() });
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn active_time_before_a_stop_counts() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Hang);
    let world = World::new(tools, &json!({})).in_time();
    let mut flow = asks(30);
    flow["policy"]["allowed_tools"] =
        json!({ "t": { "effect": "read", "digest": bloom_ir::Digest::of(b"t"), "capabilities": ["files:notes"] } });
    flow["nodes"]["n2"] = json!({ "type": "action", "op": "tool", "tool": "t", "args": {}, "into": "x", "next": "n3" });
    let engine = world.engine();
    let id = engine.submit(submission(&flow)).await.unwrap();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    let grant = engine.grant(&worker, None).await.unwrap().unwrap();
    let usage = Usage { latency_ms: 20_000, ..Usage::default() };
    let answer = Answer { value: 7_i64.into(), usage: Some(usage) };
    engine.end_lease(&grant.lease.id, 1, LeaseEnding::Completed(answer)).await.unwrap();

    // In another process, that stops after four seconds and goes on.
    let engine = world.engine();
    let started = Instant::now();
    let stopped = tokio::time::timeout(Duration::from_secs(4), engine.drive(&id)).await;
    assert!(stopped.is_err());
    let end = engine.drive(&id).await.unwrap();
    assert!(matches!(end, RunEnd::Failed { error, .. } if error.code == "limit_time"));
    assert_eq!(started.elapsed().as_secs(), 14, "20 s before, 4 s that a dropped driver does not count, 10 s");
}
