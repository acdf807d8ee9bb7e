//! Leases, and what their holders do with them.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};
use bloom_ir::Digest;
use bloom_runtime::dispatch::Proof;
use bloom_runtime::record::{self, LeaseEnding, LeaseId, LeaseStatus, Task, TaskStatus, WorkerId};
use bloom_runtime::store::{Grant, LeaseFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::bodies::{CompletionForm, EpochForm, HolderForm, PullForm, ResultForm};
use super::error::Refused;
use super::flow;
use super::form::{Form, number, one_of, text, texts};
use super::state::LISTED;
use super::task::{self, Beaten, Brought, Completed, Completion, show_task};
use super::view::{Lease, LlmTask};
use crate::app::App;
use crate::auth::Holder;
use crate::error::ApiError;
use crate::extract::{Path, Query};

const STATUSES: &[(&str, LeaseStatus)] = &[
    ("active", LeaseStatus::Active),
    ("released", LeaseStatus::Released),
    ("expired", LeaseStatus::Expired),
    ("failed", LeaseStatus::Failed),
];

/// Which leases.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In this status.
    status: Option<String>,
}

/// Leases, newest first.
#[utoipa::path(get, path = "/api/runtime/leases", tag = "runtime", params(Which),
    responses((status = 200, body = Vec<Lease>), (status = 400, description = "There is no such status")))]
pub(crate) async fn list(State(app): State<App>, Query(which): Query<Which>) -> Result<Json<Vec<Lease>>, Refused> {
    let status = which.status.map(|status| one_of(STATUSES)(&Value::String(status))).transpose();
    let status = status.map_err(|message| Refused::new(StatusCode::BAD_REQUEST, format!("status: {message}")))?;
    let leases = app.store().list_leases(&LeaseFilter { status, limit: LISTED, ..LeaseFilter::default() }).await?;
    Ok(Json(leases.into_iter().map(|lease| Lease::of(&app.engine.current_lease(lease))).collect()))
}

/// What a worker is granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Granted {
    lease: Lease,
    /// One question to an LLM,
    #[serde(flatten)]
    question: Option<Question>,
    /// or a whole run: its Task Envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<Value>,
}

/// A question to an LLM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Question {
    task: LlmTask,
    /// All that is asked: prompt, memory, the schema of the answer.
    #[schema(value_type = Object)]
    request: LlmRequest,
    /// The same for every attempt.
    idempotency_key: String,
    /// The node that asks.
    #[schema(value_type = Object)]
    asked_by: NodeRef,
}

