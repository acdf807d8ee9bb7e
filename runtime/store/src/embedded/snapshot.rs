//! What is committed, at one moment: the rows of the file, and over them those that came since it was changed last.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use bloom_runtime::store::StoreError;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable as _, ReadableTableMetadata as _, TableError};

use super::backend;
use super::key::{Key, Span};
use super::layer::{Change, Layer, Merged, Order, bounds};
use super::table::{Row, Table, Visit};

/// A table that is read.
type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The tables of the file, as they are after a commit. They are opened once, and where each ends is looked up once.
pub(super) struct Committed {
    transaction: ReadTransaction,
    open: [OnceLock<Option<OpenTable>>; Table::ALL.len()],
    last: [OnceLock<Option<Row>>; Table::ALL.len()],
}

impl Committed {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self {
            transaction,
            open: [const { OnceLock::new() }; Table::ALL.len()],
            last: [const { OnceLock::new() }; Table::ALL.len()],
        }
    }

    /// None in a file of an older version, or a new one.
    fn open(&self, table: Table) -> Result<Option<&OpenTable>, StoreError> {
        let place = &self.open[table as usize];
        if let Some(open) = place.get() {
            return Ok(open.as_ref());
        }
        let opened = match self.transaction.open_table(table.definition()) {
            Ok(opened) => Some(opened),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(backend(error)),
        };
        Ok(place.get_or_init(|| opened).as_ref())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(table) = self.open(table)? else { return Ok(None) };
        Ok(table.get(key).map_err(backend)?.map(|value| value.value().to_vec()))
    }

    /// The row with the highest key.
    fn last(&self, table: Table) -> Result<Option<&Row>, StoreError> {
        let place = &self.last[table as usize];
        if let Some(last) = place.get() {
            return Ok(last.as_ref());
        }
        let last = self.open(table)?.map(|open| open.last().map_err(backend)).transpose()?.flatten();
        let last = last.map(|(key, value)| (key.value().to_vec(), value.value().to_vec()));
        Ok(place.get_or_init(|| last).as_ref())
    }

    /// Of a span that is not empty.
    fn range(&self, table: Table, span: &Span) -> Result<Option<Found<'_>>, StoreError> {
        self.open(table)?.map(|open| open.range::<&[u8]>(bounds(span)).map_err(backend)).transpose()
    }
}

/// What is committed, at one moment.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) layer: Arc<Layer>,
    pub(super) file: Arc<Committed>,
}

impl Snapshot {
    /// Of the file alone.
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { layer: Arc::default(), file: Arc::new(Committed::new(transaction)) }
    }

    /// How many rows a table has.
    pub(super) fn len(&self, table: Table) -> Result<u64, StoreError> {
        let mut count = match self.file.open(table)? {
            Some(table) => table.len().map_err(backend)?,
            None => 0,
        };
        for (key, value) in self.layer.range(table, &Key::new().span()) {
            match (self.file.get(table, key)?, value) {
                (None, Some(_)) => count += 1,
                (Some(_), None) => count -= 1,
                _ => {}
            }
        }
        Ok(count)
    }

    /// A table that the file does not have.
    pub(super) fn missing(&self) -> Result<Option<Table>, StoreError> {
        for table in Table::ALL {
            if self.file.open(*table)?.is_none() {
                return Ok(Some(*table));
            }
        }
        Ok(None)
    }
}

impl Rows for Snapshot {
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(self.layer.as_ref())
    }

    fn file(&self) -> &Committed {
        &self.file
    }
}

/// Rows that can be read: those of a file under layers.
pub(super) trait Rows {
    /// The highest first.
    fn layers(&self) -> impl Iterator<Item = &Layer>;

    fn file(&self) -> &Committed;

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.layers().find_map(|layer| layer.get(table, key)) {
            Some((_, value)) => Ok(value.map(<[u8]>::to_vec)),
            None => self.file().get(table, key),
        }
    }

    /// Visits rows by ascending key.
    fn ascend(&self, table: Table, span: &Span, visit: impl FnMut(&[u8], &[u8]) -> Visit) -> Result<(), StoreError> {
        if span.is_empty() {
            return Ok(());
        }
        let order: Order = |a, b| a.cmp(b);
        let layers = Merged::new(self.layers().map(|layer| layer.range(table, span)), order);
        each(layers, self.file().range(table, span)?.into_iter().flatten(), order, visit)
    }

    /// Visits rows by descending key.
    fn descend(&self, table: Table, span: &Span, visit: impl FnMut(&[u8], &[u8]) -> Visit) -> Result<(), StoreError> {
        if span.is_empty() {
            return Ok(());
        }
        let order: Order = |a, b| b.cmp(a);
        let layers = Merged::new(self.layers().map(|layer| layer.range(table, span).rev()), order);
        each(layers, self.file().range(table, span)?.into_iter().flat_map(Iterator::rev), order, visit)
    }

    /// The row with the highest key. Where a log grows, its end is known without going over a range of the file.
    fn last(&self, table: Table) -> Result<Option<Row>, StoreError> {
        let file = self.file().last(table)?;
        let (all, order): (_, Order) = (Key::new().span(), |a, b| b.cmp(a));
        let mut layers = Merged::new(self.layers().map(|layer| layer.range(table, &all).rev()), order);
        let upper = layers.find_map(|(key, value)| Some((key, value?)));
        let row = |(key, value): (&[u8], &[u8])| (key.to_vec(), value.to_vec());
        let Some((key, value)) = file else { return Ok(upper.map(row)) };
        if let Some(upper) = upper.filter(|(upper, _)| *upper >= key.as_slice()) {
            return Ok(Some(row(upper)));
        }
        if self.layers().all(|layer| layer.get(table, key).is_none()) {
            return Ok(Some((key.clone(), value.clone())));
        }
        let mut last = None;
        self.descend(table, &all, |key, value| {
            last = Some(row((key, value)));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(last)
    }
}

/// Rows of the file.
type Found<'a> = redb::Range<'a, &'static [u8], &'static [u8]>;
/// A key of the file, or a value.
type Part<'a> = redb::AccessGuard<'a, &'static [u8]>;

/// Visits the rows of the file, with those of the layers in their places.
fn each<'a, 'b>(
    layers: impl Iterator<Item = Change<'a>>,
    file: impl Iterator<Item = Result<(Part<'b>, Part<'b>), redb::StorageError>>,
    order: Order,
    mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
) -> Result<(), StoreError> {
    let mut layers = layers.peekable();
    'file: for row in file {
        let (key, value) = row.map_err(backend)?;
        while let Some((upper, change)) = layers.next_if(|(upper, _)| order(upper, key.value()).is_le()) {
            if let Some(value) = change
                && visit(upper, value)?.is_break()
            {
                return Ok(());
            }
            if upper == key.value() {
                continue 'file;
            }
        }
        if visit(key.value(), value.value())?.is_break() {
            return Ok(());
        }
    }
    for (key, change) in layers {
        if let Some(value) = change
            && visit(key, value)?.is_break()
        {
            break;
        }
    }
    Ok(())
}
