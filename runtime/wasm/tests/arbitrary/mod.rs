//! What is done with components, arguments and manifests from outside, and what must hold then, whatever they are.
#![allow(unreachable_pub, clippy::expect_used, reason = "the fuzz targets use this, too")]

use std::path::Path;
use std::sync::LazyLock;

use bloom_interpreter::effect::ToolRequest;
use bloom_ir::document::ToolEffect;
use bloom_ir::{Digest, Value};
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::{Config, Limits, WasmHost};
use tokio::runtime::Runtime;

/// What a call may end with that the host says itself; other codes are those of the tools, or of interfaces.
const CODES: [&str; 14] = [
    "invalid_input",
    "input_too_large",
    "invalid_output",
    "output_too_large",
    "log_too_large",
    "out_of_fuel",
    "timeout",
    "out_of_memory",
    "stack_overflow",
    "trap",
    "not_started",
    "not_granted",
    "not_found",
    "tool_failed",
];

struct Laboratory {
    runtime: Runtime,
    host: WasmHost,
}

static LABORATORY: LazyLock<Laboratory> = LazyLock::new(|| {
    let limits = Limits { fuel: 1_000_000, memory_bytes: 4 << 20, concurrent_calls: 2, ..Limits::default() };
    let roots = ["notes", "memory"].map(|root| (root.to_owned(), std::env::temp_dir().join("no-such-folder"))).into();
    let config = Config { limits, roots, ..Config::default() };
    let components = components().into_iter().map(|(_, bytes)| bytes);
    let runtime = Runtime::new().expect("threads can be had");
    Laboratory { runtime, host: WasmHost::new(config, components).expect("there is a host") }
});

/// Components that are good, with their names.
pub fn components() -> Vec<(String, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The fuzz targets are another package.
    let folder = if here.join("tests/compatibility").is_dir() { here.to_owned() } else { here.join("../runtime/wasm") };
    ["echo", "log", "config", "files"]
        .map(|name| {
            let file = folder.join(format!("tests/compatibility/0.1.0/{name}.wasm"));
            (name.to_owned(), std::fs::read(file).expect("it is kept"))
        })
        .into()
}

/// Looks at a component. Either something is wrong with it, or it can be installed, called and taken out again.
pub fn examines_or_explains(bytes: &[u8]) {
    let Laboratory { runtime, host } = &*LABORATORY;
    let seen = host.inspect(bytes);
    assert_eq!(seen.digest, Digest::of(bytes));
    assert!(seen.problems.iter().all(|problem| !problem.to_string().is_empty()));
    let known = host.installed().iter().any(|tool| tool.digest == seen.digest);
    let installed = runtime.block_on(host.install(bytes.to_vec()));
    assert_eq!(seen.is_tool(), installed.is_ok(), "{:?}", seen.problems);
    let Ok(installed) = installed else { return };
    assert_eq!(Some(&installed.manifest), seen.manifest.as_ref());
    let _ = call(&installed.manifest.name, Some(installed.digest), serde_json::json!({}).into());
    if !known {
        assert_eq!(host.remove(installed.digest), Some(installed));
    }
}

/// Calls each tool with JSON, if it is any.
pub fn calls_or_explains(json: &[u8]) {
    let Ok(args) = serde_json::from_slice::<Value>(json) else { return };
    for (tool, _) in components() {
        let result = call(&tool, None, args.clone());
        // It hands out what it was given.
        if let (Ok(result), "echo") = (result, tool.as_str()) {
            assert_eq!(result, args);
        }
    }
}

/// Looks at a component that says this of itself.
pub fn reads_manifest_or_explains(text: &str) {
    let escaped = text.bytes().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
    let pages = (text.len() >> 16) + 2;
    let size = text.len();
    let component = wat::parse_str(format!(
        r#"(component
          (import "bloom:tool/types@0.1.0" (instance $types
            (type $record (record (field "code" string) (field "message" string) (field "retryable" bool)))
            (export "failure" (type (eq $record)))))
          (alias export $types "failure" (type $failure))
          (core module $module
            (memory (export "memory") {pages})
            (data (i32.const 1024) "{escaped}")
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 512))
            (func (export "describe") (result i32)
              (i32.store (i32.const 16) (i32.const 1024))
              (i32.store (i32.const 20) (i32.const {size}))
              (i32.const 16))
            (func (export "invoke") (param i32 i32 i32 i32) (result i32) unreachable))
          (core instance $instance (instantiate $module))
          (alias core export $instance "memory" (core memory $memory))
          (alias core export $instance "realloc" (core func $realloc))
          (func (export "describe") (result string) (canon lift (core func $instance "describe") (memory $memory)))
          (func (export "invoke") (param "call-id" string) (param "input" string) (result (result string (error $failure)))
            (canon lift (core func $instance "invoke") (memory $memory) (realloc $realloc))))"#
    ));
    examines_or_explains(&component.expect("only the data differs"));
}

fn call(tool: &str, digest: Option<Digest>, args: Value) -> Result<Value, ()> {
    let Laboratory { runtime, host } = &*LABORATORY;
    let capabilities = host.describe(tool, digest).expect("it is installed").manifest.capabilities;
    let request = ToolRequest {
        tool: tool.into(),
        effect: ToolEffect::Read,
        digest,
        args,
        timeout_seconds: None,
        retry: None,
        on_unknown: None,
    };
    let call = ToolCall {
        idempotency_key: "run/n1#1".into(),
        agent: "archivist".into(),
        request,
        capabilities,
        timeout_ms: 10_000,
        artifacts: None,
        folders: None,
    };
    runtime.block_on(host.call(call)).map_err(|error| {
        // A mutated tool may choose codes of its own; it cannot make the host fail.
        assert_ne!(error.code, "host_failed", "{error}");
        assert!(digest.is_some() || CODES.contains(&error.code.as_str()) || error.code == "root_unreadable", "{error}");
    })
}
