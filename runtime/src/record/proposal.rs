//! Proposals: changes of knowledge that a person decides on.

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, ProposalId, RunId};

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

impl Proposal {
    /// Decides on a pending proposal that repeats no other.
    pub fn decide(&mut self, verdict: Verdict, by: Actor, at: i64, note: Option<String>) -> Result<(), ProposalError> {
        let to = match verdict {
            Verdict::Approve => ProposalStatus::Approved,
            Verdict::Reject => ProposalStatus::Rejected,
        };
        // Not `may_become`: a failed proposal is dropped by a step of applying, not by a second decision.
        if self.status != ProposalStatus::Pending {
            return Err(self.cannot_become(to));
        }
        if let Some(of) = &self.duplicate_of {
            return Err(ProposalError::Duplicate { id: self.id.clone(), of: of.clone() });
        }
        if self.is_overdue(at) {
            return Err(ProposalError::Expired { id: self.id.clone(), at: self.expires_at });
        }
        self.status = to;
        self.updated_at = at;
        self.approval = Some(Approval { decided_by: by, decided_at: at, note });
        Ok(())
    }

    /// Whether nobody decided in time.
    pub fn is_overdue(&self, at: i64) -> bool {
        self.status == ProposalStatus::Pending && self.expires_at <= at
    }

    /// Takes note that nobody decided in time.
    pub fn expire(&mut self, at: i64) -> Result<(), ProposalError> {
        if !self.is_overdue(at) {
            return Err(self.cannot_become(ProposalStatus::Expired));
        }
        self.status = ProposalStatus::Expired;
        self.updated_at = at;
        Ok(())
    }

    /// Rejects a pending duplicate together with the decision on its original, which it names. Whatever was decided:
    /// the change is made once or not at all.
    pub fn follow(&mut self, original: &Self, by: Actor, at: i64) -> Result<(), ProposalError> {
        if self.status != ProposalStatus::Pending {
            return Err(self.cannot_become(ProposalStatus::Rejected));
        }
        let decided = original.status.name();
        self.status = ProposalStatus::Rejected;
        self.updated_at = at;
        let note = Some(format!("duplicate of {}, which was {decided}", original.id));
        self.approval = Some(Approval { decided_by: by, decided_at: at, note });
        Ok(())
    }

    /// Moves a decided proposal through applying.
    pub fn step(&mut self, to: ProposalStatus, at: i64, result: Option<Value>) -> Result<(), ProposalError> {
        if self.status == ProposalStatus::Pending || !self.status.may_become(to) {
            return Err(self.cannot_become(to));
        }
        self.status = to;
        self.updated_at = at;
        if result.is_some() {
            self.apply_result = result;
        }
        Ok(())
    }

    /// What the audit log says of the status that the proposal has now: `proposal_approved`, `proposal_applied`, …
    pub fn audit_note(&self, by: Actor, at: i64) -> AuditNote {
        let detail = self.duplicate_of.iter().map(|of| ("duplicate_of", Value::from(of.as_str()))).collect();
        AuditNote {
            at,
            actor: by,
            action: format!("proposal_{}", self.status.name()),
            entity_type: "proposal".to_owned(),
            entity_id: self.id.to_string(),
            job_id: Some(self.run.to_string()),
            context_id: None,
            epoch: None,
            detail,
        }
    }

    fn cannot_become(&self, to: ProposalStatus) -> ProposalError {
        ProposalError::Status { id: self.id.clone(), from: self.status, to }
    }
}

