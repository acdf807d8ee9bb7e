//! A run of a machine whose history is long goes on as another run.
//!
//! `max_events` bounds a history, not the life of a machine. Once half of it is used, a run that waits for nothing but times
//! and signals ends as continued; in the same commit another run begins with its state, its counts of tokens, cost and
//! proposals, the signals that nobody has taken, and the hash of its last event. A run that never comes to such a rest meets
//! the limit.

use bloom_interpreter::history::Continues;
use bloom_interpreter::record;
use bloom_interpreter::replay::{LinkFault, Verdict, check_link};
use bloom_interpreter::{Machine, Program, RunInfo};
use bloom_ir::Value;

use super::run::{Desk, Draft, Run, RunEnd};
use super::submit::accepted;
use super::{Engine, EngineError};
use crate::record::{Actor, InboxEntry, InboxId, InboxStatus, RunId, RunRecord};
use crate::store::{Store, StoreError, Successor};

impl Run {
    /// Ends it as continued where its history is long enough and it can wait as well in another run.
    pub(super) fn continue_elsewhere(&mut self, draft: &mut Draft, events: u64, desk: &Desk<'_>) {
        let is_long = events > self.limits().max_events / 2;
        // One that has not moved on since it began would begin again and again.
        if draft.end.is_some() || !self.has_moved || !is_long || !self.machine.may_be_continued() {
            return;
        }
        let next = desk.ids.run();
        draft.payloads.push(record::continued(&self.machine, next.as_str()));
        draft.end = Some(RunEnd::Continued { run: next });
    }

    /// The run that goes on in its place, once its own last event is chained.
    pub(super) fn successor(&self, id: &RunId, desk: &Desk<'_>) -> Option<Successor> {
        let at = self.at(desk);
        let continues = Continues {
            run: self.id.to_string(),
            events: self.chain().seq(),
            head: self.chain().head(),
            snapshot: self.machine.snapshot(),
            signals: self
                .signals
                .iter()
                .filter(|(_, waiting)| !waiting.is_empty())
                .map(|(name, waiting)| (name.clone(), waiting.clone()))
                .collect(),
        };
        let info = RunInfo { id: id.to_string(), started_at: at };
        let machine = Machine::continued(self.program(), info, continues.snapshot.clone()).ok()?;
        let flow = self.program().flow();
        let by = Actor(format!("run:{}", self.id));
        let inbox = InboxEntry {
            id: InboxId::new(desk.ids.fresh()),
            source: by.clone(),
            action: "continue-run".to_owned(),
            target: format!("{}@{}", flow.id, flow.version),
            payload: [("run", Value::from(self.id.as_str()))].into_iter().collect(),
            status: InboxStatus::Processed,
            created_at: at,
            correlation_id: id.to_string(),
            approved_by: Some(by.clone()),
        };
        let spent = self.spent();
        let run = RunRecord {
            tokens: spent.tokens,
            cost_micro_usd: spent.cost_micro_usd,
            continues: Some(self.id.clone()),
            parent: self.parent.clone(),
            budget: self.budget.clone(),
            calls_before: self.calls,
            ..accepted(id, &inbox, self.context.clone(), &machine)
        };
        let started = record::started_in_place(&machine, &desk.config.version, continues);
        let (_, first) = Self::begin_with(&run, self.ir().clone(), machine, started, &by, desk);
        Some(Successor { inbox, run, first: first.append })
    }
}

impl Engine {
    /// The run itself, or the last of those that went on in its place.
    pub(super) async fn newest(&self, run: &RunId) -> Result<RunRecord, EngineError> {
        let mut record = self.record_of(run).await?;
        while let Some(next) = &record.continued_by {
            record = self.record_of(next).await?;
        }
        Ok(record)
    }
}

/// What is wrong between a run's history and those of the runs before and after it, where it is one of several that
/// continue each other. The runs' own histories are replayed apart from this.
pub async fn check_links(
    store: &dyn Store,
    record: &RunRecord,
    program: &Program,
) -> Result<Option<Verdict>, StoreError> {
    let links = [
        record.continues.as_ref().map(|before| (before, &record.id, before)),
        record.continued_by.as_ref().map(|after| (&record.id, after, after)),
    ];
    for (before, after, other) in links.into_iter().flatten() {
        let first = store.history(after, 1, 1).await?.pop();
        let fault = match first {
            Some(first) => check_link(program, &store.history(before, 1, usize::MAX).await?, &first).err(),
            None => Some(LinkFault::OtherHead),
        };
        if let Some(fault) = fault {
            return Ok(Some(Verdict::Unlinked { run: other.to_string(), fault }));
        }
    }
    Ok(None)
}

/// Whether a run could not be acted upon because another one goes on in its place by now.
pub(super) fn went_on<T>(done: &Result<T, EngineError>) -> bool {
    matches!(done, Err(EngineError::Over { end, .. }) if matches!(**end, RunEnd::Continued { .. }))
}
