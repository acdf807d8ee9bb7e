//! What is done with a store as a whole, beside using it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek as _, Write};
use std::path::Path;

use bloom_runtime::record::Actor;
use bloom_runtime::store::StoreError;
use redb::{CompactionError, Database};

use super::archive::{self, ArchivePlan};
use super::guard::{Guarded, guarded};
use super::import::{self, nested};
use super::opened::Opened;
use super::owner::Owner;
use super::restore::{self, Groups};
use super::schema::{SCHEMA, check_ends, prepare, version};
use super::stage::Stage;
use super::wal::Wal;
use super::{RedbStore, at, backend, export, opening};
use crate::staged::Staged;
use crate::transfer::{Contents, TransferError};

/// How large a file was, and is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// What was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the archive holds.
    pub contents: Contents,
    /// How many of its runs were not there, and are now.
    pub restored: u64,
    /// How many were there already.
    pub there: u64,
}

impl RedbStore {
    /// Copies the file of a folder's store, which nobody may have open, to a new file for its owner alone, and opens the copy: it is
    /// whole. Gives its size in bytes. What lies in a [`crate::Place`] is not in it.
    pub fn backup(folder: &Path, to: &Path) -> Result<u64, TransferError> {
        let path = present(folder)?;
        let staged = Staged::new(to)?;
        nested(|| {
            let held = Held::open(&path)?;
            let mut from = &held.file;
            from.rewind().map_err(|error| at(&path, &error))?;
            io::copy(&mut from, &mut staged.file()).map_err(TransferError::Write)?;
            staged.sync()?;
            drop(held);
            let copy = staged.file().try_clone().map_err(TransferError::Write)?;
            let copy = Database::builder().set_cache_size(Self::CACHE).create_file(copy);
            let copy = Guarded::once(copy.map_err(|error| opening(staged.path(), error))?)?;
            match version(&copy)? {
                Some(SCHEMA) => Ok(check_ends(&copy.snapshot()?)?),
                // Who opens it brings it up to date.
                Some(_) => Ok(()),
                None => Err(StoreError::Damaged("the file has no schema version".to_owned()).into()),
            }
        })?;
        let bytes = staged.file().metadata().map_err(TransferError::Write)?.len();
        staged.persist()?;
        Ok(bytes)
    }

    /// Makes the file of a folder's store, which nobody may have open, as small as its content lets it. Whatever happens in the
    /// middle, nothing is lost: pages are moved in transactions.
    pub fn compact(folder: &Path) -> Result<Compacted, TransferError> {
        let path = present(folder)?;
        let size = || fs::metadata(&path).map(|file| file.len()).map_err(|error| at(&path, &error));
        let before = size()?;
        guarded(|| {
            let Held { owner, database, file } = Held::open(&path)?;
            let database = Guarded::once(database)?;
            prepare(&database, Some(&path))?;
            let mut database = database.release().ok_or(StoreError::Closed)?;
            compact(&mut database)?;
            drop((owner, database, file));
            Ok(())
        })?;
        Ok(Compacted { before, after: size()? })
    }

    /// Writes everything that is in the store, as it is at one moment, as JSON Lines; keeps nobody from writing.
    pub fn export(&self, out: impl Write, now: i64) -> Result<Contents, TransferError> {
        nested(|| export::export(&self.database.snapshot()?, out, now))
    }

    /// The same into a new file, for its owner alone.
    pub fn export_to(&self, path: &Path, now: i64) -> Result<Contents, TransferError> {
        let staged = Staged::new(path)?;
        let contents = self.export(BufWriter::with_capacity(1 << 16, staged.file()), now)?;
        staged.persist()?;
        Ok(contents)
    }

    /// Makes the store of a folder of what [`RedbStore::export`] wrote. There must be none yet, or an empty one, which nobody has
    /// open: it is left as it is where the lines are not whole, contradict each other, or cannot be read.
    pub fn import(folder: &Path, input: impl Read + Send, now: i64, by: &Actor) -> Result<Contents, TransferError> {
        import::import(folder, input, now, by)
    }

