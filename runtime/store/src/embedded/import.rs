//! A store out of an export: a new file under another name, which takes the place of an empty store when all of it is there and
//! agrees with itself. So a crash leaves the empty store, or the whole one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bloom_interpreter::history::Chain;
use bloom_ir::Value;
use bloom_runtime::record::{Actor, AuditNote, RunId};
use bloom_runtime::store::StoreError;
use redb::Database;

use super::guard::{Guarded, guarded};
use super::layer::Layer;
use super::memo::Memo;
use super::read::looked;
use super::rows::{self, Entry};
use super::schema::prepare;
use super::snapshot::Snapshot;
use super::stage::Stage;
use super::table::Table;
use super::{RedbStore, at, opening, verbs, verify};
use crate::transfer::{
    Blob, Contents, Format, LineReader, NamedVersion, PlacedBlob, Record, Setting, StoredFlow, TransferError,
};

/// About so many bytes of rows are committed at once.
const BATCH: usize = 4 << 20;

pub(super) fn import(folder: &Path, input: impl Read + Send, now: i64, by: &Actor) -> Result<Contents, TransferError> {
    // Held until the end, so that nobody else begins to use it.
    let empty = RedbStore::open(folder)?;
    if !looked(&empty.database, is_empty)? {
        return Err(TransferError::NotEmpty);
    }
    let path = folder.join(RedbStore::FILE);
    let mut draft = path.as_os_str().to_owned();
    draft.push(".import");
    let draft = Path::new(&draft);
    let filled = nested(|| fill(draft, input, now, by));
    let (database, contents) = filled.inspect_err(|_| {
        // What cannot be removed is made anew by the next import.
        let _ = fs::remove_file(draft);
    })?;
    fs::rename(draft, &path).map_err(|error| at(draft, &error))?;
    // The new file is the store after a power cut only when its folder's entry is on disk too.
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| at(folder, &error))?;
    drop(database);
    Ok(contents)
}

/// Does work on the engine that may fail for other reasons, too.
pub(super) fn nested<T>(work: impl FnOnce() -> Result<T, TransferError>) -> Result<T, TransferError> {
    guarded(|| Ok(work()))?
}

fn is_empty(rows: &Snapshot) -> Result<bool, StoreError> {
    for table in Table::ALL.iter().filter(|table| **table != Table::Meta) {
        if rows.len(*table)? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the file, with what the lines hold and that they were imported.
fn fill(draft: &Path, input: impl Read + Send, now: i64, by: &Actor) -> Result<(Guarded, Contents), TransferError> {
    let mut lines = LineReader::open(input, Format::Export)?;
    let failed = |error| TransferError::Store(at(draft, &error));
    let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(draft);
    let file = file.map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    let database = Database::builder().set_cache_size(RedbStore::CACHE).create_file(file);
    let database = Guarded::once(database.map_err(|error| opening(draft, error))?)?;
    prepare(&database, Some(draft))?;

    let mut cursor = Cursor::default();
    let mut batch = Batch::default();
    while let Some(record) = lines.read()? {
        let line = lines.line();
        let changed = |what: &str| TransferError::Changed { line, what: what.to_owned() };
        batch.add(line, cursor.rows(record).map_err(changed)?);
        if batch.bytes > BATCH {
            std::mem::take(&mut batch).commit(&database)?;
        }
    }
    batch.commit(&database)?;
    let contents = lines.contents().ok_or(TransferError::Truncated { line: lines.line() })?;
    write(&database, |stage| Ok(verbs::write_audit(stage, vec![note(&contents, now, by)])?))?;

    let found = verify::verify(&database.snapshot()?)?;
    match found.faults.into_iter().next() {
        Some(first) => Err(TransferError::Contradiction { count: found.fault_count, first }),
        None => Ok((database, contents)),
    }
}

fn note(contents: &Contents, now: i64, by: &Actor) -> AuditNote {
    let counts = [("records", contents.records), ("runs", contents.runs), ("events", contents.events)];
    let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let detail = counts.into_iter().map(|(name, number)| (name, count(number))).collect();
    let digest = contents.digest.to_string();
    AuditNote { detail, ..AuditNote::new(now, by, "store_imported", ("export", &digest)) }
}

/// Rows that are to be committed together, with the lines that they come from.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, Vec<Entry>)>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, line: u64, rows: Vec<Entry>) {
        self.bytes += rows.iter().map(|(_, key, value)| key.len() + value.len()).sum::<usize>();
        self.rows.push((line, rows));
    }

    fn commit(self, database: &Guarded) -> Result<(), TransferError> {
        write(database, |stage| {
            for (line, rows) in self.rows {
                if let Some(table) = stage.put_new(rows)? {
                    return Err(TransferError::Changed { line, what: format!("{table:?} has it already") });
                }
            }
            Ok(())
        })
    }
}

