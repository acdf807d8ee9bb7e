//! A run is left at one of its events by another one, which goes on from there.

use bloom_interpreter::Program;
use bloom_interpreter::history::{Chain, Event, Forked, pinned};
use bloom_interpreter::replay::{RebuildError, Rebuilder, Rebuilt};
use bloom_ir::{Pinned, Value, VerifiedIr};

use super::live::{cannot_go_on, sealed};
use super::run::{Addition, Run, SLICE};
use super::submit::{Begun, accepted};
use super::{Engine, EngineError, policy, turn};
use crate::record::{Actor, InboxEntry, InboxId, InboxStatus, Origin, RunId, RunRecord};
use crate::store::Submission;

/// A fork that somebody wants.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The run whose first events are shared.
    pub run: RunId,
    /// The last of them, from 1.
    pub at: u64,
    /// The IR that the new run pins, as verified under the trust list of who asks; that of the other run where there is none.
    pub ir: Option<VerifiedIr>,
    /// Who wants it.
    pub by: Actor,
    /// As [`super::Submit::setting`].
    pub setting: Value,
}

impl Engine {
    /// Accepts a run that shares the first events of another one, whatever has become of that, and goes on from there when it
    /// is driven. It keeps the shared `run.started`, whose `run.id` expressions go on seeing, and has its own id in the keys of
    /// what it asks for.
    ///
    /// What was asked for before and has no answer is asked for again: tasks, questions and calls of flows are the new run's
    /// own. Signals that nobody took are there to be taken; times are those that were recorded, and may be over. Proposals
    /// that were made before stay the other run's, and nobody waits for the new one.
    ///
    /// By another IR the run must have come to that event too, event by event; else it is [`EngineError::ForkDiffers`].
    pub async fn fork(&self, fork: Fork) -> Result<RunId, EngineError> {
        self.fork_as(self.ids.run(), fork).await
    }

    /// The same, as a run of this id: where there is one, that is [`StoreError::RunExists`].
    ///
    /// [`StoreError::RunExists`]: crate::store::StoreError::RunExists
    pub async fn fork_as(&self, id: RunId, fork: Fork) -> Result<RunId, EngineError> {
        let Fork { run, at, ir, by, setting } = fork;
        let origin = self.record_of(&run).await?;
        let has_end = origin.status.is_terminal() || origin.continued_by.is_some();
        let most = origin.events.saturating_sub(u64::from(has_end));
        if !(1..=most).contains(&at) {
            return Err(EngineError::ForkPoint { run, at, most });
        }
        let ir = match ir {
            Some(ir) => ir,
            None => self.pinned(&origin, Pinned::Resume).await?,
        };
        let missing = self.check_called(&ir).await?;
        if !missing.is_empty() {
            return Err(EngineError::Refused(missing));
        }
        policy::check(&ir, self.tools.as_ref()).map_err(EngineError::Refused)?;
        let program = self.program(&ir)?;
        let mut shared = self.history(&run).await?;
        shared.truncate(usize::try_from(at).unwrap_or(usize::MAX));

        let now = self.clock.now();
        let forked = Forked { run: id.to_string(), origin: run.to_string(), at, ir: ir.hash() };
        let rebuilt = self.rebuilt_to_fork(&program, &shared, &forked).await?;
        self.check_context(&id, &origin.context, &program.flow().id, &by).await?;
        let ticket = self.enter(&id, &program.flow().id, None).await?;
        let (kept, document, stored) = self.kept(&ir, &by, now).await?;
        let inbox = InboxEntry {
            id: InboxId::new(self.ids.fresh()),
            source: by.clone(),
            action: "fork-run".to_owned(),
            target: format!("{run}#{at}"),
            payload: [("ir", Value::from(ir.hash().to_string())), ("setting", setting)].into_iter().collect(),
            status: InboxStatus::Processed,
            created_at: now,
            correlation_id: id.to_string(),
            approved_by: Some(by.clone()),
        };
        let begun = accepted(&id, &inbox, origin.context, &rebuilt.machine);
        let (turn, budget) = (ticket.turn(), origin.budget.clone());
        let record = RunRecord { budget, origin: Some(Origin { run, at }), turn, ..begun };
        let sealed = sealed(&record.id, Chain::default(), shared.clone())?;
        let (run, addition) = if turn.is_some() {
            (None, Addition::silent(turn::waiting(&record, sealed, &by)))
        } else {
            let (run, mut addition) = Run::forked(&record, ir, rebuilt, &shared, forked, &by, &self.desk());
            addition.append.expected = 0;
            addition.append.events.splice(..0, sealed);
            (Some(run), addition)
        };
        let Addition { append: mut first, artifacts, steps } = addition;
        first.audit.splice(..0, stored);
        let submission = Submission { flow: kept, document, inbox, run: record, first };
        self.take_up(submission, Begun { run, artifacts, steps, ticket: Some(ticket) }).await?;
        Ok(id)
    }

    /// The run as it stands after the shared events, with all that it waits for to be asked for again.
    pub(super) async fn rebuilt_to_fork(
        &self,
        program: &Program,
        shared: &[Event],
        forked: &Forked,
    ) -> Result<Rebuilt, EngineError> {
        let mut rebuilder = Rebuilder::forking(program);
        for event in shared {
            while !rebuilder.catch_up_within(SLICE) {
                tokio::task::yield_now().await;
            }
            let Err(source) = rebuilder.follow(event) else { continue };
            let run = RunId::new(forked.origin.as_str());
            return Err(match source {
                RebuildError::Refused(verdict) if pinned(shared) != Some(forked.ir) => {
                    EngineError::ForkDiffers { run, at: forked.at, verdict: Box::new(verdict) }
                }
                source => cannot_go_on(&run, source),
            });
        }
        rebuilder.finish_to_fork().map_err(|source| cannot_go_on(&RunId::new(forked.origin.as_str()), source))
    }
}
