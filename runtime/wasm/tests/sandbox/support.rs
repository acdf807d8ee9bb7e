//! Tools by hand: components whose `invoke` a test writes as WebAssembly text.

use std::collections::BTreeMap;
use std::path::Path;

use bloom_interpreter::effect::{EffectError, ToolRequest};
use bloom_ir::document::ToolEffect;
use bloom_ir::{Digest, Value};
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::{Config, Limits, WasmHost};
use serde_json::json;

/// A tool under construction.
pub(crate) struct Tool {
    pub(crate) manifest: serde_json::Value,
    /// Imports of the component, with the core functions lowered from them.
    imports: String,
    /// What the core module imports, and what it is given.
    core_imports: String,
    core_arguments: String,
    /// What else the core module has, as a table.
    definitions: String,
    describe: String,
    invoke: String,
}

impl Tool {
    /// A tool whose `invoke` has this body. It finds its arguments in `$id`, `$id-size`, `$input` and `$size`, may call
    /// `$ok` with a string, and leaves the address of its result.
    pub(crate) fn new(invoke: &str) -> Self {
        Self {
            manifest: json!({
                "name": "tool", "version": "1.0.0", "description": "A tool.", "effect": "read",
                "input": { "type": "object" }, "output": {},
            }),
            imports: String::new(),
            core_imports: String::new(),
            core_arguments: String::new(),
            definitions: String::new(),
            describe: "(i32.const 16)".into(),
            invoke: invoke.into(),
        }
    }

    pub(crate) fn echo() -> Self {
        Self::new("(call $ok (local.get $input) (local.get $size))")
    }

    /// Returns the text of a constant.
    pub(crate) fn returning(text: &str) -> Self {
        Self::new(&format!("{} (call $ok (i32.const 512) (i32.const {}))", stores(512, text), text.len()))
    }

    /// Returns a file's bytes, or the failure to read it.
    pub(crate) fn reading(root: &str, path: &str) -> Self {
        let mut tool = Self::new("");
        tool.invoke = format!(
            "{} {} (call $read (i32.const 256) (i32.const {}) (i32.const 512) (i32.const {}) (i32.const 32)) (i32.const 32)",
            stores(256, root),
            stores(512, path),
            root.len(),
            path.len()
        );
        tool.imports = r#"
            (import "bloom:tool/files@0.1.0" (instance $files
              (alias outer 1 $failure (type $outer))
              (export "failure" (type $failure (eq $outer)))
              (export "read" (func (param "root" string) (param "path" string) (result (result (list u8) (error $failure)))))))
            (core func $read (canon lower (func $files "read") (memory $memory) (realloc $realloc)))"#
            .into();
        tool.core_imports = r#"(import "host" "read" (func $read (param i32 i32 i32 i32 i32)))"#.into();
        tool.core_arguments = r#"(export "read" (func $read))"#.into();
        tool.asking(&[&format!("files:{root}")])
    }

    /// Returns the value of a setting, or fails with it as the message.
    pub(crate) fn telling(key: &str, as_failure: bool) -> Self {
        let mut tool = Self::new("");
        let read = format!("{} (call $get (i32.const 256) (i32.const {}) (i32.const 32))", stores(256, key), key.len());
        let fail = "
            (i32.store8 (i32.const 64) (i32.const 1))
            (i32.store (i32.const 68) (i32.const 256)) (i32.store (i32.const 72) (i32.const 3))
            (i32.store (i32.const 76) (i32.load (i32.const 36))) (i32.store (i32.const 80) (i32.load (i32.const 40)))
            (i32.store8 (i32.const 84) (i32.const 0))
            (i32.const 64)";
        tool.invoke = if as_failure { format!("{read} {fail}") } else { format!("{read} (i32.const 32)") };
        tool.imports = r#"
            (import "bloom:tool/config@0.1.0" (instance $config
              (alias outer 1 $failure (type $outer))
              (export "failure" (type $failure (eq $outer)))
              (export "get" (func (param "key" string) (result (result string (error $failure)))))))
            (core func $get (canon lower (func $config "get") (memory $memory) (realloc $realloc)))"#
            .into();
        tool.core_imports = r#"(import "host" "get" (func $get (param i32 i32 i32)))"#.into();
        tool.core_arguments = r#"(export "get" (func $get))"#.into();
        tool.asking(&[&format!("config:{key}")])
    }

