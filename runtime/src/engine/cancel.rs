//! A run is stopped for good.

use bloom_interpreter::effect::EffectCall;
use bloom_interpreter::history::{Chain, Payload};
use bloom_ir::Value;

use super::child::child_id;
use super::continuation::went_on;
use super::live::With;
use super::progress::Step;
use super::run::{Addition, RunEnd};
use super::{Engine, EngineError};
use crate::record::{Actor, AuditNote, RunId, RunStatus};
use crate::store::Append;

impl Engine {
    /// Ends a run as cancelled. Its tasks end in the same commit, and a tool that is being called is interrupted. A run that
    /// has ended is [`EngineError::Over`]; one that goes on as another is stopped there. One that cannot go on any more, as
    /// because its key is not trusted, can be cancelled all the same, and so can one that waits for its turn.
    pub async fn cancel(&self, run: &RunId, by: &Actor, reason: &str) -> Result<(), EngineError> {
        let reason = if reason.is_empty() { by.to_string() } else { format!("{by}: {reason}") };
        loop {
            let run = self.newest(run).await?.id;
            let own = reason.clone();
            let mut done = self.happen(&run, With::News, |run, desk| Ok(Some(run.cancel(own, desk)))).await;
            let cannot_go_on = |error: &EngineError| error.is_of_program() || matches!(error, EngineError::NotBegun(_));
            if done.as_ref().is_err_and(cannot_go_on) {
                done = self.cancel_unloaded(&run, reason.clone()).await;
            }
            if !went_on(&done) {
                return done;
            }
        }
    }

    /// Cancels a run by its record alone.
    async fn cancel_unloaded(&self, id: &RunId, reason: String) -> Result<(), EngineError> {
        let live = self.live(id);
        let slot = live.slot.clone().lock_owned().await;
        let record = self.record_of(id).await?;
        if record.status.is_terminal() {
            let end = Box::new(self.recorded_end(&record).await?);
            return Err(EngineError::Over { run: id.clone(), end });
        }
        // Those that have ended since, or were never started, are passed over.
        let history = self.history(id).await?;
        let orphans = history.iter().filter_map(|event| match event.payload.as_ref()? {
            Payload::EffectRequested { effect, call: EffectCall::Flow(call), .. } if call.wait => {
                Some(child_id(id, effect))
            }
            _ => None,
        });
        let orphans = orphans.collect();
        let at = self.clock.now().max(record.updated_at);
        let mut chain = Chain::at(record.events, record.history_head);
        let event = chain.seal(at, Payload::RunCancelled { reason: reason.clone() });
        let detail =
            [("ir_hash", Value::from(record.ir.to_string())), ("history_head", Value::from(chain.head().to_string()))];
        let by = Actor(format!("run:{id}"));
        let note = AuditNote::of_run(at, &by, "run_cancelled", (id, &record.context), detail);
        let append = Append {
            audit: vec![note],
            orphans,
            ..Append::of(id.clone(), record.events, vec![event], RunStatus::Cancelled)
        };
        let steps = vec![Step::Ended(RunEnd::Cancelled { reason })];
        self.record(&live, slot, None, Addition { append, artifacts: Vec::new(), steps }, With::News).await
    }
}
