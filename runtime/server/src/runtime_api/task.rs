//! Tasks for LLMs.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, Usage};
use bloom_ir::Digest;
use bloom_runtime::dispatch::Proof;
use bloom_runtime::engine::NewTask;
use bloom_runtime::record::{
    Artifact, ArtifactId, ContextId, LeaseEnding, LeaseId, Task, TaskId, TaskResult, TaskStatus, WorkerId,
};
use bloom_runtime::store::{Kept, TaskFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::bodies::{CompletionForm, HolderForm, LeaseForm, TaskForm};
use super::error::Refused;
use super::form::{Form, boolean, number, one_of, text, texts};
use super::lease::{log, note_in_span};
use super::state::LISTED;
use super::view::{Lease, LlmResult, LlmTask, RuntimeArtifact, WorkerNode};
use crate::app::App;
use crate::auth::{Holder, Identity};
use crate::extract::{Path, Query};

const PROMPT: usize = 4 << 20;
const NAME: usize = 256;
const STATUSES: &[(&str, TaskStatus)] = &[
    ("queued", TaskStatus::Queued),
    ("leased", TaskStatus::Leased),
    ("running", TaskStatus::Running),
    ("completed", TaskStatus::Completed),
    ("failed", TaskStatus::Failed),
    ("dead", TaskStatus::Dead),
];

/// A task as clients see it.
pub(super) async fn show_task(app: &App, task: Task) -> Result<LlmTask, Refused> {
    let task = app.engine.current_task(task);
    let lease = match task.lease.as_ref().filter(|_| task.is_held()) {
        Some(lease) => app.store().lease(lease).await?,
        None => None,
    };
    Ok(LlmTask::of(&task, lease.as_ref().map(|lease| &lease.worker)))
}

pub(super) async fn shown(app: &App, tasks: Vec<Task>) -> Result<Vec<LlmTask>, Refused> {
    let mut shown = Vec::with_capacity(tasks.len());
    for task in tasks {
        shown.push(show_task(app, task).await?);
    }
    Ok(shown)
}

async fn find(app: &App, id: &str) -> Result<Task, Refused> {
    let task = app.store().task(&TaskId::new(id)).await?;
    // A whole run is no question to an LLM.
    let task = task.filter(|task| task.flow.is_none()).ok_or_else(|| Refused::not_found("Task"))?;
    note_in_span(&task, None);
    Ok(task)
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In this status.
    status: Option<String>,
}

/// Tasks, newest first.
#[utoipa::path(get, path = "/api/runtime/llm-tasks", tag = "runtime", params(Which),
    responses((status = 200, body = Vec<LlmTask>), (status = 400, description = "There is no such status")))]
pub(crate) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Json<Vec<LlmTask>>, Refused> {
    let status = which.status.map(|status| one_of(STATUSES)(&Value::String(status))).transpose();
    let status = status.map_err(|message| Refused::new(StatusCode::BAD_REQUEST, format!("status: {message}")))?;
    let stored = status.map(|status| if status == TaskStatus::Running { TaskStatus::Leased } else { status });
    let tasks = app
        .store()
        .list_tasks(&TaskFilter { status: stored, questions: true, limit: LISTED, ..TaskFilter::default() })
        .await?;
    let current = tasks.into_iter().map(|task| app.engine.current_task(task));
    let wanted = current.filter(|task| status.is_none_or(|status| status == task.status)).collect();
    Ok(Json(shown(&app, wanted).await?))
}

/// A task.
#[utoipa::path(get, path = "/api/runtime/llm-tasks/{id}", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = LlmTask), (status = 404, description = "There is no such task")))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<LlmTask>, Refused> {
    let task = find(&app, &id).await?;
    Ok(Json(show_task(&app, task).await?))
}