    /// Sends a request, so many times, and returns the body of the last response, or the failure.
    pub(crate) fn fetching(method: &str, url: &str, times: usize) -> Self {
        let mut tool = Self::new("");
        tool.invoke = format!(
            "(local $n i32)
             {} {}
             (loop $again
               (call $fetch
                 (i32.const 256) (i32.const {}) (i32.const 512) (i32.const {}) (i32.const 0) (i32.const 0)
                 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5)
                 (i32.const 64))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $n) (i32.const {times}))))
             (if (i32.eqz (i32.load8_u (i32.const 64)))
               (then
                 (i32.store (i32.const 68) (i32.load (i32.const 88)))
                 (i32.store (i32.const 72) (i32.load (i32.const 92)))))
             (i32.const 64)",
            stores(256, method),
            stores(512, url),
            method.len(),
            url.len()
        );
        tool.imports = r#"
            (import "bloom:tool/http@0.1.0" (instance $http
              (alias outer 1 $failure (type $outer))
              (export "failure" (type $failure (eq $outer)))
              (type $pair (record (field "name" string) (field "value" string)))
              (export "header" (type $header (eq $pair)))
              (type $asked (record (field "method" string) (field "url" string) (field "headers" (list $header))
                (field "body" (option (list u8))) (field "timeout-ms" (option u32)) (field "redirects" u8)))
              (export "request" (type $request (eq $asked)))
              (type $answered (record (field "status" u16) (field "url" string) (field "headers" (list $header))
                (field "body" (list u8))))
              (export "response" (type $response (eq $answered)))
              (export "fetch" (func (param "request" $request) (result (result $response (error $failure)))))))
            (core func $fetch (canon lower (func $http "fetch") (memory $memory) (realloc $realloc)))"#
            .into();
        let parameters = "i32 ".repeat(13);
        tool.core_imports = format!(r#"(import "host" "fetch" (func $fetch (param {parameters})))"#);
        tool.core_arguments = r#"(export "fetch" (func $fetch))"#.into();
        tool.asking(&["http:*"])
    }

    /// Returns an artifact's bytes, or the failure to read it.
    pub(crate) fn reading_artifact(digest: &str) -> Self {
        let mut tool = Self::new("");
        tool.invoke = format!(
            "{} (call $read (i32.const 512) (i32.const {}) (i32.const 32)) (i32.const 32)",
            stores(512, digest),
            digest.len()
        );
        tool.imports = r#"
            (import "bloom:tool/artifacts@0.1.0" (instance $artifacts
              (alias outer 1 $failure (type $outer))
              (export "failure" (type $failure (eq $outer)))
              (export "read" (func (param "digest" string) (result (result (list u8) (error $failure)))))))
            (core func $read (canon lower (func $artifacts "read") (memory $memory) (realloc $realloc)))"#
            .into();
        tool.core_imports = r#"(import "host" "read" (func $read (param i32 i32 i32)))"#.into();
        tool.core_arguments = r#"(export "read" (func $read))"#.into();
        tool.asking(&["artifacts:own"])
    }

    /// Logs a line of so many bytes, again and again.
    pub(crate) fn logging(line: usize, times: usize) -> Self {
        let mut tool = Self::new(&format!(
            "(local $n i32)
             (loop $again
               (call $write (i32.const 1) (i32.const 8192) (i32.const {line}))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $n) (i32.const {times}))))
             (call $ok (local.get $input) (local.get $size))"
        ));
        tool.imports = r#"
            (import "bloom:tool/log@0.1.0" (instance $log
              (type $enum (enum "debug" "info" "warn" "error"))
              (export "level" (type $level (eq $enum)))
              (export "write" (func (param "level" $level) (param "message" string)))))
            (core func $write (canon lower (func $log "write") (memory $memory) (realloc $realloc)))"#
            .into();
        tool.core_imports = r#"(import "host" "write" (func $write (param i32 i32 i32)))"#.into();
        tool.core_arguments = r#"(export "write" (func $write))"#.into();
        tool
    }

    /// Imports a function that no tool gets.
    pub(crate) fn importing(interface: &str) -> Self {
        let mut tool = Self::echo();
        tool.imports = format!(
            r#"(import "{interface}" (instance $other (export "get" (func (result u32)))))
               (core func $get (canon lower (func $other "get")))"#
        );
        tool.core_imports = r#"(import "host" "get" (func $get (result i32)))"#.into();
        tool.core_arguments = r#"(export "get" (func $get))"#.into();
        tool
    }

    pub(crate) fn describing(mut self, body: &str) -> Self {
        self.describe = body.into();
        self
    }

    pub(crate) fn defining(mut self, definitions: &str) -> Self {
        self.definitions = definitions.into();
        self
    }

    pub(crate) fn asking(mut self, capabilities: &[&str]) -> Self {
        self.manifest["capabilities"] = json!(capabilities);
        self
    }

    pub(crate) fn with(mut self, field: &str, value: impl Into<serde_json::Value>) -> Self {
        self.manifest[field] = value.into();
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let manifest = self.manifest.to_string();
        let data = manifest.bytes().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
        let length: String =
            u32::try_from(manifest.len()).unwrap().to_le_bytes().map(|byte| format!("\\{byte:02x}")).concat();
        let Self { imports, core_imports, core_arguments, definitions, describe, invoke, .. } = self;
        let text = format!(
            r#"(component
  (import "bloom:tool/types@0.1.0" (instance $types
    (type $record (record (field "code" string) (field "message" string) (field "retryable" bool)))
    (export "failure" (type (eq $record)))))
  (alias export $types "failure" (type $failure))
  (core module $allocator
    (memory (export "memory") 32)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.get $free)
      (global.set $free (i32.add (global.get $free) (local.get 3)))))
  (core instance $allocator (instantiate $allocator))
  (alias core export $allocator "memory" (core memory $memory))
  (alias core export $allocator "realloc" (core func $realloc))
  {imports}
  (core module $module
    (import "allocator" "memory" (memory 32))
    {core_imports}
    {definitions}
    (data (i32.const 1024) "{data}")
    (data (i32.const 16) "\00\04\00\00{length}")
    (func $ok (param $at i32) (param $size i32) (result i32)
      (i32.store8 (i32.const 32) (i32.const 0))
      (i32.store (i32.const 36) (local.get $at))
      (i32.store (i32.const 40) (local.get $size))
      (i32.const 32))
    (func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (i32.add (local.get 0) (i32.const 1)))))
    (func (export "describe") (result i32) {describe})
    (func (export "invoke") (param $id i32) (param $id-size i32) (param $input i32) (param $size i32) (result i32) {invoke}))
  (core instance $module (instantiate $module
    (with "allocator" (instance $allocator))
    (with "host" (instance {core_arguments}))))
  (func (export "describe") (result string) (canon lift (core func $module "describe") (memory $memory)))
  (func (export "invoke") (param "call-id" string) (param "input" string) (result (result string (error $failure)))
    (canon lift (core func $module "invoke") (memory $memory) (realloc $realloc))))"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn stores(at: usize, text: &str) -> String {
    let bytes = text.bytes().enumerate();
    let stores = bytes.map(|(offset, byte)| format!("(i32.store8 (i32.const {}) (i32.const {byte}))", at + offset));
    stores.collect::<Vec<_>>().concat()
}

