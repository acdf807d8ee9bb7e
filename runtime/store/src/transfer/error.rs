//! Why a store cannot be copied, moved, archived or restored.

use std::io;
use std::path::PathBuf;

use bloom_runtime::record::RunId;
use bloom_runtime::store::StoreError;

use super::Format;

/// Why a store cannot be copied, moved, archived or restored.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file that it comes from cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The file that it goes to cannot be written.
    #[error("it cannot be written: {0}")]
    Write(#[source] io::Error),
    /// There is no store in that folder.
    #[error("there is no store at {}", .0.display())]
    NoStore(PathBuf),
    /// The file is there already; nothing is overwritten.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The file does not begin as an export or an archive does.
    #[error("it is neither an export nor an archive of a store")]
    Foreign,
    /// It is an archive where an export is wanted, or the other way round.
    #[error("it is another kind of file: {0:?}")]
    Other(Format),
    /// A newer program wrote it.
    #[error("line {line} ({kind}, version {version}) was written by a newer version")]
    Newer {
        /// Which line, from 1.
        line: u64,
        /// What kind of record it says that it is.
        kind: String,
        /// The version of its format.
        version: u32,
    },
    /// Its end is missing.
    #[error("it ends after line {line}, before its end")]
    Truncated {
        /// The last line that is whole, from 1.
        line: u64,
    },
    /// It is not as it was written.
    #[error("line {line}: {what}")]
    Changed {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// What was to take everything holds something.
    #[error("the store is not empty")]
    NotEmpty,
    /// What is in the file does not agree with itself.
    #[error("what it holds contradicts itself ({count} times): {first}")]
    Contradiction {
        /// How often.
        count: u64,
        /// What was found first.
        first: String,
    },
    /// The store has another run under this id.
    #[error("the store has another run {0}")]
    OtherRun(RunId),
    /// The store has another record of that id, or lacks one.
    #[error("run {run} cannot be put back: {what}")]
    Unfit {
        /// Which run.
        run: RunId,
        /// What does not fit.
        what: String,
    },
}
