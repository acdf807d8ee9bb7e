//! Proposals: changes of knowledge that a person decides on.

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{Actor, ProposalId, RunId};

/// A change of knowledge. Its content is immutable; only the status moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The run that made it.
    pub run: RunId,
    /// The emission of that run.
    pub emission: String,
    /// The agent: the flow's id.
    pub agent: String,
    /// What is proposed, as `propose-summary` or `memory-update`.
    pub action: String,
    /// Of what, as a note's path.
    pub target: String,
    /// The change itself.
    pub content: Value,
    /// Two proposals of one agent with the same action, target and fingerprint propose the same.
    pub fingerprint: Digest,
    /// The pending proposal that proposed the same when this one came; it follows that one's decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<ProposalId>,
    /// The revision of the target that it was made against, where the target has revisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_revision: Option<u64>,
    /// Where it stands.
    pub status: ProposalStatus,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds: nobody decided until then.
    pub expires_at: i64,
    /// Who decided, when, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Why applying failed, or what it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply_result: Option<Value>,
}

/// Who decided, when, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub decided_by: Actor,
    /// Unix milliseconds.
    pub decided_at: i64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a proposal stands: `pending → auto_approved | approved | rejected | expired`,
/// `approved | auto_approved → applying → applied | failed`, `failed → applying | rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Nobody decided.
    Pending,
    /// A rule of the owner decided.
    AutoApproved,
    /// A person said yes.
    Approved,
    /// A person said no, or it was a duplicate of one that was decided.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// The change is being made.
    Applying,
    /// The change was made.
    Applied,
    /// The change could not be made.
    Failed,
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

impl ProposalStatus {
    /// Whether it may become `next`.
    pub fn may_become(self, next: Self) -> bool {
        use ProposalStatus::{Applied, Applying, Approved, AutoApproved, Expired, Failed, Pending, Rejected};
        matches!(
            (self, next),
            (Pending, AutoApproved | Approved | Rejected | Expired)
                | (Approved | AutoApproved, Applying)
                | (Applying, Applied | Failed)
                | (Failed, Applying | Rejected)
        )
    }
}
