//! `leases`.

use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::world::{START, World};

const LEASES: &str = "/api/runtime/leases";

async fn pulled(world: &World, worker: &str, slots: u32) -> Vec<Value> {
    let answer = world.post(LEASES, json!({ "worker_id": worker, "free_slots": slots })).await;
    if answer.status == 204 { Vec::new() } else { answer.ok(200).as_array().unwrap().clone() }
}

fn path(granted: &Value, what: &str) -> String {
    format!("{LEASES}/{}/{what}", granted["lease"]["id"].as_str().unwrap())
}

#[tokio::test]
async fn worker_pulls_what_it_can_do() {
    let world = World::new();
    let unknown = world.post(LEASES, json!({ "worker_id": "none" })).await;
    assert_eq!(unknown.error(404), "Worker not found");
    let wrong = json!({ "free_slots": 33, "wait_seconds": 31, "provides": 1 });
    assert_eq!(world.post(LEASES, wrong).await.wrong(), ["free_slots", "provides", "wait_seconds", "worker_id"]);
    world.puller("w1", 2).await;
    assert!(pulled(&world, "w1", 2).await.is_empty());
    for priority in [1, 3, 2] {
        world.task(json!({ "priority": priority, "context_hints": ["src"], "desired_format": "json" })).await;
    }
    let granted = pulled(&world, "w1", 5).await;
    let priorities: Vec<_> = granted.iter().map(|grant| grant["task"]["priority"].clone()).collect();
    assert_eq!(priorities, [3, 2], "the best first, and no more than it has slots");
    let first = &granted[0];
    assert_eq!((&first["lease"]["worker_id"], &first["task"]["status"]), (&json!("w1"), &json!("leased")));
    assert_eq!((&first["request"]["prompt"], &first["request"]["memory"]), (&json!("Review this"), &json!(["src"])));
    assert_eq!(first["request"]["output"], json!({}));
    assert_eq!(first["idempotency_key"], format!("task/{}", first["task"]["id"].as_str().unwrap()));
    assert!(pulled(&world, "w1", 1).await.is_empty(), "it is full");
}

#[tokio::test]
async fn worker_waits_for_work() {
    let world = std::sync::Arc::new(World::new());
    world.puller("w1", 1).await;
    let waiting = tokio::spawn({
        let world = world.clone();
        async move { world.post(LEASES, json!({ "worker_id": "w1", "wait_seconds": 30 })).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    world.task(json!({})).await;
    assert_eq!(waiting.await.unwrap().ok(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn grant_that_nobody_is_told_of_is_given_back() {
    let world = World::new();
    world.puller("w1", 1).await;
    let task = world.task(json!({})).await;
    // Its client goes while the grant is being recorded.
    let asked = world.post(LEASES, json!({ "worker_id": "w1" })).now_or_never();
    assert!(asked.is_none(), "{asked:?}");
    let given_back = async {
        while world.actions().await[0] != "task_requeued" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), given_back).await.expect("it waits for its time");
    let queued = world.get(&task).await.ok(200);
    assert_eq!((&queued["status"], &queued["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(pulled(&world, "w1", 1).await.len(), 1, "its slot is free");
}

#[tokio::test]
async fn holder_beats_and_gives_back() {
    let world = World::new();
    world.puller("w1", 1).await;
    world.task(json!({})).await;
    let granted = pulled(&world, "w1", 1).await.remove(0);
    for what in ["heartbeat", "release", "result"] {
        let unknown = format!("{LEASES}/none/{what}");
        let body =
            json!({ "epoch": 1, "status": "failed", "error": { "code": "x", "message": "", "retryable": true } });
        assert_eq!(world.post(&unknown, body).await.error(404), "Lease not found", "{what}");
        assert!(world.post(&path(&granted, what), json!({})).await.wrong().contains(&"epoch".to_owned()));
        let body =
            json!({ "epoch": 9, "status": "failed", "error": { "code": "x", "message": "", "retryable": true } });
        assert_eq!(world.post(&path(&granted, what), body).await.ok(409)["code"], "LEASE_STALE", "{what}");
    }
    world.pass(1000);
    let beaten = world.post(&path(&granted, "heartbeat"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(beaten["expires_at"], START + 301_000);
    let back = world.post(&path(&granted, "release"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!((&back["task"]["status"], &back["task"]["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(world.post(&path(&granted, "heartbeat"), json!({ "epoch": 1 })).await.ok(409)["code"], "LEASE_STALE");
}

#[tokio::test]
async fn holder_brings_its_result() {
    let world = World::new();
    world.puller("w1", 1).await;
    world.task(json!({})).await;
    let granted = pulled(&world, "w1", 1).await.remove(0);
    let result = path(&granted, "result");
    let wrong = world.post(&result, json!({ "epoch": 1, "status": "done" })).await.wrong();
    assert_eq!(wrong, ["status"]);
    assert_eq!(world.post(&result, json!({ "epoch": 1, "status": "success" })).await.wrong(), ["answer"]);
    assert_eq!(world.post(&result, json!({ "epoch": 1, "status": "timeout", "error": 1 })).await.wrong(), ["error"]);

    // Its word that the answer is a text is not enough.
    let body = json!({ "epoch": 1, "status": "success", "answer": { "value": 7 } });
    assert_eq!(world.post(&result, body).await.ok(200)["task"]["status"], "failed");

    let task = world.task(json!({})).await;
    let granted = pulled(&world, "w1", 1).await.remove(0);
    let usage = json!({ "input_tokens": 3, "output_tokens": 4, "latency_ms": 5 });
    let body = json!({ "epoch": 1, "status": "success", "answer": { "value": "так", "usage": usage } });
    let done = world.post(&path(&granted, "result"), body.clone()).await.ok(200);
    assert_eq!(done["task"]["status"], "completed");
    assert_eq!(world.post(&path(&granted, "result"), body).await.ok(200), done, "telling it again is harmless");
    assert_eq!(world.get(&task).await.ok(200)["status"], "completed");
}

#[tokio::test]
async fn lost_holder_is_noticed_and_its_late_result_is_taken_while_nobody_else_works() {
    let world = World::new();
    world.puller("w1", 1).await;
    let task = world.task(json!({})).await;
    let granted = pulled(&world, "w1", 1).await.remove(0);
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    assert_eq!(world.get(&task).await.ok(200)["status"], "queued");
    assert_eq!(world.get(&format!("{LEASES}?status=expired")).await.ok(200)[0]["id"], granted["lease"]["id"]);
    let body = json!({ "epoch": 1, "status": "success", "answer": { "value": "так" } });
    assert_eq!(world.post(&path(&granted, "result"), body).await.ok(200)["task"]["status"], "completed");
}

#[tokio::test]
async fn leases_are_listed_newest_first_and_by_status() {
    let world = World::new();
    world.puller("w1", 2).await;
    world.task(json!({})).await;
    world.task(json!({})).await;
    let first = pulled(&world, "w1", 1).await.remove(0);
    world.pass(1);
    let second = pulled(&world, "w1", 1).await.remove(0);
    assert_eq!(world.get(LEASES).await.ok(200), json!([second["lease"], first["lease"]]));
    world.post(&path(&first, "release"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(world.get(&format!("{LEASES}?status=active")).await.ok(200), json!([second["lease"]]));
    assert_eq!(world.get(&format!("{LEASES}?status=released")).await.ok(200)[0]["id"], first["lease"]["id"]);
    assert!(world.get(&format!("{LEASES}?status=lost")).await.error(400).starts_with("status: Expected"));
}
