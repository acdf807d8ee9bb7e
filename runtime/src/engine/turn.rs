//! Runs are let in, or wait for their turn, and begin when it has come.
//!
//! A run that waits is kept with its flow, its inbox entry and its record, and has no event of its own: what it begins with
//! follows from its record. It begins when it is driven, which [`Engine::tend`] has done when its turn has come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bloom_interpreter::history::{Forked, Sealed};
use bloom_interpreter::{Machine, RunInfo};
use bloom_ir::{Pinned, Value};
use tokio::sync::OnceCell;

use super::gate::{Gate, Standing};
use super::ledger::{Bill, Ledger};
use super::live::{Live, With};
use super::run::Run;
use super::tend::Tending;
use super::{Admission, Engine, EngineError, policy};
use crate::record::{Actor, AuditNote, Parent, RunId, RunRecord, RunStatus, Turn};
use crate::store::{Append, StoreError};

/// Lets runs in.
#[derive(Clone)]
pub(super) struct Admitting {
    gate: Arc<Mutex<Gate>>,
    loaded: Arc<OnceCell<()>>,
    tending: Tending,
}

impl Admitting {
    pub(super) fn new(limits: Admission, tending: Tending) -> Self {
        Self { gate: Arc::new(Mutex::new(Gate::new(limits))), loaded: Arc::default(), tending }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what a commit says of a run.
    pub(super) fn hear(&self, run: &RunId, standing: Standing) {
        let begin = self.gate().hear(run, standing);
        self.have_begun(&begin);
    }

    fn have_begun(&self, runs: &[RunId]) {
        for run in runs {
            self.tending.want(run);
        }
    }
}

/// A run that is about to be kept, with its place or its turn, and what is reserved for it. Dropped, it gives that back.
pub(super) struct Ticket {
    admitting: Admitting,
    ledger: Arc<Ledger>,
    run: RunId,
    /// The number of its turn, if it has to wait.
    number: Option<u64>,
    /// Whether it has a place or a turn to give back.
    is_open: bool,
    /// Whether it has what is reserved for it to give back.
    is_new: bool,
}

impl Ticket {
    /// Its turn, if it has to wait.
    pub(super) fn turn(&self) -> Option<Turn> {
        self.number.map(|number| Turn { number, began_at: None })
    }

    /// The run is kept.
    pub(super) fn keep(mut self, standing: Standing, bill: Option<Bill>) {
        (self.is_open, self.is_new) = (false, false);
        self.ledger.hear(&self.run, bill);
        self.admitting.hear(&self.run, standing);
    }

    /// The run is kept already: what is reserved for it stays so.
    pub(super) fn leave(mut self) {
        self.is_new = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_new {
            self.ledger.forget(&self.run);
        }
        if self.is_open {
            let begin = self.admitting.gate().withdraw(&self.run);
            self.admitting.have_begun(&begin);
        }
    }
}

impl Engine {
    /// Which turn a run has among those of its agent that wait, from 1; `None` for one that does not wait.
    pub fn queue_position(&self, run: &RunId) -> Option<u64> {
        self.admitting.gate().position(run)
    }

    /// Lets a run in that is about to be kept, or has it wait for its turn; too many that wait are
    /// [`EngineError::QueueFull`]. One that another run waits for is let in with that.
    pub(super) async fn enter(&self, run: &RunId, agent: &str, parent: Option<&Parent>) -> Result<Ticket, EngineError> {
        self.load_ledger().await?;
        let ticket = |number, is_open| {
            let (admitting, ledger) = (self.admitting.clone(), self.ledger.clone());
            Ticket { admitting, ledger, run: run.clone(), number, is_open, is_new: true }
        };
        if parent.is_some_and(|parent| parent.waits) {
            return Ok(ticket(None, false));
        }
        if self.admitting.gate().counts() {
            self.restore_turns().await?;
        }
        let entered = self.admitting.gate().enter(run, agent);
        match entered {
            Ok(number) => Ok(ticket(number, true)),
            // The same submission may have come before, and is no other run.
            Err(_) if self.store.run_status(run).await?.is_some() => Err(StoreError::RunExists(run.clone()).into()),
            Err(full) => Err(EngineError::QueueFull(full)),
        }
    }

