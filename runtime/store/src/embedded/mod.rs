//! The store in a single redb file.

mod archive;
mod create;
mod export;
mod failure;
mod guard;
mod import;
mod key;
mod layer;
mod memo;
mod migrate;
mod opened;
mod owner;
mod query;
mod read;
mod restore;
mod row;
mod rows;
mod schema;
mod snapshot;
mod stage;
mod table;
mod transfer;
mod verbs;
mod verify;
mod wal;
mod writer;

#[cfg(test)]
mod tests;

use std::fs;
use std::ops::{Range, RangeInclusive};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::history::Event;
use bloom_ir::Digest;
use bloom_runtime::record::Context;
use bloom_runtime::record::{
    Actor, Artifact, ArtifactId, AuditEntry, AuditNote, ContextId, FlowRecord, FlowVersion, InboxEntry, InboxId, Lease,
    LeaseId, ManagedProject, NodeStatus, ProjectId, Proposal, ProposalId, Question, QuestionId, RunId, RunRecord,
    RunStatus, Spending, Task, TaskId, TaskResult, Worker, WorkerId,
};
use bloom_runtime::store::{
    Append, ApplyStep, ArtifactFilter, Decision, Grant, GrantAsk, LeaseEnd, LeaseFilter, ProposalFilter,
    QuestionFilter, QueueFilter, RunFilter, StandingCount, StandingRun, Store, StoreError, Submission, TaskFilter,
    WorkCounts,
};
use redb::{Database, StorageBackend};
use rustix::fs::{Advice, fadvise};

use self::failure::{at, backend, opening};
use self::guard::{Guarded, guarded};
use self::owner::Owner;
use self::schema::prepare;
use self::snapshot::Rows as _;
use self::table::Table;
use self::verbs::{Content, artifact, context, flow, history, project, proposal, question, setting, task, worker};
use self::wal::{Given, InMemory, LIMIT, Wal};
use self::writer::Writer;
use super::place::{Place, PlaceError, part_of};

pub use self::archive::{ArchivePlan, Kept};
pub use self::transfer::{Compacted, Restored};
pub use self::verify::Verification;

/// A store in a single file, which one process has open.
pub struct RedbStore {
    // In the order in which they are dropped: the lock goes last.
    writer: Writer,
    _owner: Option<Owner>,
    database: Arc<Guarded>,
    place: Option<Place>,
}

impl RedbStore {
    /// The store's file in its folder.
    pub const FILE: &str = "bloom.redb";

    /// Has what is handed out (artifacts, sources of flows) put into a place outside of the file from now on. What is in the
    /// file already stays there, and so do histories.
    #[must_use]
    pub fn with_place(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Whether the place outside can be used, where there is one.
    pub async fn check_place(&self) -> Result<(), PlaceError> {
        match &self.place {
            Some(place) => place.check().await,
            None => Ok(()),
        }
    }

    /// Tells of commits from now on: how many writes each held, and how long it took. The first who asks is told, and nobody
    /// else. It is called on the thread that commits, so it must be quick.
    pub fn watch_commits(&self, watch: impl Fn(usize, std::time::Duration) + Send + Sync + 'static) {
        self.writer.watch(Box::new(watch));
    }

    /// How much of the file is kept in memory where nothing else is said, in bytes.
    pub const CACHE: usize = 32 << 20;

    /// Opens the store of a folder, and makes both where they are not there, for this user alone. It is
    /// [`StoreError::Locked`] while another process has it open, and [`StoreError::Damaged`] when the file was changed
    /// beside it, or is empty. After a crash, opening takes the time of bringing the last commits from the log to the file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_cache(folder, Self::CACHE)
    }

