//! A store that "crashes" at a chosen commit: from then on nothing works. Or one that fails for a while.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
use futures::future::BoxFuture;

/// Where a crash hits a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Before,
    /// It is on the disk, but nobody hears of it.
    After,
}

pub(crate) struct Disk {
    inner: Arc<dyn Store>,
    /// Commits until the crash.
    left: AtomicUsize,
    crash: Crash,
    /// Whether it fails for now.
    is_away: AtomicBool,
    commits: AtomicUsize,
    histories: AtomicUsize,
    in_flight: Arc<tokio::sync::RwLock<()>>,
}

impl Disk {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self::crashing(inner, usize::MAX, Crash::Before)
    }

    /// Survives so many commits; the next one is hit.
    pub(crate) fn crashing(inner: Arc<dyn Store>, survives: usize, crash: Crash) -> Self {
        let left = AtomicUsize::new(survives);
        Self {
            inner,
            left,
            crash,
            is_away: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
            histories: AtomicUsize::new(0),
            in_flight: Arc::default(),
        }
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    /// From now on it fails, or works again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// It works again after its crash.
    pub(crate) fn revive(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }

    /// A failure that passes.
    fn here(&self) -> Result<(), StoreError> {
        let error = || StoreError::Backend("the network is down".into());
        if self.is_away.load(Ordering::SeqCst) { Err(error()) } else { Ok(()) }
    }

    /// How often a history was read.
    pub(crate) fn histories(&self) -> usize {
        self.histories.load(Ordering::SeqCst)
    }

    /// Begins something and drops it when this commit of it, from 1, is under way, which goes through.
    pub(crate) async fn drop_at_commit(&self, commit: usize, request: impl Future) {
        let until = self.commits() + commit;
        {
            let mut request = std::pin::pin!(request);
            while self.commits() < until {
                assert!(futures::poll!(&mut request).is_pending(), "it has too few commits");
                tokio::task::yield_now().await;
            }
        }
        self.settle().await;
    }

    /// Waits for what is still being written. The end of a process would end that, too.
    pub(crate) async fn settle(&self) {
        drop(self.in_flight.write().await);
    }

    /// On a blocking thread, because then paused time does not run on while the store's own thread works.
    async fn on<T: Send + 'static>(
        &self,
        verb: impl FnOnce(Arc<dyn Store>) -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.inner.clone();
        let in_flight = self.in_flight.clone().read_owned().await;
        let runtime = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let done = runtime.block_on(verb(inner));
            drop(in_flight);
            done
        });
        // Whoever waits for it is seen waiting, however quick it was: a test may stop them here.
        tokio::task::yield_now().await;
        done.await.unwrap()
    }

    async fn read<T: Send + 'static>(
        &self,
        verb: impl FnOnce(Arc<dyn Store>) -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.left.load(Ordering::SeqCst) == 0 {
            return Err(StoreError::Closed);
        }
        self.here()?;
        self.on(verb).await
    }

    async fn commit<T: Send + 'static>(
        &self,
        verb: impl FnOnce(Arc<dyn Store>) -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.here()?;
        let step = |left: usize| Some(left.saturating_sub(1));
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap() {
            0 => Err(StoreError::Closed),
            1 => {
                if self.crash == Crash::After {
                    self.on(verb).await?;
                }
                Err(StoreError::Closed)
            }
            _ => {
                self.commits.fetch_add(1, Ordering::SeqCst);
                self.on(verb).await
            }
        }
    }
}

macro_rules! verb {
    ($this:ident.$kind:ident($($arg:ident),*) $name:ident $($pass:expr),*) => {{
        $(let $arg = $arg.to_owned();)*
        $this.$kind(move |store| Box::pin(async move { store.$name($($pass),*).await })).await
    }};
}

