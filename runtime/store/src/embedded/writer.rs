//! The writer commits together what waits at the same time.
//!
//! There is no timer. A caller that is alone, and was for a while, commits on its own thread, which spares two changes of threads.
//! Where there are more, they queue for the writer's thread: a batch gathers while the one before it waits for the disk, and as long
//! as others join it to whom the processors had not come yet.
//!
//! Over storage that answers at once there is no thread: whoever calls commits.
//!
//! After a failure of the disk the file is opened again at once, so that it can be read, and with the next verb it is tried
//! whether it can be written. Whether a commit that failed is there after all, who asked for it finds by reading.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bloom_runtime::store::StoreError;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};

use super::failure::{backend, repeated};
use super::guard::{Guarded, guarded};
use super::layer::Layer;
use super::memo::Memo;
use super::snapshot::Snapshot;
use super::stage::Stage;

/// A batch is full with so many verbs,
const BATCH_VERBS: usize = 256;
/// or with about so many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// After a batch of more than one, callers are taken to be many until so many were of one.
const CROWD: usize = 16;
/// Callers wait for a place when so many verbs wait already.
const QUEUE: usize = 4096;

/// The way to the writer.
pub(super) struct Writer {
    committer: Arc<Mutex<Committer>>,
    /// `None` where whoever calls commits.
    thread: Option<Thread>,
    watched: Arc<OnceLock<Watch>>,
}

/// Commits what is queued; ends when this is dropped.
struct Thread {
    queue: Option<mpsc::Sender<Box<dyn Operation>>>,
    handle: Option<thread::JoinHandle<()>>,
    /// How many operations wait or are being committed by the thread.
    before: Arc<AtomicUsize>,
    /// How many of its next batches have to be of one verb until callers are taken to be few.
    crowd: Arc<AtomicUsize>,
}

/// Is told of each commit: how many verbs it held, and how long it took.
pub(super) type Watch = Box<dyn Fn(usize, Duration) + Send + Sync>;

impl Writer {
    /// One with a thread.
    pub(super) fn start(database: Arc<Guarded>) -> Result<Self, StoreError> {
        let writer = Self::of_callers(database);
        let thread = Thread::start(Arc::clone(&writer.committer))?;
        Ok(Self { thread: Some(thread), ..writer })
    }

    /// One where whoever calls commits, always.
    pub(super) fn of_callers(database: Arc<Guarded>) -> Self {
        let watched = Arc::new(OnceLock::new());
        let committer =
            Committer { database, memo: Memo::default(), damaged: None, failure: None, watched: Arc::clone(&watched) };
        Self { committer: Arc::new(Mutex::new(committer)), thread: None, watched }
    }

    /// Whether whoever calls commits, always.
    pub(super) fn is_of_callers(&self) -> bool {
        self.thread.is_none()
    }

    /// Tells of commits from now on; the first who asks is told, and nobody else.
    pub(super) fn watch(&self, watch: Watch) {
        let _ = self.watched.set(watch);
    }

