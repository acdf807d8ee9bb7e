//! The server's store, between it and its disk: here verbs wait, a machine that is gone stays, and what was committed is noted.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::history::Event;
use bloom_ir::Digest;
use bloom_runtime::record::{
    Actor, Artifact, ArtifactId, AuditEntry, AuditNote, Context, ContextId, FlowRecord, FlowVersion, InboxEntry,
    InboxId, Lease, LeaseId, ManagedProject, NodeStatus, ProjectId, Proposal, ProposalId, Question, QuestionId, RunId,
    RunRecord, RunStatus, Spending, Task, TaskId, TaskResult, Worker, WorkerId,
};
use bloom_runtime::store::{
    Append, ApplyStep, ArtifactFilter, Decision, Grant, GrantAsk, LeaseEnd, LeaseFilter, ProposalFilter,
    QuestionFilter, QueueFilter, RunFilter, StandingCount, StandingRun, Store, StoreError, Submission, TaskFilter,
    WorkCounts,
};
use bloom_store::RedbStore;

use crate::sim::{Life, Sim};

pub(crate) struct WatchedStore {
    pub(crate) sim: Arc<Sim>,
    pub(crate) life: Life,
    pub(crate) store: Arc<RedbStore>,
    /// It shows histories without their last event, as one that lost it would.
    pub(crate) forgets: bool,
}

impl WatchedStore {
    async fn pass(&self) {
        self.life.edge().await;
        let often = self.sim.faults.lock().unwrap().slow_store;
        if self.sim.happens(often) {
            tokio::time::sleep(self.sim.millis(1, 3000)).await;
        } else if self.sim.happens(200) {
            tokio::time::sleep(Duration::from_millis(1 + self.sim.below(20))).await;
        }
        self.life.edge().await;
    }

    /// The verb is done; whoever asked for it learns of it later, or never.
    async fn done<T>(&self, verb: &str, done: Result<T, StoreError>) -> Result<T, StoreError> {
        match &done {
            Ok(_) => self.sim.note(format_args!("store: {verb}")),
            // What the disk does while it loses its power is nobody's business.
            Err(_) if self.life.is_over() => {}
            Err(error) => self.sim.note(format_args!("store: {verb}: {error}")),
        }
        self.pass().await;
        done
    }
}

macro_rules! watched {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)* own { $($own:tt)* }) => {
        #[async_trait]
        impl Store for WatchedStore {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$out, StoreError> {
                self.pass().await;
                let done = self.store.$name($($arg),*).await;
                self.done(stringify!($name), done).await
            })*
            $($own)*
        }
    };
}