#[async_trait]
impl Store for Disk {
    async fn put_flow(&self, flow: FlowRecord, document: Vec<u8>, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() put_flow flow, document, audit)
    }
    async fn flow_document(&self, hash: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        verb!(self.read() flow_document hash)
    }
    async fn flow_version(&self, id: &str, version: &str) -> Result<Option<FlowVersion>, StoreError> {
        verb!(self.read(id, version) flow_version &id, &version)
    }
    async fn flow_versions(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
        let id = id.to_owned();
        verb!(self.read(id) flow_versions &id)
    }
    async fn flow_draft(&self, id: &str) -> Result<Option<FlowRecord>, StoreError> {
        let id = id.to_owned();
        verb!(self.read(id) flow_draft &id)
    }
    async fn flows_of(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
        let id = id.to_owned();
        verb!(self.read(id) flows_of &id)
    }
    async fn flows(&self) -> Result<Vec<FlowRecord>, StoreError> {
        verb!(self.read() flows)
    }
    async fn submit(&self, submission: Submission) -> Result<(), StoreError> {
        verb!(self.commit() submit submission)
    }
    async fn append(&self, append: Append) -> Result<(), StoreError> {
        verb!(self.commit() append append)
    }
    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        verb!(self.read(id) run &id)
    }
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
        verb!(self.read(filter) runs &filter)
    }
    async fn count_runs(&self, filter: &RunFilter, up_to: u64) -> Result<u64, StoreError> {
        verb!(self.read(filter) count_runs &filter, up_to)
    }
    async fn standing_counts(&self) -> Result<Vec<StandingCount>, StoreError> {
        verb!(self.read() standing_counts)
    }
    async fn history(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.histories.fetch_add(1, Ordering::SeqCst);
        verb!(self.read(run) history &run, from, limit)
    }
    async fn run_status(&self, id: &RunId) -> Result<Option<RunStatus>, StoreError> {
        verb!(self.read(id) run_status &id)
    }
    async fn standing_runs(&self, status: RunStatus) -> Result<Vec<StandingRun>, StoreError> {
        verb!(self.read() standing_runs status)
    }
    async fn spending(&self, day: i64) -> Result<Vec<Spending>, StoreError> {
        verb!(self.read() spending day)
    }
    async fn moving_runs(&self) -> Result<Vec<RunId>, StoreError> {
        verb!(self.read() moving_runs)
    }
    async fn due_runs(&self, until: i64, limit: usize) -> Result<Vec<(i64, RunId)>, StoreError> {
        verb!(self.read() due_runs until, limit)
    }
    async fn inbox_entry(&self, id: &InboxId) -> Result<Option<InboxEntry>, StoreError> {
        verb!(self.read(id) inbox_entry &id)
    }
    async fn create_task(&self, task: Task, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() create_task task, audit)
    }
    async fn grant(&self, ask: GrantAsk) -> Result<Option<Grant>, StoreError> {
        verb!(self.commit() grant ask)
    }
    async fn next_due(&self, provides: &[String], run: Option<&RunId>) -> Result<Option<i64>, StoreError> {
        let run = run.cloned();
        verb!(self.read(provides) next_due &provides, run.as_ref())
    }
    async fn end_lease(&self, end: LeaseEnd) -> Result<Task, StoreError> {
        verb!(self.commit() end_lease end)
    }
    async fn task_result(&self, lease: &LeaseId) -> Result<Option<TaskResult>, StoreError> {
        verb!(self.read(lease) task_result &lease)
    }
    async fn requeue(&self, task: &TaskId, at: i64, audit: Vec<AuditNote>) -> Result<Task, StoreError> {
        verb!(self.commit(task) requeue &task, at, audit)
    }
    async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        verb!(self.read(id) task &id)
    }
    async fn tasks(&self, run: &RunId) -> Result<Vec<Task>, StoreError> {
        verb!(self.read(run) tasks &run)
    }
    async fn lease(&self, id: &LeaseId) -> Result<Option<Lease>, StoreError> {
        verb!(self.read(id) lease &id)
    }
    async fn leased(&self, id: &LeaseId) -> Result<Option<(Lease, Task)>, StoreError> {
        verb!(self.read(id) leased &id)
    }
    async fn active_leases(&self) -> Result<Vec<Lease>, StoreError> {
        verb!(self.read() active_leases)
    }
    async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
        verb!(self.read(filter) list_tasks &filter)
    }
    async fn queue(&self, filter: &QueueFilter) -> Result<Vec<Task>, StoreError> {
        verb!(self.read(filter) queue &filter)
    }
    async fn work_counts(&self) -> Result<WorkCounts, StoreError> {
        verb!(self.read() work_counts)
    }
    async fn lease_by_token(&self, token: Digest) -> Result<Option<Lease>, StoreError> {
        verb!(self.read() lease_by_token token)
    }
    async fn list_leases(&self, filter: &LeaseFilter) -> Result<Vec<Lease>, StoreError> {
        verb!(self.read(filter) list_leases &filter)
    }
    async fn put_worker(&self, worker: Worker, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() put_worker worker, audit)
    }
    async fn worker(&self, id: &WorkerId) -> Result<Option<Worker>, StoreError> {
        verb!(self.read(id) worker &id)
    }
    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        verb!(self.read() workers)
    }
    async fn remove_worker(&self, id: &WorkerId, at: i64, audit: Vec<AuditNote>) -> Result<Vec<Task>, StoreError> {
        verb!(self.commit(id) remove_worker &id, at, audit)
    }
    async fn create_project(&self, project: ManagedProject, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() create_project project, audit)
    }
    async fn put_project(
        &self,
        project: ManagedProject,
        nodes: Vec<NodeStatus>,
        audit: Vec<AuditNote>,
    ) -> Result<(), StoreError> {
        verb!(self.commit() put_project project, nodes, audit)
    }
    async fn project(&self, id: &ProjectId) -> Result<Option<ManagedProject>, StoreError> {
        verb!(self.read(id) project &id)
    }
    async fn projects(&self) -> Result<Vec<ManagedProject>, StoreError> {
        verb!(self.read() projects)
    }
    async fn node_statuses(&self, project: &ProjectId) -> Result<Vec<NodeStatus>, StoreError> {
        verb!(self.read(project) node_statuses &project)
    }
    async fn remove_project(&self, id: &ProjectId, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit(id) remove_project &id, audit)
    }
    async fn artifact(&self, id: &ArtifactId) -> Result<Option<Artifact>, StoreError> {
        verb!(self.read(id) artifact &id)
    }
    async fn artifacts(&self, filter: &ArtifactFilter) -> Result<Vec<Artifact>, StoreError> {
        verb!(self.read(filter) artifacts &filter)
    }
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, StoreError> {
        verb!(self.read(id) question &id)
    }
    async fn questions(&self, filter: &QuestionFilter) -> Result<Vec<Question>, StoreError> {
        verb!(self.read(filter) questions &filter)
    }
    async fn proposal(&self, id: &ProposalId) -> Result<Option<Proposal>, StoreError> {
        verb!(self.read(id) proposal &id)
    }
    async fn proposals(&self, filter: &ProposalFilter) -> Result<Vec<Proposal>, StoreError> {
        verb!(self.read(filter) proposals &filter)
    }
    async fn decide(&self, decision: Decision) -> Result<Proposal, StoreError> {
        verb!(self.commit() decide decision)
    }
    async fn expire_proposals(&self, at: i64, by: &Actor) -> Result<Vec<Proposal>, StoreError> {
        verb!(self.commit(by) expire_proposals at, &by)
    }
    async fn next_expiry(&self) -> Result<Option<i64>, StoreError> {
        verb!(self.read() next_expiry)
    }
    async fn move_proposal(&self, step: ApplyStep) -> Result<Proposal, StoreError> {
        verb!(self.commit() move_proposal step)
    }
    async fn blob_part(&self, digest: Digest, part: std::ops::Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        verb!(self.read() blob_part digest, part)
    }
    async fn put_blob(&self, bytes: Vec<u8>) -> Result<Digest, StoreError> {
        verb!(self.commit() put_blob bytes)
    }
    async fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        verb!(self.read() blob digest)
    }
    async fn put_context(&self, context: Context, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() put_context context, audit)
    }
    async fn contexts(&self) -> Result<Vec<Context>, StoreError> {
        verb!(self.read() contexts)
    }
    async fn context(&self, id: &ContextId) -> Result<Context, StoreError> {
        verb!(self.read(id) context &id)
    }
    async fn put_setting(&self, name: &str, value: String, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit(name) put_setting &name, value, audit)
    }
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        verb!(self.read(name) setting &name)
    }
    async fn note(&self, audit: Vec<AuditNote>) -> Result<(), StoreError> {
        verb!(self.commit() note audit)
    }
    async fn audit(&self, range: RangeInclusive<u64>) -> Result<Vec<AuditEntry>, StoreError> {
        verb!(self.read() audit range)
    }
    async fn audit_head(&self) -> Result<Option<AuditEntry>, StoreError> {
        verb!(self.read() audit_head)
    }
}