/// Posts a task: `context_id`, `agent_slug`, `prompt`, and what else a task says that is not the server's.
#[utoipa::path(post, path = "/api/runtime/llm-tasks", tag = "runtime", request_body = TaskForm,
    responses((status = 201, body = LlmTask), (status = 400, description = "The body is not what it must be"),
        (status = 413, description = "The body is too large"), (status = 415, description = "The body is no JSON")))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    mut form: Form,
) -> Result<(StatusCode, Json<LlmTask>), Refused> {
    let context = form.require("context_id", text(1..=NAME));
    let agent = form.require("agent_slug", text(1..=NAME));
    let prompt = form.require("prompt", text(1..=PROMPT));
    let hints = form.get("context_hints", hints).unwrap_or_default();
    let policy = form.within("policy", |policy| {
        (policy.get("timeout_sec", number(1..=3600_u32)), policy.get("budget", number(0..=i64::from(u32::MAX))))
    });
    let (timeout, budget) = policy.unwrap_or_default();
    let wants_text = form.get("desired_format", one_of(&[("text", true), ("json", false)])).unwrap_or(true);
    let max_attempts = form.get("max_attempts", number(1..=10_u32)).unwrap_or(3);
    let priority = form.get("priority", number(-1_000_000..=1_000_000_i32)).unwrap_or_default();
    form.finish()?;
    let new = NewTask {
        context: ContextId::new(context.unwrap_or_default()),
        agent_slug: agent.unwrap_or_default(),
        request: LlmRequest {
            prompt: prompt.unwrap_or_default(),
            system: None,
            memory: hints.into_iter().map(bloom_ir::Value::from).collect(),
            model: None,
            max_tokens: budget.and_then(|budget| u64::try_from(budget).ok()).filter(|budget| *budget > 0),
            session: None,
            output: if wants_text { json!({ "type": "string" }) } else { json!({}) },
            timeout_seconds: None,
            retry: None,
        },
        timeout_seconds: timeout.unwrap_or(120),
        priority,
        max_attempts,
    };
    let task = app.engine.post_task(new, &by).await?;
    Ok((StatusCode::CREATED, Json(LlmTask::of(&task, None))))
}

/// A list of texts, or an object, whose members become texts in the order of their keys.
fn hints(value: &Value) -> Result<Vec<String>, String> {
    let Some(members) = value.as_object() else { return texts(value) };
    let mut hints: Vec<(&String, String)> = members
        .iter()
        .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    hints.sort();
    Ok(hints.into_iter().map(|(key, value)| format!("{key}: {value}")).collect())
}

/// A grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Leased {
    lease: Lease,
    worker: WorkerNode,
}

/// Has a task leased, to a worker (`worker_id`) or to the best one, for `ttl_seconds`.
#[utoipa::path(post, path = "/api/runtime/llm-tasks/{id}/lease", tag = "runtime", params(("id" = String, Path)),
    request_body = LeaseForm,
    responses((status = 201, body = Leased), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such task or worker"), (status = 409, description = "It is not queued"),
        (status = 503, description = "No worker with free capacity can do it")))]
pub(crate) async fn lease(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<(StatusCode, Json<Leased>), Refused> {
    let worker = form.get("worker_id", text(1..=NAME)).map(WorkerId::new);
    let ttl = form.get("ttl_seconds", number(1..=86_400_u32)).map(|seconds| Duration::from_secs(seconds.into()));
    form.finish()?;
    if let Some(worker) = &worker
        && app.engine.worker(worker).is_none()
    {
        return Err(Refused::not_found("Worker"));
    }
    let task = find(&app, &id).await?;
    let grant = app.engine.lease_task(&task.id, worker.as_ref(), ttl, None).await?;
    let seat = app.engine.worker(&grant.lease.worker).ok_or_else(|| Refused::not_found("Worker"))?;
    let leased = Leased { lease: Lease::of(&grant.lease), worker: WorkerNode::of(seat) };
    Ok((StatusCode::CREATED, Json(leased)))
}

/// A lease that lives longer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Beaten {
    lease: Lease,
    expires_at: i64,
}

