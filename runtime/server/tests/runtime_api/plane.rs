//! The control plane: its settings, the proxy to it, and the workers that it knows.

use std::time::Duration;

use axum::http::Method;
use bloom_server::ServerConfig;
use serde_json::{Value, json};

use crate::stand_in::{NOWHERE, StandIn, plane};
use crate::world::{START, World};

const KEY: &str = "an-admin-key-of-the-plane";

/// A server that asks this control plane.
fn asking(url: &str) -> World {
    World::with(|config| point(config, url))
}

fn point(config: &mut ServerConfig, url: &str) {
    config.control_plane.url = Some(url.to_owned());
    config.control_plane.admin_key = Some(KEY.into());
}

#[tokio::test]
async fn settings_are_shown_without_the_key_and_kept() {
    let world = World::new();
    let none = json!({ "membridge_server_url": "", "admin_key_masked": "", "connected": false, "last_test": null });
    assert_eq!(world.get("/api/runtime/config").await.ok(200), none);
    assert_eq!(world.post("/api/runtime/config", json!({})).await.wrong(), ["admin_key", "membridge_server_url"]);
    for (url, key) in [("ftp://x", "k"), ("http://x", ""), ("http://x", "a b"), ("x", "ключ")] {
        let body = json!({ "membridge_server_url": url, "admin_key": key });
        world.post("/api/runtime/config", body).await.wrong();
    }
    assert_eq!(world.actions().await, Vec::<String>::new());
    let plane = plane().await;
    let body = json!({ "membridge_server_url": plane.url, "admin_key": KEY });
    let set = world.post("/api/runtime/config", body).await.ok(200);
    let expected = json!({
        "membridge_server_url": plane.url, "admin_key_masked": "an-a****lane", "connected": false, "last_test": null,
    });
    assert_eq!((&set, &world.get("/api/runtime/config").await.ok(200)), (&expected, &expected));
    // The key stands in no entry of the audit log.
    let log = world.get("/api/runtime/audit").await.ok(200);
    assert_eq!(
        (&log[0]["action"], &log[0]["detail"]),
        (&json!("config_updated"), &json!({ "membridge_server_url": plane.url }))
    );
    assert!(world.store.setting("membridge").await.unwrap().unwrap().contains(KEY), "it outlives the server");
    world.get("/api/membridge/health").await.ok(200);
    assert_eq!(plane.asked()[0].key.as_deref(), Some(KEY));
    assert_eq!(world.get("/api/runtime/config").await.ok(200)["connected"], true);
}

#[tokio::test]
async fn what_was_set_over_the_api_stands_over_what_was_configured() {
    let (configured, set) = (plane().await, plane().await);
    let world = asking(&configured.url);
    assert_eq!(world.get("/api/runtime/config").await.ok(200)["membridge_server_url"], configured.url.as_str());
    let body = json!({ "membridge_server_url": set.url, "admin_key": "another" });
    world.post("/api/runtime/config", body).await.ok(200);
    world.get("/api/membridge/projects").await.ok(200);
    assert_eq!((configured.asked().len(), set.asked().len()), (0, 1));
}

#[tokio::test]
async fn connection_is_tried_without_a_key_of_the_client() {
    let test = async |world: &World| world.send(Method::POST, "/api/runtime/test-connection", None, None).await;
    let world = World::new();
    assert_eq!(test(&world).await.ok(200), json!({ "connected": false, "error": "No control plane is configured" }));

    let there = plane().await;
    let world = asking(&there.url);
    world.pass(5);
    let tested = test(&world).await.ok(200);
    assert_eq!((&tested["connected"], &tested["health"]["service"]), (&json!(true), &json!("membridge-control-plane")));
    assert_eq!(tested.as_object().unwrap().len(), 2);
    let config = world.get("/api/runtime/config").await.ok(200);
    assert_eq!((&config["connected"], &config["last_test"]), (&json!(true), &json!(START + 5)));

    let world = asking(NOWHERE);
    let tested = test(&world).await.ok(200);
    assert_eq!(tested["connected"], false);
    assert!(!tested["error"].as_str().unwrap().is_empty() && tested.get("health").is_none(), "{tested}");
    assert_eq!(world.actions().await, ["connection_test"]);
    for _ in 1..20 {
        test(&world).await.ok(200);
    }
    assert_eq!(test(&world).await.error(429), "Too many requests, please try again later");
    world.pass(60_000);
    test(&world).await.ok(200);
}

