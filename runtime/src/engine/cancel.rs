//! A run is stopped for good.

use super::continuation::went_on;
use super::live::With;
use super::{Engine, EngineError};
use crate::record::{Actor, RunId};

impl Engine {
    /// Ends a run as cancelled. Its tasks end in the same commit, and a tool that is being called is interrupted. A run that
    /// has ended is [`EngineError::Over`]; one that goes on as another is stopped there.
    pub async fn cancel(&self, run: &RunId, by: &Actor, reason: &str) -> Result<(), EngineError> {
        let reason = if reason.is_empty() { by.to_string() } else { format!("{by}: {reason}") };
        loop {
            let run = self.newest(run).await?.id;
            let reason = reason.clone();
            let done = self.happen(&run, With::Nothing, |run, desk| Ok(Some(run.cancel(reason, desk)))).await;
            if !went_on(&done) {
                return done;
            }
        }
    }
}
