//! What a call may use.

use std::task::Poll;

use bloom_runtime::tool::ToolHost;
use bloom_wasm::{Config, Limits, LogLevel, WasmHost};
use serde_json::json;

use crate::support::{Tool, call, code, config, host, limits, run};

const ENDLESS: &str = "(loop $again (br $again)) unreachable";

fn by_time_alone() -> Config {
    Config { limits: Limits { fuel: u64::MAX, concurrent_calls: 1, ..limits() }, ..Config::default() }
}

#[tokio::test]
async fn endless_work_ends_with_its_fuel() {
    let error = run(config(), &Tool::new(ENDLESS)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("out_of_fuel", false));
    assert!(error.message.contains("10000000"), "{error}");
}

#[tokio::test]
async fn endless_work_ends_with_its_time() {
    let host = host(by_time_alone(), &[&Tool::new(ENDLESS)]);
    let mut call = call(&host, "tool", json!({}));
    call.timeout_ms = 20;
    let error = host.call(call).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("timeout", true));
    assert!(error.message.contains("20 ms"), "{error}");
}

#[tokio::test]
async fn long_work_leaves_its_thread_to_others() {
    let host = host(by_time_alone(), &[&Tool::new(ENDLESS)]);
    let mut long = call(&host, "tool", json!({}));
    long.timeout_ms = 500;
    let (mut long, mut turns) = (host.call(long), 0);
    while futures_poll(&mut long).await.is_pending() {
        turns += 1;
        tokio::task::yield_now().await;
    }
    // In turns with the call, which gives way every 5 ms, there would be a hundred.
    assert!(turns > 1000, "{turns} turns");
}

/// The only slot is free again, so the call has really stopped.
#[tokio::test]
async fn a_call_that_nobody_waits_for_stops() {
    let host = host(by_time_alone(), &[&Tool::new(ENDLESS), &Tool::echo().with("name", "echo")]);
    {
        let mut endless = host.call(call(&host, "tool", json!({})));
        // Polled until it runs: with a free slot the first poll starts it.
        assert!(matches!(futures_poll(&mut endless).await, Poll::Pending));
    }
    assert_eq!(host.call(call(&host, "echo", json!({ "a": 1 }))).await.unwrap().to_json(), json!({ "a": 1 }));
}

/// Endless where it gets arguments, and done at once where it does not.
fn fickle() -> Tool {
    Tool::new(
        "(if (i32.gt_u (local.get $size) (i32.const 2)) (then (loop $again (br $again))))
        (call $ok (local.get $input) (local.get $size))",
    )
}

/// Calls it until that is done where it is asked for: on a machine with much else to do, a call may take longer.
async fn call_in_place(host: &WasmHost) {
    for _ in 0..1000 {
        let mut call = host.call(call(host, "tool", json!({})));
        if futures_poll(&mut call).await.is_ready() {
            return;
        }
        call.await.unwrap();
    }
    panic!("it is never done where it is asked for");
}

#[tokio::test]
async fn a_tool_that_was_done_soon_is_called_in_place_until_it_takes_longer() {
    let host = host(by_time_alone(), &[&fickle()]);
    call_in_place(&host).await;
    let mut long = call(&host, "tool", json!({ "a": 1 }));
    long.timeout_ms = 500;
    let (mut long, mut turns) = (host.call(long), 0);
    let error = loop {
        if let Poll::Ready(done) = futures_poll(&mut long).await {
            break done.unwrap_err();
        }
        turns += 1;
        tokio::task::yield_now().await;
    };
    assert_eq!(error.code, "timeout");
    assert!(turns > 1000, "{turns} turns");
    let brief = call(&host, "tool", json!({}));
    assert!(futures_poll(&mut host.call(brief)).await.is_pending(), "the next one is a task of its own");
    call_in_place(&host).await;
}

#[tokio::test]
async fn a_call_in_place_that_nobody_waits_for_stops() {
    let host = host(by_time_alone(), &[&fickle()]);
    call_in_place(&host).await;
    assert!(futures_poll(&mut host.call(call(&host, "tool", json!({ "a": 1 })))).await.is_pending());
    host.call(call(&host, "tool", json!({}))).await.unwrap();
}

async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut future = std::pin::Pin::new(future);
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

