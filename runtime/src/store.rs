//! What the engine needs of a store: small verbs in the domain's words, each one transaction.
//!
//! Whatever a verb wrote is durable when it returns, or nothing of it is there. Times are passed in: a store has no
//! clock. Verbs may be called from many tasks at once; a store commits those that wait together in one transaction.

mod verify;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::ops::{Range, RangeInclusive};

use async_trait::async_trait;
use bloom_interpreter::history::{Event, Sealed};
use bloom_ir::Digest;

use crate::dispatch::{Proof, TaskError};
use crate::record::Context;
use crate::record::{
    Actor, Artifact, ArtifactId, AuditEntry, AuditNote, Charge, ContextId, FlowConflict, FlowRecord, FlowVersion,
    InboxEntry, InboxId, Lease, LeaseEnding, LeaseId, LeaseStatus, ManagedProject, NodeStatus, ProjectId, Proposal,
    ProposalError, ProposalId, ProposalStatus, Question, QuestionId, RunError, RunId, RunRecord, RunStatus, Spending,
    Spent, Task, TaskId, TaskResult, TaskStatus, Verdict, Worker, WorkerId,
};

pub use self::verify::{AuditCheck, verify_audit};

/// A store. Shared by all parts of a server.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a signed IR document under its hash, and under `id@version` unless that is `0.0.0`. The same program
    /// under a known name adds its document; another one is [`StoreError::FlowConflict`]. Repeating it is harmless. A
    /// hash does not cover signatures: of two documents with one hash the later stands, so whoever keeps one unites it
    /// with what is there.
    async fn put_flow(&self, flow: FlowRecord, document: Vec<u8>, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// The document of a hash.
    async fn flow_document(&self, hash: Digest) -> Result<Option<Vec<u8>>, StoreError>;
    /// What stands behind `id@version`.
    async fn flow_version(&self, id: &str, version: &str) -> Result<Option<FlowVersion>, StoreError>;
    /// The documents of all registered versions of a flow, in no order: what a submission by name looks at.
    async fn flow_versions(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError>;
    /// Of the documents of a flow that no version names, the one that came last: what it looks at where there is no version.
    async fn flow_draft(&self, id: &str) -> Result<Option<FlowRecord>, StoreError>;
    /// All documents of a flow, in the order in which they came.
    async fn flows_of(&self, id: &str) -> Result<Vec<FlowRecord>, StoreError>;
    /// All documents, newest first.
    async fn flows(&self) -> Result<Vec<FlowRecord>, StoreError>;

    /// Keeps a run with its flow, as [`Store::put_flow`] does, its inbox entry and first events. The same id is
    /// [`StoreError::RunExists`].
    async fn submit(&self, submission: Submission) -> Result<(), StoreError>;
    /// Adds to a run's history, and what goes with it, if the history has `expected` events; what it hands out is listed among
    /// the artifacts from then on. Else
    /// [`RunError::OutOfSequence`]. An outcome of an effect ends the effect's task, a failed attempt keeps it from being granted
    /// before the recorded delay is over; the end of the run ends all of its tasks and closes its questions.
    async fn append(&self, append: Append) -> Result<(), StoreError>;
    /// A run.
    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError>;
    /// Runs, newest first.
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError>;
    /// How many runs a filter lets through, whatever its limit; of more than `up_to` that many may be told. Within a time each of
    /// them is counted, so who only shows a number has no need of all.
    async fn count_runs(&self, filter: &RunFilter, up_to: u64) -> Result<u64, StoreError>;
    /// How many runs of each flow stand where, of those that have not ended: what is counted as they change, so it takes the same
    /// however many runs there are.
    async fn standing_counts(&self) -> Result<Vec<StandingCount>, StoreError>;
    /// The events of a run from a sequence number on, at most `limit` of them.
    async fn history(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, StoreError>;
    /// Where a run stands: for who needs no more of it, since its inputs may be large.
    async fn run_status(&self, id: &RunId) -> Result<Option<RunStatus>, StoreError>;
    /// Runs of a status, in the order in which they were made: what tells whether others may begin.
    async fn standing_runs(&self, status: RunStatus) -> Result<Vec<StandingRun>, StoreError>;
    /// What was used on a day, by agent.
    async fn spending(&self, day: i64) -> Result<Vec<Spending>, StoreError>;
    /// Runs that have begun, and neither ended nor do nothing but wait, so that somebody has to drive them; oldest first. However many
    /// others there are, they are not looked at.
    async fn moving_runs(&self) -> Result<Vec<RunId>, StoreError>;
    /// Runs that wait and go on by themselves not later than `until` (Unix milliseconds), with that time, earliest first, at
    /// most `limit` of them.
    async fn due_runs(&self, until: i64, limit: usize) -> Result<Vec<(i64, RunId)>, StoreError>;
    /// An inbox entry.
    async fn inbox_entry(&self, id: &InboxId) -> Result<Option<InboxEntry>, StoreError>;

    /// Keeps a task that a client posted. The same id is [`StoreError::Exists`].
    async fn create_task(&self, task: Task, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// Grants the best queued task that is due and that the worker can do: higher priority first, then oldest. A task that
    /// is asked for by name is granted to whoever asks, or it is an error why not.
    async fn grant(&self, ask: GrantAsk) -> Result<Option<Grant>, StoreError>;
    /// The earliest [`Task::not_before`] of the queued tasks that a worker with this could do, of one run or of all, in
    /// Unix milliseconds: when to ask again after a grant found nothing.
    async fn next_due(&self, provides: &[String], run: Option<&RunId>) -> Result<Option<i64>, StoreError>;
    /// Ends a lease, and appends to the run's history in the same transaction what the engine made of it.
    /// Repeating a completion with the same lease, epoch and answer returns the stored task and appends nothing.
    async fn end_lease(&self, end: LeaseEnd) -> Result<Task, StoreError>;
    /// What a holder said when it ended a lease.
    async fn task_result(&self, lease: &LeaseId) -> Result<Option<TaskResult>, StoreError>;
    /// Makes a failed or dead task queued again, while its effect has no outcome.
    async fn requeue(&self, task: &TaskId, at: i64, audit: Vec<AuditNote>) -> Result<Task, StoreError>;
    /// A task.
    async fn task(&self, id: &TaskId) -> Result<Option<Task>, StoreError>;
    /// The tasks of a run, oldest first.
    async fn tasks(&self, run: &RunId) -> Result<Vec<Task>, StoreError>;
    /// Tasks, newest first.
    async fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, StoreError>;
    /// Queued tasks in the order in which they are granted.
    async fn queue(&self, filter: &QueueFilter) -> Result<Vec<Task>, StoreError>;
    /// How many tasks and leases there are.
    async fn work_counts(&self) -> Result<WorkCounts, StoreError>;
    /// A lease.
    async fn lease(&self, id: &LeaseId) -> Result<Option<Lease>, StoreError>;
    /// A lease and its task, as both are at one moment.
    async fn leased(&self, id: &LeaseId) -> Result<Option<(Lease, Task)>, StoreError>;
    /// The lease with a secret of this digest.
    async fn lease_by_token(&self, token: Digest) -> Result<Option<Lease>, StoreError>;
    /// Leases that nobody ended.
    async fn active_leases(&self) -> Result<Vec<Lease>, StoreError>;
    /// Leases, newest first.
    async fn list_leases(&self, filter: &LeaseFilter) -> Result<Vec<Lease>, StoreError>;

    /// Keeps a worker, new or known.
    async fn put_worker(&self, worker: Worker, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// A worker.
    async fn worker(&self, id: &WorkerId) -> Result<Option<Worker>, StoreError>;
    /// All workers, by name.
    async fn workers(&self) -> Result<Vec<Worker>, StoreError>;
    /// Removes a worker and revokes its leases; gives the tasks that are queued again. It may be one that is not kept, as
    /// those of a process are, as long as it holds something.
    async fn remove_worker(&self, id: &WorkerId, at: i64, audit: Vec<AuditNote>) -> Result<Vec<Task>, StoreError>;

    /// Keeps a new managed project. One of the same id or name is [`StoreError::Exists`].
    async fn create_project(&self, project: ManagedProject, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// Keeps what became of a project that is there, and of some of its nodes.
    async fn put_project(
        &self,
        project: ManagedProject,
        nodes: Vec<NodeStatus>,
        audit: Vec<AuditNote>,
    ) -> Result<(), StoreError>;
    /// A managed project.
    async fn project(&self, id: &ProjectId) -> Result<Option<ManagedProject>, StoreError>;
    /// All managed projects, newest first.
    async fn projects(&self) -> Result<Vec<ManagedProject>, StoreError>;
    /// How a project is on nodes, by node.
    async fn node_statuses(&self, project: &ProjectId) -> Result<Vec<NodeStatus>, StoreError>;
    /// Removes a managed project, and what is known of it on nodes. What lies on nodes stays there.
    async fn remove_project(&self, id: &ProjectId, audit: Vec<AuditNote>) -> Result<(), StoreError>;

    /// An artifact.
    async fn artifact(&self, id: &ArtifactId) -> Result<Option<Artifact>, StoreError>;
    /// Artifacts, newest first.
    async fn artifacts(&self, filter: &ArtifactFilter) -> Result<Vec<Artifact>, StoreError>;

    /// A question.
    async fn question(&self, id: &QuestionId) -> Result<Option<Question>, StoreError>;
    /// Questions, newest first.
    async fn questions(&self, filter: &QuestionFilter) -> Result<Vec<Question>, StoreError>;

    /// A proposal.
    async fn proposal(&self, id: &ProposalId) -> Result<Option<Proposal>, StoreError>;
    /// Proposals, newest first.
    async fn proposals(&self, filter: &ProposalFilter) -> Result<Vec<Proposal>, StoreError>;
    /// Decides on a pending proposal; its duplicates are rejected with it, naming it.
    async fn decide(&self, decision: Decision) -> Result<Proposal, StoreError>;
    /// Ends the pending proposals that nobody decided on in time, and gives them. A duplicate of one of them that is not
    /// overdue itself is the one to decide on from then on.
    async fn expire_proposals(&self, at: i64, by: &Actor) -> Result<Vec<Proposal>, StoreError>;
    /// When the next pending proposal expires, in Unix milliseconds.
    async fn next_expiry(&self) -> Result<Option<i64>, StoreError>;
    /// Moves a decided proposal through applying.
    async fn move_proposal(&self, step: ApplyStep) -> Result<Proposal, StoreError>;

    /// Keeps bytes under their digest. Repeating it is harmless.
    async fn put_blob(&self, bytes: Vec<u8>) -> Result<Digest, StoreError>;
    /// The bytes of a digest.
    async fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError>;
    /// Some of the bytes of a digest, as far as there are such.
    async fn blob_part(&self, digest: Digest, part: Range<u64>) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a context.
    async fn put_context(&self, context: Context, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// The contexts that were kept, by id.
    async fn contexts(&self) -> Result<Vec<Context>, StoreError>;
    /// A context; an unknown id is an empty one.
    async fn context(&self, id: &ContextId) -> Result<Context, StoreError>;

    /// Keeps a setting that was made while the server ran, as text.
    async fn put_setting(&self, name: &str, value: String, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// A setting.
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Adds to the audit log what changes nothing here.
    async fn note(&self, audit: Vec<AuditNote>) -> Result<(), StoreError>;
    /// Entries of the audit log by number.
    async fn audit(&self, range: RangeInclusive<u64>) -> Result<Vec<AuditEntry>, StoreError>;
    /// The last entry of the audit log.
    async fn audit_head(&self) -> Result<Option<AuditEntry>, StoreError>;
}

/// A new run.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The flow that the run pins.
    pub flow: FlowRecord,
    /// Its signed IR document.
    pub document: Vec<u8>,
    /// The intent, approved by the act.
    pub inbox: InboxEntry,
    /// The run, with `events` and `history_head` before `first`.
    pub run: RunRecord,
    /// Its first events, with what goes with them; `first.expected` is 0.
    pub first: Append,
}

/// An addition to a run.
#[derive(Clone, Debug)]
pub struct Append {
    /// Which.
    pub run: RunId,
    /// How many events its history has.
    pub expected: u64,
    /// The events, numbered and chained.
    pub events: Vec<Sealed>,
    /// The run's status from now on, with `result`, `error` and `tokens` as the events say.
    pub status: RunStatus,
    /// What these events say was used.
    pub spent: Spent,
    /// What of it is the run's own, with the calls that it asked for: it counts for its agent and the day of the last event.
    pub charge: Charge,
    /// Tasks that the events asked for.
    pub tasks: Vec<Task>,
    /// Whether the run does nothing but wait from now on.
    pub waiting: bool,
    /// When it goes on by itself then, in Unix milliseconds.
    pub wake_at: Option<i64>,
    /// Questions to people that the events asked, or that they answer.
    pub questions: Vec<Question>,
    /// Intents that the events came from.
    pub inbox: Vec<InboxEntry>,
    /// Proposals that the events emitted. The store sets `duplicate_of`, and leaves out one whose run and emission it
    /// has already.
    pub proposals: Vec<Proposal>,
    /// For the audit log.
    pub audit: Vec<AuditNote>,
    /// The run that goes on in its place, which is kept in the same transaction; with a `run.continued`, and only then.
    pub next: Option<Box<Successor>>,
    /// Runs that this one waited for and does not any more, or those in whose place others go on: they are marked, so that
    /// somebody has to drive them. One that is not there is passed over.
    pub orphans: Vec<RunId>,
    /// The lease of who adds it, where a worker does. If it is not the one that holds the task of this run, that is
    /// [`TaskError::Stale`], and nothing is kept.
    pub held: Option<Proof>,
}

impl Append {
    /// These events of a run whose history has `expected` before them, and nothing else.
    pub fn of(run: RunId, expected: u64, events: Vec<Sealed>, status: RunStatus) -> Self {
        Self {
            run,
            expected,
            events,
            status,
            spent: Spent::default(),
            charge: Charge::default(),
            tasks: Vec::new(),
            waiting: false,
            wake_at: None,
            questions: Vec::new(),
            inbox: Vec::new(),
            proposals: Vec::new(),
            audit: Vec::new(),
            next: None,
            orphans: Vec::new(),
            held: None,
        }
    }

    /// Adds what follows at once to the same run.
    pub fn follow(&mut self, next: Self) {
        let Self {
            run: _,
            expected: _,
            events,
            status,
            spent,
            charge,
            tasks,
            waiting,
            wake_at,
            questions,
            inbox,
            proposals,
            audit,
            next,
            orphans,
            held,
        } = next;
        self.events.extend(events);
        (self.status, self.waiting, self.wake_at, self.next, self.held) = (status, waiting, wake_at, next, held);
        self.spent = self.spent.plus(spent);
        self.charge = self.charge.plus(charge);
        self.tasks.extend(tasks);
        self.questions.extend(questions);
        self.inbox.extend(inbox);
        self.proposals.extend(proposals);
        self.audit.extend(audit);
        self.orphans.extend(orphans);
    }
}

/// A run that goes on in the place of another of the same flow.
#[derive(Clone, Debug)]
pub struct Successor {
    /// The intent, which the other run has.
    pub inbox: InboxEntry,
    /// The run, with `events` and `history_head` before `first`.
    pub run: RunRecord,
    /// Its first events, with what goes with them; `first.expected` is 0.
    pub first: Append,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<String>,
    /// In this status.
    pub status: Option<RunStatus>,
    /// Made at this time or later, in Unix milliseconds.
    pub from: Option<i64>,
    /// Made before this time, in Unix milliseconds.
    pub to: Option<i64>,
    /// Older than this run.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

/// Runs of a flow that stand at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingCount {
    /// The flow's id.
    pub flow: String,
    /// Where they stand.
    pub status: RunStatus,
    /// How many they are; at least one.
    pub runs: u64,
    /// How many of them do nothing but wait for a time, a signal or a person.
    pub waiting: u64,
}

/// What of a run tells whether others may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRun {
    /// Which.
    pub id: RunId,
    /// The flow's id.
    pub flow: String,
    /// Whether it does nothing but wait for a time, a signal or a person.
    pub waiting: bool,
    /// Whether another run waits for it.
    pub awaited: bool,
    /// The number of its turn, while it waits for one.
    pub turn: Option<u64>,
}

/// A worker asks for work.
#[derive(Clone, Debug)]
pub struct GrantAsk {
    /// The id of the lease, if one is granted.
    pub lease: LeaseId,
    /// Who asks.
    pub worker: WorkerId,
    /// What it provides.
    pub provides: Vec<String>,
    /// Only tasks of this run: an in-process worker of a single run.
    pub run: Option<RunId>,
    /// This task and no other, whether its delay is over or not.
    pub task: Option<TaskId>,
    /// The digest of the lease's secret, if it has one.
    pub token: Option<Digest>,
    /// Unix milliseconds.
    pub at: i64,
    /// How long the lease lives, in milliseconds.
    pub ttl_ms: i64,
}

/// A granted task.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The lease.
    pub lease: Lease,
    /// The task, after the grant.
    pub task: Task,
}

impl Grant {
    /// The span of what a worker does with it.
    pub fn span(&self) -> tracing::Span {
        let Self { lease, task } = self;
        tracing::info_span!(
            "task", task = %task.id, worker = %lease.worker, lease = %lease.id, attempt = task.attempts,
            run = task.run().map(tracing::field::display), node = %task.asked_by().node,
        )
    }
}

/// A lease ends.
#[derive(Clone, Debug)]
pub struct LeaseEnd {
    /// Which.
    pub lease: LeaseId,
    /// The epoch that its holder knows.
    pub epoch: u64,
    /// How.
    pub ending: LeaseEnding,
    /// Unix milliseconds.
    pub at: i64,
    /// What the engine made of it.
    pub append: Option<Append>,
    /// Nobody is granted the task before, if it is queued again, in Unix milliseconds.
    pub retry_at: Option<i64>,
    /// What is kept of what the holder brought.
    pub kept: Option<Kept>,
    /// For the audit log.
    pub audit: Vec<AuditNote>,
}

/// What a holder brought. Of a lease it is kept once.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it said.
    pub result: TaskResult,
    /// What was made of it.
    pub artifact: Artifact,
    /// The artifact's content.
    pub content: Vec<u8>,
}

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// In this status.
    pub status: Option<TaskStatus>,
    /// Questions to an LLM only, and no runs that a worker is to execute.
    pub questions: bool,
    /// Older than this task.
    pub before: Option<TaskId>,
    /// At most so many.
    pub limit: usize,
}

/// Which leases.
#[derive(Clone, Debug, Default)]
pub struct LeaseFilter {
    /// In this status.
    pub status: Option<LeaseStatus>,
    /// Older than this lease.
    pub before: Option<LeaseId>,
    /// At most so many.
    pub limit: usize,
}

/// Which artifacts.
#[derive(Clone, Debug, Default)]
pub struct ArtifactFilter {
    /// Results of this task, and not what runs handed out.
    pub task: Option<TaskId>,
    /// At most so many.
    pub limit: usize,
}

/// Which queued tasks.
#[derive(Clone, Debug, Default)]
pub struct QueueFilter {
    /// Due at this time, in Unix milliseconds.
    pub due: i64,
    /// Those that clients posted, too, and not of runs alone.
    pub posted: bool,
    /// That one of several could do who provide this.
    pub able: Vec<Vec<String>>,
    /// At most so many.
    pub limit: usize,
}

/// How many tasks and leases there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// Tasks; those that there are none of are left out.
    pub tasks: BTreeMap<TaskStatus, u64>,
    /// Leases; those that there are none of are left out.
    pub leases: BTreeMap<LeaseStatus, u64>,
    /// When the oldest queued task was made, in Unix milliseconds.
    pub oldest_queued: Option<i64>,
}

/// Which questions.
#[derive(Clone, Debug, Default)]
pub struct QuestionFilter {
    /// Of this run.
    pub run: Option<RunId>,
    /// Only those that nobody has answered and whose run still waits.
    pub open: bool,
    /// At most so many.
    pub limit: usize,
}

/// Which proposals.
#[derive(Clone, Debug, Default)]
pub struct ProposalFilter {
    /// Of this run.
    pub run: Option<RunId>,
    /// In this status.
    pub status: Option<ProposalStatus>,
    /// At most so many.
    pub limit: usize,
}

/// A decision on a proposal.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Which.
    pub proposal: ProposalId,
    /// Yes or no.
    pub verdict: Verdict,
    /// Who decides.
    pub by: Actor,
    /// Unix milliseconds.
    pub at: i64,
    /// Why.
    pub note: Option<String>,
}