fn write(
    database: &Guarded,
    change: impl FnOnce(&mut Stage<'_>) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let (below, mut rows, mut memo) = (database.snapshot()?, Layer::default(), Memo::default());
    let mut stage = Stage::new(&mut rows, &below, &mut memo);
    change(&mut stage)?;
    stage.keep()?;
    Ok(database.write(&rows, |_| Ok(()))?)
}

/// Where records go that do not say so themselves: events belong to the run before them.
#[derive(Default)]
pub(super) struct Cursor {
    run: Option<RunId>,
    /// The number of the last event of the store.
    last: u64,
}

impl Cursor {
    /// After the last event of a store.
    pub(super) fn after(last: u64) -> Self {
        Self { run: None, last }
    }

    /// The rows of a record, or why it has no place.
    pub(super) fn rows(&mut self, record: Record) -> Result<Vec<Entry>, &'static str> {
        Ok(match record {
            Record::Flow(StoredFlow { flow, document }) => {
                rows::flow(&flow, document.bytes().ok_or("its document is no base64")?)
            }
            Record::FlowVersion(NamedVersion { id, version, of }) => rows::flow_version(&id, &version, &of),
            Record::Context(context) => rows::plain(Table::Contexts, context.id.as_str(), &context),
            Record::Setting(Setting { name, value }) => rows::plain(Table::Settings, &name, &value),
            Record::Worker(worker) => rows::plain(Table::Workers, worker.id.as_str(), &worker),
            Record::Project(project) => rows::project(&project),
            Record::NodeStatus(node) => rows::node_status(&node),
            Record::Spending(spending) => rows::spending(&spending),
            Record::Inbox(entry) => rows::plain(Table::Inbox, entry.id.as_str(), &entry),
            Record::Run(run) => {
                let rows = rows::run(&run);
                self.run = Some(run.id);
                rows
            }
            Record::Event(event) => {
                let run = self.run.as_ref().ok_or("it is an event of no run")?;
                let mut chain = Chain::at(event.seq.saturating_sub(1), event.prev);
                let event = chain.admit(event).map_err(|_| "its number, type or payload is not what was hashed")?;
                self.last += 1;
                rows::event(run, &event, self.last)
            }
            Record::Task(task) => rows::task(&task),
            Record::Lease(lease) => rows::lease(&lease),
            Record::Result(result) => rows::plain(Table::TaskResults, result.lease.as_str(), &result),
            Record::Artifact(artifact) => rows::artifact(&artifact),
            Record::Question(question) => rows::question(&question),
            Record::Proposal(proposal) => rows::proposal(&proposal),
            Record::Blob(Blob { digest, content }) => {
                vec![rows::blob(digest, content.bytes().ok_or("its content is no base64")?)]
            }
            Record::Placed(PlacedBlob { digest, placed }) => {
                vec![(Table::Placed, digest.as_bytes().to_vec(), super::row::encode(&placed))]
            }
            Record::Audit(entry) => rows::audit(&entry),
        })
    }
}