#[tokio::test]
async fn deep_recursion_ends_in_an_error() {
    assert_eq!(code(config(), &Tool::new("(call $deeper (i32.const 0))")).await, "stack_overflow");
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused() {
    let grow = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let error = run(config(), &Tool::new(grow)).await.unwrap_err();
    assert_eq!(error.code, "out_of_memory");
    assert!(error.message.contains("8388608"), "{error}");
}

#[tokio::test]
async fn a_tool_that_copes_with_refused_memory_goes_on() {
    let ask = "(drop (memory.grow (i32.const 4096))) (call $ok (local.get $input) (local.get $size))";
    assert_eq!(run(config(), &Tool::new(ask)).await.unwrap().to_json(), json!({}));
}

#[tokio::test]
async fn a_table_beyond_the_limit_is_refused() {
    let grow = "
        (if (i32.ne (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable))
        (call $ok (local.get $input) (local.get $size))";
    let tool = Tool::new(grow).defining("(table $table 1 funcref)");
    assert_eq!(run(config(), &tool).await.unwrap().to_json(), json!({}));
    let large = Tool::echo().defining("(table 1000000 funcref)");
    let host = bloom_wasm::WasmHost::new(config(), [large.build()]).unwrap();
    assert!(host.installed().is_empty());
}

#[tokio::test]
async fn what_a_call_used_is_told() {
    let host = host(config(), &[&Tool::logging(3, 2), &Tool::new("unreachable").with("name", "broken")]);
    let report = host.report(call(&host, "tool", json!({}))).await;
    assert!(report.result.is_ok() && report.fuel > 0, "{report:?}");
    assert_eq!(report.memory_bytes, 32 << 16);
    let lines: Vec<_> = report.log.iter().map(|line| (line.level, line.text.len())).collect();
    assert_eq!(lines, [(LogLevel::Info, 3); 2]);
    let report = host.report(call(&host, "broken", json!({}))).await;
    assert!(report.result.is_err() && report.fuel > 0, "{report:?}");
}

#[tokio::test]
async fn giant_output_is_refused() {
    let error = run(config(), &Tool::new("(call $ok (i32.const 0) (i32.const 1048577))")).await.unwrap_err();
    assert_eq!(error.code, "output_too_large");
    assert!(error.message.contains("1048577") && error.message.contains("1048576"), "{error}");
}

#[tokio::test]
async fn giant_input_is_refused_before_the_call() {
    let limits = Limits { input_bytes: 100, ..limits() };
    let host = host(Config { limits, ..Config::default() }, &[&Tool::new("unreachable")]);
    let error = host.call(call(&host, "tool", json!({ "text": "x".repeat(100) }))).await.unwrap_err();
    assert_eq!(error.code, "input_too_large");
}

#[tokio::test]
async fn a_flood_of_log_lines_stops_the_call() {
    assert_eq!(code(config(), &Tool::logging(1024, 64)).await, "log_too_large");
    assert_eq!(code(config(), &Tool::logging(0, 4097)).await, "log_too_large");
    assert!(run(config(), &Tool::logging(1024, 63)).await.is_ok());
}

#[tokio::test]
async fn output_outside_of_memory_is_an_error() {
    assert_eq!(code(config(), &Tool::new("(call $ok (i32.const -8) (i32.const 100))")).await, "trap");
}

#[tokio::test]
async fn output_that_is_not_utf8_is_an_error() {
    let broken = "(i32.store8 (i32.const 512) (i32.const 255)) (call $ok (i32.const 512) (i32.const 1))";
    assert_eq!(code(config(), &Tool::new(broken)).await, "trap");
}

#[tokio::test]
async fn many_calls_at_once_all_get_their_turn() {
    let host = host(config(), &[&Tool::echo()]);
    let calls = (0..50).map(|n| host.call(call(&host, "tool", json!({ "n": n }))));
    for (n, result) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(result.unwrap().to_json(), json!({ "n": n }));
    }
}

#[tokio::test]
async fn every_call_gets_a_fresh_instance() {
    let count = "
        (i32.store8 (i32.const 512) (i32.add (i32.load8_u (i32.const 512)) (i32.const 1)))
        (i32.store8 (i32.const 513) (i32.add (i32.load8_u (i32.const 512)) (i32.const 48)))
        (call $ok (i32.const 513) (i32.const 1))";
    let host = host(config(), &[&Tool::new(count)]);
    for _ in 0..5 {
        assert_eq!(host.call(call(&host, "tool", json!({}))).await.unwrap().to_json(), json!(1));
    }
}