    /// Nobody commits, nor brings rows to the engine, while this is held.
    #[cfg(test)]
    pub(super) fn pause(&self) -> std::sync::MutexGuard<'_, Committer> {
        self.committer.lock().unwrap()
    }

    /// Has it looked whether the file must be opened again, and waits until it is.
    pub(super) async fn heal(&self) {
        // Why it could not be opened, who reads is told.
        let _ = self.perform(0, |_| Ok(())).await;
    }

    /// Has a verb done. `bytes` is about what it writes. When this returns, what the verb wrote is on disk.
    pub(super) async fn perform<T, F>(&self, bytes: usize, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Stage<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, done) = oneshot::channel();
        let operation = Box::new(Pending { bytes, verb: Some(verb), outcome: None, reply });
        match &self.thread {
            // A panic of who committed before has been told to those who waited.
            None => self.committer.lock().unwrap_or_else(PoisonError::into_inner).serve(vec![operation]),
            Some(thread) => {
                if let Some(operation) = self.perform_here(thread, operation) {
                    let queue = thread.queue.as_ref().ok_or(StoreError::Closed)?;
                    let place = queue.reserve().await.map_err(|_| StoreError::Closed)?;
                    thread.before.fetch_add(1, Ordering::Relaxed);
                    place.send(operation);
                }
            }
        }
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Commits on this thread, if nobody is before the caller and others go on meanwhile; else gives the operation back.
    fn perform_here(&self, thread: &Thread, operation: Box<dyn Operation>) -> Option<Box<dyn Operation>> {
        // Who came later must not overtake the thread, which takes a while to wake up.
        if thread.before.load(Ordering::Relaxed) > 0 || thread.crowd.load(Ordering::Relaxed) > 0 || !others_go_on() {
            return Some(operation);
        }
        let Ok(mut committer) = self.committer.try_lock() else { return Some(operation) };
        committer.serve(vec![operation]);
        None
    }
}

impl Thread {
    fn start(committer: Arc<Mutex<Committer>>) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let before = Arc::new(AtomicUsize::new(0));
        let crowd = Arc::new(AtomicUsize::new(0));
        let (counted, noted) = (Arc::clone(&before), Arc::clone(&crowd));
        let handle = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&committer, waiting, &counted, &noted))
            .map_err(backend)?;
        Ok(Self { queue: Some(queue), handle: Some(handle), before, crowd })
    }
}

/// Does what is queued, and waits until the thread has let go of the database.
impl Drop for Thread {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(handle) = self.handle.take() {
            // A panic of the thread has been told to those who waited.
            let _ = handle.join();
        }
    }
}

/// Whether this thread may wait for the disk: one at a time does, and there are more that run tasks.
fn others_go_on() -> bool {
    Handle::try_current().is_ok_and(|runtime| {
        runtime.runtime_flavor() == RuntimeFlavor::MultiThread && runtime.metrics().num_workers() > 1
    })
}

/// A verb in the queue.
trait Operation: Send {
    fn bytes(&self) -> usize;
    /// Runs it; says whether it wrote anything. An error is the batch's, not the verb's.
    fn run(&mut self, batch: &mut Layer, below: &Snapshot, memo: &mut Memo) -> Result<bool, StoreError>;
    /// Tells the caller, once it is known whether the batch is on disk.
    fn reply(self: Box<Self>, committed: Result<(), Arc<StoreError>>);
}

struct Pending<T, F> {
    bytes: usize,
    verb: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send,
    F: FnOnce(&mut Stage<'_>) -> Result<T, StoreError> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, batch: &mut Layer, below: &Snapshot, memo: &mut Memo) -> Result<bool, StoreError> {
        let Some(verb) = self.verb.take() else { return Ok(false) };
        let mut stage = Stage::new(batch, below, memo);
        let outcome = verb(&mut stage);
        if let Err(error @ StoreError::Backend(_)) = &outcome {
            return Err(repeated(error));
        }
        let changed = if outcome.is_ok() { stage.keep()? } else { false };
        self.outcome = Some(outcome);
        Ok(changed)
    }

    fn reply(self: Box<Self>, committed: Result<(), Arc<StoreError>>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or(Err(StoreError::Closed)),
            // Also for a verb that was refused: what it was refused for may have been undone.
            Err(error) => Err(repeated(&error)),
        };
        // A caller that has gone away wants no answer.
        let _ = self.reply.send(outcome);
    }
}

/// A failure of the disk, which may be over.
struct Failure {
    error: Arc<StoreError>,
    /// Nothing is tried before.
    until: Instant,
}

/// Opening the file again takes time that grows with it: for so many times as long nothing is tried that may make it necessary.
const REST: u32 = 10;