    /// The same, with so many bytes of the file in memory at most, beside what one commit writes and what the file has not got
    /// yet: half a MiB, and copies of where that is while it is read.
    pub fn open_with_cache(folder: impl AsRef<Path>, cache: usize) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| at(folder, &error))?;
        let path = folder.join(Self::FILE);
        create::where_missing(&path)?;
        let opened = guarded(|| Self::open_file(&path, cache));
        opened.map_err(|error| match error {
            StoreError::Damaged(what) => StoreError::Damaged(format!("{}: {what}", path.display())),
            other => other,
        })
    }

    fn open_file(path: &Path, cache: usize) -> Result<Self, StoreError> {
        let database = read_file(path, cache)?;
        let owner = Owner::sign(path);
        let place = path.to_owned();
        let again = move || {
            let file = fs::File::open(&place).map_err(|error| at(&place, &error))?;
            // After a sync that failed, the system may show what never came to the disk. Where it cannot forget that, the disk
            // tells the same.
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
            read_file(&place, cache)
        };
        Self::start(Guarded::new(database, Wal::beside(path), again)?, Some(path), Some(owner))
    }

    /// A store that ends with the process: for tests and rehearsals.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::over(redb::backends::InMemoryBackend::new(), Wal::new(InMemory, LIMIT))
    }

    /// A store over storage that answers at once, as memory does, with a log in another. It has no thread: everything is done by
    /// whoever calls, before the call is first pending, so that calls that come in the same order do the same.
    pub fn without_threads(storage: impl StorageBackend, log: impl StorageBackend + Clone) -> Result<Self, StoreError> {
        let database = guarded(|| {
            let builder = &mut Database::builder();
            let database = builder.set_cache_size(Self::CACHE).create_with_backend(storage).map_err(backend)?;
            let database = Guarded::with_wal(database, Wal::new(Given(log), LIMIT))?;
            prepare(&database, None)?;
            Ok(Arc::new(database))
        })?;
        Ok(Self { writer: Writer::of_callers(Arc::clone(&database)), _owner: None, database, place: None })
    }

    fn over(storage: impl StorageBackend, wal: Wal) -> Result<Self, StoreError> {
        let database = Database::builder().set_cache_size(Self::CACHE).create_with_backend(storage).map_err(backend)?;
        Self::start(Guarded::with_wal(database, wal)?, None, None)
    }

    fn start(database: Guarded, path: Option<&Path>, owner: Option<Owner>) -> Result<Self, StoreError> {
        prepare(&database, path)?;
        let database = Arc::new(database);
        Ok(Self { writer: Writer::start(Arc::clone(&database))?, _owner: owner, database, place: None })
    }

    /// Where the bytes of a digest are.
    async fn locate(&self, digest: Digest) -> Result<Option<Content>, StoreError> {
        self.read(move |rows| {
            if let Some(bytes) = rows.get(Table::Blobs, digest.as_bytes())? {
                return Ok(Some(Content::Here(bytes)));
            }
            let placed = rows.get(Table::Placed, digest.as_bytes())?;
            Ok(placed.map(|row| row::decode(&row)).transpose()?.map(Content::Elsewhere))
        })
        .await
    }

    /// Puts bytes into the place outside, where there is one: before the commit that refers to them.
    async fn placed(&self, digest: Digest, bytes: Vec<u8>) -> Result<Content, StoreError> {
        let Some(place) = &self.place else { return Ok(Content::Here(bytes)) };
        Ok(match self.locate(digest).await? {
            Some(kept) => kept,
            None => Content::Elsewhere(place.put(digest, bytes).await?),
        })
    }

    fn place(&self, digest: Digest) -> Result<&Place, StoreError> {
        let none = || format!("{digest} was put into an object store, and none is configured");
        self.place.as_ref().ok_or_else(|| StoreError::Unavailable(none()))
    }

    /// Looks through the whole store, as it is at one moment, for what does not agree: records with what points to them and with
    /// each other, histories and the audit log with their hashes, kept bytes with their digests. It takes time that grows with
    /// the store, and keeps nobody from reading or writing.
    pub async fn verify(&self) -> Result<Verification, StoreError> {
        self.read(verify::verify).await
    }
}

