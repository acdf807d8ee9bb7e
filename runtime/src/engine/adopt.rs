//! A run of another engine goes on here: what a worker does that executes a whole run.
//!
//! The history stays the other engine's. Each addition to it is told to a [`Journal`] first, and counts only when that has
//! taken it: so that the next node runs when what came before is where it is kept.

use async_trait::async_trait;
use bloom_interpreter::history::{Chain, Event, Sealed, run_of};
use bloom_interpreter::replay::Rebuilder;
use bloom_ir::{Value, VerifiedIr};

use super::live::{cannot_go_on, sealed};
use super::run::{Addition, Run, SLICE};
use super::submit::{Begun, accepted};
use super::{Engine, EngineError, policy};
use crate::record::{Actor, ContextId, InboxEntry, InboxId, InboxStatus, RunId};
use crate::store::{StoreError, Submission};

/// Keeps the histories that an engine adds to, before the engine's own store does.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Keeps what is added to the history of a run. After an error nothing of it counts.
    async fn record(&self, run: &RunId, events: &[Sealed]) -> Result<(), StoreError>;
}

/// A run of another engine.
#[derive(Clone, Debug)]
pub struct Adopt {
    /// The IR that it pins, as verified under the trust list of who adopts it.
    pub ir: VerifiedIr,
    /// All that was recorded of it, from its start.
    pub history: Vec<Event>,
    /// Its execution context.
    pub context: ContextId,
    /// For whom it is executed.
    pub by: Actor,
}

impl Engine {
    /// Takes on a run whose history another engine keeps, to be driven here from where that stands. What LLMs were asked and
    /// have not answered is a task again; a tool that was begun and may not be called twice is settled as after a crash. A
    /// history that does not agree with the program, or has its end, is [`EngineError::Rebuild`].
    pub async fn adopt(&self, adopt: Adopt) -> Result<RunId, EngineError> {
        let Adopt { ir, history, context, by } = adopt;
        policy::check(&ir, self.tools.as_ref()).map_err(EngineError::Refused)?;
        let program = self.program(&ir)?;
        let id = RunId::new(run_of(&history).unwrap_or_default());
        let mut rebuilder = Rebuilder::new(&program, &history);
        for event in &history {
            while !rebuilder.catch_up_within(SLICE) {
                tokio::task::yield_now().await;
            }
            rebuilder.follow(event).map_err(|source| cannot_go_on(&id, source))?;
        }
        let rebuilt = rebuilder.finish().map_err(|source| cannot_go_on(&id, source))?;
        let now = self.clock.now();
        let (kept, document, _) = self.kept(&ir, &by, now).await?;
        let inbox = InboxEntry {
            id: InboxId::new(self.ids.fresh()),
            source: by.clone(),
            action: "adopt-run".to_owned(),
            target: format!("{}@{}", kept.id, kept.version),
            payload: Value::empty_map(),
            status: InboxStatus::Processed,
            created_at: now,
            correlation_id: id.to_string(),
            approved_by: Some(by),
        };
        let record = accepted(&id, &inbox, context, &rebuilt.machine);
        let (run, addition) = Run::adopted(&record, ir, rebuilt, &history, &self.desk());
        let Addition { mut append, artifacts, steps, .. } = addition;
        append.expected = 0;
        append.events = sealed(&record.id, Chain::default(), history)?;
        let submission = Submission { flow: kept, document, inbox, run: record, first: append };
        self.take_up(submission, Begun { run: Some(run), artifacts, steps, ticket: None }).await?;
        Ok(id)
    }
}
