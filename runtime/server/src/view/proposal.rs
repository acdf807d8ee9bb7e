use bloom_runtime::record;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::time;

/// A change that a run proposes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Proposal {
    pub(crate) id: String,
    /// The inbox entry of the run that made it; null in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inbox_entry_id: Option<String>,
    #[schema(example = "pending")]
    pub(crate) status: &'static str,
    pub(crate) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<String>,
    pub(crate) expires_at: String,
    /// `type`, `identity` and `run_id`.
    pub(crate) source: Value,
    pub(crate) action: String,
    /// `type` and `path`.
    pub(crate) target: Value,
    /// In lists its `summary` only.
    pub(crate) content: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) approval: Option<Approval>,
    /// `git_commit`, `minio_path` and `error`, with what applying it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apply_result: Option<Value>,
    /// Not in lists.
    #[serde(flatten)]
    pub(crate) base: Option<Base>,
    /// The pending proposal that proposes the same: decide on that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duplicate_of: Option<String>,
}

/// What a proposal was made against; null where that is not known.
#[derive(Serialize, ToSchema)]
pub(crate) struct Base {
    /// The revision of the target, where it has revisions.
    pub(crate) base_revision: Option<String>,
    /// The SHA-256 of the target. What is applied so far has revisions instead.
    pub(crate) target_hash: Option<String>,
}

/// Who decided, when, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approval {
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_at: Option<String>,
    pub(crate) decision_note: Option<String>,
}

impl Approval {
    fn of(proposal: &record::Proposal) -> Self {
        let approval = proposal.approval.as_ref();
        Self {
            decided_by: approval.map(|approval| approval.decided_by.to_string()),
            decided_at: approval.map(|approval| time(approval.decided_at)),
            decision_note: approval.and_then(|approval| approval.note.clone()),
        }
    }
}

impl Proposal {
    /// With everything.
    pub(crate) fn whole(proposal: &record::Proposal, inbox: Option<String>) -> Self {
        let mut applied = json!({ "git_commit": null, "minio_path": null, "error": null });
        if let Some(Value::Object(result)) = proposal.apply_result.as_ref().map(bloom_ir::Value::to_json) {
            if proposal.status == record::ProposalStatus::Failed {
                applied["error"] = result.get("message").cloned().unwrap_or_default();
            }
            if let Some(members) = applied.as_object_mut() {
                members.extend(result);
            }
        }
        Self {
            inbox_entry_id: inbox,
            updated_at: Some(time(proposal.updated_at)),
            content: content(proposal),
            approval: Some(Approval::of(proposal)),
            apply_result: Some(applied),
            base: Some(Base {
                base_revision: proposal.base_revision.map(|revision| revision.to_string()),
                target_hash: None,
            }),
            ..Self::short(proposal)
        }
    }

    /// As it stands in a list.
    pub(crate) fn short(proposal: &record::Proposal) -> Self {
        Self {
            id: proposal.id.to_string(),
            inbox_entry_id: None,
            status: proposal.status.name(),
            created_at: time(proposal.created_at),
            updated_at: None,
            expires_at: time(proposal.expires_at),
            source: json!({
                "type": "agent", "identity": format!("agent:{}", proposal.agent), "run_id": proposal.run,
            }),
            action: proposal.action.clone(),
            target: json!({ "type": target_type(&proposal.action), "path": proposal.target }),
            content: json!({ "summary": content(proposal)["summary"] }),
            approval: None,
            apply_result: None,
            base: None,
            duplicate_of: proposal.duplicate_of.as_ref().map(ToString::to_string),
        }
    }
}

/// What the gateway calls the kind of thing that an action changes.
fn target_type(action: &str) -> &'static str {
    match action {
        "memory-update" => "memory",
        "logic-update" | "logic-rollback" => "logic",
        "propose-artifact" => "artifact",
        _ => "note",
    }
}

/// Its content, with a `summary` always.
fn content(proposal: &record::Proposal) -> Value {
    let mut content = match proposal.content.to_json() {
        Value::Object(members) => Value::Object(members),
        other => json!({ "text": other }),
    };
    if !content["summary"].is_string() {
        let named = ["content", "text", "title"].iter().find_map(|name| content[*name].as_str());
        let first = named.and_then(|text| text.lines().find(|line| !line.trim().is_empty())).map(str::to_owned);
        content["summary"] = Value::from(first.unwrap_or_else(|| format!("{} {}", proposal.action, proposal.target)));
    }
    content
}

/// Proposals, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProposalList {
    pub(crate) proposals: Vec<Proposal>,
    /// All that the filter lets through.
    pub(crate) total: usize,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

/// A decision that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decided {
    pub(crate) id: String,
    pub(crate) status: &'static str,
    pub(crate) approval: Approval,
    /// What applying it gave, where it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apply_result: Option<Value>,
}

impl Decided {
    pub(crate) fn of(proposal: &record::Proposal) -> Self {
        let whole = Proposal::whole(proposal, None);
        Self {
            id: whole.id,
            status: whole.status,
            approval: Approval::of(proposal),
            apply_result: whole.apply_result.filter(|_| proposal.apply_result.is_some()),
        }
    }
}

/// What became of many decisions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Batch {
    pub(crate) updated: usize,
    pub(crate) skipped: usize,
    pub(crate) errors: Vec<BatchError>,
}

/// A decision that could not be made.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchError {
    pub(crate) proposal_id: String,
    pub(crate) code: String,
    pub(crate) message: String,
}