#[tokio::test]
async fn health_tells_how_the_connection_is() {
    let plane = plane().await;
    let world = asking(&plane.url);
    let membridge =
        async || world.send(Method::GET, "/api/runtime/health", None, None).await.ok(200)["membridge"].clone();
    let unknown = json!({ "consecutiveFailures": 0, "lastSuccess": null, "lastError": null, "connected": false });
    assert_eq!(membridge().await, unknown);
    world.get("/api/membridge/health").await.ok(200);
    let well = json!({ "consecutiveFailures": 0, "lastSuccess": START, "lastError": null, "connected": true });
    assert_eq!(membridge().await, well);
    plane.answer("GET /health", 503, json!("down"));
    world.pass(9);
    world.get("/api/membridge/health").await.error(502);
    let lost = membridge().await;
    assert_eq!(
        (&lost["consecutiveFailures"], &lost["lastSuccess"], &lost["connected"]),
        (&json!(4), &json!(START), &json!(false)),
        "each try is counted"
    );
    assert!(lost["lastError"].as_str().unwrap().contains("503"), "{lost}");
}

#[tokio::test]
async fn requests_are_handed_on_with_the_admin_key() {
    let plane = plane().await;
    let world = asking(&plane.url);
    let at = |what: &str| format!("/api/membridge{what}");
    assert_eq!(world.get(&at("/projects")).await.ok(200)[0]["project_id"], "garden");
    assert_eq!(world.get(&at("/projects/abc123def456abcd/leadership")).await.ok(200)["epoch"], 3);
    assert_eq!(world.get(&at("/projects/abc123def456abcd/nodes")).await.ok(200)[0]["role"], "primary");
    let select = at("/projects/abc123def456abcd/leadership/select");
    assert_eq!(world.post(&select, json!({ "lease_seconds": 0 })).await.wrong(), ["lease_seconds", "primary_node_id"]);
    plane.asked();
    let body = json!({ "primary_node_id": "rpi5", "lease_seconds": 7200 });
    assert_eq!(world.post(&select, body.clone()).await.ok(200)["epoch"], 4);
    let [asked] = <[_; 1]>::try_from(plane.asked()).unwrap();
    assert_eq!((asked.body, asked.key.as_deref()), (body, Some(KEY)));
    assert_eq!(world.actions().await, ["leadership_promote"]);
    for method in [Method::GET, Method::POST] {
        let refused = world.send(method, &at("/projects"), None, None).await;
        assert!(matches!(refused.status, 401 | 405), "{refused:?}");
    }
}

#[tokio::test]
async fn refusals_of_the_control_plane_are_told_and_its_failures_are_bad_gateway() {
    let plane = plane().await;
    let world = asking(&plane.url);
    let leadership = "/api/membridge/projects/other/leadership";
    assert_eq!(world.get(leadership).await.error(404), "Not Found");
    assert_eq!(plane.asked().len(), 1, "what is refused is not asked again");
    for status in [400, 409, 422] {
        plane.answer("GET /projects/other/leadership", status, json!({ "detail": [{ "msg": "no" }] }));
        assert_eq!(world.get(leadership).await.error(status), "[{\"msg\":\"no\"}]");
    }
    for status in [401, 403] {
        plane.answer("GET /projects/other/leadership", status, json!({ "detail": "Invalid key" }));
        assert!(world.get(leadership).await.error(502).contains("does not accept the admin key"));
    }
    plane.asked();
    plane.answer("GET /projects", 500, json!("trace of a stack"));
    assert!(world.get("/api/membridge/projects").await.error(502).starts_with("Membridge is unavailable"));
    assert_eq!(plane.asked().len(), 4, "three times more");
    plane.answer("POST /projects/x/leadership/select", 500, json!("half done"));
    let body = json!({ "primary_node_id": "rpi5" });
    world.post("/api/membridge/projects/x/leadership/select", body.clone()).await.error(502);
    assert_eq!(plane.asked().len(), 1, "what may have been done is not asked again");
    for id in ["%2e%2e", "a%2Fb", "a%20b"] {
        let path = format!("/api/membridge/projects/{id}/nodes");
        assert_eq!(world.get(&path).await.error(404), "Project not found");
    }
    assert_eq!(plane.asked(), []);

    for world in [World::new(), asking(NOWHERE)] {
        for path in ["/health", "/projects", "/projects/x/leadership", "/projects/x/nodes"] {
            world.get(&format!("/api/membridge{path}")).await.error(502);
        }
        world.post("/api/membridge/projects/x/leadership/select", body.clone()).await.error(502);
        assert_eq!(world.actions().await, Vec::<String>::new());
    }
}

