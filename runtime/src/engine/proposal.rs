//! From an emission to a proposal.

use bloom_interpreter::effect::Emission;
use bloom_ir::{Digest, Value};

use crate::record::{Proposal, ProposalId, ProposalStatus, RunId};

/// Who proposes, and when.
pub(super) struct Proposer<'a> {
    pub(super) run: &'a RunId,
    pub(super) agent: &'a str,
    pub(super) at: i64,
    pub(super) ttl_ms: i64,
}

impl Proposer<'_> {
    /// The proposal of an emission whose value is as `create-proposal` and `write-memory` shape it: `{target: {path, …},
    /// content, fingerprint?, base_revision?}`. What is missing is empty or follows from the content; a value of another
    /// shape is the content itself.
    pub(super) fn propose(&self, id: ProposalId, emission: &Emission) -> Proposal {
        let value = &emission.value;
        let target = value.get("target");
        let content = value.get("content").unwrap_or(value).clone();
        let fingerprint = match value.get("fingerprint").and_then(Value::as_str) {
            Some(text) => text.parse().unwrap_or_else(|_| Digest::of(text.as_bytes())),
            None => Digest::of(&content.to_bytes()),
        };
        Proposal {
            id,
            run: self.run.clone(),
            emission: emission.id.to_string(),
            agent: self.agent.to_owned(),
            action: emission.action.clone().unwrap_or_else(|| emission.name.clone()),
            target: target
                .and_then(|target| target.get("path").unwrap_or(target).as_str())
                .unwrap_or_default()
                .to_owned(),
            content,
            fingerprint,
            duplicate_of: None,
            base_revision: base_revision(value),
            status: ProposalStatus::Pending,
            created_at: self.at,
            updated_at: self.at,
            expires_at: self.at.saturating_add(self.ttl_ms),
            approval: None,
            apply_result: None,
        }
    }
}

/// Beside the target, or in it.
fn base_revision(value: &Value) -> Option<u64> {
    let revision = value.get("base_revision").or_else(|| value.get("target")?.get("revision"))?;
    u64::try_from(revision.as_int()?).ok()
}
