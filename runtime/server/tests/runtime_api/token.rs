//! An agent that knows neither leases nor epochs, but has the URL of its lease.

use bloom_ir::Digest;
use bloom_runtime::record::TaskId;
use serde_json::{Value, json};

use crate::world::World;

async fn without_key(world: &World, path: &str, body: Value) -> crate::world::Answer {
    world.send(axum::http::Method::POST, path, Some(body.to_string()), None).await
}

#[tokio::test]
async fn agent_is_fenced_by_the_url_of_its_lease() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    let id = TaskId::new(task.rsplit('/').next().unwrap());
    let token = |n: u32| format!("secret-{n}");
    let grant = |n| {
        let digest = Digest::of(token(n).as_bytes());
        let (engine, id) = (world.engine.clone(), id.clone());
        async move { engine.lease_task(&id, None, None, Some(digest)).await.unwrap() }
    };
    let first = grant(1).await;
    let at = |n: u32, what: &str| format!("/l/{}{task}/{what}", token(n));
    assert_eq!(without_key(&world, &at(2, "heartbeat"), json!({})).await.error(404), "Task not found");
    assert_eq!(
        without_key(&world, "/l/secret-1/api/runtime/llm-tasks/other/heartbeat", json!({})).await.error(404),
        "Task not found"
    );
    without_key(&world, &at(1, "heartbeat"), json!({})).await.ok(200);

    world.engine.end_lease(&first.lease.id, 1, bloom_runtime::record::LeaseEnding::GivenBack).await.unwrap();
    grant(2).await;
    let done = json!({ "status": "success", "output": "Готово", "metrics": { "duration_ms": 1 } });
    let stale = without_key(&world, &at(1, "complete"), done.clone()).await.ok(409);
    assert_eq!(stale["code"], "LEASE_STALE", "another has the task");
    assert_eq!(without_key(&world, &at(1, "heartbeat"), json!({})).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(
        without_key(&world, &at(2, "complete"), json!({ "status": "success" })).await.wrong(),
        ["metrics", "output"]
    );
    assert_eq!(without_key(&world, &at(2, "complete"), done).await.ok(200)["task"]["status"], "completed");
}
