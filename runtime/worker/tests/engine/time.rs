//! Retries, time limits: under paused time.

use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::Payload;
use bloom_runtime::engine::RunEnd;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::world::{Act, Tools, World, flow, passing};

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
    assert!(matches!(end.unwrap(), RunEnd::Failed { error, .. } if error.code == "timeout"));
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
