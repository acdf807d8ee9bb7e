//! Who drives several runs at a time.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::drive::{Patience, Stop};
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
                    let drive = AssertUnwindSafe(engine.drive_and_tell(&run, patience, &want));
                    let stop = drive.catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&run, panic.as_ref())));
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
                // One that was ended from outside says nothing.
                if let Ok(stopped) = driving.join_next().await.transpose() {
                    return stopped;
                }
            },
        }
    }

    /// Ends all of them, and waits until they are gone.
    pub(super) async fn stop(self) {
        if let Self::Many(_, mut driving) = self {
            driving.shutdown().await;
        }
    }
}

/// What a driver met that panicked: the run is in memory no more, and can be driven from where its history stands.
fn panicked(run: &RunId, panic: &(dyn Any + Send)) -> EngineError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message");
    EngineError::Interrupted { run: run.clone(), cause: format!("the driver panicked: {text}") }
}