/// Who commits; one at a time does.
pub(super) struct Committer {
    database: Arc<Guarded>,
    memo: Memo,
    /// What a panic left half done in the engine must not be built on.
    damaged: Option<Arc<StoreError>>,
    failure: Option<Failure>,
    watched: Arc<OnceLock<Watch>>,
}

fn serve(
    committer: &Mutex<Committer>,
    mut waiting: mpsc::Receiver<Box<dyn Operation>>,
    before: &AtomicUsize,
    crowd: &AtomicUsize,
) {
    while let Some(first) = waiting.blocking_recv() {
        // Whoever commits now is waited for, and the batch gathers meanwhile. A panic has been told to those who waited.
        let mut committer = committer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        let left = crowd.load(Ordering::Relaxed);
        let mut may_grow = left > 0;
        loop {
            while batch.len() < BATCH_VERBS && bytes < BATCH_BYTES {
                let Ok(next) = waiting.try_recv() else { break };
                bytes = bytes.saturating_add(next.bytes());
                batch.push(next);
                may_grow = true;
            }
            if !may_grow || batch.len() >= BATCH_VERBS || bytes >= BATCH_BYTES {
                break;
            }
            // Whoever waits for a processor may have more to commit. Where nobody does, this takes no time.
            thread::yield_now();
            may_grow = false;
        }
        let count = batch.len();
        crowd.store(if count > 1 { CROWD } else { left.saturating_sub(1) }, Ordering::Relaxed);
        committer.serve(batch);
        before.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Committer {
    /// Commits a batch, and tells those who wait for it.
    fn serve(&mut self, mut batch: Vec<Box<dyn Operation>>) {
        let begun = Instant::now();
        let outcome = match (&self.damaged, &self.failure) {
            (Some(error), _) => Err(Arc::clone(error)),
            (None, Some(Failure { error, until })) if *until > begun => Err(Arc::clone(error)),
            (None, _) => guarded(|| commit(&self.database, &mut self.memo, &mut batch)).map_err(Arc::new),
        };
        if let (Ok(Outcome { changed: true, .. }), Some(watch)) = (&outcome, self.watched.get()) {
            watch(batch.len(), begun.elapsed());
        }
        match &outcome {
            Ok(_) => self.failure = None,
            Err(error) if matches!(error.as_ref(), StoreError::Damaged(_)) => self.damaged = Some(Arc::clone(error)),
            // It is one that was told before.
            Err(_) if self.failure.as_ref().is_some_and(|failure| failure.until > begun) => {}
            Err(error) => {
                let since = Instant::now();
                // When it cannot be opened, the next verb tries again; who reads is told why.
                let _ = self.database.reopen(error);
                let until = Instant::now() + since.elapsed() * REST;
                self.failure = Some(Failure { error: Arc::clone(error), until });
            }
        }
        let is_due = outcome.as_ref().is_ok_and(|outcome| outcome.relieve);
        let committed = outcome.map(|_| ());
        for operation in batch {
            operation.reply(committed.clone());
        }
        // Whoever waits for the thread has its answer.
        if is_due && let Err(error @ StoreError::Damaged(_)) = guarded(|| self.database.relieve()) {
            self.damaged = Some(Arc::new(error));
        }
    }
}

/// What became of a batch.
struct Outcome {
    /// Whether anything was written.
    changed: bool,
    /// Whether so much is in memory that the engine has to get it.
    relieve: bool,
}

fn commit(database: &Guarded, memo: &mut Memo, batch: &mut [Box<dyn Operation>]) -> Result<Outcome, StoreError> {
    // Who read may have met a failure since.
    database.heal()?;
    let below = database.snapshot()?;
    let (mut rows, mut changed) = (Layer::default(), false);
    for operation in batch {
        changed |= operation.run(&mut rows, &below, memo)?;
    }
    // What is shown is changed in its place where nobody looks at it.
    drop(below);
    let relieve = changed && database.commit(rows)?;
    Ok(Outcome { changed, relieve })
}
