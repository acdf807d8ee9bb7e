//! Many calls of tools that misbehave in every way, and what they cost the others.
//!
//! In a program of its own, because it looks at how much memory that has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "sandbox/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bloom_runtime::tool::ToolHost;
use bloom_wasm::{Config, Limits, WasmHost};
use serde_json::json;

use crate::support::{Tool, call, host, limits};

/// A tool for each kind of fault, by the code that its calls end with.
fn faulty() -> Vec<(&'static str, Tool)> {
    let grow = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let broken = "(i32.store8 (i32.const 512) (i32.const 255)) (call $ok (i32.const 512) (i32.const 1))";
    let schema = json!({ "type": "object" });
    vec![
        ("trap", Tool::new("unreachable")),
        ("trap", Tool::new(broken)),
        ("trap", Tool::new("(call $ok (i32.const -8) (i32.const 100))")),
        ("out_of_fuel", Tool::new("(loop $again (br $again)) unreachable")),
        ("stack_overflow", Tool::new("(call $deeper (i32.const 0))")),
        ("out_of_memory", Tool::new(grow)),
        ("output_too_large", Tool::new("(call $ok (i32.const 0) (i32.const 1048577))")),
        ("log_too_large", Tool::logging(1024, 100)),
        ("invalid_output", Tool::returning("nonsense")),
        ("invalid_output", Tool::returning("[]").with("output", schema)),
        ("not_found", Tool::reading("notes", "gone.md")),
        ("path_refused", Tool::reading("notes", "../secret")),
        ("not_granted", Tool::fetching("GET", "http://127.0.0.1/", 2)),
    ]
}

/// One test at a time: the memory of one would be taken for that of the other.
static TURN: Mutex<()> = Mutex::new(());

/// They are installed as `faulty-0` and so on, beside an honest `echo`.
fn world(folder: &std::path::Path) -> (WasmHost, Vec<(&'static str, String)>) {
    let mut tools = faulty();
    for (n, (_, tool)) in tools.iter_mut().enumerate() {
        tool.manifest["name"] = format!("faulty-{n}").into();
    }
    let echo = Tool::echo().with("name", "echo");
    let mut all: Vec<&Tool> = tools.iter().map(|(_, tool)| tool).collect();
    all.push(&echo);
    let limits = Limits { fuel: 200_000, memory_bytes: 4 << 20, concurrent_calls: 4, ..limits() };
    let roots = [("notes".to_owned(), folder.to_owned())].into();
    // The host that is granted is not the one that is asked for.
    let grant = bloom_wasm::grant::ToolGrants { http: vec!["https://a.org".parse().unwrap()], ..Default::default() };
    let grants = tools.iter().map(|(_, tool)| (tool.manifest["name"].as_str().unwrap().to_owned(), grant.clone()));
    let grants = grants.collect();
    let host = host(Config { limits, roots, grants, ..Config::default() }, &all);
    let names = tools.iter().map(|(code, tool)| (*code, tool.manifest["name"].as_str().unwrap().to_owned()));
    (host, names.collect())
}

/// Pages of this process that are in memory; none where the system does not tell.
fn resident() -> Option<usize> {
    std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}

async fn misbehave(host: &WasmHost, names: &[(&str, String)], rounds: usize) {
    for _ in 0..rounds {
        for (code, name) in names {
            let error = host.call(call(host, name, json!({}))).await.unwrap_err();
            assert_eq!(error.code, *code, "{name}: {error}");
        }
    }
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "each test has a runtime of its own, and nobody else takes the lock")]
async fn ten_thousand_faults_leave_no_trace() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let (host, names) = world(folder.path());
    let rounds = 10_000 / names.len() + 1;
    misbehave(&host, &names, rounds / 10).await;
    let before = resident();
    misbehave(&host, &names, rounds).await;
    let (Some(before), Some(after)) = (before, resident()) else {
        println!("skipped: this system does not tell how much memory a process has");
        return;
    };
    let grown = after.saturating_sub(before) * 4;
    println!("{} calls: {} KiB in memory before, {grown} KiB more after", rounds * names.len(), before * 4);
    assert!(grown < 8 << 10, "{grown} KiB more");
    assert!(host.call(call(&host, "echo", json!({}))).await.is_ok());
}

/// What honest calls come to, and how long they take, in the order of their length.
async fn honest(host: &WasmHost, calls: usize) -> (Vec<serde_json::Value>, Vec<Duration>) {
    let (mut results, mut times) = (Vec::new(), Vec::new());
    for n in 0..calls {
        let began = Instant::now();
        results.push(host.call(call(host, "echo", json!({ "n": n }))).await.unwrap().to_json());
        times.push(began.elapsed());
    }
    times.sort();
    (results, times)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::await_holding_lock, reason = "each test has a runtime of its own, and nobody else takes the lock")]
async fn honest_tools_do_not_notice_hostile_ones() {
    const CALLS: usize = 300;
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let (host, names) = world(folder.path());
    let (expected, alone) = honest(&host, CALLS).await;
    let hostile = async {
        loop {
            let all = names.iter().map(|name| misbehave(&host, std::slice::from_ref(name), 1));
            futures::future::join_all(all).await;
        }
    };
    let (results, beside) = tokio::select! {
        () = hostile => unreachable!(),
        done = honest(&host, CALLS) => done,
    };
    assert_eq!(results, expected);
    let of = |times: &[Duration]| (times[CALLS / 2], times[CALLS * 99 / 100]);
    println!("honest calls, median and 99 of 100: {:?} alone, {:?} beside hostile ones", of(&alone), of(&beside));
}
