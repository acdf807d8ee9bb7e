use wasmtime::component::Component;

use super::interfaces::page;
use super::*;
use crate::bindings::bloom::tool::files::Entry;
use crate::deadline::CancelOnDrop;

const ENDLESS: &str = r#"(component
    (core module $module
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "describe") (result i32) (loop $again (br $again)) unreachable)
      (func (export "invoke") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $instance (instantiate $module))
    (alias core export $instance "memory" (core memory $memory))
    (alias core export $instance "realloc" (core func $realloc))
    (import "bloom:tool/types@0.1.0" (instance $types
      (type $record (record (field "code" string) (field "message" string) (field "retryable" bool)))
      (export "failure" (type (eq $record)))))
    (alias export $types "failure" (type $failure))
    (func (export "describe") (result string) (canon lift (core func $instance "describe") (memory $memory)))
    (func (export "invoke") (param "call-id" string) (param "input" string) (result (result string (error $failure)))
      (canon lift (core func $instance "invoke") (memory $memory) (realloc $realloc))))"#;

#[test]
fn a_call_that_runs_stops_when_it_is_cancelled() {
    let limits = Limits { fuel: u64::MAX, ..Limits::default() };
    let engine = crate::engine::engine(&limits).unwrap();
    let component = Component::from_binary(&engine, &wat::parse_str(ENDLESS).unwrap()).unwrap();
    let linker = linker(&engine, |_| false).unwrap();
    let adapter = AdapterPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let cancel = CancelOnDrop::default();
    let deadline = Deadline::after(u64::MAX, &cancel);
    let environment = Environment {
        tool: "endless".into(),
        call_id: String::new(),
        access: Access::default(),
        limits,
        deadline,
        outside: None,
    };
    std::thread::scope(|scope| {
        let call = scope.spawn(|| describe(&adapter, &ticker, environment));
        // Once it is counted it has looked at its deadline for the first time, and only a tick can stop it.
        while ticker.running() == 0 {
            std::thread::yield_now();
        }
        drop(cancel);
        assert_eq!(call.join().unwrap(), Err(Fault::Cancelled));
    });
    assert_eq!(ticker.running(), 0);
}

#[test]
fn a_listing_comes_in_parts_that_join_without_a_gap() {
    let all: Vec<Entry> = (0..2500).map(|n| Entry { path: format!("{n:04}"), size: 0, modified: 0 }).collect();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let part = page(&all, cursor.as_deref());
        seen.extend(part.entries.into_iter().map(|entry| entry.path));
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>());
}
