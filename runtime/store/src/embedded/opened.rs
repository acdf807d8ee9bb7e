//! An open file, and what of the store is shown to who reads: what the file has, and over that what only the log has.
//!
//! Rows come to the file many at a time: a row that changes often is written once, and so is the page that it is on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bloom_runtime::store::StoreError;
use redb::{Database, ReadableDatabase as _, WriteTransaction};

use super::failure::backend;
use super::layer::Layer;
use super::snapshot::Snapshot;

pub(super) struct Opened {
    // It goes before the database that it is of.
    shown: Mutex<Snapshot>,
    database: Database,
}

impl Opened {
    pub(super) fn new(database: Database) -> Result<Self, StoreError> {
        let shown = Mutex::new(Snapshot::new(database.begin_read().map_err(backend)?));
        Ok(Self { shown, database })
    }

    /// Ends what is shown.
    pub(super) fn into_database(self) -> Database {
        self.database
    }

    /// What is shown now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.shown().clone()
    }

    /// Shows rows that the file does not have; says how many bytes of such there are.
    pub(super) fn show(&self, rows: Layer) -> usize {
        let mut shown = self.shown();
        // A copy is made where somebody reads what was shown before.
        let layer = Arc::make_mut(&mut shown.layer);
        layer.cover(rows);
        layer.bytes()
    }

    /// Brings what is shown to the file, and these rows with it, in one transaction. `also` is told of it before it is committed.
    pub(super) fn write(
        &self,
        rows: &Layer,
        also: impl FnOnce(&mut WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(backend)?;
        for layer in [&self.snapshot().layer, rows] {
            put(&transaction, layer)?;
        }
        also(&mut transaction)?;
        transaction.commit().map_err(backend)?;
        let now = Snapshot::new(self.database.begin_read().map_err(backend)?);
        *self.shown() = now;
        Ok(())
    }

    /// Whether the engine goes on: after a failure of the disk it does not.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.database.begin_write().map_err(backend)?.abort().map_err(backend)
    }

    fn shown(&self) -> MutexGuard<'_, Snapshot> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(transaction: &WriteTransaction, layer: &Layer) -> Result<(), StoreError> {
    for (table, rows) in layer.tables() {
        let mut table = transaction.open_table(table.definition()).map_err(backend)?;
        for (key, value) in rows {
            match value {
                Some(value) => drop(table.insert(key, value).map_err(backend)?),
                None => drop(table.remove(key).map_err(backend)?),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::embedded::snapshot::Rows as _;
    use crate::embedded::table::Table;

    /// Whoever reads sees all of what was committed together, or nothing of it, while rows are shown and brought to the file.
    #[test]
    fn what_came_together_is_seen_together() {
        let opened = Opened::new(Database::builder().create_with_backend(InMemoryBackend::new()).unwrap()).unwrap();
        let rows = |round: u32| {
            let mut rows = Layer::default();
            for (table, key) in [(Table::Blobs, 0), (Table::Runs, 1)] {
                rows.put(table, vec![key], round.to_be_bytes().to_vec());
            }
            rows
        };
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = None;
                    while !is_over.load(Ordering::Relaxed) {
                        let seen = opened.snapshot();
                        let of = |table, key| seen.get(table, &[key]).unwrap();
                        assert_eq!(of(Table::Blobs, 0), of(Table::Runs, 1));
                        assert!(last <= of(Table::Blobs, 0), "what was seen once stays");
                        last = of(Table::Blobs, 0);
                    }
                });
            }
            for round in 0..3_000 {
                match round % 7 {
                    0 => opened.write(&rows(round), |_| Ok(())).unwrap(),
                    3 => opened.write(&Layer::default(), |_| Ok(())).unwrap(),
                    _ => drop(opened.show(rows(round))),
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }
}
