//! Rows that lie over others: what they are to be, or that they are to be gone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use super::key::Span;
use super::table::Table;

pub(super) type Bytes = Arc<[u8]>;

/// What a layer says of a row: nothing, or what it is to be, or that it is to be gone.
pub(super) type Said = Option<Option<Bytes>>;

type Changes = BTreeMap<Bytes, Option<Bytes>>;

/// Rows over others. A copy shares them until one of both is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    tables: BTreeMap<Table, Arc<Changes>>,
    bytes: usize,
}

/// A row of a layer; without a value where it is gone.
pub(super) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

impl Layer {
    pub(super) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.change(table, key.into(), Some(value.into()));
    }

    /// Puts a row, or has it gone where there is no value; returns what was said of it before.
    pub(super) fn change(&mut self, table: Table, key: Bytes, value: Option<Bytes>) -> Said {
        let key_size = key.len();
        self.bytes += size(value.as_ref());
        let before = Arc::make_mut(self.tables.entry(table).or_default()).insert(key, value);
        match &before {
            Some(before) => self.bytes -= size(before.as_ref()),
            None => self.bytes += key_size,
        }
        before
    }

    /// Has it say of a row what it said before.
    pub(super) fn restore(&mut self, table: Table, key: Bytes, said: Said) {
        if let Some(value) = said {
            self.change(table, key, value);
            return;
        }
        let Some(rows) = self.tables.get_mut(&table) else { return };
        let rows = Arc::make_mut(rows);
        if let Some(value) = rows.remove(&key) {
            self.bytes -= key.len() + size(value.as_ref());
        }
        if rows.is_empty() {
            self.tables.remove(&table);
        }
    }

    /// Lays another one's rows over these.
    pub(super) fn cover(&mut self, above: Self) {
        for (table, rows) in above.tables {
            for (key, value) in Arc::unwrap_or_clone(rows) {
                self.change(table, key, value);
            }
        }
    }

    /// Of all keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it says of a row, where it says anything.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<Change<'_>> {
        self.tables.get(&table)?.get_key_value(key).map(change)
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = (Table, impl Iterator<Item = Change<'_>>)> {
        self.tables.iter().map(|(table, rows)| (*table, rows.iter().map(change)))
    }

    /// The rows of a part of a table, by ascending key; by descending key from the other end.
    pub(super) fn range(&self, table: Table, span: &Span) -> impl DoubleEndedIterator<Item = Change<'_>> {
        let rows = self.tables.get(&table).filter(|_| !span.is_empty());
        rows.into_iter().flat_map(|rows| rows.range::<[u8], _>(bounds(span))).map(change)
    }
}

fn size(value: Option<&Bytes>) -> usize {
    value.map_or(0, |value| value.len())
}

fn change<'a>((key, value): (&'a Bytes, &'a Option<Bytes>)) -> Change<'a> {
    (key.as_ref(), value.as_deref())
}

/// A span that is not empty.
pub(super) fn bounds(span: &Span) -> (Bound<&[u8]>, Bound<&[u8]>) {
    let high = if span.high.is_empty() { Bound::Unbounded } else { Bound::Excluded(span.high.as_slice()) };
    (Bound::Included(&span.low), high)
}

/// Rows of layers, each in order of its keys, as one: a row is what the first layer says that has it.
pub(super) struct Merged<I: Iterator> {
    layers: Vec<Peekable<I>>,
    order: Order,
}

/// Which of two keys comes first.
pub(super) type Order = fn(&[u8], &[u8]) -> Ordering;

impl<'a, I: Iterator<Item = Change<'a>>> Merged<I> {
    pub(super) fn new(layers: impl Iterator<Item = I>, order: Order) -> Self {
        Self { layers: layers.map(Iterator::peekable).collect(), order }
    }
}

impl<'a, I: Iterator<Item = Change<'a>>> Iterator for Merged<I> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let order = self.order;
        let heads = self.layers.iter_mut().filter_map(|layer| layer.peek().map(|(key, _)| *key));
        let first = heads.min_by(|a, b| order(a, b))?;
        let mut found = None;
        for layer in &mut self.layers {
            let change = layer.next_if(|(key, _)| *key == first);
            found = found.or(change);
        }
        found
    }
}
