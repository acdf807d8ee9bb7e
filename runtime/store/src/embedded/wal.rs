//! The write-ahead log: what was committed since the store's file was last brought to the disk.
//!
//! A commit of the engine writes a dozen scattered pages. Here it is one record at the end of another file, beside the store's: one
//! write, one sync. Then it is shown, from memory ([`super::opened`]); the engine gets it with many other commits, and its pages come
//! to the disk when the log is full, in a checkpoint. The store's file names the generation of records that go on from it, so after
//! a crash it is known which ones are missing in it. They say what rows are to be, not how they change: no harm is done by one that
//! the file has already.
//!
//! A store that was closed in order has no log.
//!
//! | bytes of a record | |
//! |---|---|
//! | 16 | the generation, by chance |
//! | 8 | the record's number in it, from 0, little endian |
//! | 4 | how many bytes of rows follow, little endian |
//! | 16 | the first of the SHA-256 of the above and of the rows |
//! | … | rows: table, key and value, each after its length in 4 bytes; a length of 2³²−1 says that the row is removed |

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bloom_runtime::store::StoreError;
use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Database, Durability, ReadableDatabase as _, StorageBackend, TableDefinition, TableError, WriteTransaction,
};
use rustix::fs::{Advice, fadvise};
use sha2::{Digest as _, Sha256};

use super::failure::{at, backend};
use super::layer::Layer;
use super::opened::Opened;

/// Which generation of records goes on from the file; it is no table of the store's content.
const WAL: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("wal");
const GENERATION: &[u8] = b"generation";

/// What has this many bytes of records is full: a crash leaves no more to be done when the store is opened.
pub(super) const LIMIT: u64 = 8 << 20;
/// Rows that are as large as such a part of the log are shown at most without the engine having them: they are in memory, and where a
/// read and a commit meet, a copy of what names them is made.
const SHOWN: u64 = 16;
/// The file grows by so much at once, so that most records change nothing but bytes that it has.
const STEP: u64 = 256 << 10;
/// What is larger than such a part of the log goes to the engine's file at once: it would be written twice.
const LARGE: u64 = 8;

const HEAD: usize = 16 + 8 + 4;
const SUM: usize = 16;
const REMOVED: u32 = u32::MAX;

type Generation = [u8; 16];

/// The rows of a layer, as a record holds them.
fn encode(rows: &Layer) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(rows.bytes());
    for (table, rows) in rows.tables() {
        for (key, value) in rows {
            add(&mut out, table.name().as_bytes())?;
            add(&mut out, key)?;
            match value {
                Some(value) => add(&mut out, value)?,
                None => out.extend(REMOVED.to_le_bytes()),
            }
        }
    }
    Ok(out)
}

fn add(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), StoreError> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length != REMOVED);
    let length = length.ok_or_else(|| backend("a row is larger than 4 GiB"))?;
    out.extend(length.to_le_bytes());
    out.extend(bytes);
    Ok(())
}

/// A row that a record is about.
#[derive(Debug, PartialEq)]
struct Change<'a> {
    table: &'a str,
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

/// Reads what [`encode`] wrote.
fn changes(mut rows: &[u8]) -> impl Iterator<Item = Result<Change<'_>, StoreError>> {
    std::iter::from_fn(move || {
        if rows.is_empty() {
            return None;
        }
        let change = change(&mut rows);
        if change.is_none() {
            rows = &[];
        }
        Some(change.ok_or_else(|| damaged("a record of the log cannot be read")))
    })
}

fn change<'a>(rows: &mut &'a [u8]) -> Option<Change<'a>> {
    let (table, key) = (field(rows)?, field(rows)?);
    let value = match length(rows)? {
        REMOVED => None,
        length => Some(bytes(rows, length)?),
    };
    Some(Change { table: str::from_utf8(table).ok()?, key, value })
}

fn field<'a>(rows: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = length(rows)?;
    bytes(rows, length)
}

fn length(rows: &mut &[u8]) -> Option<u32> {
    let (length, rest) = rows.split_first_chunk()?;
    *rows = rest;
    Some(u32::from_le_bytes(*length))
}

