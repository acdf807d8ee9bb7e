use std::time::Duration;

use bloom_ir::Digest;
use serde_json::{Value as Json, json};

use crate::world::{Answered, Setup, World, component};

const WASM: &[(&str, &str)] = &[("content-type", "application/wasm")];

async fn add(world: &World, component: &[u8]) -> Answered {
    world.send("POST", "/api/v1/tools", WASM, component).await
}

/// What has become of a component, once that is known.
async fn settled(world: &World, url: &str) -> Answered {
    for _ in 0..12_000 {
        let answered = world.get(url).await;
        if answered.status != 202 {
            return answered;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{url} is being compiled for ever");
}

#[tokio::test]
async fn a_component_is_taken_now_and_compiled_later() {
    let world = World::new();
    world.tools.may_compile.forget_permits(usize::MAX);
    let bytes = component("echo");
    let digest = Digest::of(&bytes);
    let taken = add(&world, &bytes).await.ok(202);
    let url = format!("/api/v1/tools/by-digest/{}", digest.hex());
    assert_eq!(taken, json!({ "digest": digest, "status": "compiling", "url": url }));
    assert_eq!(world.get(&url).await.ok(202), taken);
    assert_eq!(add(&world, &bytes).await.ok(202), taken, "sent again it is not compiled twice");
    world.get("/api/v1/tools/echo").await.refused(404, "NOT_FOUND");
    world.tools.may_compile.add_permits(1);
    let tool = settled(&world, &url).await.ok(200);
    assert_eq!((&tool["name"], &tool["digest"]), (&json!("echo"), &json!(digest)));
    assert_eq!(world.get("/api/v1/tools/echo").await.ok(200), tool);
    assert_eq!(add(&world, &bytes).await.ok(200), tool);
    let log = world.get("/api/v1/audit").await.ok(200);
    let added: Vec<&Json> =
        log["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == "tool_added").collect();
    assert_eq!(added.len(), 1, "{log}");
    assert_eq!((&added[0]["entity_id"], &added[0]["detail"]["digest"]), (&json!("echo@1.0.0"), &json!(digest)));
    assert_eq!(added[0]["actor"], "operator");
    world.end().await;
}

#[tokio::test]
async fn what_becomes_no_tool_says_why() {
    let world = World::new();
    let taken = add(&world, &component("bad")).await.ok(202);
    let url = taken["url"].as_str().unwrap();
    let refused = settled(&world, url).await.refused(422, "COMPILE_FAILED");
    assert!(refused["message"].as_str().unwrap().contains("it imports what no tool gets"), "{refused}");
    // It may be tried again.
    add(&world, &component("bad")).await.ok(202);
    settled(&world, url).await.refused(422, "COMPILE_FAILED");
    let log = world.get("/api/v1/audit").await.ok(200);
    assert!(!log.to_string().contains("tool_added"), "{log}");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_component_is_not_taken() {
    let world = World::new();
    add(&world, b"").await.refused(422, "COMPILE_FAILED");
    add(&world, b"#!/bin/sh").await.refused(422, "COMPILE_FAILED");
    let json = [("content-type", "application/json")];
    world.send("POST", "/api/v1/tools", &json, component("echo")).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let length = (64_u64 << 20) + 1;
    let declared = [("content-type", "application/wasm"), ("content-length", &length.to_string())];
    world.send("POST", "/api/v1/tools", &declared, "").await.refused(413, "PAYLOAD_TOO_LARGE");
    // Larger than other bodies may be, and than it may be itself.
    let larger = add(&world, &[component("a").as_slice(), &vec![b'a'; 9 << 20]].concat()).await;
    assert_eq!(larger.status, 202);
    add(&world, &vec![0; usize::try_from(length).unwrap()]).await.refused(413, "PAYLOAD_TOO_LARGE");
    world.end().await;
}

#[tokio::test]
async fn so_many_wait_to_be_compiled_and_no_more() {
    let world = World::new();
    world.tools.may_compile.forget_permits(usize::MAX);
    for n in 0..8 {
        add(&world, &component(&format!("tool-{n}"))).await.ok(202);
    }
    add(&world, &component("one-more")).await.refused(429, "RATE_LIMITED");
    world.tools.may_compile.add_permits(9);
    let url = |name: &str| format!("/api/v1/tools/by-digest/{}", Digest::of(&component(name)).hex());
    settled(&world, &url("tool-7")).await.ok(200);
    add(&world, &component("one-more")).await.ok(202);
    settled(&world, &url("one-more")).await.ok(200);
    world.end().await;
}

#[tokio::test]
async fn a_worker_adds_no_tools() {
    let world = World::with(Setup { key: Some("the key"), ..Setup::default() });
    let operator = [("x-runtime-api-key", "the key"), ("content-type", "application/json")];
    let body = json!({ "worker": "w1" }).to_string();
    let made = world.send("POST", "/api/v1/worker-keys", &operator, body).await;
    let key = made.ok(201)["secret"].as_str().unwrap().to_owned();
    let of_worker = [("x-runtime-api-key", key.as_str()), ("content-type", "application/wasm")];
    world.send("POST", "/api/v1/tools", &of_worker, component("echo")).await.refused(403, "FORBIDDEN");
    let nobody = world.send("POST", "/api/v1/tools", WASM, component("echo")).await;
    nobody.refused(401, "AUTH_REQUIRED");
    world.end().await;
}
