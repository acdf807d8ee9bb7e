//! What is stored, in the domain's words.

mod artifact;
mod audit;
mod checkpoint;
mod context;
mod enroll;
mod flow;
mod id;
mod inbox;
mod key;
mod project;
mod proposal;
mod question;
mod run;
mod spending;
mod task;
mod worker;

pub use artifact::{Artifact, TaskResult};
pub use audit::{Actor, AuditChain, AuditEntry, AuditFault, AuditFaultKind, AuditNote};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use context::{Context, ContextDenied, Denied};
pub use enroll::{EnrollRefusal, EnrollToken, EnrollTokens};
pub use flow::{FlowConflict, FlowRecord, FlowVersion};
pub(crate) use id::LOCAL;
pub use id::{
    ArtifactId, BadName, ContextId, InboxId, LeaseId, NodeStatusId, ProjectId, ProposalId, QuestionId, RunId, TaskId,
    WorkerId,
};
pub use inbox::{InboxEntry, InboxStatus};
pub use key::{KeyRefusal, WorkerKey, WorkerKeys};
pub use project::{CloneStatus, ManagedProject, NodeStatus, canonical_id};
pub use proposal::{Approval, Proposal, ProposalError, ProposalStatus, Verdict};
pub use question::{Question, QuestionStatus};
pub use run::{Origin, Parent, RunError, RunRecord, RunStatus, Spent, Stretch, Turn};
pub use spending::{Charge, Spending, day_of};
pub use task::{Lease, LeaseEnding, LeaseStatus, Task, TaskEffect, TaskStatus, fits};
pub use worker::{Capabilities, Worker, WorkerStatus};
