//! Limits that the engine keeps, budgets, and what stands in the way of another attempt.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError, Usage};
use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_ir::document::Limits;
use bloom_runtime::engine::{EngineError, RunEnd, Submit};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{Actor, RunId, RunStatus};
use bloom_worker::InProcessWorker;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::wait::keep;
use crate::world::{Act, Tools, World, flow, passing, submission};

fn owner() -> Actor {
    Actor("owner".to_owned())
}

/// The code, the limit and what was measured.
fn failed(end: Result<RunEnd, EngineError>) -> (String, i64, i64) {
    let RunEnd::Failed { error, .. } = end.unwrap() else { panic!("it did not fail") };
    let number = |name| error.details.as_ref().unwrap().get(name).unwrap().as_int().unwrap();
    (error.code.clone(), number("limit"), number("measured"))
}

fn is_completed(end: &Result<RunEnd, EngineError>) -> bool {
    matches!(end, Ok(RunEnd::Completed { .. }))
}

#[tokio::test]
async fn events_of_a_history() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Answer(json!(1)));
    let world = World::new(tools, &json!({}));
    let call = |next| json!({ "type": "action", "op": "tool", "tool": "t", "args": {}, "next": next });
    let mut calls = flow(
        &[("t", "read")],
        &json!({ "n1": call("n2"), "n2": call("n3"), "n3": { "type": "return", "status": "completed", "value": "1" } }),
    );
    calls["policy"]["limits"] = json!({ "max_events": 6 });
    let (run, end) = world.run(&calls).await;
    assert!(is_completed(&end), "{end:?}");
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().events, 6);
    calls["policy"]["limits"] = json!({ "max_events": 5 });
    let (run, end) = world.run(&calls).await;
    assert_eq!(failed(end), ("limit_events".to_owned(), 5, 6));
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn active_time_of_a_run() {
    let tools = Tools::default().with("t", "read", |_, _| Act::Hang);
    let world = World::new(tools, &json!({})).in_time();
    let mut hangs = flow(
        &[("t", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "t", "args": {}, "timeout_seconds": 30, "next": "n2",
                    "retry": { "attempts": 1 }, "on_error": { "to": "n2" } },
            "n2": { "type": "return", "status": "completed", "value": "1" },
        }),
    );
    hangs["policy"]["limits"] = json!({ "timeout_seconds": 31 });
    assert!(is_completed(&world.run(&hangs).await.1), "the tool's own limit is met first");
    hangs["policy"]["limits"] = json!({ "timeout_seconds": 29 });
    let (code, limit, measured) = failed(world.run(&hangs).await.1);
    assert_eq!((code.as_str(), limit), ("limit_time", 29_000));
    assert!((29_000..30_000).contains(&measured), "{measured}");
}

/// Fails so often, after so long or when its time is over, and says what it was given.
struct Slow {
    takes: Duration,
    fails: usize,
    keeps_limit: bool,
    given: Mutex<Vec<u64>>,
}

#[async_trait::async_trait]
impl LlmExecutor for Slow {
    fn provides(&self) -> &'static str {
        "llm.slow"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        let before = {
            let mut given = self.given.lock().unwrap();
            given.push(task.timeout_ms);
            given.len() - 1
        };
        let limit = Duration::from_millis(task.timeout_ms);
        if self.keeps_limit {
            tokio::time::sleep(self.takes.min(limit)).await;
        } else {
            tokio::time::sleep(self.takes).await;
        }
        if before < self.fails { Err(passing("slow")) } else { Ok(Answer { value: 7_i64.into(), usage: None }) }
    }
}

/// Asks an LLM, with so many attempts.
fn asks(attempts: u32, seconds: u32) -> Json {
    let mut asks = flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": "n2",
                    "timeout_seconds": seconds, "retry": { "attempts": attempts, "backoff_ms": [100] } },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    );
    asks["policy"]["limits"] = json!({ "node_timeout_seconds": 10 });
    asks
}

async fn with(executor: Arc<Slow>, asks: &Json) -> (Result<RunEnd, EngineError>, Duration) {
    let world = World::new(Tools::default(), &json!({})).in_time();
    let engine = world.engine();
    let worker = InProcessWorker::start(engine.clone(), executor, 1, None);
    let run = engine.submit(submission(asks)).await.unwrap();
    let started = Instant::now();
    let end = engine.drive(&run).await;
    let took = started.elapsed();
    worker.stop().await;
    world.assert_replays(&run).await;
    (end, took)
}

