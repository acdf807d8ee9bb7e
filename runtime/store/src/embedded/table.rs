//! The tables, and the two ways to look into them: a snapshot of what is committed, and a stage for one verb.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::ops::{Bound, ControlFlow};
use std::rc::Rc;

use bloom_runtime::store::StoreError;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

use super::backend;
use super::key::{Key, Span};
use super::rows::Entry;
use super::verbs::history::Count;
use super::wal::Changes;

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident $name:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Table { $($(#[$doc])* $table),* }

        impl Table {
            pub(super) const ALL: &[Self] = &[$(Self::$table),*];

            /// Its name in the file.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$table => $name),* }
            }

            fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
                TableDefinition::new(self.name())
            }
        }
    };
}

tables! {
    /// `schema` → the schema's version.
    Meta "meta"
    /// Digest → bytes.
    Blobs "blobs"
    /// Digest → how the bytes lie in the place outside.
    Placed "placed"
    /// IR hash → flow record.
    Flows "flows"
    /// IR hash → document.
    FlowDocuments "flow_documents"
    /// Flow, version → flow version.
    FlowVersions "flow_versions"
    /// Inbox entry → itself.
    Inbox "inbox"
    /// Context → itself.
    Contexts "contexts"
    /// Run → its record without inputs: it is written anew with every append.
    Runs "runs"
    /// Run → its inputs.
    RunInputs "run_inputs"
    /// Time, run → run.
    RunsByTime "runs_by_time"
    /// Flow, status, time, run → what of it has to be known of many runs at once ([`super::verbs::history::Marks`]).
    RunsByFlow "runs_by_flow_status"
    /// Flow, status → how many runs, and of them that wait ([`super::verbs::history::Count`]). Follows [`Table::RunsByFlow`] by itself.
    RunCounts "run_counts"
    /// Status, time, run → run.
    RunsByStatus "runs_by_status"
    /// Time, run → run, of those that somebody has to drive.
    Moving "moving"
    /// Time at which it goes on by itself, run → run.
    Wakes "wakes"
    /// Day, agent → what the agent used then.
    Spending "spending"
    /// Number → event. One growing number for all runs, so that appends touch the last page and not a page for each run.
    Events "events"
    /// Run, number in its history → number of the event.
    EventsByRun "events_by_run"
    /// Task → itself.
    Tasks "tasks"
    /// Run, effect → task.
    TasksByEffect "tasks_by_effect"
    /// Status, age, task → task.
    TasksByStatus "tasks_by_status"
    /// Descending priority, age, task → task and what it requires.
    TaskQueue "task_queue"
    /// Lease → itself.
    Leases "leases"
    /// Status, age, lease → lease.
    LeasesByStatus "leases_by_status"
    /// Digest of a lease's secret → lease.
    LeaseTokens "lease_tokens"
    /// Lease → what its holder said when it ended.
    TaskResults "task_results"
    /// Worker → itself.
    Workers "workers"
    /// Managed project → itself.
    Projects "projects"
    /// Name of a managed project → project.
    ProjectsByName "projects_by_name"
    /// Managed project, node → how it is there.
    NodeStatuses "node_statuses"
    /// Artifact → itself.
    Artifacts "artifacts"
    /// Time, artifact → artifact.
    ArtifactsByTime "artifacts_by_time"
    /// Task, time, artifact → artifact.
    ArtifactsByTask "artifacts_by_task"
    /// Time, artifact → artifact, of those that runs handed out: the histories have them.
    HandedOut "handed_out"
    /// Setting → its value.
    Settings "settings"
    /// Question → itself.
    Questions "questions"
    /// Time, question → question.
    QuestionsByTime "questions_by_time"
    /// Time, question → question, of those that are open.
    OpenQuestions "open_questions"
    /// Run, effect → question.
    QuestionsByEffect "questions_by_effect"
    /// Proposal → itself.
    Proposals "proposals"
    /// Time, proposal → proposal.
    ProposalsByTime "proposals_by_time"
    /// Status, time, proposal → proposal.
    ProposalsByStatus "proposals_by_status"
    /// Run, emission → proposal.
    ProposalsByEmission "proposals_by_emission"
    /// What is proposed → the pending proposal that proposed it first.
    PendingContents "pending_contents"
    /// Proposal, duplicate → duplicate.
    Duplicates "duplicates"
    /// Number → audit entry.
    Audit "audit"
}

