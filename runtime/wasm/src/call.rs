//! One call: what its instance may reach, and how it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::Value;
use wasmtime::component::HasSelf;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use crate::Limits;
use crate::bindings::bloom::tool::files::{Entry, Page};
use crate::bindings::bloom::tool::log::Level;
use crate::bindings::bloom::tool::types::Failure;
use crate::bindings::bloom::tool::{artifacts, config, files, http, log};
use crate::bindings::{Adapter, AdapterPre};
use crate::deadline::{Deadline, Ticker};
use crate::fault::Fault;
use crate::files::Root;
use crate::meter::Meter;

/// What a log line counts beside its text, so that empty lines are no flood; the WIT package says so.
const LOG_LINE: usize = 16;

/// Entries in one part of a listing; the WIT package promises it.
const PAGE: usize = 1000;

/// What the operator granted, of what the tool asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) roots: BTreeMap<String, Root>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl Grants {
    /// Takes the values of settings out of a text.
    pub(crate) fn redact(&self, text: String) -> String {
        let secrets = self.settings.values().filter(|secret| !secret.is_empty());
        secrets.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "***") } else { text })
    }

    /// The setting that a value holds, if it does: what is recorded holds none. One that the tool disguises is not found.
    pub(crate) fn told(&self, value: &Value) -> Option<&str> {
        let mut secrets = self.settings.iter().filter(|(_, secret)| !secret.is_empty());
        secrets.find(|(_, secret)| holds(value, secret)).map(|(key, _)| key.as_str())
    }
}

fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Int(_) | Value::Double(_) => value.to_bytes() == secret.as_bytes(),
        Value::String(text) => text.contains(secret),
        Value::List(items) => items.iter().any(|item| holds(item, secret)),
        Value::Map(map) => map.iter().any(|(key, value)| key.contains(secret) || holds(value, secret)),
    }
}

/// What a call runs with.
pub(crate) struct Environment {
    /// For log lines.
    pub(crate) tool: String,
    pub(crate) call_id: String,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) deadline: Deadline,
}

/// What the host functions see.
pub(crate) struct CallState {
    environment: Environment,
    meter: Meter,
    log_left: usize,
    /// The listing whose parts are being asked for.
    listing: Option<Listing>,
}

struct Listing {
    root: String,
    prefix: String,
    entries: Arc<[Entry]>,
}

/// The interfaces that exist, and the capability that each needs.
pub(crate) const INTERFACES: [(&str, Option<&str>); 6] = [
    ("bloom:tool/types", None),
    ("bloom:tool/log", None),
    ("bloom:tool/config", Some("config")),
    ("bloom:tool/files", Some("files")),
    ("bloom:tool/artifacts", Some("artifacts")),
    ("bloom:tool/http", Some("http")),
];

pub(crate) type Linker = wasmtime::component::Linker<CallState>;

/// A linker with the interfaces that the kinds of capabilities open, as `files`.
pub(crate) fn linker(engine: &Engine, granted: impl Fn(&str) -> bool) -> wasmtime::Result<Linker> {
    let mut linker = Linker::new(engine);
    log::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    if granted("config") {
        config::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    }
    if granted("files") {
        files::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    }
    if granted("artifacts") {
        artifacts::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    }
    if granted("http") {
        http::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    }
    Ok(linker)
}

/// Asks a fresh instance what it is.
pub(crate) fn describe(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
) -> Result<String, Fault> {
    let described = run(adapter, ticker, environment, |adapter, store| adapter.call_describe(store))?;
    Ok(described.value)
}

/// Calls a fresh instance.
pub(crate) fn invoke(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
    input: &str,
) -> Result<String, Fault> {
    let (tool, call_id) = (environment.tool.clone(), environment.call_id.clone());
    let done = run(adapter, ticker, environment, |adapter, store| adapter.call_invoke(store, &call_id, input))?;
    tracing::debug!(target: "bloom::tool", tool, call_id, fuel = done.fuel, memory = done.memory, "called");
    let grants = done.grants;
    done.value.map_err(|Failure { code, message, retryable }| {
        Fault::reported(Failure { code: grants.redact(code), message: grants.redact(message), retryable })
    })
}

struct Done<T> {
    value: T,
    grants: Grants,
    fuel: u64,
    memory: usize,
}

fn run<T>(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
    call: impl FnOnce(&Adapter, &mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<Done<T>, Fault> {
    let fuel = environment.limits.fuel;
    let state = CallState {
        meter: Meter::new(environment.limits.memory_bytes),
        log_left: environment.limits.log_bytes,
        listing: None,
        environment,
    };
    let mut store = Store::new(adapter.engine(), state);
    let stopped = |error: &wasmtime::Error, store: &Store<CallState>| stopped_by(error, store.data());
    store.limiter(|state| &mut state.meter);
    store.set_fuel(fuel).map_err(|error| Fault::Host(error.to_string()))?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        context.data().environment.deadline.check()?;
        Ok(UpdateDeadline::Continue(1))
    });

    store.data().environment.deadline.check()?;
    let _running = ticker.run();
    let instance = adapter.instantiate(&mut store);
    let instance = instance.map_err(|error| match stopped(&error, &store) {
        Fault::Trap(reason) => Fault::NotStarted(reason),
        fault => fault,
    })?;
    let value = call(&instance, &mut store).map_err(|error| stopped(&error, &store))?;
    let fuel = fuel.saturating_sub(store.get_fuel().unwrap_or_default());
    let CallState { environment, meter, .. } = store.into_data();
    Ok(Done { value, grants: environment.grants, fuel, memory: meter.used() })
}

