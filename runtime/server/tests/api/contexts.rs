//! Execution contexts: who changes them, and what they refuse.

use serde_json::{Value as Json, json};

use crate::world::{Answered, Setup, World, plain, signed};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn put(world: &World, path: &str, body: &Json) -> Answered {
    world.send("PUT", path, &[JSON], body.to_string()).await
}

#[tokio::test]
async fn a_context_is_empty_until_it_is_changed_and_each_change_is_written_down() {
    let world = World::new();
    assert_eq!(world.get("/api/v1/contexts").await.ok(200), json!({ "contexts": [] }));
    let empty = json!({ "id": "a", "agents": [], "memory_bindings": [], "delegations": [] });
    assert_eq!(world.get("/api/v1/contexts/a").await.ok(200), empty);

    let wanted =
        json!({ "agents": ["poet", "archivist", "poet"], "memory_bindings": ["poet"], "delegations": ["a", "c"] });
    let set = put(&world, "/api/v1/contexts/a", &wanted).await.ok(200);
    let tidy = json!({ "id": "a", "agents": ["archivist", "poet"], "memory_bindings": ["poet"], "delegations": ["c"] });
    assert_eq!(set, tidy, "each once, and no leave for itself");
    for _ in 0..2 {
        let open = put(&world, "/api/v1/contexts/a/delegations/b", &json!({})).await.ok(200);
        assert_eq!(open["delegations"], json!(["b", "c"]));
    }
    let kept = put(&world, "/api/v1/contexts/a", &json!({ "agents": ["poet"] })).await.ok(200);
    assert_eq!((&kept["delegations"], &kept["memory_bindings"]), (&json!(["b", "c"]), &json!([])));
    let closed = world.send("DELETE", "/api/v1/contexts/a/delegations/c", &[], "").await.ok(200);
    assert_eq!(closed["delegations"], json!(["b"]));
    assert_eq!(world.get("/api/v1/contexts").await.ok(200), json!({ "contexts": [closed] }));

    let log = world.get("/api/v1/audit?limit=1000").await.ok(200);
    let actions = log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap());
    let changes: Vec<_> = actions.filter(|action| action.starts_with("context_")).collect();
    let expected = ["context_set", "context_delegated", "context_delegated", "context_set", "context_revoked"];
    assert_eq!(changes, expected);
    for (path, body) in [
        ("/api/v1/contexts/a", json!({ "zones": [] })),
        ("/api/v1/contexts/a", json!({ "agents": [""] })),
        ("/api/v1/contexts/a", json!({ "delegations": vec!["x"; 257] })),
        ("/api/v1/contexts/a/delegations/%00", json!({})),
    ] {
        put(&world, path, &body).await.refused(400, "VALIDATION_FAILED");
    }
    let many: Vec<String> = (0..256).map(|n| format!("r{n}")).collect();
    put(&world, "/api/v1/contexts/full", &json!({ "delegations": many })).await.ok(200);
    put(&world, "/api/v1/contexts/full/delegations/r7", &json!({})).await.ok(200);
    put(&world, "/api/v1/contexts/full/delegations/x", &json!({})).await.refused(400, "VALIDATION_FAILED");
    world.end().await;
}

#[tokio::test]
async fn a_context_without_a_name_is_no_path() {
    let world = World::new();
    assert_eq!(put(&world, "/api/v1/contexts/", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_flow_runs_only_where_its_agent_works() {
    let world = World::new();
    world.send("POST", "/api/v1/flows", &[JSON], signed(&plain("plain", "1.0.0"))).await.ok(201);
    put(&world, "/api/v1/contexts/closed", &json!({ "agents": ["another"] })).await.ok(200);
    let submit =
        async |context: &str| world.post("/api/v1/flows/plain/runs?wait=30", &json!({ "context_id": context })).await;
    let denied = submit("closed").await.refused(403, "CONTEXT_DENIED");
    assert_eq!(denied["details"], json!({ "context": "closed", "agent": "plain", "asked_for": "work" }), "{denied}");
    submit("open").await.ok(200);
    put(&world, "/api/v1/contexts/closed", &json!({ "agents": ["another", "plain"] })).await.ok(200);
    let run = submit("closed").await.ok(200);
    put(&world, "/api/v1/contexts/closed", &json!({ "agents": ["another"] })).await.ok(200);
    let rerun = format!("/api/v1/runs/{}/rerun", run["run_id"].as_str().unwrap());
    world.post(&rerun, &json!({})).await.refused(403, "CONTEXT_DENIED");
    world.end().await;
}

#[tokio::test]
async fn contexts_are_the_operators_and_the_owners_to_change() {
    let world = World::with(Setup { key: Some("a key that is long enough"), ..Setup::default() });
    let key = [JSON, ("x-runtime-api-key", "a key that is long enough")];
    let body = r#"{"worker": "w1"}"#;
    let issued = world.send("POST", "/api/v1/worker-keys", &key, body).await.ok(201);
    let worker = [JSON, ("x-runtime-api-key", issued["secret"].as_str().unwrap())];
    for (method, path) in [
        ("GET", "/api/v1/contexts"),
        ("GET", "/api/v1/contexts/a"),
        ("PUT", "/api/v1/contexts/a"),
        ("PUT", "/api/v1/contexts/a/delegations/b"),
        ("DELETE", "/api/v1/contexts/a/delegations/b"),
    ] {
        world.send(method, path, &worker, "{}").await.refused(403, "FORBIDDEN");
        world.send(method, path, &[JSON], "{}").await.refused(401, "AUTH_REQUIRED");
        world.send(method, path, &key, "{}").await.ok(200);
    }
    world.end().await;
}
