//! Wall-clock limits: an epoch ticker that sleeps while nothing runs, and the deadline of one call.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use wasmtime::{Engine, EngineWeak};

use crate::fault::Fault;

/// How often a running call looks at its deadline.
const TICK: Duration = Duration::from_millis(5);

/// Raises the engine's epoch while at least one call runs; without calls its thread waits and costs nothing.
pub(crate) struct Ticker(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Whether the thread waits for a call, so that it has to be told of one.
    waits: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain fields: a panic elsewhere cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (seen_by_thread, engine) = (Arc::clone(&shared), engine.weak());
        std::thread::Builder::new().name("bloom-epoch".into()).spawn(move || tick(&seen_by_thread, &engine))?;
        Ok(Self(shared))
    }

    /// Keeps the epoch rising until the guard is dropped.
    pub(crate) fn run(&self) -> Running {
        let mut state = self.0.lock();
        state.running += 1;
        let waits = mem::take(&mut state.waits);
        drop(state);
        if waits {
            self.0.changed.notify_all();
        }
        Running(Arc::clone(&self.0))
    }

    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        self.0.lock().running
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    loop {
        let mut state = shared.lock();
        // Of a call that is over by now it was told, too: to wait again would have the next one tell it again, and each costs more
        // than many a call.
        state.waits = state.running == 0;
        while state.waits && !state.stopped {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped && state.running == 0 {
            return;
        }
        drop(state);
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
    }
}

/// A call that runs.
pub(crate) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

/// When a call must end: at a time, or when nobody waits for it any more.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    limit_ms: u64,
    cancel: Arc<Cancel>,
}

#[derive(Debug, Default)]
struct Cancel {
    done: AtomicBool,
    told: Notify,
}

impl Deadline {
    /// From now on.
    pub(crate) fn after(limit_ms: u64, cancel: &CancelOnDrop) -> Self {
        // A limit beyond what the clock can hold is none.
        let at = Instant::now().checked_add(Duration::from_millis(limit_ms));
        Self { at, limit_ms, cancel: Arc::clone(&cancel.0) }
    }

    /// Fails when the call must end.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.cancel.done.load(Ordering::Acquire) {
            return Err(Fault::Cancelled);
        }
        if self.at.is_some_and(|at| Instant::now() >= at) {
            return Err(Fault::Timeout { limit_ms: self.limit_ms });
        }
        Ok(())
    }

    /// Waits until the call must end, and says why.
    pub(crate) async fn over(&self) -> Fault {
        let mut told = std::pin::pin!(self.cancel.told.notified());
        // Before the first look, so that nothing is missed between the look and the wait.
        told.as_mut().enable();
        if let Err(fault) = self.check() {
            return fault;
        }
        let Some(at) = self.at else {
            told.await;
            return Fault::Cancelled;
        };
        tokio::select! {
            biased;
            () = told => Fault::Cancelled,
            () = tokio::time::sleep_until(at.into()) => Fault::Timeout { limit_ms: self.limit_ms },
        }
    }
}

/// Cancels a call when the future that waits for it is dropped.
#[derive(Debug, Default)]
pub(crate) struct CancelOnDrop(Arc<Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Release);
        self.0.told.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each time that the thread is told costs two changes of threads, which is more than a short call.
    #[test]
    fn thread_is_told_of_calls_no_more_than_once_a_tick() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine).unwrap();
        let (begun, mut told) = (Instant::now(), 0);
        // It waits again where nothing runs, so this ends.
        while told < 20 {
            told += u32::from(ticker.0.lock().waits);
            drop(ticker.run());
            std::thread::sleep(Duration::from_micros(100));
        }
        let ticks = begun.elapsed().div_duration_f64(TICK);
        assert!(f64::from(told) <= ticks + 1.0, "told {told} times within {ticks:.1} ticks");
    }
}
