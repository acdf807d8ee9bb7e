//! Waiting for something outside, on a thread where a tool runs.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::deadline::Deadline;
use crate::fault::Fault;

/// One thread that looks after sockets and timers of all calls. It is the host's own, so that a call that is still there while the
/// program's runtime is shut down waits for nothing that is gone.
pub(crate) struct Reactor(Option<Runtime>);

impl Reactor {
    pub(crate) fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        // Names are looked up on threads of their own.
        builder.worker_threads(1).max_blocking_threads(64).thread_name("bloom-outside").enable_all();
        Ok(Self(Some(builder.build()?)))
    }

    /// Waits until the work is done or the call must end.
    pub(crate) fn wait<T>(&self, deadline: &Deadline, work: impl Future<Output = T>) -> Result<T, Fault> {
        let Some(runtime) = &self.0 else { return Err(Fault::Cancelled) };
        runtime.block_on(async {
            tokio::select! {
                biased;
                fault = deadline.over() => Err(fault),
                done = work => Ok(done),
            }
        })
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Also from an async task, which must not wait; nothing is left on it that anybody waits for.
            runtime.shutdown_background();
        }
    }
}