/// Says that the holder of a task is alive: it shows `lease_id` and `epoch`, unless the task has had one lease only.
#[utoipa::path(post, path = "/api/runtime/llm-tasks/{id}/heartbeat", tag = "runtime", params(("id" = String, Path)),
    request_body = HolderForm,
    responses((status = 200, body = Beaten), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such task, or nobody has it"), (status = 409, description = "The lease is stale")))]
pub(crate) async fn heartbeat(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Beaten>, Refused> {
    let shown = Shown::read(&mut form);
    form.finish()?;
    let task = find(&app, &id).await?;
    let none = || Refused::new(StatusCode::NOT_FOUND, "No active lease for this task");
    if !task.is_held() && shown.lease.is_none() {
        return Err(none());
    }
    let proof = shown.proof(&app, &task.id).await?.ok_or_else(none)?;
    holder.hold(&app, &proof.lease).await?;
    beat(&app, proof).await
}

pub(super) async fn beat(app: &App, proof: Proof) -> Result<Json<Beaten>, Refused> {
    let lease = Lease::of(&app.engine.heartbeat(proof).await?);
    Ok(Json(Beaten { expires_at: lease.expires_at, lease }))
}

/// What a holder shows of its lease.
pub(super) struct Shown {
    pub(super) lease: Option<LeaseId>,
    pub(super) epoch: Option<u64>,
}

impl Shown {
    pub(super) fn read(form: &mut Form) -> Self {
        Self {
            lease: form.get("lease_id", text(1..=NAME)).map(LeaseId::new),
            epoch: form.get("epoch", number(0..=i64::MAX)).and_then(|epoch| u64::try_from(epoch).ok()),
        }
    }

    async fn proof(self, app: &App, task: &TaskId) -> Result<Option<Proof>, Refused> {
        Ok(app.engine.proof(task, self.lease, self.epoch).await?)
    }
}

/// What became of a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Completed {
    task: LlmTask,
    artifact: Option<RuntimeArtifact>,
    result: Option<LlmResult>,
}

/// Ends a task for its holder, with `status` `success` and `output`, or `error` and `error_message`, and `metrics`. It shows
/// `lease_id` and `epoch`, unless the task has had one lease only. Telling it again is harmless.
#[utoipa::path(post, path = "/api/runtime/llm-tasks/{id}/complete", tag = "runtime", params(("id" = String, Path)),
    request_body = CompletionForm,
    responses((status = 200, body = Completed), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such task"),
        (status = 409, description = "Nobody has the task, or the lease is stale")))]
