//! What may be the answer to anything: bodies that are too large, of another type, or do not come; and too many requests.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// The operations of this part of the API that take a body, as method and path.
fn taking_bodies() -> Vec<(String, String)> {
    let description: Value = serde_json::from_str(&bloom_server::openapi::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let is_here = ["/api/runtime/", "/api/membridge/", "/l/"].iter().any(|group| path.starts_with(group));
        for (method, operation) in item.as_object().unwrap().iter().filter(|_| is_here) {
            // An agent's sign of life is its path; what else it says is not read.
            if operation["requestBody"].is_object() && path != "/l/{token}/api/runtime/llm-tasks/{id}/heartbeat" {
                let path = path.replace(['{', '}'], "") + if path.ends_with("/events") { "?epoch=1" } else { "" };
                found.push((method.to_uppercase(), path));
            }
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

async fn sent(world: &World, of: &(String, String), mime: &str, body: Body) -> Response {
    let request = Request::builder().method(of.0.as_str()).uri(of.1.as_str()).header("X-Runtime-API-Key", KEY);
    world.respond(request.header("content-type", mime).body(body).unwrap()).await
}

async fn message(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    (status, body["error"].as_str().unwrap_or_else(|| panic!("{status}: {body}")).to_owned())
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::with(|config| config.max_body = 1000);
    for of in taking_bodies() {
        let body = Body::from(json!({ "x": "x".repeat(1000) }).to_string());
        let (status, told) = message(sent(&world, &of, "application/json", body).await).await;
        assert_eq!((status, told.as_str()), (413, "the body is larger than this server takes"), "{of:?}");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let world = World::new();
    for of in taking_bodies() {
        // Lines of events are read whatever they are called.
        if !of.1.ends_with("/events?epoch=1") {
            let (status, told) = message(sent(&world, &of, "text/plain", Body::from("x")).await).await;
            assert_eq!((status, told.as_str()), (415, "The body must be application/json"), "{of:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let world = World::with(|config| config.request_timeout = Duration::from_millis(1));
    for of in taking_bodies() {
        let never = futures::stream::pending::<Result<String, std::io::Error>>();
        let answered = sent(&world, &of, "application/json", Body::from_stream(never));
        let answered = tokio::time::timeout(Duration::from_mins(1), answered).await.expect("it is waited for");
        assert_eq!(message(answered).await.0, 408, "{of:?}");
    }
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_and_others_are_not() {
    let world = World::with(|config| config.requests_per_minute = 3);
    let issued = world.post("/api/v1/worker-keys", json!({ "worker": "w1" })).await.ok(201);
    let worker = issued["secret"].as_str().unwrap();
    for _ in 0..2 {
        world.get("/api/runtime/stats").await.ok(200);
    }
    let refused = world.get("/api/runtime/stats").await.error(429);
    assert_eq!(refused, "Too many requests, please try again later");
    let body = json!({ "worker_id": "w1" }).to_string();
    let pull = || world.send(axum::http::Method::POST, "/api/runtime/leases", Some(body.clone()), Some(worker));
    for _ in 0..3 {
        pull().await.error(404);
    }
    pull().await.error(429);
}

#[tokio::test]
async fn what_has_not_failed_is_not_queued_again() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    world.post(&format!("{task}/requeue"), json!({})).await.error(409);
    world.post(&format!("{task}/lease"), json!({})).await.ok(201);
    world.post(&format!("{task}/requeue"), json!({})).await.error(409);
    let done = json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1 } });
    world.post(&format!("{task}/complete"), done).await.ok(200);
    world.post(&format!("{task}/requeue"), json!({})).await.error(409);
    assert_eq!(world.get(&task).await.ok(200)["status"], "completed");
}

#[tokio::test]
async fn events_of_no_lease_are_not_taken() {
    let world = World::new();
    assert_eq!(world.lines("/api/runtime/leases/none/events?epoch=1", "").await.error(404), "Lease not found");
}