    /// Takes over from the store which runs are under way, and which wait for their turn: once, before any is let in or begins.
    /// A start does so by this, for until then [`Engine::queue_position`] knows nothing of those that waited before.
    pub async fn restore_turns(&self) -> Result<(), EngineError> {
        let load = || async {
            let counts = self.admitting.gate().counts();
            let running = if counts { self.store.standing_runs(RunStatus::Running).await? } else { Vec::new() };
            let queued = self.store.standing_runs(RunStatus::Queued).await?;
            let begin = self.admitting.gate().load(queued, running);
            self.admitting.have_begun(&begin);
            Ok::<_, EngineError>(())
        };
        self.admitting.loaded.get_or_try_init(load).await?;
        Ok(())
    }

    /// Runs that wait for nothing but to be driven, to begin.
    pub(super) async fn due_to_begin(&self) -> Result<Vec<RunId>, EngineError> {
        self.restore_turns().await?;
        Ok(self.admitting.gate().due())
    }

    /// Begins a run that waited for its turn, which must have come.
    pub(super) async fn begin(&self, id: &RunId, live: &Arc<Live>) -> Result<(), EngineError> {
        let slot = live.slot.clone().lock_owned().await;
        let record = self.record_of(id).await?;
        if record.status != RunStatus::Queued {
            return Ok(());
        }
        if !self.admitting.gate().may_begin(id) {
            return Err(EngineError::NotBegun(id.clone()));
        }
        self.load_ledger().await?;
        let ir = self.pinned(&record, Pinned::Resume).await?;
        if !record.dispatched {
            policy::check(&ir, self.tools.as_ref()).map_err(EngineError::Refused)?;
        }
        let missing = || StoreError::NotFound { kind: "inbox entry", id: record.inbox.to_string() };
        let by = self.store.inbox_entry(&record.inbox).await?.ok_or_else(missing)?.source;
        let program = self.program(&ir)?;
        let desk = self.desk();
        let (run, addition) = if let Some(origin) = &record.origin {
            let shared = self.history(id).await?;
            let (run, origin, at) = (id.to_string(), origin.run.to_string(), origin.at);
            let forked = Forked { run, origin, at, ir: ir.hash() };
            let rebuilt = self.rebuilt_to_fork(&program, &shared, &forked).await?;
            Run::forked(&record, ir, rebuilt, &shared, forked, &by, &desk)
        } else {
            let info = RunInfo { id: id.to_string(), started_at: desk.now };
            let mut limits = record.limits.unwrap_or(*program.limits());
            if record.dispatched {
                let most = self.config.budgets.of(&record.flow, record.budget.as_deref()).day;
                limits = self.ledger.reserve_whole(id, &record.flow, &most, limits, desk.now);
            }
            let machine = Machine::start_within(&program, info, record.inputs.clone(), limits);
            Run::begin(&record, ir, machine.map_err(EngineError::Inputs)?, &by, &desk)
        };
        let run = (!record.dispatched).then(|| Box::new(run));
        self.record(live, slot, run, addition, With::Nothing).await
    }
}

/// What is kept of a run that waits for its turn: of a fork the events that it shares.
pub(super) fn waiting(record: &RunRecord, shared: Vec<Sealed>, by: &Actor) -> Append {
    let detail = [("ir_hash", Value::from(record.ir.to_string()))];
    let note = AuditNote::of_run(record.created_at, by, "run_queued", (&record.id, &record.context), detail);
    Append { audit: vec![note], ..Append::of(record.id.clone(), 0, shared, RunStatus::Queued) }
}