pub(crate) async fn complete(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Completed>, Refused> {
    let shown = Shown::read(&mut form);
    let completion = Completion::read(form)?;
    let task = find(&app, &id).await?;
    let not_held = || Refused::new(StatusCode::CONFLICT, "Task is not leased or running");
    let proof = shown.proof(&app, &task.id).await?.ok_or_else(not_held)?;
    holder.hold(&app, &proof.lease).await?;
    completion.record(&app, task, proof).await
}

/// What a holder says at the end.
pub(super) struct Completion {
    outcome: Result<String, String>,
    is_retryable: bool,
    duration_ms: u64,
    tokens_used: Option<u64>,
    kind: String,
    tags: Vec<String>,
    worker: Option<WorkerId>,
}

impl Completion {
    pub(super) fn read(mut form: Form) -> Result<Self, Refused> {
        let output = form.get("output", text(0..=PROMPT));
        let error = form.get("error_message", text(0..=PROMPT));
        let outcome = match form.require("status", one_of(&[("success", true), ("error", false)])) {
            Some(true) if output.is_none() => {
                form.note("output", "Required where status is success".to_owned());
                None
            }
            Some(false) if error.is_none() => {
                form.note("error_message", "Required where status is error".to_owned());
                None
            }
            Some(true) => output.map(Ok),
            Some(false) => error.map(Err),
            None => None,
        };
        let metrics = form.within("metrics", |metrics| {
            let duration = metrics.require("duration_ms", number(0..=i64::MAX));
            (duration, metrics.get("tokens_used", number(0..=i64::MAX)))
        });
        if metrics.is_none() {
            form.require("metrics", |_| Ok(()));
        }
        let (duration, tokens) = metrics.unwrap_or_default();
        let completion = Self {
            outcome: outcome.unwrap_or_else(|| Err(String::new())),
            is_retryable: form.get("retryable", boolean).unwrap_or(true),
            duration_ms: duration.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default(),
            tokens_used: tokens.and_then(|tokens| u64::try_from(tokens).ok()),
            kind: form.get("artifact_type", text(1..=NAME)).unwrap_or_else(|| Brought::KIND.to_owned()),
            tags: form.get("artifact_tags", texts).unwrap_or_default(),
            worker: form.get("worker_id", text(1..=NAME)).map(WorkerId::new),
        };
        form.finish()?;
        Ok(completion)
    }

    pub(super) async fn record(self, app: &App, task: Task, proof: Proof) -> Result<Json<Completed>, Refused> {
        let lease = app.store().lease(&proof.lease).await?.ok_or_else(|| Refused::not_found("Lease"))?;
        if lease.task != task.id || self.worker.as_ref().is_some_and(|worker| *worker != lease.worker) {
            return Err(Refused::conflict("LEASE_STALE", "The lease is another worker's or another task's"));
        }
        note_in_span(&task, Some(&lease.worker));
        let ending = self.ending(&task);
        log(&task, &lease, "llm_call", task.asked_by().node.as_str(), self.duration_ms, self.tokens_used);
        let kept = Brought {
            outcome: self.outcome,
            duration_ms: self.duration_ms,
            tokens_used: self.tokens_used,
            kind: self.kind,
            tags: self.tags,
        }
        .kept(app, &task, &lease);
        let ended = app.engine.end_lease_with(&lease.id, proof.epoch, ending, Some(kept)).await?;
        // What was kept the first time, where this is told again.
        let result = app.store().task_result(&lease.id).await?;
        let artifact = match &result {
            Some(result) => app.store().artifact(&result.artifact).await?,
            None => None,
        };
        let content = match &artifact {
            Some(artifact) => app.store().blob(artifact.content).await?,
            None => None,
        };
        Ok(Json(Completed {
            task: show_task(app, ended.task).await?,
            artifact: artifact.map(|artifact| RuntimeArtifact::of(artifact, content)),
            result: result.map(LlmResult::of),
        }))
    }

    fn ending(&self, task: &Task) -> LeaseEnding {
        let usage = Usage {
            output_tokens: self.tokens_used.unwrap_or_default(),
            prompt: Some(Digest::of(task.request.prompt.as_bytes())),
            latency_ms: self.duration_ms,
            ..Usage::default()
        };
        let answer: Result<Answer, EffectError> = match &self.outcome {
            Ok(output) => bloom_worker::read_answer(&task.request, output, usage),
            Err(message) => {
                let error = EffectError::new("worker_error", message.clone());
                Err(EffectError { retryable: self.is_retryable, ..error })
            }
        };
        match answer {
            Ok(answer) => LeaseEnding::Completed(answer),
            Err(error) => LeaseEnding::Failed(error),
        }
    }
}

/// What a holder brought, to be kept for clients.
pub(super) struct Brought {
    /// The output, or what went wrong.
    pub(super) outcome: Result<String, String>,
    pub(super) duration_ms: u64,
    pub(super) tokens_used: Option<u64>,
    pub(super) kind: String,
    pub(super) tags: Vec<String>,
}

impl Brought {
    pub(super) const KIND: &str = "LLM_RESULT";

    pub(super) fn kept(self, app: &App, task: &Task, lease: &bloom_runtime::record::Lease) -> Kept {
        let content = match &self.outcome {
            Ok(text) | Err(text) => text.clone().into_bytes(),
        };
        let now = app.clock.now();
        let artifact = Artifact {
            id: ArtifactId::new(app.ids.fresh()),
            task: Some(task.id.clone()),
            job: task.run().cloned(),
            kind: self.kind,
            name: None,
            created_at: now,
            content: Digest::of(&content),
            bytes: content.len() as u64,
            media_type: Some(crate::content::kind(&content).to_owned()),
            entity_refs: Vec::new(),
            tags: self.tags,
        };
        let result = TaskResult {
            lease: lease.id.clone(),
            task: task.id.clone(),
            worker: lease.worker.clone(),
            artifact: artifact.id.clone(),
            outcome: self.outcome,
            duration_ms: self.duration_ms,
            tokens_used: self.tokens_used,
            completed_at: now,
        };
        Kept { result, artifact, content }
    }
}

/// Has a failed or dead task tried again, with no attempt counted.
#[utoipa::path(post, path = "/api/runtime/llm-tasks/{id}/requeue", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = LlmTask), (status = 404, description = "There is no such task"),
        (status = 409, description = "It has neither failed nor is it dead, or its run has gone on without it")))]
pub(crate) async fn requeue(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<LlmTask>, Refused> {
    let task = app.engine.requeue(&TaskId::new(id), &by).await?;
    Ok(Json(show_task(&app, task).await?))
}
