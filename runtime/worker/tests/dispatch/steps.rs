//! What may happen. Numbers choose among what is there: they are taken modulo its count, from the newest
//! back.

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client posts a task.
    Post {
        priority: i32,
        context: u8,
    },
    /// A run asks an LLM.
    Submit,
    CancelRun(u8),
    /// A worker registers, perhaps again.
    Register(u8),
    /// A worker is heard of.
    Hear(u8),
    Drain(u8),
    Remove(u8),
    /// A worker asks for tasks.
    Pull {
        worker: u8,
        slots: usize,
    },
    /// A client has a task leased, to a worker or to the best.
    Lease {
        task: u8,
        worker: Option<u8>,
    },
    Heartbeat {
        lease: u8,
        epoch_off: i64,
    },
    /// Somebody ends a lease, perhaps one that ended long ago, perhaps with another epoch.
    End {
        lease: u8,
        epoch_off: i64,
        ending: Ending,
    },
    /// A person has a task tried again.
    Requeue(u8),
    /// Time goes by, in milliseconds.
    Pass(i64),
    Reap,
    /// Nothing is heard of anybody until all leases have expired.
    Lapse,
    /// The server is gone, and another one starts.
    Crash,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// With one of two answers.
    Complete(bool),
    Fail {
        retryable: bool,
    },
    /// The provider has no more quota for a while.
    Quota,
    Release,
}
