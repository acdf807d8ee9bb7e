//! A run is brought to its end.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use bloom_interpreter::effect::{EffectCall, EffectError, EffectId};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::live::{Live, Slot, With};
use super::run::{Open, RunEnd};
use super::tool::Job;
use super::{Engine, EngineError};
use crate::record::{RunError, RunId};
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
    Open {
        /// Calls of tools without an outcome.
        jobs: Vec<Job>,
        /// What stops every worker that could go on, if one is needed.
        halted: Option<EffectError>,
        /// What is left of the limit of active time.
        left: Duration,
        /// That limit.
        limit: Duration,
    },
}

/// Waits for `work` and lets the calls go on meanwhile: one of them may hold the run that `work` needs.
async fn beside<T>(
    calls: &mut FuturesUnordered<impl Future<Output = Result<(), EngineError>>>,
    work: impl Future<Output = T>,
) -> Result<T, EngineError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            Some(call) = calls.next() => call?,
        }
    }
}

impl Engine {
    /// Brings a run to its end, from where its history stands: also after a crash, a stop, or an error of this method. A run
    /// that has ended gives its end.
    ///
    /// Dropping the future stops the run without ending it: calls of tools in progress are interrupted, what is recorded
    /// stays, and it can be driven again. One driver works at a time; another one waits.
    pub async fn drive(&self, id: &RunId) -> Result<RunEnd, EngineError> {
        let live = self.live(id);
        let _driver = live.driver.lock().await;
        if self.may_have_tasks(&live).await {
            self.expire_leases_of_the_dead(id).await?;
        }
        let end = self.drive_alone(id, &live).await;
        if end.is_ok() {
            self.forget(id);
        }
        end
    }

    /// Whether a worker may hold a task of the run, which is so for one that is not in memory.
    async fn may_have_tasks(&self, live: &Live) -> bool {
        match live.slot.lock().await.as_ref() {
            None => true,
            Some(Slot::Open(run)) => run.open.values().any(|open| matches!(open.effect.ask().call, EffectCall::Llm(_))),
            Some(Slot::Over(_)) => false,
        }
    }

    async fn drive_alone(&self, id: &RunId, live: &Live) -> Result<RunEnd, EngineError> {
        live.interrupted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut calls = FuturesUnordered::new();
        let mut called: BTreeSet<EffectId> = BTreeSet::new();
        loop {
            if let Some(cause) = live.interrupted.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(EngineError::Interrupted { run: id.clone(), cause });
            }
            let since = Instant::now();
            let (jobs, halted, left, limit) = match beside(&mut calls, self.look(id, live, &called)).await?? {
                View::Over(end) => return Ok(end),
                View::Moving { left, limit } => {
                    // Whoever wants to stop the run gets a turn here.
                    tokio::task::yield_now().await;
                    live.add_active(since.elapsed());
                    if since.elapsed() >= left {
                        self.run_out_of_time(id, limit).await?;
                    }
                    continue;
                }
                View::Open { jobs, halted, left, limit } => (jobs, halted, left, limit),
            };
            for job in jobs {
                called.insert(job.request.id.clone());
                live.note_begun(job.request.id.as_str());
                let idle = live.idle_after(&job.request.id);
                calls.push(async move {
                    let _idle = idle;
                    self.perform(id, job).await
                });
            }
            if let (Some(error), true) = (halted, calls.is_empty()) {
                return Err(EngineError::Halted { run: id.clone(), error });
            }
            // Time in a queue does not count: only while something is performed the clock of the run goes on.
            let (is_active, since) = (live.performing() > 0, Instant::now());
            tokio::select! {
                Some(done) = calls.next() => done?,
                () = live.changed.notified() => {}
                () = tokio::time::sleep(left), if is_active => {
                    calls.clear();
                    self.run_out_of_time(id, limit).await?;
                }
            }
            if is_active {
                live.add_active(since.elapsed());
            }
        }
    }

    /// Looks where the run stands, and goes on with a turn that is not recorded yet. Calls in `called` are under way.
    async fn look(&self, id: &RunId, live: &Live, called: &BTreeSet<EffectId>) -> Result<View, EngineError> {
        match self.happen(id, With::Nothing, |run, desk| Ok(run.catch_up(desk))).await {
            Ok(()) | Err(EngineError::Over { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut slot = live.slot.lock().await;
        let run = match slot.as_mut() {
            Some(Slot::Open(run)) => run,
            Some(Slot::Over(end)) => return Ok(View::Over(end.clone())),
            // Somebody's commit failed in between; the next look loads the run.
            None => {
                live.changed.notify_one();
                return Ok(View::Open { jobs: Vec::new(), halted: None, left: Duration::MAX, limit: Duration::MAX });
            }
        };
        let limit = Duration::from_secs(run.policy().limits.timeout_seconds.into());
        let left = limit.saturating_sub(live.active(run.active_before));
        if run.is_moving() {
            return Ok(View::Moving { left, limit });
        }
        let mut jobs = Vec::new();
        let mut needs_worker = false;
        for Open { effect, begun } in run.open.values() {
            match &effect.ask().call {
                EffectCall::Llm(_) => needs_worker = true,
                // A flow that has such nodes is not accepted.
                EffectCall::Flow(_) | EffectCall::Sleep(_) | EffectCall::Timer(_) | EffectCall::Await(_) => {}
                EffectCall::Tool(_) if called.contains(&effect.ask().id) => {}
                EffectCall::Tool(call) => jobs.push(Job {
                    request: effect.ask().clone(),
                    call: call.clone(),
                    spot: run.spot(effect.ask()),
                    attempt: effect.attempt(),
                    is_unknown: *begun,
                    agent: run.agent().to_owned(),
                    capabilities: run
                        .policy()
                        .allowed_tools
                        .get(&call.tool)
                        .map(|tool| tool.capabilities.clone())
                        .unwrap_or_default(),
                    node_limit: Duration::from_secs(run.policy().limits.node_timeout_seconds.into()),
                }),
            }
        }
        // Whoever drives after this driver is dropped must not call them as if they were new.
        for job in &jobs {
            if let Some(open) = run.open.get_mut(&job.request.id) {
                open.begun = true;
            }
        }
        let halted = if needs_worker && live.performing() == 0 { self.what_stops_all_workers() } else { None };
        Ok(View::Open { jobs, halted, left, limit })
    }

    async fn run_out_of_time(&self, id: &RunId, limit: Duration) -> Result<(), EngineError> {
        let message = format!("the run was active for more than {} s", limit.as_secs());
        let error = EffectError::new("limit_time", message);
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
