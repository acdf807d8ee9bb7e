//! What clients of this group of routes are shown. Field names and types are a contract.

use std::collections::BTreeMap;

use bloom_interpreter::effect::LlmRequest;
use bloom_runtime::dispatch::{Blocked, Seat};
use bloom_runtime::record;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A task for an LLM. Times are Unix milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LlmTask {
    id: String,
    context_id: String,
    agent_slug: String,
    prompt: String,
    /// Files and paths to load as context.
    context_hints: Vec<String>,
    policy: TaskPolicy,
    /// `json` or `text`.
    desired_format: &'static str,
    /// `queued`, `leased`, `running`, `completed`, `failed` or `dead`.
    status: &'static str,
    created_at: i64,
    updated_at: i64,
    lease_id: Option<String>,
    worker_id: Option<String>,
    attempts: u32,
    max_attempts: u32,
    /// Higher first.
    priority: i32,
}

/// What a task may take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskPolicy {
    timeout_sec: u32,
    /// Tokens; 0 is unlimited.
    budget: u64,
}

impl LlmTask {
    /// `worker` is who holds its newest lease, if anybody does.
    pub(crate) fn of(task: &record::Task, worker: Option<&record::WorkerId>) -> Self {
        let held = task.is_held();
        Self {
            id: task.id.to_string(),
            context_id: task.context.to_string(),
            agent_slug: task.agent_slug.clone(),
            prompt: task.request.prompt.clone(),
            context_hints: task.request.memory.iter().map(hint).collect(),
            policy: TaskPolicy {
                timeout_sec: task.timeout_seconds,
                budget: task.request.max_tokens.unwrap_or_default(),
            },
            desired_format: if wants_text(&task.request) { "text" } else { "json" },
            status: task.status.name(),
            created_at: task.created_at,
            updated_at: task.updated_at,
            lease_id: task.lease.as_ref().filter(|_| held).map(ToString::to_string),
            worker_id: worker.filter(|_| held).map(ToString::to_string),
            attempts: task.attempts,
            max_attempts: task.max_attempts,
            priority: task.priority,
        }
    }
}

fn hint(value: &bloom_ir::Value) -> String {
    value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned)
}

/// Whether a text is wanted, and not some JSON.
pub(crate) fn wants_text(request: &LlmRequest) -> bool {
    request.output.get("type").is_some_and(|kind| kind == "string")
}

/// A grant of a task to a worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lease {
    id: String,
    task_id: String,
    worker_id: String,
    started_at: i64,
    pub(crate) expires_at: i64,
    ttl_seconds: i64,
    /// `active`, `released`, `expired` or `failed`.
    status: &'static str,
    last_heartbeat: i64,
    context_id: Option<String>,
    /// To be shown, with the id, by who holds it.
    epoch: u64,
}

impl Lease {
    pub(crate) fn of(lease: &record::Lease) -> Self {
        Self {
            id: lease.id.to_string(),
            task_id: lease.task.to_string(),
            worker_id: lease.worker.to_string(),
            started_at: lease.started_at,
            expires_at: lease.expires_at,
            ttl_seconds: lease.ttl_ms / 1000,
            status: lease.status.name(),
            last_heartbeat: lease.last_heartbeat.unwrap_or(lease.started_at),
            context_id: lease.context.as_ref().map(ToString::to_string),
            epoch: lease.epoch,
        }
    }
}

/// A worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerNode {
    id: String,
    node_id: String,
    url: Option<String>,
    /// `online`, `offline`, `syncing`, `error` or `unknown`.
    status: &'static str,
    capabilities: WorkerCapabilities,
    last_heartbeat: Option<i64>,
    ip_addrs: Vec<String>,
    obs_count: u64,
    db_sha: Option<String>,
    registered_at: i64,
    active_leases: u32,
    agent_version: Option<String>,
    os_info: Option<String>,
    install_method: Option<String>,
    /// Why it is granted nothing, where its provider lets it ask nothing for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<WorkerBlocked>,
}

/// What a worker's provider says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerBlocked {
    /// `quota` or `not_logged_in`.
    code: String,
    message: String,
    /// Until when, in milliseconds; else until the worker is let in again.
    until: Option<i64>,
}

/// What a worker can do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerCapabilities {
    claude_cli: bool,
    max_concurrency: u32,
    labels: Vec<String>,
    provides: Vec<String>,
}

impl WorkerNode {
    pub(crate) fn of(seat: Seat) -> Self {
        let Seat { worker, status, last_heartbeat, active_leases, blocked } = seat;
        let name = worker.id.to_string();
        Self {
            id: name.clone(),
            node_id: name,
            url: worker.url,
            status: status.name(),
            capabilities: WorkerCapabilities {
                claude_cli: worker.capabilities.claude_cli,
                max_concurrency: worker.capabilities.max_concurrency,
                labels: worker.capabilities.labels,
                provides: worker.capabilities.provides,
            },
            last_heartbeat,
            ip_addrs: worker.ip_addrs,
            obs_count: worker.obs_count,
            db_sha: worker.db_sha,
            registered_at: worker.registered_at,
            active_leases,
            agent_version: worker.agent_version,
            os_info: worker.os_info,
            install_method: worker.install_method,
            blocked: blocked.map(|Blocked { error, until }| WorkerBlocked {
                code: error.code,
                message: error.message,
                until,
            }),
        }
    }
}

