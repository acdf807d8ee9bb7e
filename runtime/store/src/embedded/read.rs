//! How the store is read: from what is shown, without waiting for who commits.

use std::sync::Arc;

use bloom_runtime::store::StoreError;

use super::RedbStore;
use super::failure::backend;
use super::guard::{Guarded, guarded};
use super::snapshot::Snapshot;

impl RedbStore {
    /// Reads little, at once.
    pub(super) async fn look<T>(&self, query: impl Fn(&Snapshot) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match looked(&self.database, &query) {
            Err(StoreError::Backend(_)) => {
                self.writer.heal().await;
                looked(&self.database, query)
            }
            found => found,
        }
    }

    /// Reads much, on a thread that may wait for the disk.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Snapshot) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let query = Arc::new(query);
        let again = Arc::clone(&query);
        match self.read_once(move |rows| query(rows)).await {
            Err(StoreError::Backend(_)) => {
                self.writer.heal().await;
                self.read_once(move |rows| again(rows)).await
            }
            found => found,
        }
    }

    /// Reads much; what uses up what it needs cannot be tried again after a failure of the disk.
    pub(super) async fn read_once<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
    {
        if self.writer.is_of_callers() {
            return looked(&self.database, query);
        }
        let database = Arc::clone(&self.database);
        tokio::task::spawn_blocking(move || looked(&database, query)).await.map_err(backend)?
    }
}

/// Reads; whoever commits next looks after a failure, also where nobody waits any more for what is read.
pub(super) fn looked<T>(
    database: &Guarded,
    query: impl FnOnce(&Snapshot) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let found = guarded(|| query(&database.snapshot()?));
    if matches!(found, Err(StoreError::Backend(_))) {
        database.suspect();
    }
    found
}
