//! The stores behind [`bloom_runtime::store::Store`]: what BLOOM remembers of flows, runs, tasks, proposals and deeds.
//!
//! There is one so far, [`RedbStore`]: a single redb file that one process has open. What is handed out may lie in a
//! [`Place`] outside of the file. The rules (what a task may
//! become, what continues a history, how the audit log is chained) are not here but in [`bloom_runtime::record`], and
//! every store obeys the same ones.
//!
//! - What a verb wrote is on disk before the verb returns; when it fails, nothing of it is there.
//! - Verbs that wait at the same time are committed together, and do not see each other's failures.
//! - Reads see what is committed, and never wait for a writer.
//! - Histories and the audit log only grow; runs that ended long ago can be moved to an archive, and back.
//!
//! ```
//! use bloom_runtime::store::Store;
//! use bloom_store::RedbStore;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let data = folder.path().join("data");
//! let store = RedbStore::open(&data)?;
//! let digest = store.put_blob(b"kept".to_vec()).await?;
//! drop(store);
//! assert_eq!(RedbStore::open(&data)?.blob(digest).await?.as_deref(), Some(&b"kept"[..]));
//! # Ok(()) }
//! ```

#[cfg(any(test, feature = "test-support"))]
pub mod conformance;
mod embedded;
mod place;
mod staged;
mod transfer;

pub use embedded::{ArchivePlan, Compacted, Kept, RedbStore, Restored, Verification};
pub use place::{Bucket, Place, PlaceError};
pub use redb::StorageBackend;
pub use transfer::{Contents, Format, TransferError};
