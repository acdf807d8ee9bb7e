//! The engine's panics as errors: redb trusts what it reads back, and panics on a file that was damaged beside it.

use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError, RwLock};

use bloom_runtime::panics;
use bloom_runtime::store::StoreError;
use redb::{Database, WriteTransaction};

use super::failure::repeated;
use super::layer::Layer;
use super::opened::Opened;
use super::snapshot::Snapshot;
use super::wal::{Wal, relieve};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the engine panicked last, on this thread.
    static ENGINE_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does work on the engine. Its panics become [`StoreError::Damaged`] and are not printed; all others go on.
///
/// What the work borrowed of the engine must end with it: redb refuses what its unwinding left half done.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    install_hook();
    let outer = GUARDED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    outcome.unwrap_or_else(|payload| match ENGINE_PANIC.take() {
        Some(place) => Err(StoreError::Damaged(format!(
            "{} (found at {place})",
            panics::message(payload.as_ref()).unwrap_or("the engine gave up")
        ))),
        None => panic::resume_unwind(payload),
    })
}

fn install_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() && is_engine(info) {
                let place = info.location().map(|place| format!("{}:{}", file_name(place.file()), place.line()));
                ENGINE_PANIC.set(Some(place.unwrap_or_default()));
            } else {
                others(info);
            }
        }));
    });
}

/// Whether redb's code panicked, or the standard library's on behalf of it.
fn is_engine(info: &PanicHookInfo<'_>) -> bool {
    let Some(place) = info.location() else { return false };
    let of_redb = |part: Component<'_>| {
        let name = part.as_os_str().to_string_lossy();
        name == "redb" || name.starts_with("redb-")
    };
    let path = Path::new(place.file());
    path.starts_with("/rustc") || path.components().any(of_redb)
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// How the file is opened once more.
type Again = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// A database that is closed under guard too, and opened again after the disk has failed: then the engine does nothing more.
pub(super) struct Guarded {
    state: RwLock<State>,
    /// Where commits go first; none for a file that nobody else uses.
    wal: Option<Mutex<Wal>>,
    again: Option<Again>,
    /// Whether somebody who read met a failure, or the file could not be opened again.
    is_suspect: AtomicBool,
}

enum State {
    Open(Opened),
    /// It was let go of, and could not be opened again.
    Gone(StoreError),
}

impl Guarded {
    pub(super) fn new(
        database: Database,
        wal: Wal,
        again: impl Fn() -> Result<Database, StoreError> + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let mut opened = Self::with_wal(database, wal)?;
        opened.again = Some(Box::new(again));
        Ok(opened)
    }

    /// One that is not opened again.
    pub(super) fn with_wal(database: Database, mut wal: Wal) -> Result<Self, StoreError> {
        wal.recover(&database)?;
        let mut guarded = Self::once(database)?;
        guarded.wal = Some(Mutex::new(wal));
        Ok(guarded)
    }

    /// One that is not opened again, and commits to the file alone.
    pub(super) fn once(database: Database) -> Result<Self, StoreError> {
        let state = RwLock::new(State::Open(Opened::new(database)?));
        Ok(Self { state, wal: None, again: None, is_suspect: AtomicBool::new(false) })
    }

    /// What is committed.
    pub(super) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.opened(|opened| Ok(opened.snapshot()))
    }

    /// Commits rows: when this returns, they are on disk. Says whether [`Self::relieve`] is due.
    pub(super) fn commit(&self, rows: Layer) -> Result<bool, StoreError> {
        self.opened(|opened| match &self.wal {
            Some(wal) => wal.lock().unwrap_or_else(PoisonError::into_inner).commit(opened, rows),
            None => opened.write(&rows, |_| Ok(())).map(|()| false),
        })
    }

    /// Brings what is shown from memory to the engine.
    pub(super) fn relieve(&self) -> Result<(), StoreError> {
        match self.opened(relieve) {
            // All of it is on disk whatever the disk does now; where the file cannot be opened again, the next who commits is told.
            Err(error @ StoreError::Backend(_)) => {
                let _ = self.reopen(&error);
                Ok(())
            }
            relieved => relieved,
        }
    }

    /// Commits rows to the file, with whatever else is done in the transaction. They are not in the log, of which nothing may be
    /// left that says otherwise: so only to a new file, or after [`Self::settle`].
    pub(super) fn write(
        &self,
        rows: &Layer,
        also: impl FnOnce(&mut WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.opened(|opened| opened.write(rows, also))
    }

    /// Brings the file up to date, so that it can be changed without the log.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let Some(wal) = &self.wal else { return Ok(()) };
        self.opened(|opened| wal.lock().unwrap_or_else(PoisonError::into_inner).settle(opened))
    }

    /// Has the next who commits see whether the engine still works.
    pub(super) fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Opens the file again where the engine met a failure of the disk.
    pub(super) fn heal(&self) -> Result<(), StoreError> {
        if !self.is_suspect.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        match self.opened(Opened::check) {
            Err(error @ StoreError::Backend(_)) => self.reopen(&error),
            checked => checked,
        }
    }

    fn opened<T>(&self, with: impl FnOnce(&Opened) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(opened) => with(opened),
            State::Gone(error) => Err(repeated(error)),
        }
    }

    /// Lets go of the database, since it failed with this, and opens it again: what is on disk is what counts. Whoever begins to
    /// read meanwhile is told of the failure. No write transaction may be open.
    pub(super) fn reopen(&self, failure: &StoreError) -> Result<(), StoreError> {
        let Some(again) = &self.again else {
            close(self.change(State::Gone(StoreError::Closed)));
            return Err(StoreError::Closed);
        };
        close(self.change(State::Gone(repeated(failure))));
        let opened = guarded(|| {
            let database = again()?;
            if let Some(wal) = &self.wal {
                wal.lock().unwrap_or_else(PoisonError::into_inner).recover(&database)?;
            }
            Opened::new(database)
        });
        let (state, outcome) = match opened {
            Ok(opened) => (State::Open(opened), Ok(())),
            Err(error) => {
                self.suspect();
                (State::Gone(repeated(&error)), Err(error))
            }
        };
        self.change(state);
        outcome
    }

    /// The database itself, where it is open.
    pub(super) fn release(self) -> Option<Database> {
        match self.change(State::Gone(StoreError::Closed)) {
            State::Open(opened) => Some(opened.into_database()),
            State::Gone(_) => None,
        }
    }

    fn change(&self, state: State) -> State {
        mem::replace(&mut *self.state.write().unwrap_or_else(PoisonError::into_inner), state)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let state = mem::replace(state, State::Gone(StoreError::Closed));
        if let (State::Open(opened), Some(wal)) = (&state, &mut self.wal) {
            let wal = wal.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Otherwise the log stays, and is read when the store is opened.
            let _ = guarded(|| wal.settle(opened));
        }
        close(state);
    }
}

/// All that was promised is on disk; what a damaged file cannot close, the next opening checks.
fn close(state: State) {
    let _ = guarded(|| {
        drop(state);
        Ok(())
    });
}
