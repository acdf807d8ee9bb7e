//! Keys of workers.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// A world with a worker's key.
struct Holding {
    world: World,
    secret: String,
    id: String,
}

impl Holding {
    async fn of(worker: &str) -> Self {
        let world = World::new();
        let issued = world.post("/api/v1/worker-keys", json!({ "worker": worker })).await.ok(201);
        let of = |name: &str| issued[name].as_str().unwrap().to_owned();
        assert!(of("secret").starts_with("bwk_") && of("worker") == worker, "{issued}");
        Self { world, secret: of("secret"), id: of("id") }
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.send(Method::GET, path, None, Some(&self.secret)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.send(Method::POST, path, Some(body.to_string()), Some(&self.secret)).await
    }
}

#[tokio::test]
async fn the_key_of_a_worker_acts_for_that_worker_only() {
    let own = Holding::of("w1").await;
    let provides = json!({ "provides": ["llm.command"], "max_concurrency": 4 });
    own.post("/api/runtime/workers", json!({ "name": "w1", "capabilities": provides })).await.ok(201);
    own.post("/api/runtime/workers", json!({ "name": "w2", "capabilities": provides })).await.error(403);
    own.world.puller("w2", 4).await;
    own.post("/api/runtime/workers/w1/heartbeat", json!({})).await.ok(200);
    own.post("/api/runtime/workers/w2/heartbeat", json!({})).await.error(403);
    own.get("/api/runtime/workers/w1").await.ok(200);
    own.get("/api/runtime/workers/w2").await.error(403);

    let (mine, theirs) = (own.world.task(json!({})).await, own.world.task(json!({})).await);
    own.post("/api/runtime/leases", json!({ "worker_id": "w2" })).await.error(403);
    let granted = own.post("/api/runtime/leases", json!({ "worker_id": "w1" })).await.ok(200);
    assert!(mine.ends_with(granted[0]["task"]["id"].as_str().unwrap()), "the oldest is granted first");
    let lease = format!("/api/runtime/leases/{}", granted[0]["lease"]["id"].as_str().unwrap());
    let epoch = granted[0]["lease"]["epoch"].clone();
    let other = own.world.post(&format!("{theirs}/lease"), json!({ "worker_id": "w2" })).await.ok(201);
    let other_lease = format!("/api/runtime/leases/{}", other["lease"]["id"].as_str().unwrap());
    let body = || json!({ "epoch": 1 });
    own.post(&format!("{lease}/heartbeat"), json!({ "epoch": epoch })).await.ok(200);
    for act in ["heartbeat", "release", "result"] {
        own.post(&format!("{other_lease}/{act}"), body()).await.error(403);
    }
    let done = json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1 } });
    own.post(&format!("{theirs}/heartbeat"), json!({})).await.error(403);
    own.post(&format!("{theirs}/complete"), done.clone()).await.error(403);
    own.post(&format!("{mine}/complete"), done).await.ok(200);
    let others = own.world.get(&theirs).await.ok(200);
    assert_eq!(others["status"], "leased", "nothing was done for another");
}

#[tokio::test]
async fn the_key_of_a_worker_reaches_nothing_else() {
    let own = Holding::of("w1").await;
    for path in [
        "/api/runtime/workers",
        "/api/runtime/llm-tasks",
        "/api/runtime/audit",
        "/api/runtime/stats",
        "/api/runtime/leases",
        "/api/runtime/artifacts",
    ] {
        own.get(path).await.error(403);
        assert_eq!(own.world.send(Method::HEAD, path, None, Some(&own.secret)).await.status, 403, "{path}");
    }
    for path in ["/api/v1/runs", "/api/v1/flows", "/api/v1/audit", "/api/v1/worker-keys", "/metrics"] {
        assert_eq!(own.get(path).await.status, 403, "{path}");
    }
    own.post("/api/runtime/llm-tasks", json!({})).await.error(403);
    assert_eq!(own.post("/api/v1/worker-keys", json!({ "worker": "w1" })).await.status, 403);
    let removed = own.world.send(Method::DELETE, "/api/runtime/workers/w1", None, Some(&own.secret)).await;
    removed.error(403);
}

