//! What agents may use in a day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, Usage};
use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_runtime::engine::{Allowance, Budget, Budgets, Engine, EngineConfig, EngineError, RunEnd, Submit};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{Charge, RunId, day_of};
use bloom_worker::InProcessWorker;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use crate::disk::{Crash, Disk};
use crate::wait::{calling, keep};
use crate::world::{Tools, World, flow, submission};

/// Uses 100 tokens and 0.01 US dollars each time, once it may.
struct Costly(Semaphore);

#[async_trait]
impl LlmExecutor for Costly {
    fn provides(&self) -> &'static str {
        "llm.costly"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        self.0.acquire().await.unwrap().forget();
        let usage = Usage { input_tokens: 60, output_tokens: 40, cost_micro_usd: Some(10_000), ..Usage::default() };
        Ok(Answer { value: 7_i64.into(), usage: Some(usage) })
    }
}

/// Asks so often, each time for so many tokens at most, and gives the code of the error if one is refused.
fn asks_for(tokens: u64, id: &str, times: u32) -> Json {
    let mut nodes = serde_json::Map::new();
    for n in 1..=times {
        let ask = json!({
            "type": "llm_call", "prompt": [{ "text": "?" }], "into": "n", "output": {}, "max_tokens": tokens,
            "next": format!("n{}", n + 1), "on_error": { "to": "n99", "into": "e" },
        });
        nodes.insert(format!("n{n}"), ask);
    }
    nodes.insert(format!("n{}", times + 1), json!({ "type": "return", "status": "completed", "value": "'done'" }));
    nodes.insert("n99".to_owned(), json!({ "type": "return", "status": "completed", "value": "v['e'].code" }));
    let mut asks = flow(&[], &Json::Object(nodes));
    asks["flow"]["id"] = id.into();
    asks
}

/// The same for 100 tokens, which is what it uses.
fn asks(id: &str, times: u32) -> Json {
    asks_for(100, id, times)
}

fn world() -> World {
    World::new(Tools::default(), &json!({ "default": { "answer": 7 } })).in_time()
}

fn config(day: Allowance) -> EngineConfig {
    let tight = Budget { day, ..Budget::default() };
    let calls = Budget { run: Allowance { calls: Some(1), ..Allowance::default() }, ..Budget::default() };
    let few = Budget { run: Allowance { tokens: Some(150), ..Allowance::default() }, ..Budget::default() };
    let profiles = [("standard", tight), ("one-call", calls), ("few-tokens", few)];
    let budgets = Budgets {
        profiles: profiles.map(|(name, budget)| (name.to_owned(), budget)).into(),
        agents: BTreeMap::from([("frugal".to_owned(), "one-call".to_owned())]),
    };
    EngineConfig { awaits_workers: true, budgets, ..EngineConfig::default() }
}

fn tokens(tokens: u64) -> Allowance {
    Allowance { tokens: Some(tokens), ..Allowance::default() }
}

fn worker(engine: &Arc<Engine>, permits: usize) -> (InProcessWorker, Arc<Costly>) {
    let costly = Arc::new(Costly(Semaphore::new(permits)));
    (InProcessWorker::start(engine.clone(), costly.clone(), 4, None), costly)
}

/// Runs a flow to its end, and gives what it returned.
async fn result(world: &World, engine: &Arc<Engine>, submit: Submit) -> String {
    let run = engine.submit(submit).await.unwrap();
    let (worker, _) = worker(engine, 100);
    let end = engine.drive(&run).await.unwrap();
    worker.stop().await;
    world.assert_replays(&run).await;
    let RunEnd::Completed { result: Value::String(result) } = end else { panic!("{end:?}") };
    result.to_string()
}

