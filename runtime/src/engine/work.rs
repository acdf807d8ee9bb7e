//! Tells those who wait for work that there may be some.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Changes whenever there may be new work. Each clone remembers what it has seen.
///
/// Whoever has waited for longest is told first, so that work goes to workers in turn, and in the same order every time.
#[derive(Clone, Debug, Default)]
pub struct Work {
    shared: Arc<Shared>,
    seen: u64,
}

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    told: Notify,
}

impl Work {
    /// What is there now is seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.count.load(Ordering::SeqCst);
    }

    /// Waits until there may be work that was not seen, and has seen it then.
    pub async fn changed(&mut self) {
        let Self { shared, seen } = self;
        // Who is told again and again lets others go on meanwhile.
        tokio::task::coop::consume_budget().await;
        loop {
            // Who is told of everything from here on cannot miss what comes between the look and the wait.
            let told = shared.told.notified();
            let count = shared.count.load(Ordering::SeqCst);
            if count != *seen {
                *seen = count;
                return;
            }
            told.await;
        }
    }

    /// There may be new work.
    pub(super) fn announce(&self) {
        self.shared.count.fetch_add(1, Ordering::SeqCst);
        self.shared.told.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn what_is_told_between_a_look_and_the_wait_is_not_missed() {
        let work = Work::default();
        let mut waiting = work.clone();
        waiting.mark_unchanged();
        work.announce();
        waiting.changed().await;
        assert!(futures::poll!(std::pin::pin!(waiting.changed())).is_pending(), "it was seen");
    }

    #[tokio::test]
    async fn who_waits_longest_is_told_first() {
        let (work, order) = (Work::default(), Arc::new(Mutex::new(Vec::new())));
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (mut work, order) = (work.clone(), order.clone());
            waiting.spawn(async move {
                work.changed().await;
                order.lock().unwrap().push(number);
            });
        }
        tokio::task::yield_now().await;
        work.announce();
        while waiting.join_next().await.is_some() {}
        assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
    }
}