fn bytes<'a>(rows: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (bytes, rest) = rows.split_at_checked(usize::try_from(length).ok()?)?;
    *rows = rest;
    Some(bytes)
}

/// Where a log lies.
pub(super) trait Shelf: Send {
    /// The log that is there.
    fn find(&self) -> Result<Option<Box<dyn StorageBackend>>, StoreError>;
    /// It, or a new one, which is there after a power cut, too.
    fn make(&self) -> Result<Box<dyn StorageBackend>, StoreError>;
    /// Takes it away. One that stays does no harm.
    fn clear(&self);
}

/// Beside the store's file.
pub(super) struct Beside(PathBuf);

impl Beside {
    pub(super) fn new(store: &Path) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push(".wal");
        Self(path.into())
    }

    fn open(&self, create: bool) -> Result<Option<Box<dyn StorageBackend>>, StoreError> {
        let mut options = fs::OpenOptions::new();
        let file = match options.read(true).write(true).create(create).truncate(false).mode(0o600).open(&self.0) {
            Ok(file) => file,
            Err(error) if !create && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&self.0, &error)),
        };
        // After a sync that failed, the system may show what never came to the disk.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        Ok(Some(Box::new(FileBackend::new(file).map_err(backend)?)))
    }
}

impl Shelf for Beside {
    fn find(&self) -> Result<Option<Box<dyn StorageBackend>>, StoreError> {
        self.open(false)
    }

