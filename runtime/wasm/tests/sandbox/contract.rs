//! Names, digests, schemas, failures.

use bloom_runtime::tool::ToolHost;
use serde_json::json;

use crate::support::{Tool, call, code, config, digest, host, run};

#[tokio::test]
async fn arguments_that_break_the_input_schema_never_reach_the_tool() {
    let schema = json!({ "type": "object", "required": ["slug"], "properties": { "slug": { "type": "string" } } });
    let host = host(config(), &[&Tool::new("unreachable").with("input", schema)]);
    let error = host.call(call(&host, "tool", json!({ "slug": 7 }))).await.unwrap_err();
    assert_eq!(error.code, "invalid_input");
    assert!(error.message.contains("/slug"), "{error}");
}

#[tokio::test]
async fn results_that_break_the_output_schema_are_refused() {
    let tool =
        Tool::returning("{\"slug\":7}").with("output", json!({ "properties": { "slug": { "type": "string" } } }));
    let error = run(config(), &tool).await.unwrap_err();
    assert_eq!(error.code, "invalid_output");
    assert!(error.message.contains("/slug"), "{error}");
}

#[tokio::test]
async fn results_that_are_not_json_are_refused() {
    for text in ["", "nonsense", "{} {}", "1e999", &"[".repeat(10_000)] {
        assert_eq!(code(config(), &Tool::returning(text)).await, "invalid_output", "{text:.20}");
    }
}

#[tokio::test]
async fn a_trap_is_an_error_of_its_own() {
    let error = run(config(), &Tool::new("unreachable")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("trap", false));
    assert!(error.message.starts_with("tool: ") && error.message.contains("unreachable"), "{error}");
}

#[tokio::test]
async fn the_call_id_is_the_idempotency_key() {
    let quoted = "
        (i32.store8 (i32.const 512) (i32.const 34))
        (memory.copy (i32.const 513) (local.get $id) (local.get $id-size))
        (i32.store8 (i32.add (i32.const 513) (local.get $id-size)) (i32.const 34))
        (call $ok (i32.const 512) (i32.add (local.get $id-size) (i32.const 2)))";
    assert_eq!(run(config(), &Tool::new(quoted)).await.unwrap().to_json(), json!("run/n1#1"));
}

#[tokio::test]
async fn an_unknown_tool_is_named() {
    let host = host(config(), &[]);
    let error = host.call(call(&host, "no-such-tool", json!({}))).await.unwrap_err();
    assert_eq!(error.code, "unknown_tool");
    assert!(error.message.contains("no-such-tool"), "{error}");
}

#[tokio::test]
async fn another_component_than_the_pinned_one_is_refused() {
    let (old, new) = (Tool::echo(), Tool::echo().with("version", "2.0.0"));
    let host = host(config(), &[&new]);
    let mut call = call(&host, "tool", json!({}));
    call.request.digest = Some(digest(&old));
    let error = host.call(call).await.unwrap_err();
    assert_eq!(error.code, "digest_mismatch");
    let (pinned, there) = (digest(&old).to_string(), digest(&new).to_string());
    assert!(error.message.contains(&pinned) && error.message.contains(&there), "{error}");
    assert_eq!(error.details.unwrap().to_json(), json!({ "expected": pinned, "installed": there }));
}

#[tokio::test]
async fn the_newest_version_is_used_and_older_ones_stay_callable_by_digest() {
    let version = |version: &str| Tool::returning(&format!("\"{version}\"")).with("version", version);
    let (ninth, tenth, coming) = (version("1.9.0"), version("1.10.0"), version("1.10.0-rc.1"));
    let host = host(config(), &[&tenth, &ninth, &coming]);
    let newest = call(&host, "tool", json!({}));
    assert_eq!(host.call(newest.clone()).await.unwrap().to_json(), json!("1.10.0"));
    let mut pinned = newest;
    pinned.request.digest = Some(digest(&ninth));
    assert_eq!(host.call(pinned).await.unwrap().to_json(), json!("1.9.0"));
    assert_eq!(host.installed().len(), 3);
}

#[tokio::test]
async fn the_fixture_written_by_hand_works() {
    let text = include_str!("../../../../fixtures/tools/echo.wat");
    let host = bloom_wasm::WasmHost::new(config(), [wat::parse_str(text).unwrap()]).unwrap();
    assert!(host.rejected().is_empty(), "{:?}", host.rejected());
    assert_eq!(host.describe("echo", None).unwrap().manifest.aliases["текст"], "text");
    let args = json!({ "text": "Привіт ".repeat(10_000) });
    assert_eq!(host.call(call(&host, "echo", args.clone())).await.unwrap().to_json(), args);
}
