//! What a schedule follows from: one seed, and a time that passes when nobody has anything to do.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bloom_runtime::clock::{Clock, Ids};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::faults::Faults;
use crate::ledger::Ledger;

/// When schedules begin, in Unix milliseconds.
const BEGIN: i64 = 1_700_000_000_000;

/// What all machines of a schedule have in common.
pub(crate) struct Sim {
    begun: Instant,
    chance: Mutex<fastrand::Rng>,
    trace: Mutex<Trace>,
    ids: AtomicU64,
    fault: Mutex<Option<String>>,
    pub(crate) faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
}

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) lines: Vec<String>,
    hasher: DefaultHasher,
}

impl Sim {
    /// Needs a runtime whose time is paused.
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let mut chance = fastrand::Rng::with_seed(seed);
        let faults = Faults::drawn(&mut chance);
        let sim = Arc::new(Self {
            begun: Instant::now(),
            chance: Mutex::new(chance),
            trace: Mutex::default(),
            ids: AtomicU64::new(1),
            fault: Mutex::default(),
            faults: Mutex::new(faults),
            ledger: Mutex::default(),
        });
        sim.note(format_args!("{:?}", sim.faults()));
        sim
    }

    pub(crate) fn passed(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }

    /// Writes into the trace.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let line = format!("{:>9} {what}", self.passed());
        let mut trace = self.trace.lock().unwrap();
        line.hash(&mut trace.hasher);
        trace.lines.push(line);
    }

    /// Something is not as it must be; what is told first counts.
    pub(crate) fn fail(&self, what: String) {
        self.note(format_args!("FAULT: {what}"));
        self.fault.lock().unwrap().get_or_insert(what);
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap().clone()
    }

    /// Equal for equal traces.
    pub(crate) fn hash(&self) -> u64 {
        self.trace.lock().unwrap().hasher.finish()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.trace.lock().unwrap().lines)
    }

    pub(crate) fn below(&self, limit: u64) -> u64 {
        self.chance.lock().unwrap().u64(0..limit)
    }

    pub(crate) fn index(&self, limit: usize) -> usize {
        self.chance.lock().unwrap().usize(0..limit)
    }

    /// Whether something happens that does so many times of a thousand.
    pub(crate) fn happens(&self, of_a_thousand: u64) -> bool {
        of_a_thousand > 0 && self.below(1000) < of_a_thousand
    }

    /// So many milliseconds, the short ones more often.
    pub(crate) fn millis(&self, from: u64, to: u64) -> Duration {
        let most = from + self.below(to - from + 1);
        Duration::from_millis(from + self.below(most - from + 1))
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.lock().unwrap().clone()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub(crate) fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::SeqCst)
    }
}

/// Ids that are counted.
pub(crate) struct Counted(pub(crate) Arc<Sim>);

impl Ids for Counted {
    fn fresh(&self) -> String {
        format!("id-{:07}", self.0.id())
    }
}

/// The clock of a machine, which may be set.
pub(crate) struct MachineClock {
    sim: Arc<Sim>,
    ahead: AtomicI64,
}

impl MachineClock {
    pub(crate) fn new(sim: &Arc<Sim>) -> Arc<Self> {
        Arc::new(Self { sim: sim.clone(), ahead: AtomicI64::default() })
    }

    pub(crate) fn jump(&self, millis: i64) {
        self.ahead.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> i64 {
        BEGIN + self.sim.passed() + self.ahead.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> i64 {
        self.sim.passed()
    }
}

/// How long a machine runs: from its start to when it loses its power, or its process is killed. What it had begun may be left
/// in memory here; at its edges it finds that it is gone, and stays there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(Arc<Lived>);

#[derive(Debug, Default)]
struct Lived {
    is_over: AtomicBool,
    ended: Notify,
}

impl Life {
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }

    pub(crate) async fn ended(&self) {
        let ended = self.0.ended.notified();
        if !self.is_over() {
            ended.await;
        }
    }

    /// Goes on if the machine is still there, and else never.
    pub(crate) async fn edge(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}
