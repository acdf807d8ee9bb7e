//! One call: what its instance may reach, and how it ends.

mod access;
mod interfaces;
mod report;

use std::sync::Arc;
use std::time::Instant;

use bloom_runtime::tool::{Artifacts, Folders};
use futures::executor::block_on;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::Limits;
use crate::bindings::bloom::tool::types::Failure;
use crate::bindings::{Adapter, AdapterPre};
use crate::deadline::{Deadline, Ticker};
use crate::fault::Fault;
use crate::http::Client;
use crate::reactor::Reactor;
pub(crate) use access::{Access, Secrets};
pub(crate) use interfaces::{CallState, INTERFACES, linker};
pub(crate) use report::Used;
pub use report::{CallReport, LogLevel, LogLine};

/// What a call runs with.
pub(crate) struct Environment {
    /// For log lines.
    pub(crate) tool: String,
    pub(crate) call_id: String,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) deadline: Deadline,
    /// What it needs to wait for something outside; none while a tool is asked what it is, when it is granted nothing.
    pub(crate) outside: Option<Outside>,
}

/// The way out of the sandbox.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) client: Arc<Client>,
    pub(crate) artifacts: Option<Arc<dyn Artifacts>>,
    /// Those that are read elsewhere.
    pub(crate) folders: Option<Arc<dyn Folders>>,
}

/// Asks a fresh instance what it is, on this thread.
pub(crate) fn describe(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
) -> Result<String, Fault> {
    block_on(run(adapter, ticker, environment, async |adapter, store| adapter.call_describe(store).await)).0
}

/// Calls a fresh instance. It gives way to other tasks of the thread at every tick while it computes, and keeps the thread while it
/// waits for something outside.
pub(crate) async fn invoke(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
    input: &str,
) -> (Result<String, Fault>, Used) {
    let (tool, call_id) = (environment.tool.clone(), environment.call_id.clone());
    let secrets = environment.access.secrets.clone();
    let invoke =
        async |adapter: &Adapter, store: &mut Store<CallState>| adapter.call_invoke(store, &call_id, input).await;
    let (done, used) = run(adapter, ticker, environment, invoke).await;
    let Used { fuel, memory_bytes, .. } = used;
    tracing::debug!(target: "bloom::tool", tool, call_id, fuel, memory_bytes, "called");
    let result = done.and_then(|answer| {
        answer.map_err(|Failure { code, message, retryable }| {
            Fault::reported(Failure { code: secrets.redact(code), message: secrets.redact(message), retryable })
        })
    });
    (result, used)
}

async fn run<T>(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    environment: Environment,
    call: impl AsyncFnOnce(&Adapter, &mut Store<CallState>) -> wasmtime::Result<T>,
) -> (Result<T, Fault>, Used) {
    let began = Instant::now();
    let fuel = environment.limits.fuel;
    let mut store = Store::new(adapter.engine(), CallState::new(environment));
    let result = call_in(adapter, ticker, &mut store, call).await;
    let fuel = fuel.saturating_sub(store.get_fuel().unwrap_or_default());
    let state = store.into_data();
    let memory_bytes = state.meter.used();
    (result, Used { fuel, memory_bytes, took: began.elapsed(), log: state.log, fetched: state.fetched })
}

async fn call_in<T>(
    adapter: &AdapterPre<CallState>,
    ticker: &Ticker,
    store: &mut Store<CallState>,
    call: impl AsyncFnOnce(&Adapter, &mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<T, Fault> {
    store.limiter(|state| &mut state.meter);
    store.set_fuel(store.data().environment.limits.fuel).map_err(|error| Fault::Host(error.to_string()))?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        context.data().environment.deadline.check()?;
        Ok(UpdateDeadline::Yield(1))
    });

    store.data().environment.deadline.check()?;
    let _running = ticker.run();
    let instance = adapter.instantiate_async(&mut *store).await;
    let instance = instance.map_err(|error| match stopped_by(&error, store.data()) {
        Fault::Trap(reason) => Fault::NotStarted(reason),
        fault => fault,
    })?;
    call(&instance, store).await.map_err(|error| stopped_by(&error, store.data()))
}

fn stopped_by(error: &wasmtime::Error, state: &CallState) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    match error.downcast_ref::<Trap>().copied() {
        Some(Trap::OutOfFuel) => Fault::OutOfFuel { fuel: state.environment.limits.fuel },
        Some(Trap::StackOverflow) => Fault::StackOverflow,
        _ if state.meter.refused() => Fault::OutOfMemory { limit: state.meter.limit() },
        Some(trap) => Fault::Trap(trap.to_string()),
        None => Fault::Trap(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests;
