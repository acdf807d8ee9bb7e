//! What the server is like.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn health_asks_for_no_key() {
    let world = World::new();
    let health = world.send(Method::GET, "/api/runtime/health", None, None).await.ok(200);
    assert!(health["uptime"].is_f64(), "{health}");
    assert_eq!(
        (&health["status"], &health["service"], &health["storage"]),
        (&json!("ok"), &json!("bloom-runtime"), &json!("redb"))
    );
    assert_eq!(
        health["membridge"],
        json!({ "consecutiveFailures": 0, "lastSuccess": null, "lastError": null, "connected": false })
    );
}

#[tokio::test]
async fn everything_else_asks_for_the_key() {
    let world = World::new();
    for path in ["workers", "workers/x", "llm-tasks", "llm-tasks/x", "leases", "runs", "artifacts", "audit", "stats"] {
        for key in [None, Some("guess")] {
            let refused = world.send(Method::GET, &format!("/api/runtime/{path}"), None, key).await;
            assert_eq!(refused.ok(401), json!({ "error": "Unauthorized" }), "{path}");
        }
    }
    for path in ["workers", "workers/x/heartbeat", "llm-tasks", "llm-tasks/x/lease", "leases", "leases/x/result"] {
        let refused = world.send(Method::POST, &format!("/api/runtime/{path}"), Some("{}".to_owned()), None).await;
        assert_eq!(refused.ok(401), json!({ "error": "Unauthorized" }), "{path}");
    }
}

#[tokio::test]
async fn stats_count_what_there_is() {
    let world = World::new();
    let empty = json!({ "tasks": { "total": 0, "by_status": {} }, "leases": { "total": 0, "active": 0 }, "workers": { "total": 0, "online": 0 } });
    assert_eq!(world.get("/api/runtime/stats").await.ok(200), empty);
    world.puller("w1", 2).await;
    world.pass(60_000);
    world.agent("rpi4b").await;
    let first = world.task(json!({})).await;
    world.task(json!({})).await;
    let third = world.task(json!({})).await;
    world.post(&format!("{first}/lease"), json!({})).await.ok(201);
    world.post("/api/runtime/workers/w1/heartbeat", json!({})).await.ok(200);
    world.post(&format!("{third}/lease"), json!({ "worker_id": "w1" })).await.ok(201);
    world.post(&format!("{third}/heartbeat"), json!({})).await.ok(200);
    world.pass(60_000);
    world.post("/api/runtime/workers/w1/heartbeat", json!({})).await.ok(200);
    let stats = world.get("/api/runtime/stats").await.ok(200);
    assert_eq!(stats["tasks"], json!({ "total": 3, "by_status": { "queued": 1, "leased": 1, "running": 1 } }));
    assert_eq!(stats["leases"], json!({ "total": 2, "active": 2 }));
    assert_eq!(stats["workers"], json!({ "total": 2, "online": 1 }));
}

#[tokio::test]
async fn audit_shows_the_last_entries_newest_first() {
    let world = World::new();
    assert_eq!(world.get("/api/runtime/audit").await.ok(200), json!([]));
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    world.post(&format!("{task}/lease"), json!({})).await.ok(201);
    let log = world.get("/api/runtime/audit?limit=2").await.ok(200);
    let actions: Vec<&Value> = log.as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["task_leased", "task_created"]);
    let entry = &log[0];
    assert_eq!(
        (&entry["id"], &entry["entity_type"], &entry["actor"]),
        (&json!("3"), &json!("task"), &json!("worker:rpi4b"))
    );
    assert_eq!((&entry["entity_id"], &entry["detail"]["epoch"]), (&json!(task.rsplit('/').next()), &json!(1)));
    assert_eq!(world.get("/api/runtime/audit?limit=x").await.status, 400);
}

#[tokio::test]
async fn what_no_route_takes_is_told_in_the_shape_of_this_group() {
    let world = World::new();
    for path in
        ["/api/runtime", "/api/runtime/nothing", "/api/runtime/workers/x/y", "/api/membridge/nothing", "/l/x/y/z/w"]
    {
        assert_eq!(world.get(path).await.error(404), "there is no such path", "{path}");
    }
    for (method, path) in [(Method::PUT, "/api/runtime/workers"), (Method::DELETE, "/api/membridge/health")] {
        let request =
            axum::http::Request::builder().method(method).uri(path).header("X-Runtime-API-Key", crate::world::KEY);
        let response = world.respond(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 405);
        assert!(response.headers()["allow"].to_str().unwrap().contains("GET"));
        let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body, json!({ "error": "this path does not take this method" }), "{path}");
    }
    // Other groups have their own shape, also where their names begin alike.
    for path in ["/api/v1/nothing", "/api/runtimes", "/login/nothing"] {
        assert_eq!(world.get(path).await.ok(404)["error"]["code"], "NOT_FOUND", "{path}");
    }
}