#[tokio::test(start_paused = true)]
async fn time_of_a_node_that_asks_an_llm() {
    let slow = |fails| {
        let takes = Duration::from_secs(4);
        Arc::new(Slow { takes, fails, keeps_limit: true, given: Mutex::default() })
    };
    let twice = slow(1);
    assert!(is_completed(&with(twice, &asks(5, 4)).await.0), "two attempts fit");
    let always = slow(9);
    let (end, took) = with(always.clone(), &asks(9, 4)).await;
    let (code, limit, measured) = failed(end);
    assert_eq!((code.as_str(), limit), ("limit_node_time", 10_000));
    assert!(measured >= 10_000 && (9..12).contains(&took.as_secs()), "{measured} {took:?}");
    let given = always.given.lock().unwrap().clone();
    assert!(matches!(given[..], [4_000, 4_000, last] if last < 2_000), "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_forgets_its_limit_is_dropped() {
    let takes = Duration::from_hours(1);
    let executor = Arc::new(Slow { takes, fails: 0, keeps_limit: false, given: Mutex::default() });
    let (end, took) = with(executor, &asks(1, 2)).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, .. } if error.code == "timeout"));
    assert!((2..5).contains(&took.as_secs()), "{took:?}");
}

/// Asks an LLM twice; the second call may use a hundred tokens, and its error is the result.
fn asks_twice(limits: &Json) -> Json {
    let mut asks = flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": "n2" },
            "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "max_tokens": 100,
                    "next": "n3", "on_error": { "to": "n4", "into": "e" } },
            "n3": { "type": "return", "status": "completed", "value": "v['x']" },
            "n4": { "type": "return", "status": "completed", "value": "[v['e'].code, v['e'].details]" },
        }),
    );
    asks["policy"]["limits"] = limits.clone();
    asks
}

fn using(tokens: u64, cost: u64) -> Json {
    json!({ "default": { "answer": 7, "usage": { "input_tokens": tokens, "output_tokens": 0, "cost_micro_usd": cost } } })
}

#[tokio::test]
async fn a_call_that_the_budget_does_not_cover_is_not_made() {
    let world = World::new(Tools::default(), &using(60, 60));
    let (run, end) = world.run(&asks_twice(&json!({ "max_tokens": 160 }))).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert_eq!((record.tokens, record.cost_micro_usd), (120, 120));

    for (limits, of, limit, needed) in [
        (json!({ "max_tokens": 159 }), "tokens", 159, 100),
        (json!({ "max_tokens": 500, "max_cost_micro_usd": 119 }), "cost_micro_usd", 119, 60),
    ] {
        let world = World::new(Tools::default(), &using(60, 60));
        let (run, end) = world.run(&asks_twice(&limits)).await;
        let RunEnd::Completed { result } = end.unwrap() else { panic!() };
        let details = json!({
            "of": of, "limit": limit, "measured": 60 + needed, "used": 60, "needed": needed,
        });
        assert_eq!(result.to_json(), json!(["budget_exhausted", details]));
        assert_eq!(world.llm.asked_by_key().len(), 1, "nobody was asked a second time");
        assert_eq!(world.store.tasks(&run).await.unwrap().len(), 1);
        world.assert_replays(&run).await;
    }
    let (_, end) = world.run(&asks_twice(&json!({ "max_tokens": 500, "max_cost_micro_usd": 120 }))).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: 7_i64.into() });
}

#[tokio::test]
async fn a_call_waits_for_what_others_have_reserved() {
    let ask = || json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "max_tokens": 100, "next": "n9" });
    let branch = |name: &str, entry: &str| json!({ "name": name, "entry": entry, "writes": [] });
    let mut fork = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "fork", "join": "n9",
                    "branches": [branch("a", "n2"), branch("b", "n3"), branch("c", "n4")] },
            "n2": ask(), "n3": ask(), "n4": ask(),
            "n9": { "type": "action", "op": "join", "fork": "n1", "next": "n10" },
            "n10": { "type": "return", "status": "completed", "value": "'all'" },
        }),
    );
    fork["policy"]["limits"] = json!({ "max_tokens": 150 });
    let world = World::new(Tools::default(), &using(20, 0));
    let engine = world.engine();
    let run = engine.submit(submission(&fork)).await.unwrap();
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested"], "one fits at a time");
    // Another process goes on with those that wait.
    let end = world.drive(&world.engine(), &run).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "all".into() });
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().tokens, 60);
    world.assert_replays(&run).await;
}

