//! One verb's view of the store, and its writes.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use bloom_runtime::record::{AuditChain, AuditEntry, RunId, RunRecord};
use bloom_runtime::store::StoreError;

use super::key::Key;
use super::layer::{Bytes, Layer, Said};
use super::memo::Memo;
use super::row;
use super::rows::Entry;
use super::snapshot::{Committed, Rows, Snapshot};
use super::table::Table;
use super::verbs::history::Count;

/// One verb's view of what is committed, and of what others of its batch wrote. It writes to the batch, and what it wrote is taken
/// back unless the verb has succeeded: so a verb that fails, at whatever point, has written nothing.
pub(super) struct Stage<'a> {
    batch: &'a mut Layer,
    below: &'a Snapshot,
    memo: &'a mut Memo,
    written: Vec<Written>,
}

/// A row that the verb wrote, and what the batch said of it before.
struct Written {
    table: Table,
    key: Bytes,
    said: Said,
}

impl<'a> Stage<'a> {
    pub(super) fn new(batch: &'a mut Layer, below: &'a Snapshot, memo: &'a mut Memo) -> Self {
        Self { batch, below, memo, written: Vec::new() }
    }

    /// The record of a run, without its inputs.
    pub(super) fn run(&mut self, id: &RunId) -> Result<RunRecord, StoreError> {
        let row = self.get(Table::Runs, id.as_str().as_bytes())?;
        let row = row.ok_or_else(|| StoreError::NotFound { kind: "run", id: id.to_string() })?;
        self.memo.read(id.as_str(), &row)
    }

    /// Puts the record of a run, without its inputs.
    pub(super) fn put_run(&mut self, run: &RunRecord) {
        let row = row::encode(run);
        self.put(Table::Runs, run.id.as_str().into(), row.clone());
        self.memo.keep(row, run.clone());
    }

    /// Where the audit log ends.
    pub(super) fn audit_chain(&mut self) -> Result<AuditChain, StoreError> {
        let last = self.last(Table::Audit)?;
        last.map_or_else(|| Ok(AuditChain::default()), |(_, row)| self.memo.chain(&row))
    }

    /// Puts the next entry of the audit log, with which this chain ends.
    pub(super) fn put_audit(&mut self, entry: &AuditEntry, chain: AuditChain) {
        let row = row::encode(entry);
        self.put(Table::Audit, Key::new().number(entry.seq).build(), row.clone());
        self.memo.keep_chain(row, chain);
    }

    pub(super) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.change(table, key, Some(value.into()));
    }

    /// Puts all rows of a record, as [`super::rows`] makes them.
    pub(super) fn put_all(&mut self, rows: Vec<Entry>) {
        for (table, key, value) in rows {
            self.put(table, key, value);
        }
    }

    /// The same of a record that must not be there yet; gives the table where something has the place of one of its rows, if
    /// something has: then the verb must fail, as the rows before it are put. Content lies where its digest says, and several
    /// records may have the same.
    pub(super) fn put_new(&mut self, rows: Vec<Entry>) -> Result<Option<Table>, StoreError> {
        for (table, key, value) in rows {
            if table != Table::Blobs && self.get(table, &key)?.is_some() {
                return Ok(Some(table));
            }
            self.put(table, key, value);
        }
        Ok(None)
    }

    pub(super) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.change(table, key, None);
    }

    fn change(&mut self, table: Table, key: Vec<u8>, value: Option<Bytes>) {
        let key = Bytes::from(key);
        let said = self.batch.change(table, Arc::clone(&key), value);
        self.written.push(Written { table, key, said });
    }

    /// Whether a row has this value.
    pub(super) fn holds(&self, table: Table, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(table, key)?.is_some_and(|row| row == value))
    }

    /// Leaves what was written in the batch; says whether anything was.
    pub(super) fn keep(mut self) -> Result<bool, StoreError> {
        self.count()?;
        Ok(!mem::take(&mut self.written).is_empty())
    }

    /// [`Table::RunCounts`] follows [`Table::RunsByFlow`].
    fn count(&mut self) -> Result<(), StoreError> {
        let mut before = BTreeMap::new();
        for Written { key, said, .. } in self.written.iter().filter(|row| row.table == Table::RunsByFlow) {
            before.entry(Bytes::clone(key)).or_insert_with(|| said.clone());
        }
        let mut counted: BTreeMap<Vec<u8>, (Count, Count)> = BTreeMap::new();
        for (key, said) in before {
            let was = match said {
                Some(value) => value.map(|value| value.to_vec()),
                None => self.below.get(Table::RunsByFlow, &key)?,
            };
            let (gone, come) = counted.entry(counted_with(&key)?.to_vec()).or_default();
            *gone = gone.and(Count::of(was.as_deref())?);
            *come = come.and(Count::of(self.get(Table::RunsByFlow, &key)?.as_deref())?);
        }
        for (key, (gone, come)) in counted.into_iter().filter(|(_, (gone, come))| gone != come) {
            let row = self.get(Table::RunCounts, &key)?;
            let count = row.map_or(Ok(Count::default()), |row| Count::read(&row))?;
            let count = count.and(come).without(gone);
            match count.runs {
                0 => self.remove(Table::RunCounts, key),
                _ => self.put(Table::RunCounts, key, count.row()),
            }
        }
        Ok(())
    }
}

/// Takes back what was not to be kept.
impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for Written { table, key, said } in self.written.drain(..).rev() {
            self.batch.restore(table, key, said);
        }
    }
}