    fn make(&self) -> Result<Box<dyn StorageBackend>, StoreError> {
        let made = self.open(true)?.ok_or(StoreError::Closed)?;
        if let Some(folder) = self.0.parent() {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| at(folder, &error))?;
        }
        Ok(made)
    }

    fn clear(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// In memory, for a store that is there, too.
pub(super) struct InMemory;

impl Shelf for InMemory {
    fn find(&self) -> Result<Option<Box<dyn StorageBackend>>, StoreError> {
        Ok(None)
    }

    fn make(&self) -> Result<Box<dyn StorageBackend>, StoreError> {
        Ok(Box::new(InMemoryBackend::new()))
    }

    fn clear(&self) {}
}

/// In storage that is there, whatever becomes of the log.
pub(super) struct Given<S>(pub(super) S);

impl<S: StorageBackend + Clone> Shelf for Given<S> {
    fn find(&self) -> Result<Option<Box<dyn StorageBackend>>, StoreError> {
        Ok(Some(Box::new(self.0.clone())))
    }

    fn make(&self) -> Result<Box<dyn StorageBackend>, StoreError> {
        Ok(Box::new(self.0.clone()))
    }

    fn clear(&self) {}
}

/// The log of a store.
pub(super) struct Wal {
    shelf: Box<dyn Shelf>,
    limit: u64,
    /// None in a store that was closed in order, and after a checkpoint that failed: the next commit is one.
    open: Option<Open>,
}

struct Open {
    file: Box<dyn StorageBackend>,
    generation: Generation,
    /// The number of the next record, and where it begins.
    number: u64,
    end: u64,
    length: u64,
}

impl Wal {
    pub(super) fn new(shelf: impl Shelf + 'static, limit: u64) -> Self {
        Self { shelf: Box::new(shelf), limit, open: None }
    }

    pub(super) fn beside(store: &Path) -> Self {
        Self::new(Beside::new(store), LIMIT)
    }

    /// Shows what a crash left in the log: to be done before anything is read of the store's file. It needs no room on the disk.
    pub(super) fn recover(&mut self, database: &Database) -> Result<(), StoreError> {
        self.open = None;
        let Some(generation) = generation(database)? else { return Ok(()) };
        let file = self.shelf.find()?;
        let file = file.ok_or_else(|| damaged("its log, the file with the ending .wal beside it, is not there"))?;
        let length = file.len().map_err(backend)?;
        let records = records(file.as_ref(), length, generation)?;
        let mut transaction = database.begin_write().map_err(backend)?;
        for record in &records {
            for change in changes(record) {
                apply(&transaction, &change?)?;
            }
        }
        transaction.set_durability(Durability::None).map_err(backend)?;
        transaction.commit().map_err(backend)?;
        // After a sync that failed, the system may show records that never came to the disk: none is put behind them, and the next
        // commit brings what they hold to the file.
        self.open = Some(Open { file, generation, number: records.len() as u64, end: self.limit, length });
        Ok(())
    }

    /// Commits rows: when this returns, they are on disk, and shown. Says whether so much is shown that [`relieve`] is due.
    pub(super) fn commit(&mut self, opened: &Opened, rows: Layer) -> Result<bool, StoreError> {
        let is_large = rows.bytes() as u64 > self.limit / LARGE;
        if is_large || !self.append(&encode(&rows)?).map_err(backend)? {
            return self.checkpoint(opened, &rows).map(|()| false);
        }
        Ok(opened.show(rows) as u64 >= self.limit / SHOWN)
    }

    /// Puts a record on disk, where there is room for it.
    fn append(&mut self, rows: &[u8]) -> io::Result<bool> {
        let Some(open) = self.open.as_mut().filter(|_| rows.len() as u64 <= self.limit / LARGE) else {
            return Ok(false);
        };
        let record = record(&open.generation, open.number, rows);
        let end = open.end + record.len() as u64;
        if end > self.limit {
            return Ok(false);
        }
        if end > open.length {
            let length = end.next_multiple_of(STEP.min(self.limit)).min(self.limit);
            open.file.set_len(length)?;
            // Bytes that were written once have their place on the disk.
            let more = usize::try_from(length - open.length).map_err(io::Error::other)?;
            open.file.write(open.length, &vec![0; more])?;
            open.length = length;
        }
        open.file.write(open.end, &record)?;
        open.file.sync_data()?;
        open.number += 1;
        open.end = end;
        Ok(true)
    }

    /// Commits to the store's file, with all that came before, and begins the log anew.
    fn checkpoint(&mut self, opened: &Opened, rows: &Layer) -> Result<(), StoreError> {
        let file = match self.open.take() {
            Some(open) => open.file,
            None => self.shelf.make()?,
        };
        let length = file.len().map_err(backend)?;
        let mut generation = Generation::default();
        getrandom::fill(&mut generation).map_err(backend)?;
        opened.write(rows, |transaction| {
            transaction.open_table(WAL).map_err(backend)?.insert(GENERATION, generation.as_slice()).map_err(backend)?;
            // After a crash the file is opened without being read.
            transaction.set_quick_repair(true);
            Ok(())
        })?;
        self.open = Some(Open { file, generation, number: 0, end: 0, length });
        Ok(())
    }

    /// Brings the store's file up to date, so that it needs no log.
    pub(super) fn settle(&mut self, opened: &Opened) -> Result<(), StoreError> {
        if self.open.is_none() {
            return Ok(());
        }
        opened.write(&Layer::default(), |transaction| {
            transaction.open_table(WAL).map_err(backend)?.remove(GENERATION).map_err(backend)?;
            transaction.set_quick_repair(true);
            Ok(())
        })?;
        self.open = None;
        self.shelf.clear();
        Ok(())
    }
}

/// Brings what is shown to the engine, in memory.
pub(super) fn relieve(opened: &Opened) -> Result<(), StoreError> {
    opened.write(&Layer::default(), |transaction| transaction.set_durability(Durability::None).map_err(backend))
}

/// The generation that the file names.
fn generation(database: &Database) -> Result<Option<Generation>, StoreError> {
    let table = match database.begin_read().map_err(backend)?.open_table(WAL) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(backend(error)),
    };
    let Some(found) = table.get_owned(GENERATION).map_err(backend)? else { return Ok(None) };
    let generation = Generation::try_from(found.value());
    generation.map(Some).map_err(|_| damaged("the generation of its log cannot be read"))
}

/// The rows of all records of a generation. What comes after the last whole one was never acknowledged.
fn records(file: &dyn StorageBackend, length: u64, generation: Generation) -> Result<Vec<Vec<u8>>, StoreError> {
    let (mut found, mut offset) = (Vec::new(), 0_u64);
    loop {
        let mut head = [0; HEAD + SUM];
        let begin = offset + head.len() as u64;
        if begin > length {
            return Ok(found);
        }
        file.read(offset, &mut head).map_err(backend)?;
        let (head, sum) = head.split_at(HEAD);
        let is_next = head[..16] == generation && head[16..24] == (found.len() as u64).to_le_bytes();
        let size = head[24..].first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
        if !is_next || begin + u64::from(size) > length {
            return Ok(found);
        }
        let mut rows = vec![0; usize::try_from(size).map_err(backend)?];
        file.read(begin, &mut rows).map_err(backend)?;
        if sum != check(head, &rows) {
            return Ok(found);
        }
        offset = begin + u64::from(size);
        found.push(rows);
    }
}

