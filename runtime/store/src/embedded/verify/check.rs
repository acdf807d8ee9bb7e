//! A look at a store, and what it found.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::ControlFlow;

use bloom_runtime::store::StoreError;
use serde::de::DeserializeOwned;

use super::super::key::Key;
use super::super::row;
use super::super::snapshot::Rows;
use super::super::table::Table;
use super::super::verbs::history::Count;
use super::Verification;

pub(super) struct Check<'a, R> {
    pub(super) rows: &'a R,
    pub(super) found: Verification,
    /// How many rows each derived table must have.
    pub(super) derived: BTreeMap<Table, u64>,
    /// How many runs there are by [`Table::RunCounts`]'s keys.
    pub(super) counts_of_runs: BTreeMap<Vec<u8>, Count>,
}

impl<'a, R: Rows> Check<'a, R> {
    pub(super) fn new(rows: &'a R) -> Self {
        Self { rows, found: Verification::default(), derived: BTreeMap::new(), counts_of_runs: BTreeMap::new() }
    }

    pub(super) fn fault(&mut self, table: Table, of: impl Display, what: impl Display) {
        self.found.fault_count += 1;
        if self.found.faults.len() < Verification::TOLD {
            self.found.faults.push(format!("{table:?} {of}: {what}"));
        }
    }

    pub(super) fn demand(&mut self, holds: bool, table: Table, of: impl Display, what: impl Display) {
        if !holds {
            self.fault(table, of, what);
        }
    }

    /// Visits the rows of a table; one that cannot be read is a fault.
    pub(super) fn each<T: DeserializeOwned>(
        &mut self,
        table: Table,
        mut visit: impl FnMut(&mut Self, &[u8], T) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.ascend(table, &Key::new().span(), |key, row| {
            self.found.rows += 1;
            match row::decode(row) {
                Ok(record) => visit(self, key, record)?,
                Err(error) => self.fault(table, shown(key), error),
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The record that another one names, if it is there and can be read; a fault of the other one where it is not.
    pub(super) fn named<T: DeserializeOwned>(
        &mut self,
        table: Table,
        id: &str,
        by: (Table, &str),
    ) -> Result<Option<T>, StoreError> {
        let Some(row) = self.rows.get(table, id.as_bytes())? else {
            self.fault(by.0, by.1, format_args!("{table:?} {id} is not there"));
            return Ok(None);
        };
        // That it cannot be read is told of its own table.
        Ok(row::decode(&row).ok())
    }

    pub(super) fn is_there(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.rows.get(table, key)?.is_some())
    }

    /// A row that must be there since a record is.
    pub(super) fn follows(
        &mut self,
        index: Table,
        key: &[u8],
        value: &[u8],
        of: (Table, &str),
    ) -> Result<(), StoreError> {
        self.follows_as(index, key, |found| found == value, of)
    }

    /// The same of a row that may be written in more than one way.
    pub(super) fn follows_as(
        &mut self,
        index: Table,
        key: &[u8],
        is_right: impl FnOnce(&[u8]) -> bool,
        of: (Table, &str),
    ) -> Result<(), StoreError> {
        *self.derived.entry(index).or_default() += 1;
        match self.rows.get(index, key)? {
            Some(found) if is_right(&found) => {}
            Some(_) => self.fault(of.0, of.1, format_args!("{index:?} has another row in its place")),
            None => self.fault(of.0, of.1, format_args!("{index:?} does not have it")),
        }
        Ok(())
    }
}

/// A key that a person may read, where it is one.
pub(super) fn shown(key: &[u8]) -> String {
    str::from_utf8(key).map_or_else(|_| format!("{key:02x?}"), |key| key.replace('\0', " "))
}