/// The worker, once it is so.
async fn once(world: &World, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let seat = world.get(&format!("/api/runtime/workers/{name}")).await;
            if seat.status == 200 && is_so(&seat.body) {
                return seat.body;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it never is so")
}

/// What it answers now was taken up once at least.
async fn asked_twice(plane: &StandIn) {
    plane.asked();
    let mut times = 0;
    let waiting = async {
        while times < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            times += plane.asked().len();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it is not asked");
}

/// A server that asks this control plane every few milliseconds.
async fn merging(plane: &StandIn) -> World {
    let world = World::with(|config| {
        point(config, &plane.url);
        config.control_plane.sync_every = Duration::from_millis(5);
    });
    // It ends with the test's runtime.
    world.serve(0).await;
    world
}

#[tokio::test]
async fn workers_of_the_control_plane_are_workers_here() {
    let plane = plane().await;
    let agent = json!({
        "name": "rpi4b", "url": "http://127.0.0.1:8001", "status": "online", "obs_count": 5, "ip_addrs": ["10.0.0.2"],
        "capabilities": { "claude_cli": true, "max_concurrency": 2, "labels": ["arm64"] },
    });
    plane.answer("GET /agents", 200, json!({ "agents": [agent, { "name": "../x" }, 5] }));
    let world = merging(&plane).await;
    let seat = once(&world, "rpi4b", |seat| seat["status"] == "online").await;
    assert_eq!((&seat["url"], &seat["obs_count"]), (&json!("http://127.0.0.1:8001"), &json!(5)));
    assert_eq!(
        seat["capabilities"],
        json!({ "claude_cli": true, "max_concurrency": 2, "labels": ["arm64"], "provides": [] })
    );
    let task = world.task(json!({})).await;
    world.post(&format!("{task}/lease"), json!({})).await.ok(201);

    // What changes there changes here; what it does not list any more goes offline.
    let moved = json!({ "name": "rpi4b", "url": "http://127.0.0.1:8002", "obs_count": 6 });
    plane.answer("GET /agents", 200, json!([moved]));
    let seat = once(&world, "rpi4b", |seat| seat["obs_count"] == 6).await;
    assert_eq!(seat["url"], "http://127.0.0.1:8002");
    plane.answer("GET /agents", 200, json!([]));
    asked_twice(&plane).await;
    world.pass(60_000);
    assert_eq!(world.get("/api/runtime/workers/rpi4b").await.ok(200)["status"], "offline");
    let actions = world.actions().await;
    let of_workers: Vec<_> = actions.iter().filter(|action| action.starts_with("worker_")).collect();
    assert_eq!(of_workers, ["worker_updated", "worker_registered"], "nothing is written where nothing has changed");
}

#[tokio::test]
async fn worker_that_registered_itself_is_taken_at_its_word() {
    let plane = plane().await;
    let agent = json!({ "name": "w1", "url": "http://127.0.0.1:9", "obs_count": 7, "status": "offline" });
    plane.answer("GET /agents", 200, json!([agent]));
    let world = merging(&plane).await;
    once(&world, "w1", |seat| seat["obs_count"] == 7).await;
    let own = world.post("/api/runtime/workers", json!({ "name": "w1", "url": "http://127.0.0.1:8001" })).await.ok(200);
    assert_eq!(own["url"], "http://127.0.0.1:8001");
    let agent = json!({ "name": "w1", "url": "http://127.0.0.1:9", "obs_count": 8, "status": "offline" });
    plane.answer("GET /agents", 200, json!([agent]));
    let seat = once(&world, "w1", |seat| seat["obs_count"] == 8).await;
    assert_eq!((&seat["url"], &seat["status"]), (&json!("http://127.0.0.1:8001"), &json!("online")));
}