/// A worker (`worker_id`) asks for as many tasks as it has `free_slots`, and waits up to `wait_seconds` for the first. It
/// may say what it `provides` now.
#[utoipa::path(post, path = "/api/runtime/leases", tag = "runtime", request_body = PullForm,
    responses((status = 200, body = Vec<Granted>), (status = 204, description = "There is nothing that it can do"),
        (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such worker: it registers again")))]
pub(crate) async fn pull(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    mut form: Form,
) -> Result<Response, Refused> {
    let worker = form.require("worker_id", text(1..=128)).map(WorkerId::new);
    let provides = form.get("provides", texts);
    let slots = form.get("free_slots", number(0..=32_u32)).unwrap_or(1);
    let wait = form.get("wait_seconds", number(0..=30_u32)).unwrap_or_default();
    form.finish()?;
    let worker = worker.unwrap_or_else(|| WorkerId::new(""));
    holder.act_for(&worker)?;
    tracing::Span::current().record("worker", worker.as_str());
    let (slots, wait) = (usize::try_from(slots).unwrap_or(usize::MAX), Duration::from_secs(wait.into()));
    let (here, gone) = oneshot::channel::<()>();
    // A task of its own: a grant that is being recorded when the client goes is not forgotten.
    let pulling = tokio::spawn(async move {
        let mut stopping = app.stopping();
        let until = async {
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                _ = gone => {}
                // Nobody waits for a server that stops.
                _ = stopping.wait_for(|stops| *stops) => {}
            }
        };
        let grants = app.engine.pull(&worker, provides, slots, until).await?;
        let untold = Untold::new(&app, &grants);
        Ok::<_, Refused>((untold, shown(&app, grants).await))
    });
    let (untold, granted) = pulling.await.map_err(|lost| ApiError::internal(&lost))??;
    let answer =
        if granted.is_empty() { StatusCode::NO_CONTENT.into_response() } else { Json(granted).into_response() };
    drop(here);
    untold.told();
    Ok(answer)
}

/// Grants that their worker does not know of yet. If it is not told, they are given back, and need not wait for their time.
struct Untold {
    app: App,
    leases: Vec<(LeaseId, u64)>,
}

impl Untold {
    fn new(app: &App, grants: &[Grant]) -> Self {
        let leases = grants.iter().map(|grant| (grant.lease.id.clone(), grant.lease.epoch));
        Self { app: app.clone(), leases: leases.collect() }
    }

    fn told(mut self) {
        self.leases.clear();
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        let (app, leases) = (self.app.clone(), std::mem::take(&mut self.leases));
        let Ok(runtime) = Handle::try_current() else { return };
        if leases.is_empty() {
            return;
        }
        runtime.spawn(async move {
            for (lease, epoch) in leases {
                if let Err(error) = app.engine.end_lease(&lease, epoch, LeaseEnding::GivenBack).await {
                    tracing::warn!(%lease, %error, "a lease that nobody was told of was not given back");
                }
            }
        });
    }
}

/// Grants, as their worker sees them. One that cannot be shown fails, so that it is not granted again and again.
async fn shown(app: &App, grants: Vec<Grant>) -> Vec<Granted> {
    let mut granted = Vec::with_capacity(grants.len());
    for Grant { lease, task } in grants {
        let envelope = match flow::envelope(app, &task, &lease).await {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(task = %task.id, ?error, "the envelope of a task cannot be made");
                let error = EffectError::new("dispatch_failed", "the run or its program cannot be read");
                let ending = LeaseEnding::Failed(EffectError { retryable: true, ..error });
                if let Err(error) = app.engine.end_lease(&lease.id, lease.epoch, ending).await {
                    tracing::warn!(lease = %lease.id, %error, "a lease was not ended");
                }
                continue;
            }
        };
        let question = task.flow.is_none().then(|| Question {
            idempotency_key: task.idempotency_key(),
            asked_by: task.asked_by(),
            task: LlmTask::of(&task, Some(&lease.worker)),
            request: task.request,
        });
        granted.push(Granted { lease: Lease::of(&lease), question, envelope });
    }
    granted
}

pub(super) fn proof(id: String, epoch: Option<u64>) -> Proof {
    Proof { lease: LeaseId::new(id), epoch: epoch.unwrap_or_default() }
}

pub(super) fn epoch(form: &mut Form) -> Option<u64> {
    form.require("epoch", number(0..=i64::MAX)).and_then(|epoch| u64::try_from(epoch).ok())
}

/// Says that the holder of a lease is alive.
#[utoipa::path(post, path = "/api/runtime/leases/{id}/heartbeat", tag = "runtime", params(("id" = String, Path)),
    request_body = EpochForm,
    responses((status = 200, body = Beaten), (status = 400, description = "The epoch is missing"),
        (status = 404, description = "There is no such lease"), (status = 409, description = "The lease is stale")))]
pub(crate) async fn heartbeat(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Beaten>, Refused> {
    let epoch = epoch(&mut form);
    form.finish()?;
    task::beat(&app, proof(id, epoch)).await
}

/// A lease that was given back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    task: LlmTask,
}

/// Gives a task back: the attempt does not count.
#[utoipa::path(post, path = "/api/runtime/leases/{id}/release", tag = "runtime", params(("id" = String, Path)),
    request_body = EpochForm,
    responses((status = 200, body = Ended), (status = 400, description = "The epoch is missing"),
        (status = 404, description = "There is no such lease"), (status = 409, description = "The lease is stale")))]
pub(crate) async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Ended>, Refused> {
    let epoch = epoch(&mut form);
    form.finish()?;
    let Proof { lease, epoch } = proof(id, epoch);
    let ended = app.engine.end_lease(&lease, epoch, LeaseEnding::GivenBack).await?;
    note_in_span(&ended.task, None);
    Ok(Json(Ended { task: show_task(&app, ended.task).await? }))
}