fn read_file(path: &Path, cache: usize) -> Result<Database, StoreError> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).map_err(|error| at(path, &error))?;
    // redb would take it for a new one, and what was in it would seem never to have been.
    if file.metadata().map_err(|error| at(path, &error))?.len() == 0 {
        return Err(StoreError::Damaged("the file is empty".to_owned()));
    }
    Database::builder().set_cache_size(cache).create_file(file).map_err(|error| opening(path, error))
}

#[async_trait]
impl Store for RedbStore {
    async fn put_flow(&self, record: FlowRecord, document: Vec<u8>, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(document.len(), move |stage| flow::put(stage, &record, document, audit)).await
    }

    async fn flow_document(&self, hash: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.look(|rows| rows.get(Table::FlowDocuments, hash.as_bytes())).await
    }

    async fn flow_version(&self, id: &str, version: &str) -> Result<Option<FlowVersion>, StoreError> {
        self.look(|rows| flow::version(rows, id, version)).await
    }

    async fn flow_versions(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
        self.look(|rows| flow::versions(rows, id)).await
    }

    async fn flow_draft(&self, id: &str) -> Result<Option<FlowRecord>, StoreError> {
        self.look(|rows| flow::draft(rows, id)).await
    }

    async fn flows_of(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |rows| flow::of_id(rows, &id)).await
    }

    async fn flows(&self) -> Result<Vec<FlowRecord>, StoreError> {
        self.read(query::flows).await
    }

    async fn submit(&self, submission: Submission) -> Result<(), StoreError> {
        let prepared = history::PreparedSubmission::new(submission)?;
        self.writer.perform(prepared.bytes(), move |stage| prepared.submit(stage)).await
    }

    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let prepared = history::PreparedAppend::new(append)?;
        self.writer.perform(prepared.bytes(), move |stage| prepared.append(stage)).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        self.look(|rows| history::run(rows, id)).await
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| query::runs(rows, &filter)).await
    }

    async fn count_runs(&self, filter: &RunFilter, up_to: u64) -> Result<u64, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| query::count_runs(rows, &filter, up_to)).await
    }

    async fn standing_counts(&self) -> Result<Vec<StandingCount>, StoreError> {
        self.read(query::standing_counts).await
    }

    async fn history(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let run = run.clone();
        self.read(move |rows| query::history(rows, &run, from, limit)).await
    }

    async fn run_status(&self, id: &RunId) -> Result<Option<RunStatus>, StoreError> {
        self.look(|rows| history::status(rows, id)).await
    }

    async fn standing_runs(&self, status: RunStatus) -> Result<Vec<StandingRun>, StoreError> {
        self.read(move |rows| query::standing_runs(rows, status)).await
    }

    async fn spending(&self, day: i64) -> Result<Vec<Spending>, StoreError> {
        self.look(|rows| history::spending(rows, day)).await
    }

    async fn moving_runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.read(history::moving).await
    }

    async fn due_runs(&self, until: i64, limit: usize) -> Result<Vec<(i64, RunId)>, StoreError> {
        self.look(|rows| history::due(rows, until, limit)).await
    }

    async fn inbox_entry(&self, id: &InboxId) -> Result<Option<InboxEntry>, StoreError> {
        self.look(|rows| history::inbox_entry(rows, id)).await
    }

    async fn create_task(&self, task: Task, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(task.request.prompt.len(), move |stage| task::post(stage, &task, audit)).await
    }

    async fn grant(&self, ask: GrantAsk) -> Result<Option<Grant>, StoreError> {
        // Who finds nothing, as most who ask do, keeps nobody from writing.
        if ask.task.is_none() {
            let asked = ask.clone();
            if !self.read(move |rows| Ok(task::best(rows, &asked)?.is_some())).await? {
                return Ok(None);
            }
        }
        self.writer.perform(0, move |stage| task::grant(stage, ask)).await
    }

    async fn next_due(&self, provides: &[String], run: Option<&RunId>) -> Result<Option<i64>, StoreError> {
        let (provides, run) = (provides.to_vec(), run.cloned());
        self.read(move |rows| task::next_due(rows, &provides, run.as_ref())).await
    }

    async fn end_lease(&self, end: LeaseEnd) -> Result<Task, StoreError> {
        let mut prepared = task::PreparedEnd::new(end)?;
        if let Some((digest, content)) = prepared.content()
            && let Content::Here(bytes) = content
        {
            *content = self.placed(digest, std::mem::take(bytes)).await?;
        }
        self.writer.perform(prepared.bytes(), move |stage| prepared.end(stage)).await
    }

    async fn task_result(&self, lease: &LeaseId) -> Result<Option<TaskResult>, StoreError> {
        self.look(|rows| task::result(rows, lease)).await
    }

    async fn requeue(&self, id: &TaskId, at: i64, audit: Vec<AuditNote>) -> Result<Task, StoreError> {
        let id = id.clone();
        self.writer.perform(0, move |stage| task::requeue(stage, &id, at, audit)).await
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        self.look(|rows| task::task(rows, id)).await
    }

    async fn tasks(&self, run: &RunId) -> Result<Vec<Task>, StoreError> {
        let run = run.clone();
        self.read(move |rows| task::of_run(rows, &run)).await
    }

    async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| query::tasks(rows, &filter)).await
    }

    async fn queue(&self, filter: &QueueFilter) -> Result<Vec<Task>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| task::queue(rows, &filter)).await
    }

    async fn work_counts(&self) -> Result<WorkCounts, StoreError> {
        self.read(query::work_counts).await
    }

    async fn lease(&self, id: &LeaseId) -> Result<Option<Lease>, StoreError> {
        self.look(|rows| task::lease(rows, id)).await
    }

    async fn leased(&self, id: &LeaseId) -> Result<Option<(Lease, Task)>, StoreError> {
        self.look(|rows| task::leased(rows, id)).await
    }

    async fn active_leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.read(task::active).await
    }

    async fn lease_by_token(&self, token: Digest) -> Result<Option<Lease>, StoreError> {
        self.look(|rows| task::by_token(rows, token)).await
    }

    async fn list_leases(&self, filter: &LeaseFilter) -> Result<Vec<Lease>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| query::leases(rows, &filter)).await
    }

    async fn put_worker(&self, worker: Worker, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(0, move |stage| worker::put(stage, &worker, audit)).await
    }

    async fn worker(&self, id: &WorkerId) -> Result<Option<Worker>, StoreError> {
        self.look(|rows| worker::worker(rows, id)).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        self.read(query::workers).await
    }

    async fn remove_worker(&self, id: &WorkerId, at: i64, audit: Vec<AuditNote>) -> Result<Vec<Task>, StoreError> {
        let id = id.clone();
        self.writer.perform(0, move |stage| worker::remove(stage, &id, at, audit)).await
    }

    async fn create_project(&self, project: ManagedProject, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(0, move |stage| project::create(stage, &project, audit)).await
    }

    async fn put_project(
        &self,
        project: ManagedProject,
        nodes: Vec<NodeStatus>,
        audit: Vec<AuditNote>,
    ) -> Result<(), StoreError> {
        self.writer.perform(0, move |stage| project::put(stage, &project, &nodes, audit)).await
    }

    async fn project(&self, id: &ProjectId) -> Result<Option<ManagedProject>, StoreError> {
        self.look(|rows| project::project(rows, id)).await
    }

    async fn projects(&self) -> Result<Vec<ManagedProject>, StoreError> {
        self.read(project::projects).await
    }

    async fn node_statuses(&self, project: &ProjectId) -> Result<Vec<NodeStatus>, StoreError> {
        let project = project.clone();
        self.read(move |rows| project::node_statuses(rows, &project)).await
    }

    async fn remove_project(&self, id: &ProjectId, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer.perform(0, move |stage| project::remove(stage, &id, audit)).await
    }

    async fn artifact(&self, id: &ArtifactId) -> Result<Option<Artifact>, StoreError> {
        self.look(|rows| artifact::artifact(rows, id)).await
    }

    async fn artifacts(&self, filter: &ArtifactFilter) -> Result<Vec<Artifact>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| query::artifacts(rows, &filter)).await
    }

    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, StoreError> {
        self.look(|rows| question::question(rows, id)).await
    }

    async fn questions(&self, filter: &QuestionFilter) -> Result<Vec<Question>, StoreError> {
        let filter = filter.clone();
        self.read(move |rows| question::questions(rows, &filter)).await
    }

    async fn proposal(&self, id: &ProposalId) -> Result<Option<Proposal>, StoreError> {
        self.look(|rows| proposal::proposal(rows, id)).await
    }

    async fn proposals(&self, filter: &ProposalFilter) -> Result<Vec<Proposal>, StoreError> {
        // Those of one run are few.
        if filter.run.is_some() {
            return self.look(|rows| query::proposals(rows, filter)).await;
        }
        let filter = filter.clone();
        self.read(move |rows| query::proposals(rows, &filter)).await
    }

    async fn decide(&self, decision: Decision) -> Result<Proposal, StoreError> {
        self.writer.perform(0, move |stage| proposal::decide(stage, decision)).await
    }

    async fn expire_proposals(&self, at: i64, by: &Actor) -> Result<Vec<Proposal>, StoreError> {
        // Nothing is written where nothing is overdue.
        if self.next_expiry().await?.is_none_or(|next| at < next) {
            return Ok(Vec::new());
        }
        let by = by.clone();
        self.writer.perform(0, move |stage| proposal::expire(stage, at, &by)).await
    }

    async fn next_expiry(&self) -> Result<Option<i64>, StoreError> {
        self.read(proposal::next_expiry).await
    }

    async fn move_proposal(&self, step: ApplyStep) -> Result<Proposal, StoreError> {
        self.writer.perform(0, move |stage| proposal::step(stage, step)).await
    }

    async fn put_blob(&self, bytes: Vec<u8>) -> Result<Digest, StoreError> {
        let (digest, size) = (Digest::of(&bytes), bytes.len());
        let content = self.placed(digest, bytes).await?;
        self.writer
            .perform(size, move |stage| {
                verbs::keep_content(stage, digest, content)?;
                Ok(digest)
            })
            .await
    }

    async fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.locate(digest).await? {
            Some(Content::Here(bytes)) => Ok(Some(bytes)),
            Some(Content::Elsewhere(placed)) => Ok(Some(self.place(digest)?.get(digest, &placed).await?)),
            None => Ok(None),
        }
    }

    async fn blob_part(&self, digest: Digest, part: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        match self.locate(digest).await? {
            Some(Content::Here(bytes)) => Ok(Some(part_of(&bytes, &part))),
            Some(Content::Elsewhere(placed)) => Ok(Some(self.place(digest)?.part(digest, &placed, part).await?)),
            None => Ok(None),
        }
    }

    async fn put_context(&self, context: Context, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(0, move |stage| context::put(stage, &context, audit)).await
    }

    async fn contexts(&self) -> Result<Vec<Context>, StoreError> {
        self.read(context::contexts).await
    }

    async fn context(&self, id: &ContextId) -> Result<Context, StoreError> {
        self.look(|rows| context::context(rows, id)).await
    }

    async fn put_setting(&self, name: &str, value: String, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.perform(value.len(), move |stage| setting::put(stage, &name, &value, audit)).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.look(|rows| setting::setting(rows, name)).await
    }

    async fn note(&self, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        self.writer.perform(0, move |stage| verbs::write_audit(stage, audit)).await
    }

    async fn audit(&self, range: RangeInclusive<u64>) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |rows| query::audit(rows, &range)).await
    }

    async fn audit_head(&self) -> Result<Option<AuditEntry>, StoreError> {
        self.look(query::audit_head).await
    }
}
