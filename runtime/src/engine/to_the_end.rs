//! Work that goes on when nobody waits for it any more.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::panicked::Panicked;

/// Work that becomes a task of its own when who waits for it is dropped, once it has begun.
pub(super) struct ToTheEnd<T: Send + 'static> {
    /// `None` once it is done.
    work: Option<BoxFuture<'static, Result<T, Panicked>>>,
    is_begun: bool,
}

pub(super) fn to_the_end<T: Send>(work: impl Future<Output = T> + Send + 'static) -> ToTheEnd<T> {
    // Unwind safe: what the work locked is let go of, and what it was about is loaded anew.
    let work = AssertUnwindSafe(work).catch_unwind();
    let work = work.map(|done| done.map_err(|panic| Panicked::new(panic.as_ref())));
    ToTheEnd { work: Some(work.boxed()), is_begun: false }
}

impl<T: Send> Future for ToTheEnd<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.is_begun = true;
        let Some(work) = &mut self.work else { unreachable!("it is polled after its end") };
        let polled = work.poll_unpin(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let (true, Some(work)) = (self.is_begun, self.work.take()) {
            // Without a runtime everything ends.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(work);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn work(may_end: &Arc<Notify>, is_done: &Arc<AtomicBool>) -> ToTheEnd<()> {
        let (may_end, is_done) = (may_end.clone(), is_done.clone());
        to_the_end(async move {
            may_end.notified().await;
            is_done.store(true, Ordering::SeqCst);
        })
    }

    #[tokio::test]
    async fn what_has_begun_goes_on_when_it_is_dropped() {
        let (may_end, is_done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let mut begun = work(&may_end, &is_done);
        assert!(futures::poll!(&mut begun).is_pending());
        drop(begun);
        may_end.notify_one();
        while !is_done.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_panics_is_told() {
        let panics = to_the_end(async {
            tokio::task::yield_now().await;
            assert!(is_so(), "nothing is so");
        });
        assert_eq!(panics.await.unwrap_err().0, "it panicked: nothing is so");
    }

    fn is_so() -> bool {
        false
    }

    #[tokio::test]
    async fn what_has_not_begun_is_not_done() {
        let (may_end, is_done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        may_end.notify_one();
        drop(work(&may_end, &is_done));
        tokio::task::yield_now().await;
        assert!(!is_done.load(Ordering::SeqCst));
        assert_eq!(Arc::strong_count(&is_done), 1);
    }
}
