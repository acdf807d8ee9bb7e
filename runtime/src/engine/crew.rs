//! A run is brought to its end, with the runs that it starts.
//!
//! Drivers are not nested, however deep runs start runs: all stand side by side here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::drive::{Patience, Stop};
use super::hands::Hands;
use super::run::RunEnd;
use super::wait::Wait;
use super::{Engine, EngineError};
use crate::record::RunId;

/// How far a run was driven.
#[derive(Clone, Debug)]
pub enum Driven {
    /// To its end: also that of a run that went on in its place.
    Ended(RunEnd),
    /// It waits, and so do all runs that it started; what is due first comes first.
    Waits(Vec<Wait>),
}

impl Engine {
    /// Brings a run to its end, from where its history stands: also after a crash, a stop, or an error of this method. A run
    /// that has ended gives its end. It waits as long as the run does, for times, signals and people, and drives the runs
    /// that it starts; those that it does not wait for as far as they go without waiting.
    ///
    /// Dropping the future stops the run without ending it: calls of tools in progress are interrupted, what is recorded
    /// stays, and it can be driven again. One driver works at a time; another one waits.
    pub async fn drive(&self, id: &RunId) -> Result<RunEnd, EngineError> {
        loop {
            if let Driven::Ended(end) = self.drive_with(id, Patience::Endless).await? {
                return Ok(end);
            }
        }
    }

    /// The same, but leaves a run that does nothing but wait: unless a time is to come within `patience`. It can be driven
    /// again later, by [`Engine::tend`] too.
    pub async fn drive_until_it_waits(&self, id: &RunId, patience: Duration) -> Result<Driven, EngineError> {
        self.drive_with(id, Patience::For(patience)).await
    }

    async fn drive_with(&self, root: &RunId, patience: Patience) -> Result<Driven, EngineError> {
        let (patience, watched) = watch::channel(patience);
        let mut crew = Crew::new(Hands::one(self), watched);
        let mut root = root.clone();
        crew.drive(root.clone());
        let mut waits: BTreeMap<RunId, Vec<Wait>> = BTreeMap::new();
        let mut ended = None;
        while let Some((run, stop)) = crew.next().await {
            match stop? {
                Stop::Waits(list) => {
                    waits.insert(run, list);
                }
                Stop::Ended(RunEnd::Continued { run: next }) => {
                    waits.remove(&run);
                    if run == root {
                        root = next;
                    }
                }
                Stop::Ended(end) => {
                    waits.remove(&run);
                    if run == root {
                        // Those that it did not wait for go on alone.
                        patience.send_replace(Patience::For(Duration::ZERO));
                        ended = Some(end);
                    }
                }
            }
        }
        if let Some(end) = ended {
            return Ok(Driven::Ended(end));
        }
        let mut waits: Vec<Wait> = waits.into_values().flatten().collect();
        waits.sort_by_key(|wait| wait.due.unwrap_or(i64::MAX));
        Ok(Driven::Waits(waits))
    }
}

/// Drivers that work side by side.
pub(super) struct Crew<'e> {
    hands: Hands<'e>,
    patience: watch::Receiver<Patience>,
    under_way: BTreeSet<RunId>,
    /// Runs that somebody wants to be driven while they are, and are to be looked at again.
    again: BTreeSet<RunId>,
    want: mpsc::UnboundedSender<RunId>,
    wanted: mpsc::UnboundedReceiver<RunId>,
}

impl<'e> Crew<'e> {
    pub(super) fn new(hands: Hands<'e>, patience: watch::Receiver<Patience>) -> Self {
        let (want, wanted) = mpsc::unbounded_channel();
        Self { hands, patience, under_way: BTreeSet::new(), again: BTreeSet::new(), want, wanted }
    }

    /// How many runs are being driven, with those that drivers have asked for.
    pub(super) fn admit(&mut self) -> usize {
        while let Ok(run) = self.wanted.try_recv() {
            self.drive(run);
        }
        self.hands.len()
    }

    /// The runs that are being driven.
    pub(super) fn driven(&self) -> &BTreeSet<RunId> {
        &self.under_way
    }

    pub(super) fn drive(&mut self, run: RunId) {
        if !self.under_way.insert(run.clone()) {
            self.again.insert(run);
            return;
        }
        self.hands.drive(run, self.patience.clone(), self.want.clone());
    }

    /// The next run that stopped; `None` when none is driven and none is wanted.
    pub(super) async fn next(&mut self) -> Option<(RunId, Result<Stop, EngineError>)> {
        loop {
            if self.admit() == 0 {
                return None;
            }
            tokio::select! {
                biased;
                Some(run) = self.wanted.recv() => self.drive(run),
                Some((run, stop)) = self.hands.next() => {
                    self.under_way.remove(&run);
                    let is_again = self.again.remove(&run);
                    if is_again && matches!(stop, Ok(Stop::Waits(_))) {
                        self.drive(run);
                        continue;
                    }
                    return Some((run, stop));
                }
            }
        }
    }

    /// Stops all drivers, and waits until they are gone. Commits that they have begun go on.
    pub(super) async fn stop(self) {
        self.hands.stop().await;
    }
}

impl Engine {
    /// Drives a run; when it ends, the run that waits for it is told, and is to be driven.
    pub(super) async fn drive_and_tell(
        &self,
        run: &RunId,
        patience: watch::Receiver<Patience>,
        want: &mpsc::UnboundedSender<RunId>,
    ) -> Result<Stop, EngineError> {
        let is_plain = self.is_plain(run);
        if !is_plain {
            let record = self.record_of(run).await?;
            if let Some(parent) = &record.parent
                && !record.status.is_terminal()
                && self.is_orphan(&record).await?
            {
                self.cancel_orphan(run, &parent.run).await?;
            }
        }
        let stop = self.drive_one(run, patience, want).await?;
        if let Stop::Ended(RunEnd::Continued { run: next }) = &stop {
            // Nobody listens when the driver is gone.
            let _ = want.send(next.clone());
            return Ok(stop);
        }
        if let Stop::Ended(end) = &stop
            && !is_plain
            && let Some(parent) = self.tell_parent(run, end).await?
        {
            // Nobody listens when the driver is gone.
            let _ = want.send(parent);
        }
        Ok(stop)
    }
}
