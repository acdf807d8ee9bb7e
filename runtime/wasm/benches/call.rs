//! What a call costs, beside a call of wasmtime alone in the same run, and what it costs to load a tool that was compiled before.
//! Medians and 99 of 100; the goals are 50 µs for a call and 1 ms for loading, on a quiet machine.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench")]

use std::time::{Duration, Instant};

use bloom_interpreter::effect::ToolRequest;
use bloom_ir::document::ToolEffect;
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::{Config, WasmHost};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

/// A trivial tool that gives back what it gets.
const ECHO: &[u8] = include_bytes!("../tests/compatibility/0.1.0/echo.wasm");
const CALLS: usize = 5_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be had");
    let folder = tempfile::tempdir().expect("there is room for files");
    let config = Config { cache: Some(folder.path().to_owned()), ..Config::default() };
    let host = WasmHost::new(config, [ECHO]).expect("there is a host");

    let call = ToolCall {
        idempotency_key: "run/n1#1".into(),
        agent: "archivist".into(),
        request: ToolRequest {
            tool: "echo".into(),
            effect: ToolEffect::Read,
            digest: None,
            args: serde_json::json!({ "a": 1 }).into(),
            timeout_seconds: None,
            retry: None,
            on_unknown: None,
        },
        capabilities: Vec::new(),
        timeout_ms: 60_000,
        artifacts: None,
    };
    let whole = times(CALLS, || drop(runtime.block_on(host.call(call.clone())).expect("it answers")));
    let inside = times_told(CALLS, || runtime.block_on(host.report(call.clone())).took);
    let bare = bare();
    show("wasmtime alone, on demand, without limits", &bare);
    show("a call's instance, with its limits", &inside);
    show("a call of the host, with another thread's turn", &whole);
    show("loading a tool that was compiled before", &times(200, || assert!(host.inspect(ECHO).is_tool())));
}

/// Instantiation and call by wasmtime's own means.
fn bare() -> Vec<Duration> {
    let engine = Engine::default();
    let component = Component::from_binary(&engine, ECHO).expect("it is a component");
    let mut linker = Linker::<()>::new(&engine);
    linker.instance("bloom:tool/types@0.1.0").expect("the name is free");
    let ready = linker.instantiate_pre(&component).expect("it fits");
    times(CALLS, || {
        let mut store = Store::new(&engine, ());
        let instance = ready.instantiate(&mut store).expect("it starts");
        let invoke = instance.get_func(&mut store, "invoke").expect("it is a tool");
        let mut results = [Val::Bool(false)];
        let arguments = [Val::String("run/n1#1".into()), Val::String("{\"a\":1}".into())];
        invoke.call(&mut store, &arguments, &mut results).expect("it answers");
    })
}

fn times(count: usize, mut work: impl FnMut()) -> Vec<Duration> {
    times_told(count, || {
        let began = Instant::now();
        work();
        began.elapsed()
    })
}

fn times_told(count: usize, mut work: impl FnMut() -> Duration) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..count).map(|_| work()).collect();
    times.sort();
    times
}

fn show(what: &str, times: &[Duration]) {
    let (median, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{what:<50} {median:>12.1?} {late:>12.1?}");
}