fn stopped_by(error: &wasmtime::Error, state: &CallState) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    let trap = error.downcast_ref::<Trap>().copied();
    match trap {
        Some(Trap::OutOfFuel) => Fault::OutOfFuel { fuel: state.environment.limits.fuel },
        Some(Trap::StackOverflow) => Fault::StackOverflow,
        _ if state.meter.refused() => Fault::OutOfMemory { limit: state.meter.limit() },
        Some(trap) => Fault::Trap(trap.to_string()),
        None => Fault::Trap(format!("{error:#}")),
    }
}

impl crate::bindings::bloom::tool::types::Host for CallState {}

impl log::Host for CallState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let Environment { tool, call_id, grants, limits, .. } = &self.environment;
        let Some(left) = self.log_left.checked_sub(message.len().saturating_add(LOG_LINE)) else {
            return Err(Fault::LogTooLarge { limit: limits.log_bytes }.into());
        };
        self.log_left = left;
        // In debug form, so that a line break cannot pretend to be another line.
        let line = grants.redact(message);
        match level {
            Level::Debug => tracing::debug!(target: "bloom::tool", tool, call_id, ?line),
            Level::Info => tracing::info!(target: "bloom::tool", tool, call_id, ?line),
            Level::Warn => tracing::warn!(target: "bloom::tool", tool, call_id, ?line),
            Level::Error => tracing::error!(target: "bloom::tool", tool, call_id, ?line),
        }
        Ok(())
    }
}

impl config::Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<String, Failure>> {
        let value = self.environment.grants.settings.get(&key).cloned();
        Ok(value.ok_or_else(|| not_granted("config", &key)))
    }
}

impl files::Host for CallState {
    fn list(
        &mut self,
        root: String,
        prefix: String,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<Page, Failure>> {
        let entries = match &self.listing {
            Some(listing) if cursor.is_some() && listing.root == root && listing.prefix == prefix => {
                Arc::clone(&listing.entries)
            }
            _ => {
                let Environment { grants, limits, deadline, .. } = &self.environment;
                let Some(folder) = grants.roots.get(&root) else { return Ok(Err(not_granted("files", &root))) };
                match folder.list(&prefix, limits, deadline) {
                    Ok(entries) => entries.into(),
                    Err(error) => return Ok(Err(error.into_failure()?)),
                }
            }
        };
        let page = page(&entries, cursor.as_deref());
        self.listing = Some(Listing { root, prefix, entries });
        Ok(Ok(page))
    }

    fn read(&mut self, root: String, path: String) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        let Environment { grants, limits, deadline, .. } = &self.environment;
        let Some(folder) = grants.roots.get(&root) else { return Ok(Err(not_granted("files", &root))) };
        Ok(match folder.read(&path, limits, deadline) {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(error.into_failure()?),
        })
    }
}

impl artifacts::Host for CallState {
    fn find(&mut self, _name: String, _run: Option<String>) -> wasmtime::Result<Result<artifacts::Artifact, Failure>> {
        Ok(Err(unavailable("artifacts")))
    }

    fn read(&mut self, _digest: String) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        Ok(Err(unavailable("artifacts")))
    }
}

impl http::Host for CallState {
    fn fetch(&mut self, _request: http::Request) -> wasmtime::Result<Result<http::Response, Failure>> {
        Ok(Err(unavailable("http")))
    }
}

fn unavailable(interface: &str) -> Failure {
    let message = format!("`{interface}` is not there yet");
    Failure { code: "unavailable".into(), message, retryable: true }
}

/// The part of a listing that follows a path.
fn page(entries: &[Entry], after: Option<&str>) -> Page {
    let start = after.map_or(0, |after| entries.partition_point(|entry| entry.path.as_str() <= after));
    let rest = entries.get(start..).unwrap_or_default();
    let entries = rest.get(..PAGE.min(rest.len())).unwrap_or_default().to_vec();
    let next = if rest.len() > PAGE { entries.last().map(|entry| entry.path.clone()) } else { None };
    Page { entries, next }
}

fn not_granted(kind: &str, name: &str) -> Failure {
    let message = format!("`{kind}:{name}` was not granted to this tool");
    Failure { code: "not_granted".into(), message, retryable: false }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::*;
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
        let environment =
            Environment { tool: "endless".into(), call_id: String::new(), grants: Grants::default(), limits, deadline };
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

    #[test]
    fn settings_are_taken_out_of_texts() {
        let settings = BTreeMap::from([("key".to_owned(), "s3cret".to_owned()), ("empty".to_owned(), String::new())]);
        let grants = Grants { settings, ..Grants::default() };
        assert_eq!(grants.redact("got s3cret, s3cret".into()), "got ***, ***");
    }

    #[test]
    fn settings_are_found_wherever_they_are_in_a_value() {
        let told = |secret: &str, json: &str| {
            let settings = [("empty", ""), ("key", secret)].map(|(key, secret)| (key.to_owned(), secret.to_owned()));
            let grants = Grants { settings: settings.into(), ..Grants::default() };
            grants.told(&serde_json::from_str(json).unwrap()).map(str::to_owned)
        };
        for (secret, json) in [
            ("s3cret", r#""Bearer s3cret""#),
            ("s3cret", r#"{ "list": [1, { "deep": "s3cret" }] }"#),
            ("s3cret", r#"{ "s3cret": null }"#),
            ("s3\"cret", r#"["s\u0033\"cret"]"#),
            ("12345678", "[12345678]"),
        ] {
            assert_eq!(told(secret, json).as_deref(), Some("key"), "{json}");
        }
        for json in [r#"["s3cre", "t", "", null, true]"#, "[12345678]", "{}"] {
            assert_eq!(told("s3cret", json), None, "{json}");
        }
    }
}
