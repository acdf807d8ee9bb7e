//! One run is driven.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use bloom_interpreter::effect::{EffectCall, EffectError, EffectId};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::child::Start;
use super::live::{Live, Slot, With};
use super::run::{Desk, Run, RunEnd, measured};
use super::tool::Job;
use super::wait::Wait;
use super::{Engine, EngineError, policy};
use crate::record::{RunError, RunId, RunStatus};
use crate::store::StoreError;

/// Where a run stands, for its driver.
enum View {
    Over(RunEnd),
    /// In the middle of a turn.
    Moving {
        /// What is left of the limit of active time.
        left: Duration,
        /// That limit.
        limit: Duration,
    },
    Open(Box<Opened>),
}

/// A run that waits for effects.
struct Opened {
    /// Calls of tools without an outcome.
    jobs: Vec<Job>,
    /// Runs that it starts.
    starts: Vec<Start>,
    /// When it goes on by itself, in Unix milliseconds.
    due: Option<i64>,
    /// What stops every worker that could go on, if one is needed.
    halted: Option<EffectError>,
    /// What is left of the limit of active time.
    left: Duration,
    /// That limit.
    limit: Duration,
}

/// Why a driver has nothing more to do.
pub(super) enum Stop {
    Ended(RunEnd),
    /// It does nothing but wait, and for longer than the driver has patience.
    Waits(Vec<Wait>),
}

/// How long a driver waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// For ever, for whatever is to come.
    Endless,
    /// For workers, and for a time that is to come so soon.
    For(Duration),
    /// Not at all: it leaves a run whose tasks are queued, too. Whoever looks after all runs hears when a worker has begun.
    None,
}

/// So many runs whose tasks are queued stay in memory; of further ones only how long they were active.
const KEPT: usize = 256;

/// The longest that a clock is not looked at: it may be set, and a machine may sleep, which a timer does not see.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// Waits for `work` and lets the calls go on meanwhile: one of them may hold the run that `work` needs.
async fn beside<T>(
    calls: &mut FuturesUnordered<impl Future<Output = Result<EffectId, EngineError>>>,
    ended: &mut Vec<EffectId>,
    work: impl Future<Output = T>,
) -> Result<T, EngineError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            Some(call) = calls.next() => ended.push(call?),
        }
    }
}

/// Whether a run waits, and nobody has begun the tasks that it waits for.
fn is_queued(run: &Run, live: &Live) -> bool {
    live.performing() == 0 && run.is_left_to_workers()
}

impl Engine {
    /// Drives one run, until it ends or waits for too long. Runs that it starts, and those that it is the child of, are left
    /// to who drives it: it tells `want`.
    pub(super) async fn drive_one(
        &self,
        id: &RunId,
        patience: watch::Receiver<Patience>,
        want: &UnboundedSender<RunId>,
    ) -> Result<Stop, EngineError> {
        let span = tracing::info_span!("run", run = %id);
        self.drive_within(id, patience, want).instrument(span).await
    }

    async fn drive_within(
        &self,
        id: &RunId,
        patience: watch::Receiver<Patience>,
        want: &UnboundedSender<RunId>,
    ) -> Result<Stop, EngineError> {
        let live = self.live(id);
        let driver = live.driver.lock().await;
        // What is said from here on is meant for this driver.
        live.interrupted.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !self.is_plain(id) {
            let record = self.record_of(id).await?;
            if record.status == RunStatus::Queued {
                self.begin(id, &live).await?;
                if record.dispatched {
                    drop(driver);
                    self.forget(id, live);
                    return Ok(Stop::Waits(Vec::new()));
                }
            } else if record.is_elsewhere() {
                return Err(EngineError::Dispatched(id.clone()));
            }
        }
        if self.may_have_tasks(&live).await {
            self.expire_leases_of_the_dead(id).await?;
        }
        let stop = self.drive_alone(id, &live, patience, want).await;
        // How long it was active is known nowhere else.
        let is_queued = matches!(stop, Ok(Stop::Waits(_))) && self.may_have_tasks(&live).await;
        if is_queued && self.in_memory() > KEPT {
            live.slot.lock().await.take();
        }
        drop(driver);
        if stop.is_ok() && !is_queued {
            self.forget(id, live);
        }
        stop
    }