/// A key and its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// What a visitor of rows decides.
pub(super) type Visit = Result<ControlFlow<()>, StoreError>;

/// Rows that can be read.
pub(super) trait Rows {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits rows by ascending key.
    fn ascend(&mut self, table: Table, span: &Span, visit: impl FnMut(&[u8], &[u8]) -> Visit) -> Result<(), StoreError>
    where
        Self: Sized;

    /// The row with the highest key.
    fn last(&mut self, table: Table) -> Result<Option<Row>, StoreError>;
}

/// A table that is read.
type Opened = Rc<ReadOnlyTable<&'static [u8], &'static [u8]>>;

/// What is committed, at one moment.
pub(super) struct Snapshot {
    transaction: ReadTransaction,
    /// Tables are opened once: a history is read row by row.
    open: RefCell<BTreeMap<Table, Opened>>,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction, open: RefCell::default() }
    }

    fn open(&self, table: Table) -> Result<Opened, StoreError> {
        if let Some(open) = self.open.borrow().get(&table) {
            return Ok(Rc::clone(open));
        }
        let opened = Rc::new(self.transaction.open_table(table.definition()).map_err(backend)?);
        self.open.borrow_mut().insert(table, Rc::clone(&opened));
        Ok(opened)
    }

    /// Visits rows by descending key.
    pub(super) fn descend(
        &self,
        table: Table,
        span: &Span,
        mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<(), StoreError> {
        if span.is_empty() {
            return Ok(());
        }
        let table = self.open(table)?;
        for row in table.range::<&[u8]>(bounds(span)).map_err(backend)?.rev() {
            let (key, value) = row.map_err(backend)?;
            if visit(key.value(), value.value())?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn len(&self, table: Table) -> Result<u64, StoreError> {
        self.open(table)?.len().map_err(backend)
    }
}

impl Rows for &Snapshot {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.open(table)?.get_owned(key).map_err(backend)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn ascend(
        &mut self,
        table: Table,
        span: &Span,
        mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<(), StoreError> {
        if span.is_empty() {
            return Ok(());
        }
        let table = self.open(table)?;
        for row in ReadableTable::range::<&[u8]>(table.as_ref(), bounds(span)).map_err(backend)? {
            let (key, value) = row.map_err(backend)?;
            if visit(key.value(), value.value())?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn last(&mut self, table: Table) -> Result<Option<Row>, StoreError> {
        let table = self.open(table)?;
        let last = table.last().map_err(backend)?;
        Ok(last.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
    }
}

fn bounds(span: &Span) -> (Bound<&[u8]>, Bound<&[u8]>) {
    let high = if span.high.is_empty() { Bound::Unbounded } else { Bound::Excluded(span.high.as_slice()) };
    (Bound::Included(&span.low), high)
}

/// The tables of a write transaction, opened when they are needed.
pub(super) struct OpenTables<'txn> {
    transaction: &'txn WriteTransaction,
    open: BTreeMap<Table, redb::Table<'txn, &'static [u8], &'static [u8]>>,
}

impl<'txn> OpenTables<'txn> {
    pub(super) fn new(transaction: &'txn WriteTransaction) -> Self {
        Self { transaction, open: BTreeMap::new() }
    }

    /// Makes the table where it is not there.
    pub(super) fn open(&mut self, table: Table) -> Result<(), StoreError> {
        self.table(table).map(drop)
    }

    fn table(&mut self, table: Table) -> Result<&mut redb::Table<'txn, &'static [u8], &'static [u8]>, StoreError> {
        use std::collections::btree_map::Entry;
        match self.open.entry(table) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.transaction.open_table(table.definition()).map_err(backend)?)),
        }
    }
}

/// One verb's view of a write transaction. Its writes are kept aside, where its own reads see them, until the verb has
/// succeeded: so a verb that fails, at whatever point, has written nothing.
pub(super) struct Stage<'a, 'txn> {
    tables: &'a mut OpenTables<'txn>,
    changes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl<'a, 'txn> Stage<'a, 'txn> {
    pub(super) fn new(tables: &'a mut OpenTables<'txn>) -> Self {
        Self { tables, changes: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert((table, key), Some(value));
    }

    /// Puts all rows of a record, as [`super::rows`] makes them.
    pub(super) fn put_all(&mut self, rows: Vec<Entry>) {
        for (table, key, value) in rows {
            self.put(table, key, value);
        }
    }

    pub(super) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.changes.insert((table, key), None);
    }

    /// Whether a row has this value.
    pub(super) fn holds(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        if let Some(staged) = self.changes.get(&(table, key.to_vec())) {
            return Ok(staged.as_deref() == Some(value));
        }
        let stored = self.tables.table(table)?.get(key).map_err(backend)?;
        Ok(stored.is_some_and(|stored| stored.value() == value))
    }

    /// Hands the writes to the transaction, and notes them; says whether there were any.
    pub(super) fn flush(self, noted: &mut Changes) -> Result<bool, StoreError> {
        let Self { tables, changes } = self;
        let changed = !changes.is_empty();
        let mut counted: BTreeMap<Vec<u8>, (Count, Count)> = BTreeMap::new();
        for ((table, key), value) in changes {
            if table != Table::RunsByFlow {
                write(tables, noted, table, &key, value.as_deref(), |_| ())?;
                continue;
            }
            let before = write(tables, noted, table, &key, value.as_deref(), Count::of)??;
            let (gone, come) = counted.entry(counted_with(&key)?.to_vec()).or_default();
            *gone = gone.and(before);
            *come = come.and(Count::of(value.as_deref())?);
        }
        for (key, (gone, come)) in counted.into_iter().filter(|(_, (gone, come))| gone != come) {
            let row = tables.table(Table::RunCounts)?.get(key.as_slice()).map_err(backend)?;
            let before = row.map_or(Ok(Count::default()), |row| Count::read(row.value()))?;
            let now = before.and(come).without(gone);
            let value = (now.runs > 0).then(|| now.row());
            write(tables, noted, Table::RunCounts, &key, value.as_deref(), |_| ())?;
        }
        Ok(changed)
    }

    fn staged(&self, table: Table, span: &Span) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.changes
            .range((table, span.low.clone())..)
            .take_while(|((of, key), _)| *of == table && (span.high.is_empty() || *key < span.high))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// Puts a row, or takes it out, and notes that; has the one looked at that was there.
fn write<T>(
    tables: &mut OpenTables<'_>,
    noted: &mut Changes,
    table: Table,
    key: &[u8],
    value: Option<&[u8]>,
    look: impl FnOnce(Option<&[u8]>) -> T,
) -> Result<T, StoreError> {
    noted.note(table, key, value)?;
    let table = tables.table(table)?;
    let before = match value {
        Some(value) => table.insert(key, value).map_err(backend)?,
        None => table.remove(key).map_err(backend)?,
    };
    Ok(look(before.as_ref().map(redb::AccessGuard::value)))
}

/// The row of [`Table::RunCounts`] that counts a row of [`Table::RunsByFlow`]: what its key begins with.
fn counted_with(key: &[u8]) -> Result<&[u8], StoreError> {
    let rest = Key::text_at(key).map(|(_, rest)| rest).filter(|rest| rest.len() >= size_of::<u64>());
    let rest = rest.ok_or_else(|| StoreError::Damaged("a run is of no flow and status".to_owned()))?;
    Ok(&key[..key.len() - rest.len() + size_of::<u64>()])
}

impl Rows for Stage<'_, '_> {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(staged) = self.changes.get(&(table, key.to_vec())) {
            return Ok(staged.clone());
        }
        let value = self.tables.table(table)?.get(key).map_err(backend)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn ascend(
        &mut self,
        table: Table,
        span: &Span,
        mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<(), StoreError> {
        if span.is_empty() {
            return Ok(());
        }
        let mut staged = self.staged(table, span);
        let table = self.tables.table(table)?;
        for row in table.range::<&[u8]>(bounds(span)).map_err(backend)? {
            let (key, value) = row.map_err(backend)?;
            let later = staged.split_off(key.value());
            for (key, value) in mem::replace(&mut staged, later) {
                if let Some(value) = value
                    && visit(&key, &value)?.is_break()
                {
                    return Ok(());
                }
            }
            let flow = match staged.remove(key.value()) {
                Some(None) => continue,
                Some(Some(value)) => visit(key.value(), &value)?,
                None => visit(key.value(), value.value())?,
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        for (key, value) in staged {
            if let Some(value) = value
                && visit(&key, &value)?.is_break()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn last(&mut self, table: Table) -> Result<Option<Row>, StoreError> {
        let staged = self.changes.range((table, Vec::new())..).take_while(|((of, _), _)| *of == table);
        let put = staged.filter_map(|((_, key), value)| Some((key, value.as_ref()?))).last();
        let put = put.map(|(key, value)| (key.clone(), value.clone()));
        for row in self.tables.table(table)?.range::<&[u8]>(..).map_err(backend)?.rev() {
            let (key, value) = row.map_err(backend)?;
            if put.as_ref().is_some_and(|(put, _)| put.as_slice() >= key.value()) {
                break;
            }
            let key = key.value().to_vec();
            match self.changes.get(&(table, key.clone())) {
                Some(None) => {}
                _ => return Ok(Some((key, value.value().to_vec()))),
            }
        }
        Ok(put)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase as _};

    use super::*;

    fn rows(rows: &mut impl Rows, span: &Span, limit: usize) -> Vec<Row> {
        let mut found = Vec::new();
        rows.ascend(Table::Blobs, span, |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
        .unwrap();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A verb reads its own writes; nobody else does, and nobody does when it fails.
        #[test]
        fn stage_covers_the_table(
            before in prop::collection::btree_map(0..12_u8, 0..3_u8, 0..8),
            changes in prop::collection::vec((0..12_u8, prop::option::of(3..6_u8)), 0..8),
            low in 0..12_u8,
            high in prop::option::of(0..12_u8),
            limit in 1..12_usize,
        ) {
            let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
            let transaction = database.begin_write().unwrap();
            let mut tables = OpenTables::new(&transaction);
            tables.open(Table::Blobs).unwrap();
            let mut stage = Stage::new(&mut tables);
            let mut model = before.clone();
            for (key, value) in &before {
                stage.put(Table::Blobs, vec![*key], vec![*value]);
            }
            stage.flush(&mut Changes::default()).unwrap();
            drop(tables);
            transaction.commit().unwrap();

            let transaction = database.begin_write().unwrap();
            let mut tables = OpenTables::new(&transaction);
            let mut stage = Stage::new(&mut tables);
            for (key, value) in changes {
                if let Some(value) = value {
                    model.insert(key, value);
                    stage.put(Table::Blobs, vec![key], vec![value]);
                } else {
                    model.remove(&key);
                    stage.remove(Table::Blobs, vec![key]);
                }
            }
            let span = Span { low: vec![low], high: high.map(|high| vec![high]).unwrap_or_default() };
            let of = |map: &BTreeMap<u8, u8>| -> Vec<Row> {
                map.iter()
                    .filter(|(key, _)| **key >= low && high.is_none_or(|high| **key < high))
                    .map(|(key, value)| (vec![*key], vec![*value]))
                    .take(limit)
                    .collect()
            };
            prop_assert_eq!(rows(&mut stage, &span, limit), of(&model));
            for key in 0..12 {
                prop_assert_eq!(stage.get(Table::Blobs, &[key]).unwrap(), model.get(&key).map(|value| vec![*value]));
            }
            let last = model.last_key_value().map(|(key, value)| (vec![*key], vec![*value]));
            prop_assert_eq!(stage.last(Table::Blobs).unwrap(), last);
            prop_assert_eq!(rows(&mut &Snapshot::new(database.begin_read().unwrap()), &span, limit), of(&before));
            drop(stage);
            prop_assert_eq!(rows(&mut Stage::new(&mut tables), &span, limit), of(&before));
        }
    }
}
