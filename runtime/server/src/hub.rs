//! Who watches runs is told that something happened.
//!
//! What was recorded is read from the store by whoever watches, so nothing is kept for a slow one: only the news that there
//! is more, and what is not recorded, which may be missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bloom_runtime::engine::{Observer, Progress, Step};
use bloom_runtime::record::RunId;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::metrics::Metrics;

/// News that wait for one who watches; older ones are dropped.
const BACKLOG: usize = 64;

/// Tells those who watch runs what happens. Hand it to the engine as its observer.
#[derive(Default)]
pub struct Hub {
    metrics: Arc<Metrics>,
    runs: Mutex<HashMap<RunId, broadcast::Sender<News>>>,
}

/// What is told of a run.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// More is recorded.
    Recorded,
    /// Something that is not recorded.
    Transient(Arc<Transient>),
}

/// Something that happens and is not recorded: it may be repeated, and it may be missed.
#[derive(Debug)]
pub(crate) struct Transient {
    pub(crate) event: &'static str,
    pub(crate) data: Value,
}

/// Watches one run.
pub(crate) struct Watch {
    hub: Arc<Hub>,
    run: RunId,
    news: Option<broadcast::Receiver<News>>,
}

impl Hub {
    /// Begins to watch a run: whatever is recorded from now on is told.
    pub(crate) fn watch(self: &Arc<Self>, run: &RunId) -> Watch {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let news = runs.entry(run.clone()).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe();
        Watch { hub: self.clone(), run: run.clone(), news: Some(news) }
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Counts a commit of so many writes that took so long.
    pub fn committed(&self, verbs: usize, took: std::time::Duration) {
        self.metrics.committed(verbs, took);
    }

    fn tell(&self, run: &RunId, news: News) {
        if let Some(watched) = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(run) {
            // Nobody may watch any more.
            let _ = watched.send(news);
        }
    }

    #[cfg(test)]
    fn watched(&self) -> usize {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Watch {
    /// The next news. Several that something was recorded may come as one.
    pub(crate) async fn next(&mut self) -> News {
        let Some(news) = &mut self.news else { return News::Recorded };
        match news.recv().await {
            Ok(news) => news,
            // Whatever was missed: what is recorded is in the store.
            Err(broadcast::error::RecvError::Lagged(_)) => News::Recorded,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.news = None;
        let mut runs = self.hub.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.get(&self.run).is_some_and(|watched| watched.receiver_count() == 0) {
            runs.remove(&self.run);
        }
    }
}

impl Observer for Hub {
    fn observe(&self, progress: Progress) {
        if progress.recorded.is_some() || matches!(progress.step, Step::AttemptFailed { .. }) {
            self.metrics.observe(&progress);
        }
        if progress.recorded.is_some() {
            return self.tell(&progress.run, News::Recorded);
        }
        let (event, data) = match progress.step {
            Step::Resumed => ("transient.resumed", json!({})),
            Step::Performing { effect, attempt } => (
                "transient.performing",
                json!({
                    "effect": effect.effect, "node": effect.node, "attempt": attempt,
                    "item": effect.place.as_ref().map(|place| &place.item),
                }),
            ),
            Step::AttemptFailed { effect, attempt, error, delay } => (
                "transient.attempt_failed",
                json!({
                    "effect": effect.effect, "node": effect.node, "attempt": attempt,
                    "code": error.code, "delay_ms": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                }),
            ),
            _ => return,
        };
        self.tell(&progress.run, News::Transient(Arc::new(Transient { event, data })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_slow_loses_transient_news_and_never_what_is_recorded() {
        let hub = Arc::new(Hub::default());
        let run = RunId::new("r");
        let mut watch = hub.watch(&run);
        for _ in 0..BACKLOG * 3 {
            hub.observe(Progress { run: run.clone(), recorded: None, step: Step::Resumed });
        }
        hub.observe(Progress { run: run.clone(), recorded: Some(1), step: Step::Started });
        assert!(matches!(watch.next().await, News::Recorded), "something was missed, so the store is to be asked");
        drop(watch);
        assert_eq!(hub.watched(), 0, "a run that nobody watches takes no memory");
    }
}
