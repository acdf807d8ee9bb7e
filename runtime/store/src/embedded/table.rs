//! The tables, their rows, and what looks at rows decides.

use std::ops::ControlFlow;

use bloom_runtime::store::StoreError;
use redb::TableDefinition;

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

            pub(super) fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
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
    /// Flow's id, time, IR hash → IR hash.
    FlowsById "flows_by_id"
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
