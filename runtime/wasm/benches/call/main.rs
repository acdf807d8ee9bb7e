//! What a call costs, beside a call of the same component by wasmtime alone in the same run, and what it costs to load a tool
//! that was compiled before: a trivial tool in each language whose tool chain is here. Medians and 99 of 100.
//!
//! The goals, on a quiet machine: 50 µs for a call of a tool in Rust or C, 150 µs for one in JavaScript (on `QuickJS`), 1 ms for
//! loading. `cargo bench -p bloom-wasm --bench call [LANGUAGE…]`; what is not here is skipped, and says so.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench")]

mod trivial;

use std::time::{Duration, Instant};

use bloom_interpreter::effect::ToolRequest;
use bloom_ir::document::ToolEffect;
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::{Config, WasmHost};
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

const CALLS: usize = 5_000;
const LOADS: usize = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be had");
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("{:<60} {:>12} {:>12}", "", "median", "99 of 100");
    for tool in trivial::all() {
        if !asked.is_empty() && !asked.iter().any(|language| *language == tool.language) {
            continue;
        }
        match tool.component {
            Ok(component) => measure(tool.language, &component, &runtime),
            Err(reason) => println!("SKIPPED: {}: {reason}", tool.language),
        }
    }
}

fn measure(language: &str, component: &[u8], runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("there is room for files");
    let config = || Config { cache: Some(folder.path().to_owned()), ..Config::default() };
    let host = WasmHost::new(config(), [component]).expect("there is a host");
    assert!(host.rejected().is_empty(), "{:?}", host.rejected());

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
        folders: None,
    };
    let answer = runtime.block_on(host.call(call.clone())).expect("it answers");
    assert_eq!(answer.to_json(), serde_json::json!({ "a": 1 }));
    let whole = times(CALLS, || drop(runtime.block_on(host.call(call.clone())).expect("it answers")));
    let inside = times_told(CALLS, || runtime.block_on(host.report(call.clone())).took);
    show(language, "wasmtime alone, on demand, without limits", &bare(component));
    show(language, "a call's instance, with its limits", &inside);
    show(language, "a call of the host, with another thread's turn", &whole);
    show(language, "loading it, compiled before", &times(LOADS, || assert!(host.inspect(component).is_tool())));
}

/// Instantiation and call by wasmtime's own means. The tools call nothing of what they import.
fn bare(component: &[u8]) -> Vec<Duration> {
    let engine = Engine::default();
    let component = Component::from_binary(&engine, component).expect("it is a component");
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&component).expect("the names are free");
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

fn show(language: &str, what: &str, times: &[Duration]) {
    let (median, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{language:<12} {what:<47} {median:>12.1?} {late:>12.1?}");
}
