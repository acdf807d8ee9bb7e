//! What the disk and the engine ran into, as the store's errors.

use std::error::Error;
use std::io;
use std::path::Path;

use bloom_runtime::store::StoreError;
use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use super::owner;

type Boxed = Box<dyn Error + Send + Sync>;

/// An error of the engine: what the operating system said stays what it is.
pub(super) fn backend(error: impl Into<Boxed>) -> StoreError {
    match storage(error.into()) {
        Ok(StorageError::Corrupted(what)) => StoreError::Damaged(what),
        Ok(StorageError::Io(error)) => StoreError::Backend(error.into()),
        Ok(StorageError::PreviousIo | StorageError::DatabaseClosed) => {
            StoreError::Backend("the disk failed before, and the file is being opened again".into())
        }
        Ok(other) => StoreError::Backend(other.into()),
        Err(other) => StoreError::Backend(other),
    }
}

/// What the engine's error wraps, if it is of its storage.
fn storage(error: Boxed) -> Result<StorageError, Boxed> {
    macro_rules! unwrapped {
        ($error:ident, $($wrapper:ident)*) => {$(
            let $error = match $error.downcast::<$wrapper>() {
                Ok(wrapper) => return match *wrapper {
                    $wrapper::Storage(storage) => Ok(storage),
                    other => Err(other.into()),
                },
                Err(error) => error,
            };
        )*};
    }
    unwrapped!(error, TableError TransactionError CommitError DatabaseError);
    error.downcast().map(|storage| *storage)
}

/// The same error for another caller.
pub(super) fn repeated(error: &StoreError) -> StoreError {
    match error {
        StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
        StoreError::Closed => StoreError::Closed,
        StoreError::Backend(source) => match error.disk() {
            Some(kind) => StoreError::Backend(io::Error::new(kind, source.to_string()).into()),
            None => StoreError::Backend(source.to_string().into()),
        },
        other => StoreError::Backend(other.to_string().into()),
    }
}

/// Why the engine did not open a file.
pub(super) fn opening(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            StoreError::Locked { path: path.display().to_string(), holder: owner::holder(path) }
        }
        error => match backend(error) {
            StoreError::Backend(error) => match error.downcast::<io::Error>() {
                Ok(error) => at(path, &error),
                Err(error) => StoreError::Backend(format!("{}: {error}", path.display()).into()),
            },
            damaged => damaged,
        },
    }
}

/// What the operating system said of a file.
pub(super) fn at(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Backend(io::Error::new(error.kind(), format!("{}: {error}", path.display())).into())
}