watched! {
    fn put_flow(flow: FlowRecord, document: Vec<u8>, audit: Vec<AuditNote>) -> ();
    fn flow_document(hash: Digest) -> Option<Vec<u8>>;
    fn flow_version(id: &str, version: &str) -> Option<FlowVersion>;
    fn flow_versions(id: &str) -> Vec<FlowRecord>;
    fn flow_draft(id: &str) -> Option<FlowRecord>;
    fn flows_of(id: &str) -> Vec<FlowRecord>;
    fn flows() -> Vec<FlowRecord>;
    fn run(id: &RunId) -> Option<RunRecord>;
    fn runs(filter: &RunFilter) -> Vec<RunRecord>;
    fn count_runs(filter: &RunFilter, up_to: u64) -> u64;
    fn standing_counts() -> Vec<StandingCount>;
    fn run_status(id: &RunId) -> Option<RunStatus>;
    fn standing_runs(status: RunStatus) -> Vec<StandingRun>;
    fn spending(day: i64) -> Vec<Spending>;
    fn moving_runs() -> Vec<RunId>;
    fn due_runs(until: i64, limit: usize) -> Vec<(i64, RunId)>;
    fn inbox_entry(id: &InboxId) -> Option<InboxEntry>;
    fn create_task(task: Task, audit: Vec<AuditNote>) -> ();
    fn next_due(provides: &[String], run: Option<&RunId>) -> Option<i64>;
    fn task_result(lease: &LeaseId) -> Option<TaskResult>;
    fn requeue(task: &TaskId, at: i64, audit: Vec<AuditNote>) -> Task;
    fn task(id: &TaskId) -> Option<Task>;
    fn tasks(run: &RunId) -> Vec<Task>;
    fn list_tasks(filter: &TaskFilter) -> Vec<Task>;
    fn queue(filter: &QueueFilter) -> Vec<Task>;
    fn work_counts() -> WorkCounts;
    fn lease(id: &LeaseId) -> Option<Lease>;
    fn leased(id: &LeaseId) -> Option<(Lease, Task)>;
    fn lease_by_token(token: Digest) -> Option<Lease>;
    fn active_leases() -> Vec<Lease>;
    fn list_leases(filter: &LeaseFilter) -> Vec<Lease>;
    fn put_worker(worker: Worker, audit: Vec<AuditNote>) -> ();
    fn worker(id: &WorkerId) -> Option<Worker>;
    fn workers() -> Vec<Worker>;
    fn remove_worker(id: &WorkerId, at: i64, audit: Vec<AuditNote>) -> Vec<Task>;
    fn create_project(project: ManagedProject, audit: Vec<AuditNote>) -> ();
    fn put_project(project: ManagedProject, nodes: Vec<NodeStatus>, audit: Vec<AuditNote>) -> ();
    fn project(id: &ProjectId) -> Option<ManagedProject>;
    fn projects() -> Vec<ManagedProject>;
    fn node_statuses(project: &ProjectId) -> Vec<NodeStatus>;
    fn remove_project(id: &ProjectId, audit: Vec<AuditNote>) -> ();
    fn artifact(id: &ArtifactId) -> Option<Artifact>;
    fn artifacts(filter: &ArtifactFilter) -> Vec<Artifact>;
    fn question(id: &QuestionId) -> Option<Question>;
    fn questions(filter: &QuestionFilter) -> Vec<Question>;
    fn proposal(id: &ProposalId) -> Option<Proposal>;
    fn proposals(filter: &ProposalFilter) -> Vec<Proposal>;
    fn decide(decision: Decision) -> Proposal;
    fn expire_proposals(at: i64, by: &Actor) -> Vec<Proposal>;
    fn next_expiry() -> Option<i64>;
    fn move_proposal(step: ApplyStep) -> Proposal;
    fn put_blob(bytes: Vec<u8>) -> Digest;
    fn blob(digest: Digest) -> Option<Vec<u8>>;
    fn blob_part(digest: Digest, part: Range<u64>) -> Option<Vec<u8>>;
    fn put_context(context: Context, audit: Vec<AuditNote>) -> ();
    fn contexts() -> Vec<Context>;
    fn context(id: &ContextId) -> Context;
    fn put_setting(name: &str, value: String, audit: Vec<AuditNote>) -> ();
    fn setting(name: &str) -> Option<String>;
    fn note(audit: Vec<AuditNote>) -> ();
    fn audit(range: RangeInclusive<u64>) -> Vec<AuditEntry>;
    fn audit_head() -> Option<AuditEntry>;

    own {
        async fn submit(&self, submission: Submission) -> Result<(), StoreError> {
            self.pass().await;
            let what = format!("submit {}", submission.run.id);
            let first = submission.first.clone();
            let done = self.store.submit(submission).await;
            if done.is_ok() {
                self.sim.ledger().appended(&self.sim, &first);
            }
            self.done(&what, done).await
        }

        async fn append(&self, append: Append) -> Result<(), StoreError> {
            self.pass().await;
            let what = format!("append {} {} to {}", append.events.len(), append.run, append.expected);
            let added = append.clone();
            let done = self.store.append(append).await;
            if done.is_ok() {
                self.sim.ledger().appended(&self.sim, &added);
            }
            self.done(&what, done).await
        }

        async fn history(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
            self.pass().await;
            let mut done = self.store.history(run, from, limit).await;
            if let Ok(events) = &mut done && self.forgets && events.len() > 3 {
                events.pop();
            }
            self.done("history", done).await
        }

        async fn grant(&self, ask: GrantAsk) -> Result<Option<Grant>, StoreError> {
            self.pass().await;
            let worker = ask.worker.clone();
            let done = self.store.grant(ask).await;
            let what = match &done {
                Ok(Some(grant)) => {
                    self.sim.ledger().granted(&self.sim, grant);
                    format!("grant {} to {worker} by {}, epoch {}", grant.task.id, grant.lease.id, grant.lease.epoch)
                }
                _ => format!("grant nothing to {worker}"),
            };
            self.done(&what, done).await
        }

        async fn end_lease(&self, end: LeaseEnd) -> Result<Task, StoreError> {
            self.pass().await;
            let (lease, append) = (end.lease.clone(), end.append.clone());
            // Who tells again what was recorded adds nothing.
            let append = append.filter(|append| !self.sim.ledger().has(append));
            let done = self.store.end_lease(end).await;
            if let (Ok(_), Some(append)) = (&done, &append) {
                self.sim.ledger().appended(&self.sim, append);
            }
            self.done(&format!("end {lease}"), done).await
        }
    }
}
