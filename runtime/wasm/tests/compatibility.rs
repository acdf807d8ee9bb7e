//! Components that were built against a published version of the contract load for ever, and do what they did.
//!
//! Those in `compatibility/VERSION/` were built against that version and are never built again: a change of the contract that
//! breaks one of them breaks tools that people have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use bloom_interpreter::effect::ToolRequest;
use bloom_ir::document::ToolEffect;
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::grant::{Setting, ToolGrants};
use bloom_wasm::{Config, WasmHost};
use serde_json::{Value, json};

fn kept(version: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compatibility").join(version);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn host(roots: &Path, files: &[PathBuf]) -> WasmHost {
    let roots = ["notes", "memory"].map(|root| (root.to_owned(), roots.join(root))).into();
    let config = [("key".to_owned(), Setting::Public("12".into()))].into();
    let grants = [("config".to_owned(), ToolGrants { config, ..ToolGrants::default() })].into();
    let config = Config { roots, grants, ..Config::default() };
    let host = WasmHost::new(config, files.iter().map(|file| fs::read(file).unwrap())).unwrap();
    assert!(host.rejected().is_empty(), "{:?}", host.rejected());
    host
}

async fn called(host: &WasmHost, tool: &str, args: Value) -> Value {
    let capabilities = host.describe(tool, None).unwrap().manifest.capabilities;
    let request = ToolRequest {
        tool: tool.into(),
        effect: ToolEffect::Read,
        digest: None,
        args: args.into(),
        timeout_seconds: None,
        retry: None,
        on_unknown: None,
    };
    let call = ToolCall {
        idempotency_key: "run/n1#1".into(),
        agent: "archivist".into(),
        request,
        capabilities,
        timeout_ms: 60_000,
        artifacts: None,
        folders: None,
    };
    host.call(call).await.unwrap_or_else(|error| panic!("{tool}: {error}")).to_json()
}

#[tokio::test]
async fn components_built_against_0_1_0_load_and_work() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("memory")).unwrap();
    fs::create_dir(folder.path().join("notes")).unwrap();
    fs::write(folder.path().join("notes/a.md"), "\"a note\"").unwrap();
    let files = kept("0.1.0");
    let host = host(folder.path(), &files);
    assert_eq!(host.installed().len(), files.len());
    for (tool, args, expected) in [
        ("echo", json!({ "a": 1 }), json!({ "a": 1 })),
        ("log", json!({ "a": 2 }), json!({ "a": 2 })),
        ("config", json!({}), json!(12)),
        ("files", json!({}), json!("a note")),
    ] {
        assert_eq!(called(&host, tool, args).await, expected, "{tool}");
    }
    // Made by a compiler, of a language that has a runtime of its own.
    let memory = called(&host, "read-memory", json!({})).await;
    assert_eq!(memory["notes"], json!([]), "{memory}");
}