/// Ends a lease with its holder's result. Of a question: `status` `success` and `answer` (`value`, `usage`); else `failed` or
/// `timeout`, with `error` (`code`, `message`, `retryable`, `details`, `usage`). Of a run: the Result Envelope, `task_id`,
/// `status`, `outputs`, `artifacts`, `logs`, `metrics`, whatever the run came to; what the run came to stands in its history.
/// Telling it again is harmless.
#[utoipa::path(post, path = "/api/runtime/leases/{id}/result", tag = "runtime", params(("id" = String, Path)),
    request_body = ResultForm,
    responses((status = 200, body = Ended), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such lease"), (status = 409, description = "The lease is stale")))]
pub(crate) async fn result(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Ended>, Refused> {
    let epoch = epoch(&mut form);
    let status = form
        .require("status", one_of(&[("success", Came::Success), ("failed", Came::Failed), ("timeout", Came::Timeout)]));
    let answer = form.get("answer", read::<Answer>);
    let error = form.get("error", read::<EffectError>);
    let report = Report::read(&mut form);
    form.finish()?;
    let (Proof { lease, epoch }, status) = (proof(id, epoch), status.unwrap_or(Came::Failed));
    let (lease, task) = of_lease(&app, &lease).await?;
    if report.task.as_ref().is_some_and(|of| of != task.id.as_str()) {
        return Err(wrong("task_id", "It is not the task of this lease"));
    }
    let error = || error.unwrap_or_else(|| status.error());
    let ending = match (status, answer) {
        (Came::Success, _) if task.flow.is_some() => return ended_by_history(&app, task, &lease, epoch, &report).await,
        // How a run ended stands in its history.
        _ if task.flow.is_some() && task.status == TaskStatus::Completed => {
            return ended_by_history(&app, task, &lease, epoch, &report).await;
        }
        (Came::Success, Some(answer)) => checked(&task, LeaseEnding::Completed(answer)),
        (Came::Success, None) => return Err(wrong("answer", "Required")),
        (Came::Failed | Came::Timeout, _) => LeaseEnding::Failed(error()),
    };
    let brought = brought(&ending);
    if let Some(Brought { duration_ms, tokens_used, .. }) = &brought {
        log(&task, &lease, "llm_call", task.asked_by().node.as_str(), *duration_ms, *tokens_used);
    }
    let kept = brought.map(|brought| brought.kept(&app, &task, &lease));
    let ended = app.engine.end_lease_with(&lease.id, epoch, ending, kept).await?;
    Ok(Json(Ended { task: show_task(&app, ended.task).await? }))
}

fn wrong(member: &str, message: &str) -> Refused {
    Refused::fields(&[], &[(member.to_owned(), vec![message.to_owned()])].into())
}

/// What a task came to, as its holder says it.
#[derive(Clone, Copy, Debug)]
enum Came {
    Success,
    Failed,
    Timeout,
}

impl Came {
    /// Where its holder does not say what went wrong.
    fn error(self) -> EffectError {
        let code = if matches!(self, Self::Timeout) { "timeout" } else { "worker_error" };
        EffectError { retryable: true, ..EffectError::new(code, "the worker did not say why") }
    }
}

/// The members of a Result Envelope that tell how it went.
struct Report {
    task: Option<String>,
    logs: Vec<Line>,
}

/// A line of its log.
#[derive(Debug, Deserialize)]
struct Line {
    phase: String,
    #[serde(default)]
    node_id: String,
    ms: u64,
    tokens: Option<u64>,
}

/// So many lines of an envelope's log are looked at.
const MOST_LINES: usize = 1000;

impl Report {
    fn read(form: &mut Form) -> Self {
        let is = |what: &'static str, fits: fn(&Value) -> bool| {
            move |value: &Value| if fits(value) { Ok(()) } else { Err(format!("Expected {what}")) }
        };
        form.get("outputs", is("object", Value::is_object));
        form.get("artifacts", is("array", Value::is_array));
        form.get("metrics", is("object", Value::is_object));
        Self { task: form.get("task_id", text(1..=128)), logs: form.get("logs", read::<Vec<Line>>).unwrap_or_default() }
    }
}

/// One entry of the Execution Protocol's log.
pub(super) fn log(task: &Task, lease: &record::Lease, phase: &str, node: &str, ms: u64, tokens: Option<u64>) {
    let run = task.run().map(tracing::field::display);
    let (task, worker) = (&task.id, &lease.worker);
    tracing::info!(task_id = %task, worker_id = %worker, run, phase, node_id = node, ms, tokens, "a worker performed an effect");
}

/// A run ends with its history: then its holder's word changes nothing.
async fn ended_by_history(
    app: &App,
    task: Task,
    lease: &record::Lease,
    epoch: u64,
    report: &Report,
) -> Result<Json<Ended>, Refused> {
    let is_newest = task.lease.as_ref() == Some(&lease.id) && task.epoch == epoch;
    if !is_newest {
        return Err(Refused::conflict("LEASE_STALE", format!("lease {} with epoch {epoch} is stale", lease.id)));
    }
    if task.status != TaskStatus::Completed {
        return Err(Refused::conflict("HISTORY_UNFINISHED", "the end of a run comes with its history"));
    }
    for Line { phase, node_id, ms, tokens } in report.logs.iter().take(MOST_LINES) {
        log(&task, lease, phase, node_id, *ms, *tokens);
    }
    Ok(Json(Ended { task: show_task(app, task).await? }))
}

async fn of_lease(app: &App, lease: &LeaseId) -> Result<(record::Lease, Task), Refused> {
    let lease = app.store().lease(lease).await?.ok_or_else(|| Refused::not_found("Lease"))?;
    let task = app.store().task(&lease.task).await?.ok_or_else(|| Refused::not_found("Task"))?;
    note_in_span(&task, Some(&lease.worker));
    Ok((lease, task))
}

/// Says in the log of the request of what it is.
pub(super) fn note_in_span(task: &Task, worker: Option<&WorkerId>) {
    let span = tracing::Span::current();
    span.record("task", task.id.as_str());
    if let Some(run) = task.run() {
        span.record("run", run.as_str());
    }
    if task.of.is_some() && task.flow.is_none() {
        span.record("node", task.asked_by().node.as_str());
    }
    if let Some(worker) = worker {
        span.record("worker", worker.as_str());
    }
}

/// A worker's word that an answer satisfies the schema is not enough.
fn checked(task: &Task, ending: LeaseEnding) -> LeaseEnding {
    match ending {
        LeaseEnding::Completed(answer) => match bloom_worker::check_answer(&task.request, &answer) {
            Ok(()) => LeaseEnding::Completed(answer),
            Err(error) => LeaseEnding::Failed(EffectError { usage: answer.usage.map(Box::new), ..error }),
        },
        ending => ending,
    }
}

/// What is kept of a result for clients.
fn brought(ending: &LeaseEnding) -> Option<Brought> {
    let (outcome, usage) = match ending {
        LeaseEnding::Completed(Answer { value, usage }) => {
            let text = value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned);
            (Ok(text), usage.as_ref())
        }
        LeaseEnding::Failed(error) => (Err(error.to_string()), error.usage.as_deref()),
        LeaseEnding::Expired | LeaseEnding::GivenBack => return None,
    };
    Some(Brought {
        outcome,
        duration_ms: usage.map_or(0, |usage| usage.latency_ms),
        tokens_used: usage.map(bloom_interpreter::effect::Usage::tokens),
        kind: Brought::KIND.to_owned(),
        tags: Vec::new(),
    })
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

/// The lease whose secret a node agent was given, if it is of that task.
async fn by_token(app: &App, token: &str, task: &str) -> Result<Proof, Refused> {
    let lease = app.store().lease_by_token(Digest::of(token.as_bytes())).await?;
    let lease = lease.filter(|lease| lease.task.as_str() == task).ok_or_else(|| Refused::not_found("Task"))?;
    Ok(Proof { lease: lease.id, epoch: lease.epoch })
}

/// Says that the holder of a lease is alive: an agent that knows neither leases nor epochs, but has the lease's URL.
#[utoipa::path(post, path = "/l/{token}/api/runtime/llm-tasks/{id}/heartbeat", tag = "runtime",
    params(("token" = String, Path), ("id" = String, Path)), request_body = HolderForm,
    responses((status = 200, body = Beaten), (status = 404, description = "There is no such lease or task"),
        (status = 409, description = "The lease is stale")))]
pub(crate) async fn beat_by_token(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
) -> Result<Json<Beaten>, Refused> {
    task::beat(&app, by_token(&app, &token, &id).await?).await
}

/// Ends a task for its holder: an agent that knows neither leases nor epochs, but has the lease's URL.
#[utoipa::path(post, path = "/l/{token}/api/runtime/llm-tasks/{id}/complete", tag = "runtime",
    params(("token" = String, Path), ("id" = String, Path)), request_body = CompletionForm,
    responses((status = 200, body = Completed), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such lease or task"), (status = 409, description = "The lease is stale")))]
pub(crate) async fn complete_by_token(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
    form: Form,
) -> Result<Json<Completed>, Refused> {
    let completion = Completion::read(form)?;
    let proof = by_token(&app, &token, &id).await?;
    let task = app.store().task(&bloom_runtime::record::TaskId::new(id)).await?;
    completion.record(&app, task.ok_or_else(|| Refused::not_found("Task"))?, proof).await
}