/// Fails, and has used tokens all the same.
struct Costly(AtomicUsize);

#[async_trait::async_trait]
impl LlmExecutor for Costly {
    fn provides(&self) -> &'static str {
        "llm.costly"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let usage = Usage { input_tokens: 80, cost_micro_usd: Some(5), ..Usage::default() };
        Err(EffectError { usage: Some(Box::new(usage)), ..passing("overloaded") })
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_used_up_the_budget_is_the_last() {
    for (limit, attempts, code) in [(160, 2, "budget_exhausted"), (161, 3, "overloaded")] {
        let world = World::new(Tools::default(), &json!({})).in_time();
        let engine = world.engine();
        let executor = Arc::new(Costly(AtomicUsize::new(0)));
        let worker = InProcessWorker::start(engine.clone(), executor.clone(), 1, None);
        let mut asks = asks(3, 4);
        asks["policy"]["limits"] = json!({ "max_tokens": limit });
        let run = engine.submit(submission(&asks)).await.unwrap();
        let end = engine.drive(&run).await.unwrap();
        worker.stop().await;
        assert!(matches!(&end, RunEnd::Failed { error, .. } if error.code == code), "{end:?}");
        assert_eq!(executor.0.load(Ordering::SeqCst), attempts);
        let record = world.store.run(&run).await.unwrap().unwrap();
        assert_eq!((record.tokens, record.cost_micro_usd), (80 * attempts as u64, 5 * attempts as u64));
        world.assert_replays(&run).await;
    }
}

#[tokio::test]
async fn a_flow_that_is_called_may_use_what_is_left() {
    let world = World::new(Tools::default(), &using(40, 0));
    let ask =
        |next| json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": next });
    let child = flow(
        &[],
        &json!({ "n1": ask("n2"), "n2": ask("n3"), "n3": { "type": "return", "status": "completed", "value": "1" } }),
    );
    let hash = keep(&world, &child).await;
    let call = |next| json!({ "type": "action", "op": "flow", "flow": "archivist", "hash": hash, "next": next });
    let mut parent = flow(
        &[],
        &json!({ "n1": call("n2"), "n2": call("n3"), "n3": { "type": "return", "status": "completed", "value": "1" } }),
    );
    parent["policy"]["limits"] = json!({ "max_tokens": 121 });
    let (run, end) = world.run(&parent).await;
    assert!(is_completed(&end), "{end:?}");
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().tokens, 160, "that of both");
    world.assert_replays(&run).await;
    parent["policy"]["limits"] = json!({ "max_tokens": 120 });
    let (run, end) = world.run(&parent).await;
    assert!(matches!(&end, Ok(RunEnd::Failed { error, .. }) if error.code == "limit_tokens"), "{end:?}");
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn who_submits_a_run_may_narrow_its_limits() {
    let world = World::new(Tools::default(), &using(60, 0));
    let engine = world.engine();
    let document = asks_twice(&json!({ "max_tokens": 1_000 }));
    let given = |max_tokens| Some(Limits { max_tokens, max_steps: u64::MAX, ..Limits::default() });
    for (limits, expected) in
        [(given(60), "limit_tokens"), (given(100), "budget_exhausted"), (given(5_000), "completed")]
    {
        let run = engine.submit(Submit { limits, ..submission(&document) }).await.unwrap();
        let code = match world.drive(&engine, &run).await.unwrap() {
            RunEnd::Failed { error, .. } => error.code,
            RunEnd::Completed { result } => match result.as_list() {
                Some(taken) => taken[0].as_str().unwrap().to_owned(),
                None => "completed".to_owned(),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(code, expected);
        let Payload::RunStarted(started) = world.events(&run).await.remove(0) else { panic!() };
        let recorded = started.limits.map(|limits| (limits.max_tokens, limits.max_steps));
        assert_eq!(recorded.is_some(), expected != "completed", "{recorded:?}");
        world.assert_replays(&run).await;
    }
}

#[tokio::test]
async fn a_payload_is_of_a_mebibyte_at_most() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let listens = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "s", "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "size(v['x'])" },
        }),
    );
    let run = engine.submit(submission(&listens)).await.unwrap();
    let text = |length: usize| Value::from("x".repeat(length));
    // Two quotation marks stand around it.
    let refused = engine.signal(&run, "s", text((1 << 20) - 1), &owner()).await.unwrap_err();
    assert!(matches!(refused, EngineError::PayloadTooLarge { bytes, most } if bytes == most + 1), "{refused}");
    engine.signal(&run, "s", text((1 << 20) - 2), &owner()).await.unwrap();
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: ((1_i64 << 20) - 2).into() });
}