    /// Whether a worker may hold a task of the run, which is so for one that is not in memory.
    async fn may_have_tasks(&self, live: &Live) -> bool {
        match live.slot.lock().await.as_ref() {
            None => true,
            Some(Slot::Open(run)) => run.open.needs_worker(),
            Some(Slot::Over(_)) => false,
        }
    }

    async fn drive_alone(
        &self,
        id: &RunId,
        live: &Live,
        mut patience: watch::Receiver<Patience>,
        want: &UnboundedSender<RunId>,
    ) -> Result<Stop, EngineError> {
        let mut calls = FuturesUnordered::new();
        let (mut called, mut ended): (BTreeSet<EffectId>, Vec<EffectId>) = (BTreeSet::new(), Vec::new());
        {
            let mut slot = live.slot.lock().await;
            let mut taken = self.taken(id, slot.take()).await?;
            if let Slot::Open(run) = &mut taken {
                policy::check(run.ir(), self.tools.as_ref()).map_err(EngineError::Refused)?;
                run.open.begin_anew();
            }
            *slot = Some(taken);
        }
        loop {
            if let Some(cause) = live.interrupted.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(EngineError::Interrupted { run: id.clone(), cause });
            }
            let since = Instant::now();
            let looked = beside(&mut calls, &mut ended, self.look(id, live, &called)).await?;
            for effect in ended.drain(..) {
                called.remove(&effect);
                // This look took it for under way.
                live.changed.notify_one();
            }
            let opened = match looked? {
                View::Over(end) => return Ok(Stop::Ended(end)),
                View::Moving { left, limit } => {
                    // Whoever wants to stop the run gets a turn here.
                    tokio::task::yield_now().await;
                    live.add_active(since.elapsed());
                    if since.elapsed() >= left {
                        beside(&mut calls, &mut ended, self.run_out_of_time(id, live, limit)).await??;
                    }
                    continue;
                }
                View::Open(opened) => *opened,
            };
            let Opened { jobs, starts, due, halted, left, limit } = opened;
            for job in jobs {
                called.insert(job.request.id.clone());
                live.note_begun(job.request.id.as_str());
                let idle = live.idle_after(&job.request.id);
                calls.push(
                    async move {
                        let _idle = idle;
                        let effect = job.request.id.clone();
                        self.perform(id, job).await.map(|()| effect)
                    }
                    .boxed(),
                );
            }
            for start in starts {
                called.insert(start.request.id.clone());
                calls.push(
                    async move {
                        let effect = start.request.id.clone();
                        self.start_child(id, start, want).await.map(|()| effect)
                    }
                    .boxed(),
                );
            }
            let until_due = due.map(|due| self.until(due));
            let (leaves_queued, is_patient) = match *patience.borrow_and_update() {
                Patience::Endless => (false, true),
                Patience::For(time) => (false, until_due.is_some_and(|wait| wait <= time)),
                Patience::None => (true, until_due.is_some_and(|wait| wait.is_zero())),
            };
            if calls.is_empty() && !is_patient {
                match live.slot.lock().await.as_ref() {
                    Some(Slot::Open(run)) if run.is_resting() || leaves_queued && is_queued(run, live) => {
                        return Ok(Stop::Waits(run.waits()));
                    }
                    Some(Slot::Open(_)) => {}
                    // Something happened to it meanwhile.
                    _ => continue,
                }
            }
            if let (Some(error), true) = (halted, calls.is_empty()) {
                return Err(EngineError::Halted { run: id.clone(), error });
            }
            // Time in a queue does not count: only while something is performed the clock of the run goes on.
            let (is_active, since) = (live.performing() > 0, Instant::now());
            tokio::select! {
                biased;
                // Before the calls: they could each have their answer at once, for ever.
                () = tokio::time::sleep(left), if is_active => {
                    calls.clear();
                    live.add_active(since.elapsed());
                    self.run_out_of_time(id, live, limit).await?;
                    continue;
                }
                Some(done) = calls.next() => {
                    called.remove(&done?);
                }
                () = live.changed.notified() => {}
                () = tokio::time::sleep(until_due.unwrap_or(TICK).min(TICK)), if until_due.is_some() => {}
                // Where the other end is gone, this driver soon is.
                Ok(()) = patience.changed() => {}
            }
            if is_active {
                live.add_active(since.elapsed());
            }
        }
    }

    /// How long until a time, in Unix milliseconds.
    pub(super) fn until(&self, due: i64) -> Duration {
        Duration::from_millis(u64::try_from(due.saturating_sub(self.clock.now())).unwrap_or_default())
    }

    /// Looks where the run stands, goes on with a turn that is not recorded yet, and ends waits that are over. Calls in
    /// `called` are under way.
    async fn look(&self, id: &RunId, live: &Live, called: &BTreeSet<EffectId>) -> Result<View, EngineError> {
        loop {
            let mut has_happened = false;
            let next = |run: &mut Run, desk: &Desk<'_>| {
                let addition = run.catch_up(desk).or_else(|| run.ask_people(desk));
                let addition = addition.or_else(|| run.end_wait(desk)).or_else(|| run.tell_rest(desk));
                // Between two slices of a turn whoever wants to stop the run gets a turn.
                has_happened = addition.is_some() && !run.is_moving();
                Ok(addition)
            };
            match self.happen(id, With::Nothing, next).await {
                Ok(()) if has_happened => {}
                Ok(()) | Err(EngineError::Over { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        let mut slot = live.slot.lock().await;
        let run = match slot.as_mut() {
            Some(Slot::Open(run)) => run,
            Some(Slot::Over(end)) => return Ok(View::Over(end.clone())),
            // Somebody's commit failed in between; the next look loads the run.
            None => {
                live.changed.notify_one();
                return Ok(View::Open(Box::new(Opened {
                    jobs: Vec::new(),
                    starts: Vec::new(),
                    due: None,
                    halted: None,
                    left: Duration::MAX,
                    limit: Duration::MAX,
                })));
            }
        };
        let limit = Duration::from_secs(run.limits().timeout_seconds.into());
        let left = limit.saturating_sub(live.active(run.active_before));
        if run.is_moving() {
            return Ok(View::Moving { left, limit });
        }
        let (mut jobs, mut starts, mut early) = (Vec::new(), Vec::new(), Vec::new());
        let depth = run.parent.as_ref().map_or(0, |parent| parent.depth).saturating_add(1);
        for id in run.open.take_to_begin() {
            let Some(open) = run.open.get(&id) else { continue };
            let effect = &open.effect;
            match &effect.ask().call {
                EffectCall::Llm(_) | EffectCall::Sleep(_) | EffectCall::Timer(_) | EffectCall::Await(_) => {}
                // A person was quicker to clear it than the call that asked them to end.
                EffectCall::Tool(_) | EffectCall::Flow(_) if called.contains(&id) => early.push(id),
                EffectCall::Flow(call) => starts.push(Start {
                    request: effect.ask().clone(),
                    call: call.clone(),
                    context: run.context.clone(),
                    depth,
                    limits: run.left_for_another(),
                    budget: run.budget.clone().filter(|name| self.config.budgets.has(name)),
                }),
                EffectCall::Tool(call) => jobs.push(Job::new(run, open, call)),
            }
        }
        for id in early {
            run.open.begin_later(id);
        }
        // Whoever drives after this driver is dropped must not call them as if they were new.
        for job in &jobs {
            run.open.note_begun(&job.request.id);
        }
        let halted =
            if run.open.needs_worker() && live.performing() == 0 { self.what_stops_all_workers() } else { None };
        let due = run.due();
        Ok(View::Open(Box::new(Opened { jobs, starts, due, halted, left, limit })))
    }

    async fn run_out_of_time(&self, id: &RunId, live: &Live, limit: Duration) -> Result<(), EngineError> {
        let error = out_of_time(live.active(Duration::ZERO), limit);
        let fail = || {
            let error = error.clone();
            self.happen(id, With::Nothing, |run, desk| Ok(Some(run.fail(error, desk))))
        };
        match fail().await {
            Err(EngineError::Over { .. }) => Ok(()),
            // A call that was interrupted may have been handing its answer to the store, which took it.
            Err(EngineError::Store(StoreError::Run(RunError::OutOfSequence { .. }))) => fail().await,
            other => other,
        }
    }
}

/// A run was active for longer than it may be.
pub(super) fn out_of_time(active: Duration, limit: Duration) -> EffectError {
    let message = format!("the run was active for {:.1} s; the limit is {} s", active.as_secs_f64(), limit.as_secs());
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let details = measured(milliseconds(limit), milliseconds(active));
    EffectError::new("limit_time", message).with_details(details)
}