/// Why a proposal cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// Its status does not allow that.
    #[error("proposal {id} is {} and cannot become {}", from.name(), to.name())]
    Status {
        /// Which.
        id: ProposalId,
        /// What it is.
        from: ProposalStatus,
        /// What was asked.
        to: ProposalStatus,
    },
    /// Nobody decided in time, and now it is too late.
    #[error("proposal {id} expired: it could be decided on until {at}")]
    Expired {
        /// Which.
        id: ProposalId,
        /// Until when it could be, in Unix milliseconds.
        at: i64,
    },
    /// It repeats another, which is the one to decide on.
    #[error("proposal {id} repeats {of}: decide on that one")]
    Duplicate {
        /// Which.
        id: ProposalId,
        /// The one that it repeats.
        of: ProposalId,
    },
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
    /// As it is written: `pending`, `auto_approved`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::AutoApproved => "auto_approved",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Failed => "failed",
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(id: &str) -> Proposal {
        Proposal {
            id: ProposalId::new(id),
            run: RunId::new("r1"),
            emission: "n1#1".to_owned(),
            agent: "archivist".to_owned(),
            action: "propose-summary".to_owned(),
            target: "notes/a.md".to_owned(),
            content: Value::from("summary"),
            fingerprint: Digest::of(b"summary"),
            duplicate_of: None,
            base_revision: None,
            status: ProposalStatus::Pending,
            created_at: 1,
            updated_at: 1,
            expires_at: 100,
            approval: None,
            apply_result: None,
        }
    }

    fn owner() -> Actor {
        Actor("owner".to_owned())
    }

    #[test]
    fn decision_is_final() {
        let mut decided = proposal("p1");
        decided.decide(Verdict::Approve, owner(), 5, None).unwrap();
        assert_eq!((decided.status, decided.updated_at), (ProposalStatus::Approved, 5));
        let before = decided.clone();
        let again = decided.decide(Verdict::Reject, owner(), 6, None).unwrap_err();
        assert_eq!(again.to_string(), "proposal p1 is approved and cannot become rejected");
        assert_eq!(decided, before);
    }

    #[test]
    fn duplicate_is_not_decided_on_but_follows() {
        let mut original = proposal("p1");
        let mut duplicate = Proposal { duplicate_of: Some(original.id.clone()), ..proposal("p2") };
        let refused = duplicate.decide(Verdict::Approve, owner(), 5, None).unwrap_err();
        assert_eq!(refused.to_string(), "proposal p2 repeats p1: decide on that one");
        original.decide(Verdict::Approve, owner(), 5, None).unwrap();
        duplicate.follow(&original, owner(), 5).unwrap();
        assert_eq!(duplicate.status, ProposalStatus::Rejected);
        assert_eq!(duplicate.approval.unwrap().note.unwrap(), "duplicate of p1, which was approved");
    }

    #[test]
    fn decision_in_time_counts_and_a_later_one_does_not() {
        let mut late = proposal("p1");
        assert!(late.expire(99).is_err());
        late.clone().decide(Verdict::Approve, owner(), 99, None).unwrap();
        let refused = late.decide(Verdict::Approve, owner(), 100, None).unwrap_err();
        assert_eq!(refused.to_string(), "proposal p1 expired: it could be decided on until 100");
        assert_eq!(late, proposal("p1"));
        late.expire(100).unwrap();
        assert_eq!((late.status, late.updated_at), (ProposalStatus::Expired, 100));
        assert!(late.expire(101).is_err());
    }

    #[test]
    fn only_a_decided_proposal_is_applied() {
        let mut applied = proposal("p1");
        assert!(applied.step(ProposalStatus::Applying, 5, None).is_err());
        assert!(applied.step(ProposalStatus::Rejected, 5, None).is_err());
        applied.decide(Verdict::Approve, owner(), 5, None).unwrap();
        assert!(applied.step(ProposalStatus::Applied, 6, None).is_err());
        applied.step(ProposalStatus::Applying, 6, None).unwrap();
        applied.step(ProposalStatus::Failed, 7, Some(Value::from("conflict"))).unwrap();
        applied.step(ProposalStatus::Applying, 8, None).unwrap();
        assert_eq!(applied.apply_result, Some(Value::from("conflict")));
        applied.step(ProposalStatus::Applied, 9, Some(Value::from("done"))).unwrap();
        assert_eq!(applied.apply_result, Some(Value::from("done")));
    }
}