    /// What an archive of the runs that ended before a time (Unix milliseconds) would hold.
    pub async fn archivable(&self, before: i64) -> Result<ArchivePlan, TransferError> {
        self.read(move |rows| Ok(archive::plan(rows, before))).await?
    }

    /// Moves runs to a new file, compressed JSON Lines. Nothing leaves the store before the file is on disk and was read again;
    /// whatever happens then, each run is in the file, and whole in the store or not at all. Artifacts, flows and the audit log
    /// stay, and the audit log says which runs left.
    pub async fn archive(
        &self,
        plan: ArchivePlan,
        path: &Path,
        now: i64,
        by: &Actor,
    ) -> Result<Contents, TransferError> {
        let staged = Staged::new(path)?;
        let (plan, contents) = self.write_archive(plan, staged, now).await?;
        for batch in archive::batches(plan) {
            let by = by.clone();
            self.writer.perform(0, move |stage| archive::take_out(stage, &batch, &contents, now, &by)).await?;
        }
        Ok(contents)
    }

    pub(super) async fn write_archive(
        &self,
        plan: ArchivePlan,
        staged: Staged,
        now: i64,
    ) -> Result<(ArchivePlan, Contents), TransferError> {
        let written = self.read_once(move |rows| Ok(archive::write(rows, &plan, staged, now).map(|done| (plan, done))));
        let (plan, (staged, contents)) = written.await??;
        staged.persist()?;
        Ok((plan, contents))
    }

    /// Puts back what is in an archive and not in the store. Nothing is written where the archive is not whole, or the store has
    /// something else in the place of a record.
    pub async fn restore(&self, path: &Path, now: i64, by: &Actor) -> Result<Restored, TransferError> {
        let file = File::open(path).map_err(TransferError::Read)?;
        let again = file.try_clone().map_err(TransferError::Read)?;
        let restore::Survey { contents, there } =
            self.read_once(move |rows| Ok(restore::survey(rows, again))).await??;
        (&file).rewind().map_err(TransferError::Read)?;
        let mut groups = Groups::open(&file)?;
        let mut restored = 0;
        loop {
            let items = restore::batch(&mut groups)?;
            if items.is_empty() {
                return Ok(Restored { contents, restored, there });
            }
            let by = by.clone();
            let put = move |stage: &mut Stage<'_>| restore::put_back(stage, items, &contents, now, &by);
            restored += self.writer.perform(0, put).await?;
        }
    }
}

/// Moves pages to the front of the file until none can be moved.
pub(super) fn compact(database: &mut Database) -> Result<(), StoreError> {
    loop {
        match database.compact() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(CompactionError::Storage(error)) => return Err(backend(error)),
            Err(other) => return Err(backend(other)),
        }
    }
}

/// A store's file, which this process holds.
struct Held {
    // In the order in which they are dropped.
    owner: Owner,
    database: Database,
    file: File,
}

impl Held {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let file = fs::OpenOptions::new().read(true).write(true).open(path).map_err(|error| at(path, &error))?;
        if file.metadata().map_err(|error| at(path, &error))?.len() == 0 {
            return Err(StoreError::Damaged("the file is empty".to_owned()));
        }
        let copy = file.try_clone().map_err(|error| at(path, &error))?;
        let database = Database::builder().set_cache_size(RedbStore::CACHE).create_file(copy);
        let database = database.map_err(|error| opening(path, error))?;
        let owner = Owner::sign(path);
        let mut wal = Wal::beside(path);
        wal.recover(&database)?;
        let opened = Opened::new(database)?;
        wal.settle(&opened)?;
        Ok(Self { owner, database: opened.into_database(), file })
    }
}

/// The file of a folder's store, which must be there.
fn present(folder: &Path) -> Result<std::path::PathBuf, TransferError> {
    let path = folder.join(RedbStore::FILE);
    match path.try_exists() {
        Ok(true) => Ok(path),
        Ok(false) => Err(TransferError::NoStore(path)),
        Err(error) => Err(at(&path, &error).into()),
    }
}
