//! The version of what is in the file, and whether it is whole.

use std::path::Path;

use bloom_runtime::record::AuditChain;
use bloom_runtime::store::StoreError;
use redb::WriteTransaction;

use super::failure::backend;
use super::guard::Guarded;
use super::layer::Layer;
use super::snapshot::{Rows, Snapshot};
use super::table::Table;
use super::{migrate, query, row};

/// The version of tables and rows that this program reads and writes.
pub(super) const SCHEMA: u32 = 14;
pub(super) const SCHEMA_KEY: &[u8] = b"schema";
/// How many numbers up to the last event's no event has: those of runs that were archived.
pub(super) const GAPS_KEY: &[u8] = b"event_gaps";

/// Checks the file's version and the ends of its logs; makes all tables in a new file, and brings an old one up to date.
pub(super) fn prepare(database: &Guarded, path: Option<&Path>) -> Result<(), StoreError> {
    match version(database)? {
        Some(SCHEMA) => {}
        None => make(database)?,
        Some(found) if found > SCHEMA => {
            let path = path.map_or_else(|| "the store".to_owned(), |path| path.display().to_string());
            return Err(StoreError::TooNew { path, found, supported: SCHEMA });
        }
        Some(0) => return Err(StoreError::Damaged("schema version 0 never was".to_owned())),
        Some(found) => migrate::migrate(database, found, path)?,
    }
    check_ends(&database.snapshot()?)
}

/// The version of a file that is not new.
pub(super) fn version(database: &Guarded) -> Result<Option<u32>, StoreError> {
    let row = database.snapshot()?.get(Table::Meta, SCHEMA_KEY)?;
    row.map(|row| row::decode(&row)).transpose()
}

fn make(database: &Guarded) -> Result<(), StoreError> {
    let mut rows = Layer::default();
    rows.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&SCHEMA));
    database.write(&rows, |transaction| open_all(transaction))
}

/// Makes the tables that are not there.
pub(super) fn open_all(transaction: &WriteTransaction) -> Result<(), StoreError> {
    Table::ALL.iter().try_for_each(|table| transaction.open_table(table.definition()).map(drop).map_err(backend))
}

/// All tables are there. Logs only grow, but for events of archived runs, so the last number is the number of rows; and the last
/// audit entry must be whole.
pub(super) fn check_ends(rows: &Snapshot) -> Result<(), StoreError> {
    if let Some(missing) = rows.missing()? {
        return Err(StoreError::Damaged(format!("the table {missing:?} is not there")));
    }
    for (table, gaps) in [(Table::Events, gaps(rows)?), (Table::Audit, 0)] {
        let last = rows.last(table)?.map_or(Ok(0), |(key, _)| row::number(&key))?;
        let count = rows.len(table)?.saturating_add(gaps);
        if last != count {
            return Err(StoreError::Damaged(format!("{table:?} has {count} rows, and the last number is {last}")));
        }
    }
    let Some(last) = query::audit_head(rows)? else { return Ok(()) };
    let before = match last.seq.checked_sub(1) {
        None => return Err(StoreError::Damaged("the last audit entry has the number 0".to_owned())),
        Some(0) => AuditChain::default(),
        Some(seq) => AuditChain::after(&query::audit_entry(rows, seq)?),
    };
    { before }.accept(&last).map_err(|fault| StoreError::Damaged(fault.to_string()))
}

/// How many numbers of events are not used any more.
pub(super) fn gaps(rows: &impl Rows) -> Result<u64, StoreError> {
    rows.get(Table::Meta, GAPS_KEY)?.map_or(Ok(0), |row| row::decode(&row))
}
