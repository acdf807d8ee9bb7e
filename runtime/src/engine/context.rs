//! What keeps execution contexts apart: whatever passes from one to another is asked for here, and refusals are written down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;

use super::artifacts::{HandedOut, unavailable};
use super::{Engine, EngineError};
use crate::clock::Clock;
use crate::record::{Actor, AuditNote, Context, ContextDenied, ContextId, Denied, RunId, RunRecord};
use crate::store::{Store, StoreError};

/// For so long one entry of the audit log stands for all refusals of one who asks one context, in milliseconds.
const QUIET: i64 = 60 * 60 * 1000;

/// So many who were refused are remembered. Who is forgotten is written down once more.
const REMEMBERED: usize = 4096;

/// Asks contexts.
#[derive(Clone)]
pub(super) struct Fences {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    refusals: Arc<Mutex<Refusals>>,
}

/// Who was refused lately, by whom and by which context.
#[derive(Default)]
struct Refusals(BTreeMap<(String, ContextId), Lately>);

struct Lately {
    /// When it was written down, in Unix milliseconds.
    noted_at: i64,
    /// How often it was refused since.
    since: u64,
}

impl Refusals {
    /// Counts a refusal. Where it is to be written down, the number of those that were not, since the last one that was.
    fn count(&mut self, who: &str, context: &ContextId, now: i64) -> Option<u64> {
        let key = (who.to_owned(), context.clone());
        // A clock that was put back must not silence anybody for longer.
        let is_quiet = |lately: &Lately| (0..QUIET).contains(&now.saturating_sub(lately.noted_at));
        if let Some(lately) = self.0.get_mut(&key) {
            if is_quiet(lately) {
                lately.since = lately.since.saturating_add(1);
                return None;
            }
            let since = std::mem::replace(lately, Lately { noted_at: now, since: 0 }).since;
            return Some(since);
        }
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, lately| is_quiet(lately));
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(key, Lately { noted_at: now, since: 0 });
        Some(0)
    }
}

impl Fences {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, refusals: Arc::default() }
    }

    /// Whether what runs of a context handed out may be read by runs of another.
    pub(super) async fn is_open(&self, context: &ContextId, reader: &ContextId) -> Result<bool, StoreError> {
        Ok(context == reader || self.store.context(context).await?.is_open_to(reader))
    }

    /// Refuses, and writes that down: what is refused is told only after that.
    pub(super) async fn refuse(
        &self,
        denied: ContextDenied,
        by: &Actor,
        run: Option<(&RunId, &ContextId)>,
    ) -> Result<ContextDenied, StoreError> {
        let at = self.clock.now();
        let due = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).count(&by.0, &denied.context, at);
        if let Some(since) = due {
            let detail = [
                ("agent", Value::from(denied.agent.as_str())),
                ("asked_for", Value::from(denied.what.name())),
                // Of these no entry tells: a loop must not fill the log.
                ("not_noted", Value::Int(i64::try_from(since).unwrap_or(i64::MAX))),
            ];
            let note = AuditNote {
                job_id: run.map(|(run, _)| run.to_string()),
                context_id: run.map(|(_, own)| own.to_string()),
                detail: detail.into_iter().collect(),
                ..AuditNote::new(at, by, "context_denied", ("context", denied.context.as_str()))
            };
            self.store.note(vec![note]).await?;
        }
        Ok(denied)
    }

    /// Refuses an agent that may not work in a context.
    pub(super) async fn check_work(&self, context: &ContextId, agent: &str, by: &Actor) -> Result<(), EngineError> {
        if self.store.context(context).await?.admits(agent) {
            return Ok(());
        }
        let denied = ContextDenied { context: context.clone(), agent: agent.to_owned(), what: Denied::Work };
        Err(EngineError::Context(self.refuse(denied, by, None).await?))
    }

    /// Refuses a run whose agent has no memory in its context.
    pub(super) async fn check_memory(&self, run: &RunId, context: &ContextId, agent: &str) -> Result<(), EffectError> {
        if self.store.context(context).await.map_err(unavailable)?.remembers(agent) {
            return Ok(());
        }
        let denied = ContextDenied { context: context.clone(), agent: agent.to_owned(), what: Denied::Memory };
        let denied = self.refuse(denied, &of_run(run), Some((run, context))).await.map_err(unavailable)?;
        Err(denied.to_effect_error())
    }

    /// What a run of an agent in a context may read of what runs handed out.
    pub(super) fn handed_out(&self, run: &RunId, agent: &str, context: &ContextId) -> HandedOut {
        let (run, agent, context) = (run.clone(), agent.to_owned(), context.clone());
        HandedOut { store: self.store.clone(), fences: self.clone(), run, agent, context }
    }
}

/// As a run stands in the audit log.
pub(super) fn of_run(run: &RunId) -> Actor {
    Actor(format!("run:{run}"))
}

impl Engine {
    /// Refuses a new run whose agent may not work in its context. What was accepted before goes on, whatever became of its
    /// context since.
    pub(super) async fn check_context(
        &self,
        id: &RunId,
        context: &ContextId,
        agent: &str,
        by: &Actor,
    ) -> Result<(), EngineError> {
        let admits = self.store.context(context).await?.admits(agent);
        if admits || self.store.run_status(id).await?.is_some() {
            return Ok(());
        }
        self.fences.check_work(context, agent, by).await
    }

    /// Refuses a run whose agent has no memory in its context: [`ContextDenied`], which is written to the audit log.
    pub async fn check_memory(&self, run: &RunRecord) -> Result<(), EffectError> {
        self.fences.check_memory(&run.id, &run.context, &run.flow).await
    }

    /// Changes a context, and writes that to the audit log. Of several who change one at a time, each changes what the other
    /// left.
    pub async fn change_context(
        &self,
        id: &ContextId,
        by: &Actor,
        action: &str,
        change: impl FnOnce(&mut Context) + Send,
    ) -> Result<Context, StoreError> {
        let _changing = self.changing_contexts.lock().await;
        let mut context = self.store.context(id).await?;
        change(&mut context);
        let context = Context { id: id.clone(), ..context }.tidy();
        let note = context.note(self.clock.now(), by, action);
        self.store.put_context(context.clone(), vec![note]).await?;
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_stands_for_a_loop_and_the_next_one_says_how_long_it_was() {
        let (mut refusals, a, b) = (Refusals::default(), ContextId::new("a"), ContextId::new("b"));
        assert_eq!(refusals.count("run:1", &a, 0), Some(0));
        for now in 1..1000 {
            assert_eq!(refusals.count("run:1", &a, now), None);
        }
        assert_eq!(refusals.count("run:1", &b, 1000), Some(0), "another context");
        assert_eq!(refusals.count("run:2", &a, 1000), Some(0), "another run");
        assert_eq!(refusals.count("run:1", &a, QUIET), Some(999));
        assert_eq!(refusals.count("run:1", &a, 2 * QUIET), Some(0));
        assert_eq!(refusals.count("run:1", &a, 0), Some(0), "the clock was put back");
    }

    #[test]
    fn those_who_were_refused_are_not_remembered_without_end() {
        let (mut refusals, context) = (Refusals::default(), ContextId::new("a"));
        for n in 0..3 * REMEMBERED {
            assert_eq!(refusals.count(&format!("run:{n}"), &context, 0), Some(0));
            assert!(refusals.0.len() <= REMEMBERED);
        }
    }
}