/// A step of applying a proposal.
#[derive(Clone, Debug)]
pub struct ApplyStep {
    /// Which.
    pub proposal: ProposalId,
    /// What it becomes.
    pub to: ProposalStatus,
    /// Unix milliseconds.
    pub at: i64,
    /// What was done, or why it failed.
    pub result: Option<bloom_ir::Value>,
    /// Who does it.
    pub by: Actor,
}

/// Why a verb failed. Nothing of it was written; only after [`StoreError::Backend`] that is unknown until the next read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program stands under that name.
    #[error(transparent)]
    FlowConflict(#[from] FlowConflict),
    /// There is such a run.
    #[error("run {0} exists")]
    RunExists(RunId),
    /// There is such a record: ids are used once.
    #[error("{kind} {id} exists")]
    Exists {
        /// Of what kind.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// There is no such record.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// Of what kind.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// What was asked contradicts itself.
    #[error("the request contradicts itself: {0}")]
    Contradiction(&'static str),
    /// A run cannot take what was to be appended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A task cannot do that.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A proposal cannot do that.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// Another process has the store open.
    #[error("{path} is in use by {holder}")]
    Locked {
        /// The store's file.
        path: String,
        /// Who, as far as can be told.
        holder: String,
    },
    /// The file was written by a newer version.
    #[error("{path} has schema version {found}, newer than {supported}")]
    TooNew {
        /// The store's file.
        path: String,
        /// Its version.
        found: u32,
        /// What this program can read.
        supported: u32,
    },
    /// The file holds something that cannot be read.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The disk or the engine below failed. It may be over by the next verb: a store opens its file anew by itself.
    #[error("the store failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What lies outside of the store's file cannot be had, or put there, for now. Nothing was written, and it may be tried
    /// again.
    #[error("{0}")]
    Unavailable(String),
    /// The store was closed, or closed itself after the disk failed: it must be opened anew.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether no verb will succeed any more, however long one waits: the store must be opened anew, by somebody who has
    /// looked why.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Closed | Self::Damaged(_) | Self::Locked { .. } | Self::TooNew { .. })
    }

    /// What the operating system said of the disk, if that is what failed.
    pub fn disk(&self) -> Option<io::ErrorKind> {
        let Self::Backend(source) = self else { return None };
        let mut cause: Option<&(dyn Error + 'static)> = Some(source.as_ref());
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return Some(error.kind());
            }
            cause = error.source();
        }
        None
    }
}
