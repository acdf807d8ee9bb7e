//! What is stored, in the domain's words.

mod audit;
mod flow;
mod id;
mod inbox;
mod proposal;
mod run;
mod task;

pub use audit::{Actor, AuditEntry, AuditNote};
pub use flow::{FlowRecord, FlowVersion};
pub use id::{ContextId, InboxId, LeaseId, ProposalId, RunId, TaskId, WorkerId};
pub use inbox::{InboxEntry, InboxStatus};
pub use proposal::{Approval, Proposal, ProposalStatus, Verdict};
pub use run::{RunRecord, RunStatus};
pub use task::{Lease, LeaseEnding, LeaseStatus, Task, TaskError, TaskStatus};

pub mod context;
