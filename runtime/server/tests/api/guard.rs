use bloom_server::ServerConfig;
use serde_json::json;

use crate::world::{Setup, World, plain, signed};

const KEY: &str = "a key that is long enough";

#[tokio::test]
async fn with_a_key_only_who_shows_it_comes_in() {
    let world = World::with(Setup { key: Some(KEY), ..Setup::default() });
    let get = async |headers: &[(&str, &str)]| world.send("GET", "/api/v1/flows", headers, "").await;
    let refused = get(&[]).await;
    refused.refused(401, "AUTH_REQUIRED");
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    for wrong in ["", "a", "a key that is long enougH", "a key that is long enough "] {
        get(&[("x-runtime-api-key", wrong)]).await.refused(401, "AUTH_REQUIRED");
        get(&[("authorization", &format!("Basic {wrong}"))]).await.refused(401, "AUTH_REQUIRED");
    }
    get(&[("x-runtime-api-key", KEY)]).await.ok(200);
    get(&[("authorization", &format!("Bearer {KEY}"))]).await.ok(200);
    // A key is enough, also by a name and through a proxy.
    get(&[("x-runtime-api-key", KEY), ("host", "bloom.example.org"), ("x-forwarded-for", "10.0.0.1")]).await.ok(200);
    for path in ["/healthz", "/readyz", "/docs", "/openapi.json"] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    world.end().await;
}

#[tokio::test]
async fn without_a_key_nobody_from_elsewhere_comes_in() {
    let world = World::new();
    let get = async |headers: &[(&str, &str)]| world.send("GET", "/api/v1/flows", headers, "").await;
    for host in ["localhost:5000", "127.0.0.1", "[::1]:5000"] {
        get(&[("host", host)]).await.ok(200);
    }
    // A page may have its own name lead to this machine.
    for host in ["evil.example.org:5000", "127.0.0.1.evil.example.org", "10.0.0.1:5000"] {
        get(&[("host", host)]).await.refused(403, "FORBIDDEN");
    }
    get(&[("x-forwarded-for", "10.0.0.1")]).await.refused(403, "FORBIDDEN");
    world.end().await;
}

#[tokio::test]
async fn without_a_key_a_page_from_elsewhere_changes_nothing() {
    let world = World::new();
    let bytes = signed(&plain("greet", "1.0.0"));
    let post = async |headers: &[(&str, &str)]| world.send("POST", "/api/v1/flows", headers, &bytes).await;
    post(&[("origin", "https://evil.example.org")]).await.refused(403, "FORBIDDEN");
    post(&[("sec-fetch-site", "cross-site")]).await.refused(403, "FORBIDDEN");
    post(&[("origin", "null")]).await.refused(403, "FORBIDDEN");
    post(&[("origin", "http://127.0.0.1:5000"), ("sec-fetch-site", "same-origin")]).await.ok(201);
    world.end().await;
}

#[tokio::test]
async fn without_a_key_nobody_from_elsewhere_tries_the_connection() {
    let world = World::new();
    let tried =
        async |headers: &[(&str, &str)]| world.send("POST", "/api/runtime/test-connection", headers, "").await.status;
    for odd in [("host", "evil.example.org"), ("x-forwarded-for", "10.0.0.1"), ("origin", "https://evil.example.org")] {
        assert_eq!(tried(&[odd]).await, 403, "{odd:?}");
    }
    assert_eq!(tried(&[]).await, 200);
    world.end().await;
}

#[tokio::test]
async fn a_public_name_is_one_that_is_known() {
    let config = ServerConfig { public_url: Some("https://bloom.example.org".to_owned()), ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    world.send("GET", "/api/v1/flows", &[("host", "bloom.example.org")], "").await.ok(200);
    world.end().await;
}

#[tokio::test]
async fn every_answer_bears_ids_and_protects_itself() {
    let world = World::new();
    let given = [("x-request-id", "r-1"), ("x-correlation-id", "corr_abc123")];
    let refused = world.send("GET", "/api/v1/runs/none", &given, "").await;
    assert_eq!(refused.json()["correlationId"], "corr_abc123");
    assert_eq!(
        (&refused.headers["x-request-id"], &refused.headers["x-correlation-id"]),
        (&"r-1".parse().unwrap(), &"corr_abc123".parse().unwrap())
    );
    for name in
        ["x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy", "cache-control"]
    {
        assert!(refused.headers.contains_key(name), "{name}");
    }
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
    // What cannot be an id is none.
    let odd = world.send("GET", "/healthz", &[("x-request-id", "a b")], "").await;
    assert!(odd.headers["x-request-id"].to_str().unwrap().starts_with("id-"), "{odd:?}");
    world.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_in_one_way() {
    let world = World::new();
    world.get("/api/v1/nothing").await.refused(404, "NOT_FOUND");
    world.get("/nothing").await.refused(404, "NOT_FOUND");
    let refused = world.send("DELETE", "/api/v1/flows", &[], "").await;
    refused.refused(405, "METHOD_NOT_ALLOWED");
    assert!(refused.headers["allow"].to_str().unwrap().contains("GET"), "{refused:?}");
    world.end().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let config = ServerConfig { max_body: 1000, ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    let large = "x".repeat(1001);
    world.send("POST", "/api/v1/flows", &[], &large).await.refused(413, "PAYLOAD_TOO_LARGE");
    world.post("/api/v1/runs/none/cancel", &json!({ "reason": large })).await.refused(413, "PAYLOAD_TOO_LARGE");
    world.end().await;
}

#[tokio::test]
async fn tools_and_the_audit_log_are_read() {
    let world = World::new();
    let tools = world.get("/api/v1/tools").await.ok(200);
    let tool = &tools["tools"][0];
    assert_eq!(tool["name"], "read-notes");
    assert_eq!(world.get("/api/v1/tools/read-notes").await.ok(200), *tool);
    let digest = tool["digest"].as_str().unwrap();
    for written in [digest, digest.strip_prefix("sha256:").unwrap()] {
        assert_eq!(world.get(&format!("/api/v1/tools/by-digest/{written}")).await.ok(200), *tool);
    }
    world.get("/api/v1/tools/none").await.refused(404, "NOT_FOUND");
    world.get(&format!("/api/v1/tools/by-digest/{}", "0".repeat(64))).await.refused(404, "NOT_FOUND");
    world.get("/api/v1/tools/by-digest/x").await.refused(400, "VALIDATION_FAILED");
    world.run(&plain("greet", "1.0.0")).await;
    let log = world.get("/api/v1/audit?from=1&limit=2").await.ok(200);
    assert_eq!(
        (log["entries"].as_array().unwrap().len(), &log["entries"][0]["seq"], &log["next"]),
        (2, &json!(1), &json!(3))
    );
    let lines = world.send("GET", "/api/v1/audit", &[("accept", "application/jsonl")], "").await;
    let mut chain = bloom_runtime::record::AuditChain::default();
    for line in lines.text().lines() {
        chain.accept(&serde_json::from_str(line).unwrap()).unwrap();
    }
    assert!(chain.seq() >= 3);
    for query in ["from=0", "limit=0", "limit=1001", "x=1"] {
        world.get(&format!("/api/v1/audit?{query}")).await.refused(400, "VALIDATION_FAILED");
    }
    world.end().await;
}
