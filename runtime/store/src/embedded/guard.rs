//! The engine's panics as errors: redb trusts what it reads back, and panics on a file that was damaged beside it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Component, Path};
use std::sync::{Mutex, Once, PoisonError, RwLock};

use bloom_runtime::store::StoreError;
use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};

use super::failure::{backend, repeated};
use super::wal::{Changes, Wal};

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
        Some(place) => Err(StoreError::Damaged(format!("{} (found at {place})", message(payload.as_ref())))),
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

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("the engine gave up")
}

/// How the file is opened once more.
type Again = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// A database that is closed under guard too, and opened again after the disk has failed: then the engine does nothing more.
pub(super) struct Guarded {
    state: RwLock<State>,
    /// Where commits go first; none for a file that nobody uses yet.
    wal: Option<Mutex<Wal>>,
    again: Option<Again>,
}

enum State {
    Open(Database),
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
        Ok(Self { state: RwLock::new(State::Open(database)), wal: Some(Mutex::new(wal)), again: None })
    }

    /// One that is not opened again, and commits to the file alone.
    pub(super) fn once(database: Database) -> Self {
        Self { state: RwLock::new(State::Open(database)), wal: None, again: None }
    }

    /// Commits what was changed in a transaction: when this returns, it is on disk.
    pub(super) fn commit(&self, transaction: WriteTransaction, changes: &Changes) -> Result<(), StoreError> {
        match &self.wal {
            Some(wal) => wal.lock().unwrap_or_else(PoisonError::into_inner).commit(transaction, changes),
            None => transaction.commit().map_err(backend),
        }
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(database) => database.begin_read().map_err(backend),
            State::Gone(error) => Err(repeated(error)),
        }
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Open(database) => database.begin_write().map_err(backend),
            State::Gone(error) => Err(repeated(error)),
        }
    }

    /// Brings the file up to date, so that it can be changed without the log.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        match (&*self.state.read().unwrap_or_else(PoisonError::into_inner), &self.wal) {
            (State::Open(database), Some(wal)) => wal.lock().unwrap_or_else(PoisonError::into_inner).settle(database),
            _ => Ok(()),
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
            Ok(database)
        });
        let (state, outcome) = match opened {
            Ok(database) => (State::Open(database), Ok(())),
            Err(error) => (State::Gone(repeated(&error)), Err(error)),
        };
        self.change(state);
        outcome
    }

    /// The database itself, where it is open.
    pub(super) fn release(self) -> Option<Database> {
        match self.change(State::Gone(StoreError::Closed)) {
            State::Open(database) => Some(database),
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
        if let (State::Open(database), Some(wal)) = (&state, &mut self.wal) {
            let wal = wal.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Otherwise the log stays, and is read when the store is opened.
            let _ = guarded(|| wal.settle(database));
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
