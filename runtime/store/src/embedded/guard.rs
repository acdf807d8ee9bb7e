//! The engine's panics as errors: redb trusts what it reads back, and panics on a file that was damaged beside it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Component, Path};
use std::sync::Once;

use bloom_runtime::store::StoreError;
use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};

use super::backend;

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

/// A database that is closed under guard too.
pub(super) struct Guarded(Option<Database>);

impl Guarded {
    pub(super) fn new(database: Database) -> Self {
        Self(Some(database))
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        self.0.as_ref().ok_or(StoreError::Closed)?.begin_read().map_err(backend)
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        self.0.as_ref().ok_or(StoreError::Closed)?.begin_write().map_err(backend)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let database = self.0.take();
        // All that was promised is on disk; what a damaged file cannot close, the next opening checks.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
    }
}
