//! `workers`.

use bloom_runtime::record::WorkerId;
use serde_json::{Value, json};

use crate::world::{START, World};

const WORKERS: &str = "/api/runtime/workers";

#[tokio::test]
async fn worker_is_registered_and_known_from_then_on() {
    let world = World::new();
    assert_eq!(world.get(WORKERS).await.ok(200), json!([]));
    let agent = world.agent("rpi4b").await;
    assert_eq!(
        agent,
        json!({
            "id": "rpi4b", "node_id": "rpi4b", "url": "http://127.0.0.1:8001", "status": "online",
            "capabilities": { "claude_cli": true, "max_concurrency": 1, "labels": [], "provides": [] },
            "last_heartbeat": START, "ip_addrs": [], "obs_count": 0, "db_sha": null, "registered_at": START,
            "active_leases": 0, "agent_version": null, "os_info": null, "install_method": null,
        })
    );
    world.pass(5);
    let body = json!({
        "name": "rpi4b", "agent_version": "0.3.1", "os_info": "Alpine", "install_method": "script", "ip_addrs": ["10.0.0.2"],
        "capabilities": { "claude_cli": true, "max_concurrency": 2, "labels": ["arm64"] }, "status": "syncing",
    });
    let again = world.post(WORKERS, body).await.ok(200);
    assert_eq!((&again["url"], &again["registered_at"]), (&agent["url"], &json!(START)), "what is not said stays");
    assert_eq!((&again["status"], &again["agent_version"]), (&json!("syncing"), &json!("0.3.1")));
    assert_eq!(again["capabilities"]["labels"], json!(["arm64"]));
    assert_eq!(world.get(WORKERS).await.ok(200), json!([again]));
    assert_eq!(world.actions().await, ["worker_updated", "worker_registered"]);
}

#[tokio::test]
async fn wrong_registration_is_told_by_member() {
    let world = World::new();
    let body = json!({ "url": "ftp://x", "status": "up", "capabilities": { "max_concurrency": 33 }, "ip_addrs": "x", "os_info": 1 });
    let wrong = ["capabilities", "ip_addrs", "name", "os_info", "status", "url"];
    assert_eq!(world.post(WORKERS, body).await.wrong(), wrong);
    for name in ["", "local:1", "a/b", "..", "a\nb"] {
        assert_eq!(world.post(WORKERS, json!({ "name": name })).await.wrong(), ["name"], "{name:?}");
    }
    assert_eq!(world.post(WORKERS, json!({ "name": "x".repeat(129) })).await.wrong(), ["name"]);
}

#[tokio::test]
async fn worker_is_shown_with_what_it_holds() {
    let world = World::new();
    assert_eq!(world.get(&format!("{WORKERS}/none")).await.error(404), "Worker not found");
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"].clone();
    let shown = world.get(&format!("{WORKERS}/rpi4b")).await.ok(200);
    assert_eq!(
        (&shown["node_id"], &shown["active_leases"], &shown["leases"]),
        (&json!("rpi4b"), &json!(1), &json!([lease]))
    );
}

#[tokio::test]
async fn removed_worker_loses_its_leases() {
    let world = World::new();
    assert_eq!(world.delete(&format!("{WORKERS}/none")).await.error(404), "Worker not found");
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"].clone();
    assert_eq!(world.delete(&format!("{WORKERS}/rpi4b")).await.ok(200), json!({ "removed": true, "id": "rpi4b" }));
    assert_eq!(world.get(WORKERS).await.ok(200), json!([]));
    let queued = world.get(&task).await.ok(200);
    assert_eq!(
        (&queued["status"], &queued["attempts"], &queued["lease_id"]),
        (&json!("queued"), &json!(0), &Value::Null)
    );
    assert_eq!(world.get("/api/runtime/leases?status=active").await.ok(200), json!([]));
    let body = json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1 }, "lease_id": lease["id"], "epoch": 1 });
    assert_eq!(world.post(&format!("{task}/complete"), body).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(world.actions().await[0], "worker_removed");
}

/// A removal that stops halfway leaves a worker that is granted nothing.
#[tokio::test]
async fn removal_goes_on_when_the_client_goes() {
    let world = World::new();
    world.agent("rpi4b").await;
    let worker = WorkerId::new("rpi4b");
    let path = format!("{WORKERS}/rpi4b");
    let mut removing = Box::pin(world.delete(&path));
    // What records it has a thread of its own, and may be done by then.
    while world.engine.worker(&worker).is_some() && !world.engine.is_draining(&worker) {
        let _ = futures::poll!(&mut removing);
        tokio::task::yield_now().await;
    }
    drop(removing);
    while world.engine.worker(&worker).is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.actions().await[0], "worker_removed");
}

#[tokio::test]
async fn worker_that_is_not_heard_of_is_offline_until_it_is() {
    let world = World::new();
    let beat = format!("{WORKERS}/rpi4b/heartbeat");
    assert_eq!(world.post(&beat, json!({})).await.error(404), "Worker not found");
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    world.pass(60_000);
    assert_eq!(world.get(WORKERS).await.ok(200)[0]["status"], "offline");
    assert_eq!(
        world.post(&format!("{task}/lease"), json!({})).await.error(503),
        "No available worker with free capacity"
    );
    let heard = world.post(&beat, json!({})).await.ok(200);
    assert_eq!((&heard["status"], &heard["last_heartbeat"]), (&json!("online"), &json!(START + 60_000)));
    world.post(&format!("{task}/lease"), json!({})).await.ok(201);
}

#[tokio::test]
async fn worker_that_drains_gets_nothing_until_it_registers_again() {
    let world = World::new();
    let beat = format!("{WORKERS}/w1/heartbeat");
    world.puller("w1", 1).await;
    assert_eq!(world.post(&beat, json!({ "drains": 1 })).await.wrong(), ["drains"]);
    assert_eq!(world.post(&beat, json!({ "drains": true })).await.ok(200)["status"], "online");
    world.task(json!({})).await;
    let pull = json!({ "worker_id": "w1", "wait_seconds": 30 });
    assert_eq!(world.post("/api/runtime/leases", pull.clone()).await.status, 204, "it does not wait");
    let capabilities = json!({ "provides": ["llm.command"] });
    world.post(WORKERS, json!({ "name": "w1", "capabilities": capabilities })).await.ok(200);
    assert_eq!(world.post("/api/runtime/leases", pull).await.ok(200).as_array().unwrap().len(), 1);
}
