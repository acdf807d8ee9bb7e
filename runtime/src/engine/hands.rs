//! Who drives several runs at a time.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};

use super::drive::{Patience, Stop};
use super::panicked::Panicked;
use super::{Engine, EngineError};
use crate::record::RunId;

/// A run that is not driven any more, and why.
type Stopped = (RunId, Result<Stop, EngineError>);

/// Drivers at work.
pub(super) enum Hands<'e> {
    /// All within the task of who waits for them: they stop at once with it.
    One(&'e Engine, FuturesUnordered<BoxFuture<'e, Stopped>>),
    /// Each a task of its own, on whichever processor has time.
    Many(Arc<Engine>, JoinSet<Stopped>),
}

impl<'e> Hands<'e> {
    pub(super) fn one(engine: &'e Engine) -> Self {
        Self::One(engine, FuturesUnordered::new())
    }

    pub(super) fn many(engine: Arc<Engine>) -> Self {
        Self::Many(engine, JoinSet::new())
    }

    pub(super) fn drive(
        &mut self,
        run: RunId,
        patience: watch::Receiver<Patience>,
        want: mpsc::UnboundedSender<RunId>,
    ) {
        match self {
            Self::One(engine, driving) => {
                let engine = *engine;
                let drive = async move {
                    let stop = engine.drive_and_tell(&run, patience, &want).await;
                    (run, stop)
                };
                driving.push(drive.boxed());
            }
            Self::Many(engine, driving) => {
                let engine = engine.clone();
                driving.spawn(async move {
                    // Unwind safe: what was in memory of the run is dropped.
                    let drive = AssertUnwindSafe(engine.drive_and_tell(&run, patience, &want)).catch_unwind();
                    let stop = match drive.await {
                        Ok(stop) => stop,
                        Err(panic) => {
                            let live = engine.live(&run);
                            live.slot.lock().await.take();
                            engine.forget(&run, live);
                            let Panicked(cause) = Panicked::new(panic.as_ref());
                            tracing::error!(%run, "the driver has a defect: {cause}");
                            Err(EngineError::Interrupted { run: run.clone(), cause })
                        }
                    };
                    (run, stop)
                });
            }
        }
    }

    /// How many are at work.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_, driving) => driving.len(),
            Self::Many(_, driving) => driving.len(),
        }
    }

    /// The next that has stopped; `None` when none is at work.
    pub(super) async fn next(&mut self) -> Option<Stopped> {
        match self {
            Self::One(_, driving) => driving.next().await,
            Self::Many(_, driving) => loop {
                match driving.join_next().await?.map_err(JoinError::try_into_panic) {
                    Ok(stopped) => return Some(stopped),
                    Err(Ok(panic)) => panic::resume_unwind(panic),
                    // The runtime ends.
                    Err(Err(_)) => {}
                }
            },
        }
    }

    /// Ends all of them, and waits until they are gone. Commits that they have begun go on.
    pub(super) async fn stop(self) {
        if let Self::Many(_, mut driving) = self {
            driving.shutdown().await;
        }
    }
}
