//! All runs are looked after: those that a crash left in the middle go on, and those that sleep are woken.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::crew::Crew;
use super::drive::{Patience, Stop, TICK};
use super::hands::Hands;
use super::{Engine, EngineError};
use crate::record::{Actor, RunId};

/// So many runs are in memory at a time; more wait for their turn.
const AT_ONCE: usize = 64;

/// So many runs may be queued before further ones are looked for whose time has come.
const AHEAD: usize = 16 * AT_ONCE;

/// The longest that the clock is not looked at while no run waits for a time.
const LONG: Duration = Duration::from_hours(1);

/// A run whose driver had an error is left alone for so long.
const PAUSE: Duration = Duration::from_secs(30);

/// The delay after the first failure of the store, which doubles with each further one up to [`PAUSE`].
const BACKOFF: Duration = Duration::from_millis(500);

/// Who looks after all runs, if somebody does.
#[derive(Clone, Default)]
pub(super) struct Tending(Arc<Mutex<Option<mpsc::UnboundedSender<RunId>>>>);

impl Tending {
    /// Has a run driven.
    pub(super) fn want(&self, run: &RunId) {
        if let Some(tending) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody listens while it ends.
            let _ = tending.send(run.clone());
        }
    }

    fn set(&self, tending: Option<mpsc::UnboundedSender<RunId>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tending;
    }
}

/// Runs that wait for their turn, each of them once.
#[derive(Default)]
struct Queue {
    order: VecDeque<RunId>,
    queued: BTreeSet<RunId>,
    /// When the next run's time comes, in Unix milliseconds, as far as that is known.
    next: Option<i64>,
    /// Whether that is known: what was driven since may be due earlier.
    is_next_known: bool,
}

impl Queue {
    fn push(&mut self, run: RunId) {
        if self.queued.insert(run.clone()) {
            self.order.push_back(run);
        }
    }

    fn pop(&mut self) -> Option<RunId> {
        let run = self.order.pop_front()?;
        self.queued.remove(&run);
        Some(run)
    }
}

impl Engine {
    /// Looks after all runs of the store until `stop`: goes on with those that are in the middle of something, drives those
    /// that are submitted, whose turn has come, or that are sent a signal or an answer, and wakes each that waits when its time has come. A run that waits
    /// takes no memory and no thread meanwhile, and one whose tasks are queued gives its place to others until a worker has
    /// begun. Proposals that nobody decided on in time expire.
    ///
    /// While the store fails, that is told by `tracing` and tried again, until it says that it must be opened anew, which ends
    /// this. An error of one run is told, too, and the run is tried again later.
    pub async fn tend(self: &Arc<Self>, stop: impl Future<Output = ()>) -> Result<(), EngineError> {
        let (_patience, watched) = watch::channel(Patience::None);
        let mut crew = Crew::new(Hands::many(self.clone()), watched);
        let (want, mut wanted) = mpsc::unbounded_channel();
        self.tending.set(Some(want));
        let (mut queue, mut is_begun) = (Queue::default(), false);
        let mut paused: BTreeMap<RunId, Instant> = BTreeMap::new();
        let mut stop = std::pin::pin!(stop);
        let mut expiry = self.clock.now();
        let mut delay = BACKOFF;
        let ended = loop {
            let driven = crew.driven();
            let looked = async {
                if !is_begun {
                    self.store.moving_runs().await?.into_iter().for_each(|run| queue.push(run));
                    self.due_to_begin().await?.into_iter().for_each(|run| queue.push(run));
                    is_begun = true;
                }
                if self.clock.now() >= expiry {
                    expiry = self.expire_proposals().await?;
                }
                self.queue_due(&mut queue, &mut paused, driven).await
            };
            let next = match looked.await {
                Err(error) if error.is_fatal() => break Err(error),
                looked => looked,
            };
            while crew.admit() < AT_ONCE
                && let Some(run) = queue.pop()
            {
                crew.drive(run);
            }
            let is_driving = crew.admit() > 0;
            let rest = match next {
                Ok(next) => {
                    delay = BACKOFF;
                    match next {
                        Some(due) => self.until(due).min(TICK),
                        None if paused.is_empty() => self.until(expiry).min(LONG),
                        None => TICK,
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "runs cannot be looked after for now");
                    let rest = delay;
                    delay = delay.saturating_mul(2).min(PAUSE);
                    rest
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                // Before what is wanted: however much comes in, those that are driven go on.
                Some((run, stopped)) = crew.next(), if is_driving => match stopped {
                    Ok(Stop::Ended(_)) => {}
                    Ok(Stop::Waits(_)) => queue.is_next_known = false,
                    Err(error) => {
                        queue.is_next_known = false;
                        tracing::warn!(%run, %error, "a run cannot go on for now");
                        paused.insert(run, Instant::now() + PAUSE);
                    }
                },
                Some(run) = wanted.recv() => queue.push(run),
                () = tokio::time::sleep(rest) => {}
            }
        };
        self.tending.set(None);
        crew.stop().await;
        ended
    }

    /// Ends the proposals that nobody decided on in time; gives the time at which to look again, in Unix milliseconds.
    async fn expire_proposals(&self) -> Result<i64, EngineError> {
        let now = self.clock.now();
        // One that is made from now on does not expire before that.
        let ttl = i64::try_from(self.config.proposal_ttl.as_millis()).unwrap_or(i64::MAX);
        let fresh = now.saturating_add(ttl);
        let mut next = self.store.next_expiry().await?;
        if next.is_some_and(|next| next <= now) {
            for proposal in self.store.expire_proposals(now, &Actor("system".to_owned())).await? {
                tracing::info!(proposal = %proposal.id, run = %proposal.run, "nobody decided in time");
            }
            next = self.store.next_expiry().await?;
        }
        Ok(next.map_or(fresh, |next| next.min(fresh)))
    }

    /// Queues runs whose time has come; gives the time of the next one.
    async fn queue_due(
        &self,
        queue: &mut Queue,
        paused: &mut BTreeMap<RunId, Instant>,
        driven: &BTreeSet<RunId>,
    ) -> Result<Option<i64>, EngineError> {
        let now = self.clock.now();
        let ready = Instant::now();
        for run in paused.extract_if(.., |_, until| *until <= ready).map(|(run, _)| run) {
            queue.push(run);
        }
        if queue.order.len() >= AHEAD {
            return Ok(None);
        }
        if queue.is_next_known && queue.next.is_none_or(|next| now < next) {
            return Ok(queue.next);
        }
        // Those that are known stand among them until they have moved on.
        let known = paused.len().saturating_add(driven.len()).saturating_add(queue.order.len());
        let limit = known.saturating_add(AT_ONCE).saturating_add(1);
        let due = self.store.due_runs(i64::MAX, limit).await?;
        // There may be more than these.
        (queue.next, queue.is_next_known) = (None, due.len() < limit);
        for (at, run) in due {
            if at > now {
                (queue.next, queue.is_next_known) = (Some(at), true);
                break;
            }
            if !paused.contains_key(&run) && !driven.contains(&run) {
                queue.push(run);
            }
        }
        Ok(queue.next)
    }
}