/// Whoever is called is shown the key of all agents.
#[tokio::test]
async fn the_key_of_a_worker_does_not_say_where_it_is_called() {
    let own = Holding::of("w1").await;
    let register = |url: &str| json!({ "name": "w1", "url": url });
    let message = own.post("/api/runtime/workers", register("http://127.0.0.1:9")).await.error(403);
    assert!(message.contains("where it is called"), "{message}");
    own.world.get("/api/runtime/workers/w1").await.error(404);
    own.world.post("/api/runtime/workers", register("http://127.0.0.1:8001")).await.ok(201);
    own.post("/api/runtime/workers", register("http://127.0.0.1:9")).await.error(403);
    own.post("/api/runtime/workers", register("http://127.0.0.1:8001/")).await.ok(200);
    own.post("/api/runtime/workers", json!({ "name": "w1" })).await.ok(200);
    assert_eq!(own.world.get("/api/runtime/workers/w1").await.ok(200)["url"], "http://127.0.0.1:8001");
}

#[tokio::test]
async fn a_key_is_told_once_and_lets_nobody_in_when_it_is_revoked() {
    let own = Holding::of("w1").await;
    let listed = own.world.get("/api/v1/worker-keys").await.ok(200);
    assert_eq!((&listed["keys"][0]["id"], &listed["keys"][0]["revoked_at"]), (&json!(own.id), &Value::Null));
    assert!(!listed.to_string().contains(&own.secret), "{listed}");
    own.post("/api/runtime/leases", json!({ "worker_id": "w1" })).await.error(404);
    let path = format!("/api/v1/worker-keys/{}", own.id);
    let revoked = own.world.delete(&path).await.ok(200);
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    own.post("/api/runtime/leases", json!({ "worker_id": "w1" })).await.error(401);
    assert_eq!(own.world.delete(&path).await.status, 409);
    assert_eq!(own.world.delete("/api/v1/worker-keys/none").await.status, 404);
    for name in ["", "local:1", "a\nb", "a/b", ".."] {
        assert_eq!(own.world.post("/api/v1/worker-keys", json!({ "worker": name })).await.status, 400, "{name:?}");
    }
    let actions = own.world.actions().await;
    assert_eq!(actions[..2], ["worker_key_revoked", "worker_key_issued"]);
    let kept = own.world.store.setting("worker_keys").await.unwrap().unwrap();
    assert!(!kept.contains(&own.secret[4..]), "the secret itself is kept nowhere");
}

/// Asks with a key and another header until it is not listened to: what it was told before, and asks once more with the right key.
async fn guessed(header: (&str, &str)) -> (Vec<u16>, (u16, String)) {
    let Holding { world, secret, .. } = Holding::of("w1").await;
    let (url, serving) = world.serve(0).await;
    let client = bloom_worker::Trust::usual().client().build().unwrap();
    let asked = async |key: &str| {
        let asked = client.get(format!("{url}/api/runtime/stats")).header("x-runtime-api-key", key);
        let answered = asked.header(header.0, header.1).send().await.unwrap();
        (answered.status().as_u16(), answered.text().await.unwrap())
    };
    assert_eq!(asked(crate::world::KEY).await.0, 200);
    let mut told = Vec::new();
    while told.len() < 2000 && told.last() != Some(&429) {
        told.push(asked("guess").await.0);
    }
    let after = asked(crate::world::KEY).await;
    // A worker at the same address goes on, though it may not see that.
    assert_eq!(asked(&secret).await.0, 403);
    serving.abort();
    (told, after)
}

#[tokio::test]
async fn an_address_that_shows_many_wrong_keys_is_not_listened_to() {
    let (told, after) = guessed(("accept", "*/*")).await;
    assert!(told.len() > 10 && told[..told.len() - 1].iter().all(|status| *status == 401), "{told:?}");
    assert_eq!(after, (429, r#"{"error":"Too many requests, please try again later"}"#.to_owned()));
}

/// This machine's own addresses are those of a proxy that is believed, if what it says is an address.
#[tokio::test]
async fn a_forwarded_address_that_is_none_hides_nobody() {
    let (told, (status, _)) = guessed(("x-forwarded-for", "unknown")).await;
    assert_eq!((told.last(), status), (Some(&429), 429), "{}", told.len());
}