async fn spent(world: &World, agent: &str) -> Charge {
    let now = 1_700_000_000_000;
    let all = world.store.spending(day_of(now)).await.unwrap();
    all.into_iter().find(|spending| spending.agent == agent).map(|spending| spending.charge).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn what_runs_of_an_agent_use_is_counted_and_bounded_by_day() {
    let world = world();
    let engine = world.engine_with(config(tokens(350)));
    assert_eq!(result(&world, &engine, submission(&asks("a", 2))).await, "done");
    assert_eq!(spent(&world, "a").await, Charge { calls: 2, tokens: 200, cost_micro_usd: 20_000 });
    assert_eq!(result(&world, &engine, submission(&asks("a", 2))).await, "budget_exhausted", "one of them fits");
    assert_eq!(spent(&world, "a").await.calls, 3);
    assert_eq!(result(&world, &engine, submission(&asks("b", 2))).await, "done", "another agent");

    // It holds over a restart.
    let engine = world.engine_with(config(tokens(350)));
    assert_eq!(result(&world, &engine, submission(&asks("a", 1))).await, "budget_exhausted");
    tokio::time::advance(Duration::from_hours(24)).await;
    assert_eq!(result(&world, &engine, submission(&asks("a", 3))).await, "done", "the next day");
    let engine = world.engine_with(config(tokens(350)));
    assert_eq!(result(&world, &engine, submission(&asks("a", 1))).await, "budget_exhausted", "that is over, too");
}

#[tokio::test(start_paused = true)]
async fn what_a_call_has_used_counts_for_the_next_one_and_not_what_it_might_have() {
    let world = world();
    let engine = world.engine_with(config(tokens(450)));
    assert_eq!(result(&world, &engine, submission(&asks_for(300, "a", 2))).await, "done");
    assert_eq!(result(&world, &engine, submission(&asks_for(300, "a", 1))).await, "budget_exhausted");
    let engine = world.engine_with(config(tokens(150)));
    assert_eq!(result(&world, &engine, submission(&asks_for(1, "b", 3))).await, "budget_exhausted");
    assert_eq!(
        spent(&world, "b").await.calls,
        2,
        "the second may use more than was thought, and the third is not made"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_and_money_are_bounded_by_day_too() {
    let world = world();
    let engine = world.engine_with(config(Allowance { calls: Some(3), ..Allowance::default() }));
    assert_eq!(result(&world, &engine, submission(&asks("a", 2))).await, "done");
    assert_eq!(result(&world, &engine, submission(&asks("a", 2))).await, "budget_exhausted");
    assert_eq!(spent(&world, "a").await.calls, 3);
    let engine = world.engine_with(config(Allowance { cost_micro_usd: Some(35_000), ..Allowance::default() }));
    assert_eq!(result(&world, &engine, submission(&asks("b", 3))).await, "done");
    assert_eq!(
        result(&world, &engine, submission(&asks("b", 2))).await,
        "budget_exhausted",
        "what a call costs is known"
    );
    assert_eq!(spent(&world, "b").await.cost_micro_usd, 40_000, "the first call of a run has no price yet");
}

#[tokio::test(start_paused = true)]
async fn what_one_run_has_reserved_another_cannot_have_also_after_a_restart() {
    let world = world();
    let engine = world.engine_with(config(tokens(150)));
    let first = engine.submit(submission(&asks("a", 1))).await.unwrap();
    // Nobody answers yet, and the second is asked for at the same time.
    assert_eq!(spent(&world, "a").await, Charge { calls: 1, ..Charge::default() });
    assert_eq!(result_alone(&world, &engine).await, "budget_exhausted");
    let engine = world.engine_with(config(tokens(150)));
    assert_eq!(result_alone(&world, &engine).await, "budget_exhausted");

    // What a run that is stopped had reserved is free.
    engine.cancel(&first, &crate::wait::owner(), "").await.unwrap();
    assert_eq!(result(&world, &engine, submission(&asks("a", 1))).await, "done");
}

/// The same as [`result`] of a run that needs no worker.
async fn result_alone(world: &World, engine: &Arc<Engine>) -> String {
    let run = engine.submit(submission(&asks("a", 1))).await.unwrap();
    let end = engine.drive(&run).await.unwrap();
    world.assert_replays(&run).await;
    let RunEnd::Completed { result: Value::String(result) } = end else { panic!("{end:?}") };
    result.to_string()
}

#[tokio::test(start_paused = true)]
async fn runs_at_the_same_time_use_no_more_than_there_is() {
    let world = world();
    let engine = world.engine_with(config(tokens(450)));
    let mut runs: Vec<RunId> = Vec::new();
    for _ in 0..8 {
        runs.push(engine.submit(submission(&asks("a", 1))).await.unwrap());
    }
    let (worker, _) = worker(&engine, 100);
    let mut done = 0;
    for run in &runs {
        let RunEnd::Completed { result } = engine.drive(run).await.unwrap() else { panic!() };
        done += usize::from(result.as_str() == Some("done"));
    }
    worker.stop().await;
    assert_eq!(done, 4);
    assert_eq!(spent(&world, "a").await, Charge { calls: 4, tokens: 400, cost_micro_usd: 40_000 });
}

#[tokio::test(start_paused = true)]
async fn a_profile_narrows_what_a_run_may_use() {
    let world = world();
    let engine = world.engine_with(config(Allowance::default()));
    let named = |name: &str, flow: &Json| Submit { budget: Some(name.to_owned()), ..submission(flow) };
    assert_eq!(result(&world, &engine, named("one-call", &asks("a", 1))).await, "done");
    assert_eq!(result(&world, &engine, named("one-call", &asks("a", 2))).await, "budget_exhausted");
    assert_eq!(result(&world, &engine, named("few-tokens", &asks("a", 2))).await, "budget_exhausted");
    assert_eq!(result(&world, &engine, submission(&asks("a", 2))).await, "done");
    assert_eq!(result(&world, &engine, submission(&asks("frugal", 2))).await, "budget_exhausted", "its agent has one");
    let wider = named("standard", &asks("frugal", 2));
    assert_eq!(result(&world, &engine, wider).await, "budget_exhausted", "nobody widens it");
    let refused = engine.submit(named("none", &asks("a", 1))).await;
    let Err(EngineError::NoSuchBudget(unknown)) = refused else { panic!("{refused:?}") };
    assert_eq!(unknown.known, ["few-tokens", "one-call", "standard"]);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_a_run_starts_has_its_profile_and_counts_for_its_own_agent() {
    let world = world();
    let engine = world.engine_with(config(tokens(10_000)));
    let hash = keep(&world, &asks("b", 2)).await;
    let calls = |wait| {
        let mut calls = calling(&hash, wait);
        calls["nodes"]["n2"]["value"] = json!("v['x']");
        calls
    };
    assert_eq!(result(&world, &engine, submission(&calls(true))).await, "done");
    assert_eq!(spent(&world, "b").await.tokens, 200);
    assert_eq!(spent(&world, "archivist").await, Charge::default(), "it asked for nothing itself");
    let named = Submit { budget: Some("one-call".to_owned()), ..submission(&calls(true)) };
    assert_eq!(result(&world, &engine, named).await, "budget_exhausted");
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_may_use_for_a_whole_run_is_reserved_until_it_ends_also_after_a_restart() {
    let world = world();
    let engine = world.engine_with(config(tokens(150)));
    let whole = RunId::new("whole");
    engine.submit_to_workers(whole.clone(), submission(&asks("a", 1))).await.unwrap();
    let Payload::RunStarted(started) = world.events(&whole).await.remove(0) else { panic!() };
    assert_eq!(started.limits.unwrap().max_tokens, 150, "what is left of the day");
    assert_eq!(result_alone(&world, &engine).await, "budget_exhausted");
    let engine = world.engine_with(config(tokens(150)));
    assert_eq!(result_alone(&world, &engine).await, "budget_exhausted");
    engine.cancel(&whole, &crate::wait::owner(), "").await.unwrap();
    assert_eq!(result(&world, &engine, submission(&asks("a", 1))).await, "done");
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_is_not_kept_reserves_nothing() {
    let world = world();
    let disk = Arc::new(Disk::crashing(world.store.clone(), 1, Crash::Before));
    let engine = world.engine_as(disk.clone(), config(tokens(250)));
    for _ in 0..3 {
        engine.submit(submission(&asks("a", 1))).await.unwrap_err();
    }
    disk.revive();
    assert_eq!(result(&world, &engine, submission(&asks("a", 1))).await, "done");
    let id = RunId::new("twice");
    engine.submit_as(id.clone(), submission(&asks("a", 1))).await.unwrap();
    engine.submit_as(id, submission(&asks("a", 1))).await.unwrap_err();
    assert_eq!(result_alone(&world, &engine).await, "budget_exhausted", "what the first one has reserved stays so");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_counted_twice_or_lost_after_a_crash_at_any_commit() {
    for (crash, restarts) in
        [(Crash::Before, false), (Crash::Before, true), (Crash::After, false), (Crash::After, true)]
    {
        for survives in 1..8 {
            let world = world();
            let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
            let mut engine = world.engine_as(disk.clone(), config(tokens(350)));
            let run = RunId::new("first");
            let submit = |engine: Arc<Engine>| async move {
                engine.submit_as(RunId::new("first"), submission(&asks("a", 2))).await
            };
            let _ = submit(engine.clone()).await;
            let (first, _) = worker(&engine, 100);
            let _ = tokio::time::timeout(Duration::from_mins(5), engine.drive(&run)).await;
            first.stop().await;
            if restarts {
                engine = world.engine_with(config(tokens(350)));
            } else {
                disk.revive();
            }
            let _ = submit(engine.clone()).await;
            // Its lease may have to run out.
            let (second, _) = worker(&engine, 100);
            let end = tokio::time::timeout(Duration::from_hours(1), engine.drive(&run)).await.unwrap().unwrap();
            let case = format!("{crash:?} {restarts} {survives}");
            assert_eq!(end, RunEnd::Completed { result: "done".into() }, "{case}");
            assert_eq!(spent(&world, "a").await, Charge { calls: 2, tokens: 200, cost_micro_usd: 20_000 }, "{case}");
            let last = engine.submit(submission(&asks("a", 2))).await.unwrap();
            let end = engine.drive(&last).await.unwrap();
            second.stop().await;
            assert_eq!(end, RunEnd::Completed { result: "budget_exhausted".into() }, "{case}");
            assert_eq!(spent(&world, "a").await.tokens, 300, "{case}: one of two fits");
        }
    }
}
