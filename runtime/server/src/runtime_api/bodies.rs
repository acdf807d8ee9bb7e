//! What bodies hold, for the description of the API: they are read member by member ([`super::form`]), so that all that is wrong
//! with one is told at once.

#![expect(dead_code, reason = "for the description")]

use std::collections::BTreeMap;

use bloom_runtime::record::{LeaseId, WorkerId};
use serde_json::Value;
use utoipa::ToSchema;

/// A task to be posted.
#[derive(ToSchema)]
pub(crate) struct TaskForm {
    #[schema(min_length = 1, max_length = 256)]
    context_id: String,
    #[schema(min_length = 1, max_length = 256)]
    agent_slug: String,
    #[schema(min_length = 1, max_length = 4_194_304)]
    prompt: String,
    context_hints: Option<Hints>,
    policy: Option<TaskPolicyForm>,
    /// Absent: `text`.
    #[schema(inline)]
    desired_format: Option<Format>,
    /// Absent: 3.
    #[schema(minimum = 1, maximum = 10)]
    max_attempts: Option<u32>,
    /// Higher ones come first; absent: 0.
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
}

/// A list of texts, or an object, whose members become texts in the order of their keys.
#[derive(ToSchema)]
#[serde(untagged)]
enum Hints {
    Texts(Vec<String>),
    Members(BTreeMap<String, Value>),
}

/// What a task may use.
#[derive(ToSchema)]
struct TaskPolicyForm {
    /// Absent: 120.
    #[schema(minimum = 1, maximum = 3600)]
    timeout_sec: Option<u32>,
    /// Tokens; 0 for no limit.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    budget: Option<i64>,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

/// To whom a task is leased.
#[derive(ToSchema)]
pub(crate) struct LeaseForm {
    /// Absent: the best one.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    worker_id: Option<WorkerId>,
    #[schema(minimum = 1, maximum = 86_400)]
    ttl_seconds: Option<u32>,
}

/// What a machine shows to become a node.
#[derive(ToSchema)]
pub(crate) struct EnrollForm {
    #[schema(min_length = 1, max_length = 256, format = Password)]
    token: String,
    /// What it installs: a worker that asks for tasks (absent: this), or the agent that tasks are pushed to.
    #[schema(inline)]
    agent: Option<super::install::Agent>,
}

/// What a holder shows of its lease; nothing where the task has had one lease only.
#[derive(ToSchema)]
pub(crate) struct HolderForm {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    lease_id: Option<LeaseId>,
    #[schema(minimum = 0)]
    epoch: Option<i64>,
}

/// What a holder says at the end.
#[derive(ToSchema)]
pub(crate) struct CompletionForm {
    #[schema(inline)]
    status: Ending,
    /// Required where `status` is `success`.
    output: Option<String>,
    /// Required where `status` is `error`.
    error_message: Option<String>,
    metrics: MetricsForm,
    /// Whether another attempt may do; absent: true.
    retryable: Option<bool>,
    /// Absent: `LLM_RESULT`.
    #[schema(min_length = 1, max_length = 256)]
    artifact_type: Option<String>,
    artifact_tags: Option<Vec<String>>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    worker_id: Option<WorkerId>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    lease_id: Option<LeaseId>,
    #[schema(minimum = 0)]
    epoch: Option<i64>,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum Ending {
    Success,
    Error,
}

/// What a task took.
#[derive(ToSchema)]
struct MetricsForm {
    #[schema(minimum = 0)]
    duration_ms: i64,
    #[schema(minimum = 0)]
    tokens_used: Option<i64>,
}

/// A worker that registers.
#[derive(ToSchema)]
pub(crate) struct WorkerForm {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// Where its node agent listens; a worker that pulls has none.
    #[schema(max_length = 2048)]
    url: Option<String>,
    #[schema(inline)]
    status: Option<WorkerStanding>,
    capabilities: Option<CapabilitiesForm>,
    #[schema(max_items = 64)]
    ip_addrs: Option<Vec<String>>,
    #[schema(max_length = 1024)]
    agent_version: Option<String>,
    #[schema(max_length = 1024)]
    os_info: Option<String>,
    #[schema(max_length = 1024)]
    install_method: Option<String>,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum WorkerStanding {
    Online,
    Offline,
    Syncing,
    Error,
    Unknown,
}

/// What a worker has.
#[derive(ToSchema)]
struct CapabilitiesForm {
    /// Absent: true, where it provides nothing else.
    claude_cli: Option<bool>,
    /// Absent: 1.
    #[schema(minimum = 1, maximum = 32)]
    max_concurrency: Option<u32>,
    #[schema(max_items = 64)]
    labels: Option<Vec<String>>,
    /// As `llm.claude_cli`, `ir:0.1`, `tool.http-get`.
    provides: Option<Vec<String>>,
}

/// What a worker says of itself.
#[derive(ToSchema)]
pub(crate) struct WorkerBeatForm {
    /// It takes nothing more until it registers again.
    drains: Option<bool>,
}

/// What an agent is to update itself from.
#[derive(ToSchema)]
pub(crate) struct UpdateForm {
    /// A git repository; absent: where it came from.
    repo_url: Option<String>,
}

/// To which agent a task is sent.
#[derive(ToSchema)]
pub(crate) struct DispatchForm {
    /// Absent: the best one.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    worker_id: Option<WorkerId>,
}

/// What a worker asks for.
#[derive(ToSchema)]
pub(crate) struct PullForm {
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    worker_id: WorkerId,
    /// What it has now; absent: what it registered with.
    provides: Option<Vec<String>>,
    /// Absent: 1.
    #[schema(minimum = 0, maximum = 32)]
    free_slots: Option<u32>,
    /// How long it waits for the first; absent: not at all.
    #[schema(minimum = 0, maximum = 30)]
    wait_seconds: Option<u32>,
}

/// By which grant a lease is held.
#[derive(ToSchema)]
pub(crate) struct EpochForm {
    #[schema(minimum = 0)]
    epoch: i64,
}

/// A holder's result.
#[derive(ToSchema)]
pub(crate) struct ResultForm {
    #[schema(minimum = 0)]
    epoch: i64,
    #[schema(inline)]
    status: Outcome,
    /// Of a question, where `status` is `success`: `value`, `usage`.
    #[schema(value_type = Option<Object>)]
    answer: Option<Value>,
    /// Of a run, in place of `answer`.
    #[schema(value_type = Option<Object>)]
    outputs: Option<Value>,
    /// Where it is not `success`: `code`, `message`, `retryable`, `details`, `usage`.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Success,
    Failed,
    Timeout,
}
