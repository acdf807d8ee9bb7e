//! Who watches runs is told that something happened.
//!
//! What was recorded is read from the store by whoever watches, so nothing is kept for a slow one: only the news that there
//! is more, and what is not recorded, which may be missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bloom_runtime::engine::{Observer, Progress, Step};
use bloom_runtime::record::RunId;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::feed::Feed;
use crate::metrics::Metrics;

/// News that wait for one who watches; older ones are dropped.
const BACKLOG: usize = 64;

/// Tells those who watch runs what happens. Hand it to the engine as its observer.
#[derive(Default)]
pub struct Hub {
    metrics: Arc<Metrics>,
    feed: Feed,
    /// Who watches all that happens to a run.
    all: Arc<Watched>,
    /// Who waits for its end, and is not woken before.
    ends: Arc<Watched>,
}

/// Runs that somebody watches.
#[derive(Default)]
struct Watched(Mutex<HashMap<RunId, broadcast::Sender<News>>>);

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
    of: Arc<Watched>,
    run: RunId,
    news: Option<broadcast::Receiver<News>>,
}

impl Hub {
    /// Begins to watch a run: whatever is recorded from now on is told.
    pub(crate) fn watch(&self, run: &RunId) -> Watch {
        Watch::new(&self.all, run)
    }

    /// Begins to wait for the end of a run: that alone is told.
    pub(crate) fn watch_end(&self, run: &RunId) -> Watch {
        Watch::new(&self.ends, run)
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What all runs do.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Counts a commit of so many writes that took so long.
    pub fn committed(&self, verbs: usize, took: std::time::Duration) {
        self.metrics.committed(verbs, took);
    }

    #[cfg(test)]
    fn watched(&self) -> usize {
        self.all.lock().len() + self.ends.lock().len()
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, broadcast::Sender<News>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, run: &RunId, news: News) {
        if let Some(watched) = self.lock().get(run) {
            // Nobody may watch any more.
            let _ = watched.send(news);
        }
    }
}

impl Watch {
    fn new(of: &Arc<Watched>, run: &RunId) -> Self {
        let mut watched = of.lock();
        let news = watched.entry(run.clone()).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe();
        Self { of: of.clone(), run: run.clone(), news: Some(news) }
    }

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
        let mut runs = self.of.lock();
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
            self.feed.hear(&progress);
            if matches!(progress.step, Step::Ended(_)) {
                self.ends.tell(&progress.run, News::Recorded);
            }
            return self.all.tell(&progress.run, News::Recorded);
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
        self.all.tell(&progress.run, News::Transient(Arc::new(Transient { event, data })));
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
