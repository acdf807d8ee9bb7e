//! The runs that are in memory, and how what happens to them is committed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bloom_interpreter::effect::{EffectCall, EffectId};
use bloom_interpreter::history::{Chain, Event, Payload, Sealed};
use bloom_interpreter::replay::{RebuildError, Rebuilder};
use bloom_ir::{Pinned, VerifiedIr, verify_pinned};
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Engine;
use super::adopt::Journal;
use super::error::EngineError;
use super::gate::Standing;
use super::outcome::says_not_done;
use super::panicked::Panicked;
use super::progress::{EffectSpot, Observer, Progress, Step};
use super::run::{Addition, Desk, Run, RunEnd, SLICE};
use super::to_the_end::to_the_end;
use crate::dispatch::Fleet;
use crate::record::{LeaseId, QuestionStatus, RunError, RunId, RunRecord, RunStatus};
use crate::store::{Append, LeaseEnd, ProposalFilter, QuestionFilter, Store, StoreError};

/// A run that somebody drives or works for.
#[derive(Default)]
pub(super) struct Live {
    /// `None` before it is loaded, and after a commit that failed: then the history is the truth.
    pub(super) slot: Arc<AsyncMutex<Option<Slot>>>,
    /// The run's one driver is told that something changed.
    pub(super) changed: Notify,
    /// Held by who drives it.
    pub(super) driver: AsyncMutex<()>,
    /// When the effects that are being performed were begun.
    pub(super) begun: Mutex<BTreeMap<String, Instant>>,
    /// How long the run was active; `None` before that is known.
    active: Mutex<Option<Duration>>,
    /// Why a worker's result could not be recorded.
    pub(super) interrupted: Mutex<Option<String>>,
    /// Whether it was accepted since it came into memory, began at once, and is nobody's child or task: then its record says
    /// nothing that its driver has to know.
    is_plain: AtomicBool,
}

/// Notes on drop that an effect is no longer performed.
pub(super) struct Idle<'a> {
    live: &'a Live,
    effect: String,
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.live.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.effect);
        self.live.changed.notify_one();
    }
}

pub(super) enum Slot {
    Open(Box<Run>),
    Over(RunEnd),
}

impl Slot {
    pub(super) fn of(run: Box<Run>) -> Self {
        match run.end() {
            Some(end) => Self::Over(end.clone()),
            None => Self::Open(run),
        }
    }
}

/// With what an addition is committed.
pub(super) enum With {
    /// Nothing: who adds it drives the run.
    Nothing,
    /// Nothing, but it is of somebody else: whoever looks after all runs has the run driven.
    News,
    /// The end of a lease; that is news, too.
    Lease(Box<LeaseEnd>),
}

/// What a closure makes of a run.
pub(super) type Made = Result<Option<Addition>, EngineError>;

/// Histories are read in pages of so many events.
const PAGE: usize = 1000;

impl Live {
    pub(super) fn note_plain(&self) {
        self.is_plain.store(true, Ordering::Relaxed);
    }

    /// Effects of this run that are being performed, here or by a worker of this engine.
    pub(super) fn performing(&self) -> usize {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn note_begun(&self, effect: &str) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).entry(effect.to_owned()).or_insert_with(Instant::now);
        self.changed.notify_one();
    }

    /// Notes that an effect is no longer performed once the guard is dropped, which is also when its performer is.
    pub(super) fn idle_after(&self, effect: &EffectId) -> Idle<'_> {
        Idle { live: self, effect: effect.to_string() }
    }

    /// How long the run was active: what it was before it came into memory, and what was added since.
    pub(super) fn active(&self, before: Duration) -> Duration {
        *self.active.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before)
    }

    pub(super) fn add_active(&self, time: Duration) {
        if let Some(active) = self.active.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            *active = active.saturating_add(time);
        }
    }

    fn note_settled(&self, spot: &EffectSpot) -> Option<Duration> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(spot.effect.as_str());
        begun.map(|begun| begun.elapsed())
    }

    fn interrupt(&self, cause: &EngineError) {
        *self.interrupted.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause.to_string());
        self.changed.notify_one();
    }
}

impl Engine {
    /// How many runs there are that somebody drives or works for.
    pub(super) fn in_memory(&self) -> usize {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The run in memory; it is not loaded by this.
    pub(super) fn live(&self, id: &RunId) -> Arc<Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// Whether the record of a run says nothing that its driver has to know.
    pub(super) fn is_plain(&self, id: &RunId) -> bool {
        let all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).is_some_and(|live| live.is_plain.load(Ordering::Relaxed))
    }