/// The bytes of a record; who asks has looked that they are not too many.
fn record(generation: &Generation, number: u64, rows: &[u8]) -> Vec<u8> {
    let size = u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes();
    let head = [generation.as_slice(), &number.to_le_bytes(), &size].concat();
    let sum = check(&head, rows);
    [head.as_slice(), &sum, rows].concat()
}

fn check(head: &[u8], rows: &[u8]) -> [u8; SUM] {
    let sum = Sha256::new().chain_update(head).chain_update(rows).finalize();
    std::array::from_fn(|at| sum[at])
}

/// Makes a row what a record says; its table may be one that only older versions had.
fn apply(transaction: &WriteTransaction, change: &Change<'_>) -> Result<(), StoreError> {
    let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(change.table);
    let mut table = transaction.open_table(definition).map_err(backend)?;
    match change.value {
        Some(value) => drop(table.insert(change.key, value).map_err(backend)?),
        None => drop(table.remove(change.key).map_err(backend)?),
    }
    Ok(())
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embedded::table::Table;

    fn layer(rows: Vec<(u8, Vec<u8>, Option<Vec<u8>>)>) -> Layer {
        let mut layer = Layer::default();
        for (table, key, value) in rows {
            let table = Table::ALL[usize::from(table) % Table::ALL.len()];
            match value {
                Some(value) => layer.put(table, key, value),
                None => drop(layer.change(table, key.into(), None)),
            }
        }
        layer
    }

    fn file(bytes: &[u8]) -> InMemoryBackend {
        let file = InMemoryBackend::new();
        file.set_len(bytes.len() as u64).unwrap();
        file.write(0, bytes).unwrap();
        file
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What was written is read, up to the first record that is not whole, or is another generation's.
        #[test]
        fn records_are_read_up_to_the_first_that_is_not_whole(
            written in prop::collection::vec(
                prop::collection::vec(any::<(u8, Vec<u8>, Option<Vec<u8>>)>(), 1..4).prop_map(layer),
                0..5,
            ),
            old in prop::collection::vec(any::<u8>(), 0..300),
            damage in prop::option::of((any::<prop::sample::Index>(), 1..=255_u8)),
        ) {
            let generation = [7; 16];
            let rows: Vec<Vec<u8>> = written.iter().map(|rows| encode(rows).unwrap()).collect();
            let mut bytes = Vec::new();
            let mut ends = vec![0];
            for (number, rows) in rows.iter().enumerate() {
                bytes.extend(record(&generation, number as u64, rows));
                ends.push(bytes.len());
            }
            let mut whole = rows.len();
            if let Some((at, by)) = damage.filter(|_| !bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] ^= by;
                whole = ends.iter().filter(|end| **end <= at).count() - 1;
            }
            // What is left of an older generation.
            bytes.extend(record(&[8; 16], rows.len() as u64, &old));
            let found = records(&file(&bytes), bytes.len() as u64, generation).unwrap();
            prop_assert_eq!(&found, &rows[..whole]);
            for (rows, written) in found.iter().zip(&written) {
                let changes: Vec<_> = changes(rows).collect::<Result<_, _>>().unwrap();
                let written: Vec<_> = written
                    .tables()
                    .flat_map(|(table, rows)| rows.map(move |(key, value)| Change { table: table.name(), key, value }))
                    .collect();
                prop_assert_eq!(changes, written);
            }
        }

        /// Whatever stands in a record, reading it ends, with an error or without.
        #[test]
        fn rows_of_any_bytes_are_read_to_an_end(rows in prop::collection::vec(any::<u8>(), 0..200)) {
            let read: Vec<_> = changes(&rows).collect();
            prop_assert!(read.len() <= rows.len() / 12 + 1);
        }
    }
}