async fn cancelled_during_a_delay(world: &World, run: &RunId) {
    let engine = world.engine();
    let worker = world.worker(&engine);
    let driving = tokio::spawn({
        let (engine, run) = (engine.clone(), run.clone());
        async move { engine.drive(&run).await }
    });
    while !world.kinds(run).await.contains(&"effect.attempted".to_owned()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let started = Instant::now();
    engine.cancel(run, &owner(), "enough").await.unwrap();
    assert!(matches!(driving.await.unwrap().unwrap(), RunEnd::Cancelled { .. }));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    worker.stop().await;
    assert_eq!(world.kinds(run).await.last().unwrap(), "run.cancelled");
    world.assert_replays(run).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_in_the_delay_before_another_attempt() {
    let retry = json!({ "attempts": 3, "backoff_ms": [60_000] });
    let tools = Tools::default().with("t", "read", |_, _| Act::Fail(passing("busy")));
    let world = World::new(
        tools,
        &json!({ "default": { "error": { "code": "overloaded", "message": "later", "retryable": true } } }),
    )
    .in_time();
    let calls = json!({ "type": "action", "op": "tool", "tool": "t", "args": {}, "retry": retry, "next": "n2" });
    let asks = json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "retry": retry, "next": "n2" });
    for node in [calls, asks] {
        let end = json!({ "type": "return", "status": "completed", "value": "1" });
        let document = flow(&[("t", "read")], &json!({ "n1": node, "n2": end }));
        let run = world.engine().submit(submission(&document)).await.unwrap();
        cancelled_during_a_delay(&world, &run).await;
        assert_eq!(world.store.run(&run).await.unwrap().unwrap().status, RunStatus::Cancelled);
        assert!(world.store.tasks(&run).await.unwrap().iter().all(|task| !task.is_open()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_when_the_quota_is_renewed() {
    let world = World::new(Tools::default(), &json!({})).in_time();
    let resets_at = bloom_runtime::clock::Clock::now(&*world.clock) + 600_000;
    world.llm.replace(&json!({ "default": { "error": {
        "code": "quota", "message": "limit reached", "retryable": true, "details": { "resets_at": resets_at },
    } } }));
    let engine = world.engine();
    let worker = world.worker(&engine);
    let run = engine.submit(submission(&asks(3, 4))).await.unwrap();
    let started = Instant::now();
    let until_over = async {
        while !world.store.run(&run).await.unwrap().unwrap().status.is_terminal() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if started.elapsed() > Duration::from_mins(5) {
                world.llm.replace(&json!({ "default": { "answer": 7 } }));
            }
            assert!(started.elapsed() < Duration::from_hours(1), "nobody woke it");
        }
    };
    engine.tend(until_over).await.unwrap();
    worker.stop().await;
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert_eq!((record.status, record.result), (RunStatus::Completed, Some(7_i64.into())));
    let took = started.elapsed().as_secs();
    assert!((599..=605).contains(&took), "{took} s");
    assert_eq!(world.llm.asked_by_key().values().sum::<usize>(), 2, "once too early, and once in time");
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn storing_a_flow_is_in_the_audit_log_once() {
    let world = World::new(Tools::default(), &json!({}));
    let plain = flow(&[], &json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }));
    world.run(&plain).await.1.unwrap();
    world.run(&plain).await.1.unwrap();
    let audit = world.store.audit(1..=100).await.unwrap();
    let stored: Vec<_> = audit.iter().filter(|entry| entry.note.action == "flow_stored").collect();
    let [stored] = stored[..] else { panic!("{audit:?}") };
    assert_eq!((stored.note.entity_id.as_str(), &stored.note.actor), ("archivist@0.0.0", &owner()));
    let hash = world.store.flows().await.unwrap()[0].hash.to_string();
    assert_eq!(stored.note.detail.get("ir_hash"), Some(&hash.as_str().into()));
}