    /// Tells all drivers that their runs cannot go on.
    pub(super) fn interrupt_all(&self, cause: &EngineError) {
        for live in self.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            live.interrupt(cause);
        }
    }

    /// Has all drivers look again.
    pub(super) fn wake_all(&self) {
        for live in self.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            live.changed.notify_one();
        }
    }

    /// Forgets a run that nobody drives any more, unless somebody has something to do with it just now. `live` is what the
    /// caller holds of it.
    pub(super) fn forget(&self, id: &RunId, live: Arc<Live>) {
        let mut all = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        drop(live);
        if all.get(id).is_some_and(|live| Arc::strong_count(live) == 1) {
            all.remove(id);
        }
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { now: self.clock.now(), ids: self.ids.as_ref(), config: &self.config, ledger: &self.ledger }
    }

    /// Lets something happen to a run: loads it if need be, commits what `make` made of it, and tells who looks. The run is
    /// locked meanwhile. After any error the run is loaded anew next time.
    pub(super) async fn happen(
        &self,
        id: &RunId,
        with: With,
        make: impl FnOnce(&mut Run, &Desk<'_>) -> Made,
    ) -> Result<(), EngineError> {
        self.happen_when(id, false, with, make).await
    }

    /// The same between two turns: a turn that is under way is brought to its end first.
    pub(super) async fn happen_at_rest(
        &self,
        id: &RunId,
        with: With,
        make: impl FnOnce(&mut Run, &Desk<'_>) -> Made,
    ) -> Result<(), EngineError> {
        self.happen_when(id, true, with, make).await
    }

    async fn happen_when(
        &self,
        id: &RunId,
        at_rest: bool,
        with: With,
        make: impl FnOnce(&mut Run, &Desk<'_>) -> Made,
    ) -> Result<(), EngineError> {
        let live = self.live(id);
        let (run, slot) = loop {
            let mut slot = live.slot.clone().lock_owned().await;
            let mut run = match self.taken(id, slot.take()).await? {
                Slot::Open(run) => run,
                Slot::Over(end) => {
                    *slot = Some(Slot::Over(end.clone()));
                    drop(slot);
                    self.forget(id, live);
                    return Err(EngineError::Over { run: id.clone(), end: Box::new(end) });
                }
            };
            if !(at_rest && run.is_moving()) {
                break (run, slot);
            }
            match run.catch_up(&self.desk()) {
                Some(addition) => self.record(&live, slot, Some(run), addition, With::Nothing).await?,
                None => *slot = Some(Slot::Open(run)),
            }
            // Whoever wants to stop the run gets a turn here.
            tokio::task::yield_now().await;
        };
        let (mut run, mut slot) = (run, slot);
        let Some(addition) = make(&mut run, &self.desk())? else {
            *slot = Some(Slot::of(run));
            return Ok(());
        };
        self.record(&live, slot, Some(run), addition, with).await
    }

    /// Commits an addition, puts the run back, if it is in memory, and tells.
    pub(super) async fn record(
        &self,
        live: &Arc<Live>,
        mut slot: OwnedMutexGuard<Option<Slot>>,
        run: Option<Box<Run>>,
        addition: Addition,
        with: With,
    ) -> Result<(), EngineError> {
        let (id, live) = (addition.append.run.clone(), live.clone());
        self.followers.forget(&id);
        // If this future is dropped now, the run stays locked until the store has decided, whoever goes on sees what was recorded,
        // and who looks, waits for work or drives the run is told.
        let (store, observer, work) = (self.store.clone(), self.observer.clone(), self.work.clone());
        let (fleet, journal, tending) = (self.fleet.clone(), self.journal.clone(), self.tending.clone());
        let (admitting, ledger) = (self.admitting.clone(), self.ledger.clone());
        // One that is not in memory asks for nothing.
        let agent = run.as_ref().map_or("", |run| run.agent());
        let bill = ledger.bill(agent, &addition.append);
        let of = id.clone();
        let span = tracing::debug_span!("commit", run = %id, events = addition.append.events.len());
        let write = async move {
            let is_news = !matches!(with, With::Nothing);
            let ended = match &with {
                With::Lease(end) => Some(end.lease.clone()),
                With::Nothing | With::News => None,
            };
            let by_worker = ended.is_some();
            let orphans = addition.append.orphans.clone();
            let (over, standing) = (Over::of(&addition.append), Standing::of(&addition.append));
            let committed = commit(store.as_ref(), journal.as_deref(), addition, with).await.inspect_err(|error| {
                ledger.doubt();
                // Who drives the run hears of it here, since the error itself goes to the worker.
                if by_worker && !matches!(error, EngineError::Store(StoreError::Task(_))) {
                    live.interrupt(error);
                }
            })?;
            over.tell(&mut fleet.lock().unwrap_or_else(PoisonError::into_inner), &of, ended.as_ref());
            // The slot of who ended a lease is free.
            if committed.has_work || by_worker {
                work.announce();
            }
            tell(observer.as_ref(), &live, &of, committed);
            // Before others go on with the run: what comes later is heard later.
            ledger.hear(&of, bill);
            admitting.hear(&of, standing);
            *slot = run.map(Slot::of);
            drop(slot);
            live.changed.notify_one();
            if is_news {
                tending.want(&of);
            }
            for orphan in &orphans {
                // One that was never started is not there.
                if let Ok(Some(_)) = store.run_status(orphan).await {
                    tending.want(orphan);
                }
            }
            Ok::<_, EngineError>(orphans)
        };
        let panicked = |Panicked(cause)| EngineError::Interrupted { run: id.clone(), cause };
        let orphans = to_the_end(write.instrument(span)).await.map_err(panicked)??;
        self.cancel_orphans(&id, orphans).await;
        Ok(())
    }

    /// What is in the slot, or what the store has.
    pub(super) async fn taken(&self, id: &RunId, slot: Option<Slot>) -> Result<Slot, EngineError> {
        match slot {
            Some(slot) => Ok(slot),
            None => self.load(id).await,
        }
    }

    /// Tells who looks what is not recorded.
    pub(super) fn tell_transient(&self, run: &RunId, step: Step) {
        self.observer.observe(Progress { run: run.clone(), recorded: None, step });
    }

    /// Loads a run from the store, ready to go on.
    async fn load(&self, id: &RunId) -> Result<Slot, EngineError> {
        self.load_ledger().await?;
        let record = self.record_of(id).await?;
        if record.status.is_terminal() {
            // A commit whose outcome nobody was told may have ended it.
            if record.continued_by.is_none() {
                self.admitting.hear(id, Standing::Over);
            }
            self.ledger.forget(id);
            return Ok(Slot::Over(self.recorded_end(&record).await?));
        }
        if record.status == RunStatus::Queued {
            return Err(EngineError::NotBegun(id.clone()));
        }
        let ir = self.pinned(&record, Pinned::Resume).await?;
        let program = self.program(&ir)?;
        let events = self.history(id).await?;
        let mut rebuilder = Rebuilder::new(&program, &events);
        for event in &events {
            while !rebuilder.catch_up_within(SLICE) {
                tokio::task::yield_now().await;
            }
            rebuilder.follow(event).map_err(|source| cannot_go_on(id, source))?;
        }
        let rebuilt = rebuilder.finish().map_err(|source| cannot_go_on(id, source))?;
        let filter = ProposalFilter { run: Some(id.clone()), status: None, limit: usize::MAX };
        let mut proposals: Vec<_> =
            self.store.proposals(&filter).await?.into_iter().map(|proposal| proposal.id).collect();
        proposals.reverse();
        self.tell_transient(id, Step::Resumed);
        let mut run = Run::recovered(&record, ir, rebuilt, &events, proposals);
        let asked = QuestionFilter { run: Some(id.clone()), open: false, limit: usize::MAX };
        for question in self.store.questions(&asked).await? {
            match run.open.get(&question.effect).map(|open| &open.effect.ask().call) {
                Some(EffectCall::Tool(_)) => run.open.edit(&question.effect, |open| {
                    open.is_asked_about = question.status == QuestionStatus::Open;
                    open.is_cleared = says_not_done(&question);
                    open.begun &= !open.is_cleared;
                }),
                Some(EffectCall::Llm(_)) => run.open.edit(&question.effect, |open| open.recall(&question)),
                _ => None,
            };
        }
        // Of one that a worker executes it is reserved as a whole.
        if !record.dispatched {
            self.ledger.restore(id, run.agent(), run.needed_by_open());
        }
        Ok(Slot::Open(Box::new(run)))
    }

    /// The run's record.
    pub(super) async fn record_of(&self, id: &RunId) -> Result<RunRecord, EngineError> {
        let not_found = || StoreError::NotFound { kind: "run", id: id.to_string() };
        Ok(self.store.run(id).await?.ok_or_else(not_found)?)
    }

    /// The document that a run pins, verified.
    pub(super) async fn pinned(&self, record: &RunRecord, purpose: Pinned) -> Result<VerifiedIr, EngineError> {
        let missing = || EngineError::MissingIr { run: record.id.clone(), ir: record.ir };
        let document = self.store.flow_document(record.ir).await?.ok_or_else(missing)?;
        Ok(verify_pinned(&document, &record.ir, &self.trust.trusted(), purpose)?)
    }

    /// The whole history of a run.
    pub(super) async fn history(&self, id: &RunId) -> Result<Vec<Event>, EngineError> {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let from = events.last().map_or(1, |event| event.seq.saturating_add(1));
            let mut page = self.store.history(id, from, PAGE).await?;
            let is_last = page.len() < PAGE;
            events.append(&mut page);
            if is_last {
                return Ok(events);
            }
        }
    }

    /// How a run ended, by its last event, or by its record where that was erased.
    pub(super) async fn recorded_end(&self, record: &RunRecord) -> Result<RunEnd, EngineError> {
        let last = self.store.history(&record.id, record.events, 1).await?.pop();
        if let Some(end) = last.and_then(|event| event.payload).as_ref().and_then(RunEnd::of_payload) {
            return Ok(end);
        }
        if let Some(run) = &record.continued_by {
            return Ok(RunEnd::Continued { run: run.clone() });
        }
        Ok(match (&record.error, &record.result) {
            (Some(error), _) => RunEnd::Failed { error: error.clone(), node: None },
            (None, Some(result)) => RunEnd::Completed { result: result.clone() },
            (None, None) => RunEnd::Cancelled { reason: String::new() },
        })
    }
}

/// The effects whose tasks, and so the leases on them, end with a commit.
struct Over {
    settled: Vec<EffectId>,
    is_all: bool,
}

impl Over {
    fn of(append: &Append) -> Self {
        let settled = append.events.iter().filter_map(|event| match &event.payload {
            Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => {
                Some(effect.clone())
            }
            _ => None,
        });
        Self { settled: settled.collect(), is_all: append.status.is_terminal() }
    }

    fn tell(&self, fleet: &mut Fleet, run: &RunId, ended: Option<&LeaseId>) {
        if let Some(lease) = ended {
            fleet.ended(lease);
        }
        if self.is_all || !self.settled.is_empty() {
            fleet.settled(run, |effect| self.is_all || self.settled.contains(effect));
        }
    }
}

/// What was committed, to be told.
pub(super) struct Committed {
    pub(super) recorded: u64,
    pub(super) steps: Vec<Step>,
    /// Whether there are new tasks.
    pub(super) has_work: bool,
}

/// Tells who looks what was committed.
pub(super) fn tell(observer: &dyn Observer, live: &Live, run: &RunId, committed: Committed) {
    let Committed { recorded, steps, .. } = committed;
    for mut step in steps {
        if let Step::Settled { effect, took, .. } = &mut step {
            // Of what a worker does, its history says it.
            *took = live.note_settled(effect).or(*took);
        }
        observer.observe(Progress { run: run.clone(), recorded: Some(recorded), step });
    }
}

/// Commits an addition, once the journal, if there is one, has it.
pub(super) async fn commit(
    store: &dyn Store,
    journal: Option<&dyn Journal>,
    addition: Addition,
    with: With,
) -> Result<Committed, EngineError> {
    let Addition { append, artifacts, steps } = addition;
    if let (Some(journal), false) = (journal, append.events.is_empty()) {
        journal.record(&append.run, &append.events).await?;
    }
    for bytes in artifacts {
        store.put_blob(bytes).await?;
    }
    let has_work = !append.tasks.is_empty();
    let recorded = append.events.last().map_or(append.expected, |event| event.seq);
    match with {
        With::Nothing | With::News => store.append(append).await?,
        With::Lease(end) => {
            store.end_lease(LeaseEnd { append: Some(append), ..*end }).await?;
        }
    }
    Ok(Committed { recorded, steps, has_work })
}

/// Events that came from elsewhere, hashed once more.
pub(super) fn sealed(run: &RunId, after: Chain, events: Vec<Event>) -> Result<Vec<Sealed>, EngineError> {
    let sealed = Sealed::after(after, events);
    sealed.map_err(|source| StoreError::from(RunError::Chain { run: run.clone(), source }).into())
}

pub(super) fn cannot_go_on(run: &RunId, source: RebuildError) -> EngineError {
    EngineError::Rebuild { run: run.clone(), source: Box::new(source) }
}
