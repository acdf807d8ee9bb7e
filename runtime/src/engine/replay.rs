//! A run's history is checked against its program.

use bloom_interpreter::Program;
use bloom_interpreter::replay::{self, ReplayReport};
use bloom_ir::Pinned;

use super::continuation::check_links;
use super::{Engine, EngineError};
use crate::record::RunId;

impl Engine {
    /// Replays a run's history with the IR that it pins, up to and with event `until` if that is given. Nothing is performed.
    /// Where runs continue each other, it is also checked that their histories fit.
    pub async fn replay(&self, run: &RunId, until: Option<u64>) -> Result<ReplayReport, EngineError> {
        let record = self.record_of(run).await?;
        let ir = self.pinned(&record, Pinned::Replay).await?;
        let program = Program::load(&ir)?;
        let events = self.history(run).await?;
        let report = replay::replay(&program, &events, until);
        if until.is_none()
            && report.verdict.agrees()
            && let Some(verdict) = check_links(self.store.as_ref(), &record, &program).await?
        {
            return Ok(ReplayReport { verdict, ..report });
        }
        Ok(report)
    }
}