/// The row of [`Table::RunCounts`] that counts a row of [`Table::RunsByFlow`]: what its key begins with.
fn counted_with(key: &[u8]) -> Result<&[u8], StoreError> {
    let rest = Key::text_at(key).map(|(_, rest)| rest).filter(|rest| rest.len() >= size_of::<u64>());
    let rest = rest.ok_or_else(|| StoreError::Damaged("a run is of no flow and status".to_owned()))?;
    Ok(&key[..key.len() - rest.len() + size_of::<u64>()])
}

impl Rows for Stage<'_> {
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&*self.batch).chain(self.below.layers())
    }

    fn file(&self) -> &Committed {
        self.below.file()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    use proptest::prelude::*;
    use redb::Database;
    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::embedded::key::Span;
    use crate::embedded::opened::Opened;
    use crate::embedded::table::Row;

    const TABLE: Table = Table::Blobs;

    fn found(rows: &impl Rows, span: &Span, limit: usize, is_descending: bool) -> Vec<Row> {
        let mut found = Vec::new();
        let visit = |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        if is_descending { rows.descend(TABLE, span, visit) } else { rows.ascend(TABLE, span, visit) }.unwrap();
        found
    }

    type Model = BTreeMap<u8, u8>;
    /// Rows that are put, or removed.
    type Changes = Vec<(u8, Option<u8>)>;

    fn changes() -> impl Strategy<Value = Changes> {
        prop::collection::vec((0..12_u8, prop::option::of(any::<u8>())), 0..8)
    }

    fn layer(changes: &Changes) -> Layer {
        let mut layer = Layer::default();
        for (key, value) in changes {
            match value {
                Some(value) => layer.put(TABLE, vec![*key], vec![*value]),
                None => drop(layer.change(TABLE, [*key].into(), None)),
            }
        }
        layer
    }

    fn write(stage: &mut Stage<'_>, changes: &Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => stage.put(TABLE, vec![*key], vec![*value]),
                None => stage.remove(TABLE, vec![*key]),
            }
        }
    }

    fn follow(model: &mut Model, changes: &Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => drop(model.insert(*key, *value)),
                None => drop(model.remove(key)),
            }
        }
    }

    fn check(rows: &impl Rows, model: &Model, span: &Span, limit: usize) {
        let within = |key: &[u8]| key >= span.low.as_slice() && (span.high.is_empty() || key < span.high.as_slice());
        let mut all = model.iter().map(|(key, value)| (vec![*key], vec![*value]));
        let mut expected: Vec<Row> = all.clone().filter(|(key, _)| within(key)).collect();
        let first = |rows: &Vec<Row>| rows.iter().take(limit).cloned().collect::<Vec<_>>();
        assert_eq!(found(rows, span, limit, false), first(&expected));
        expected.reverse();
        assert_eq!(found(rows, span, limit, true), first(&expected));
        for key in 0..12 {
            assert_eq!(rows.get(TABLE, &[key]).unwrap(), model.get(&key).map(|value| vec![*value]));
        }
        assert_eq!(rows.last(TABLE).unwrap(), all.next_back());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A verb reads the file, what is shown over it, what its batch wrote, and its own writes; others see nothing of these
        /// before they are shown, and the file has all of them when they were written.
        #[test]
        fn each_layer_covers_those_below(
            in_file in changes(), shown in changes(), of_batch in changes(), own in changes(),
            low in 0..12_u8, high in prop::option::of(0..12_u8), limit in 1..12_usize,
        ) {
            let span = Span { low: vec![low], high: high.map(|high| vec![high]).unwrap_or_default() };
            let opened = Opened::new(Database::builder().create_with_backend(InMemoryBackend::new()).unwrap()).unwrap();
            opened.write(&layer(&in_file), |_| Ok(())).unwrap();
            opened.show(layer(&shown));
            let mut model = Model::new();
            follow(&mut model, &in_file);
            follow(&mut model, &shown);
            let (before, seen) = (opened.snapshot(), model.clone());
            check(&before, &seen, &span, limit);
            prop_assert_eq!(before.len(TABLE).unwrap(), seen.len() as u64);

            let mut batch = layer(&of_batch);
            let mut memo = Memo::default();
            let mut stage = Stage::new(&mut batch, &before, &mut memo);
            follow(&mut model, &of_batch);
            check(&stage, &model, &span, limit);
            write(&mut stage, &own);
            let without = model.clone();
            follow(&mut model, &own);
            check(&stage, &model, &span, limit);
            drop(stage);
            prop_assert_eq!(batch.bytes(), layer(&of_batch).bytes());
            check(&Stage::new(&mut batch, &before, &mut Memo::default()), &without, &span, limit);

            let mut memo = Memo::default();
            let mut stage = Stage::new(&mut batch, &before, &mut memo);
            write(&mut stage, &own);
            prop_assert_eq!(stage.keep().unwrap(), !own.is_empty());
            let bytes = opened.show(batch);
            check(&opened.snapshot(), &model, &span, limit);
            check(&before, &seen, &span, limit);
            let rows = opened.snapshot().layer.range(TABLE, &Key::new().span()).map(|(key, value)| {
                key.len() + value.map_or(0, <[u8]>::len)
            }).sum::<usize>();
            prop_assert_eq!(bytes, rows);

            opened.write(&Layer::default(), |_| Ok(())).unwrap();
            prop_assert_eq!(opened.snapshot().layer.bytes(), 0);
            check(&opened.snapshot(), &model, &span, limit);
            check(&before, &seen, &span, limit);
        }
    }
}