/// Limits that make tests quick.
pub(crate) fn limits() -> Limits {
    Limits { fuel: 10_000_000, memory_bytes: 8 << 20, concurrent_calls: 2, ..Limits::default() }
}

pub(crate) fn config() -> Config {
    Config { limits: limits(), ..Config::default() }
}

pub(crate) fn with_root(root: &str, folder: &Path) -> Config {
    Config { roots: BTreeMap::from([(root.to_owned(), folder.to_owned())]), ..config() }
}

/// A host in which everything was installed.
pub(crate) fn host(config: Config, tools: &[&Tool]) -> WasmHost {
    let host = WasmHost::new(config, tools.iter().map(|tool| tool.build())).unwrap();
    assert!(host.rejected().is_empty(), "{:?}", host.rejected());
    host
}

/// Why a tool is not installed.
pub(crate) fn rejection(tool: &Tool) -> String {
    let host = WasmHost::new(config(), [tool.build()]).unwrap();
    assert!(host.installed().is_empty());
    host.rejected()[0].error.to_string()
}

/// A call under the policy that the tool asks for.
pub(crate) fn call(host: &WasmHost, tool: &str, args: serde_json::Value) -> ToolCall {
    let installed = host.describe(tool, None);
    ToolCall {
        idempotency_key: "run/n1#1".into(),
        agent: "archivist".into(),
        request: ToolRequest {
            tool: tool.into(),
            effect: ToolEffect::Read,
            digest: None,
            args: args.into(),
            timeout_seconds: None,
            retry: None,
            on_unknown: None,
        },
        capabilities: installed.map(|installed| installed.manifest.capabilities).unwrap_or_default(),
        timeout_ms: 60_000,
        artifacts: None,
        folders: None,
    }
}

/// Calls the only tool of a host.
pub(crate) async fn run(config: Config, tool: &Tool) -> Result<Value, EffectError> {
    let host = host(config, &[tool]);
    host.call(call(&host, tool.manifest["name"].as_str().unwrap(), json!({}))).await
}

/// The code of the error that it must end with.
pub(crate) async fn code(config: Config, tool: &Tool) -> String {
    run(config, tool).await.unwrap_err().code
}

pub(crate) fn digest(tool: &Tool) -> Digest {
    Digest::of(&tool.build())
}