/// A worker with what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerDetail {
    #[serde(flatten)]
    pub(crate) worker: WorkerNode,
    pub(crate) leases: Vec<Lease>,
}

/// A git repository that is kept on nodes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagedProject)]
pub(crate) struct ProjectView {
    id: String,
    name: String,
    repo_url: String,
    /// What the control plane knows it by.
    canonical_id: String,
    target_path: Option<String>,
    /// `pending`, `cloning`, `cloned`, `failed`, `propagating` or `synced`.
    clone_status: &'static str,
    primary_node_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    /// Why the last thing that was tried failed.
    error_message: Option<String>,
}

impl ProjectView {
    pub(crate) fn of(project: record::ManagedProject) -> Self {
        Self {
            canonical_id: project.canonical_id(),
            id: project.id.to_string(),
            name: project.name,
            repo_url: project.repo_url,
            target_path: project.target_path,
            clone_status: project.status.name(),
            primary_node_id: project.primary_node.map(|node| node.to_string()),
            created_at: project.created_at,
            updated_at: project.updated_at,
            error_message: project.error,
        }
    }
}

/// How a project is on a node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NodeStatus)]
pub(crate) struct NodeStatusView {
    id: String,
    project_id: String,
    node_id: String,
    /// `pending`, `cloning`, `cloned`, `failed`, `propagating` or `synced`.
    clone_status: &'static str,
    last_sync_at: Option<i64>,
    error_message: Option<String>,
    repo_path: Option<String>,
}

impl NodeStatusView {
    pub(crate) fn of(status: record::NodeStatus) -> Self {
        Self {
            id: status.id.to_string(),
            project_id: status.project.to_string(),
            node_id: status.node.to_string(),
            clone_status: status.status.name(),
            last_sync_at: status.last_sync_at,
            error_message: status.error,
            repo_path: status.repo_path,
        }
    }
}

/// A project, with how it is on nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectDetail {
    #[serde(flatten)]
    pub(crate) project: ProjectView,
    pub(crate) nodes: Vec<NodeStatusView>,
}

/// Something that was made and does not change any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuntimeArtifact {
    id: String,
    task_id: Option<String>,
    job_id: Option<String>,
    r#type: String,
    /// What the run calls it that handed it out; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    created_at: i64,
    finalized: bool,
    /// Where its bytes are, on this server.
    url: Option<String>,
    entity_refs: Vec<String>,
    tags: Vec<String>,
    content: Option<String>,
}

impl RuntimeArtifact {
    pub(crate) fn of(artifact: record::Artifact, content: Option<Vec<u8>>) -> Self {
        Self {
            url: Some(format!("/api/v1/artifacts/{}", artifact.id)),
            id: artifact.id.to_string(),
            task_id: artifact.task.map(|task| task.to_string()),
            job_id: artifact.job.map(|job| job.to_string()),
            r#type: artifact.kind,
            name: artifact.name,
            created_at: artifact.created_at,
            finalized: true,
            entity_refs: artifact.entity_refs,
            tags: artifact.tags,
            content: content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// What a worker said of an attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LlmResult {
    id: String,
    task_id: String,
    worker_id: String,
    artifact_id: String,
    /// `success` or `error`.
    status: &'static str,
    output: Option<String>,
    error_message: Option<String>,
    metrics: Metrics,
    completed_at: i64,
}

/// What an attempt took.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metrics {
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<u64>,
}

impl LlmResult {
    pub(crate) fn of(result: record::TaskResult) -> Self {
        let (status, output, error_message) = match result.outcome {
            Ok(output) => ("success", Some(output), None),
            Err(message) => ("error", None, Some(message)),
        };
        Self {
            id: result.lease.to_string(),
            task_id: result.task.to_string(),
            worker_id: result.worker.to_string(),
            artifact_id: result.artifact.to_string(),
            status,
            output,
            error_message,
            metrics: Metrics { duration_ms: result.duration_ms, tokens_used: result.tokens_used },
            completed_at: result.completed_at,
        }
    }
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLogEntry {
    id: String,
    timestamp: i64,
    action: String,
    entity_type: String,
    entity_id: String,
    actor: String,
    detail: Value,
}

impl AuditLogEntry {
    pub(crate) fn of(entry: record::AuditEntry) -> Self {
        let record::AuditEntry { seq, note, .. } = entry;
        let mut detail = note.detail.to_json();
        let more = [
            ("job_id", note.job_id.map(Value::from)),
            ("context_id", note.context_id.map(Value::from)),
            ("epoch", note.epoch.map(Value::from)),
        ];
        if let Some(members) = detail.as_object_mut() {
            members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        Self {
            id: seq.to_string(),
            timestamp: note.at,
            action: note.action,
            entity_type: note.entity_type,
            entity_id: note.entity_id,
            actor: note.actor.to_string(),
            detail,
        }
    }
}

/// How much there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    pub(crate) tasks: TaskStats,
    pub(crate) leases: LeaseStats,
    pub(crate) workers: WorkerStats,
}

/// How many tasks there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskStats {
    pub(crate) total: u64,
    pub(crate) by_status: BTreeMap<&'static str, u64>,
}

/// How many leases there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeaseStats {
    pub(crate) total: u64,
    pub(crate) active: u64,
}

/// How many workers there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerStats {
    pub(crate) total: usize,
    pub(crate) online: usize,
}
