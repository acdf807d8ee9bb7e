//! Calls to node agents, and tasks that are pushed to them.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use bloom_interpreter::effect::EffectError;
use bloom_ir::Digest;
use bloom_runtime::dispatch::Seat;
use bloom_runtime::engine::Registration;
use bloom_runtime::record::{Actor, AuditNote, Lease, LeaseEnding, Task, TaskId, WorkerId, WorkerStatus};
use bloom_runtime::store::{Grant, QueueFilter};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::bodies::{DispatchForm, UpdateForm};
use super::enroll;
use super::error::Refused;
use super::form::{Form, few_texts, text};
use super::project::repo_url;
use super::view::LlmTask;
use crate::app::App;
use crate::auth::Identity;
use crate::extract::Path;
use crate::outbound::{CallError, Reply};

/// The header of the key that agents ask for.
const AGENT_KEY: &str = "X-MEMBRIDGE-AGENT";

/// How long an agent may take to say how it is,
const HEALTH: Duration = Duration::from_secs(10);
/// to update itself,
const UPDATE: Duration = Duration::from_mins(2);
/// to restart,
const RESTART: Duration = Duration::from_secs(30);
/// and to remove itself.
const UNINSTALL: Duration = Duration::from_mins(1);

/// How often agents are asked how they are.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// So many queued tasks that agents could do are looked at.
const LOOKED_AT: usize = 256;

/// What an agent says of a failure is told and kept up to here, in characters.
const LONGEST: usize = 1000;

/// Why nothing is sent to agents.
const NOT_REACHED: &str = "this server does not know how agents reach it: set server.public_url";

/// Why an agent did not do what it was told.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// It was told nothing: nobody is there.
    Unreachable(String),
    /// It may have done it, or be at it still.
    Lost(String),
    /// It says that it did not.
    Refused(String),
}

impl Failure {
    /// For people, and the audit log: without a secret that the agent was shown, and may have said again.
    pub(super) fn told(&self, secret: Option<&str>) -> String {
        let (Self::Unreachable(text) | Self::Lost(text) | Self::Refused(text)) = self;
        let text = secret.map_or_else(|| text.clone(), |secret| text.replace(secret, "…"));
        text.chars().take(LONGEST).collect()
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable(message) => Self::Unreachable(message),
            CallError::Lost(message) => Self::Lost(message),
        }
    }
}

/// Asks an agent; what it answered, or what is wrong.
pub(super) async fn call(
    app: &App,
    (worker, base): (&WorkerId, &str),
    path: &str,
    body: Option<Value>,
    limit: Duration,
) -> Result<Value, Failure> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    let outbound = app.outbound();
    let mut request = match body {
        Some(body) => outbound.http.post(url).json(&body),
        None => outbound.http.get(url),
    };
    // Nothing is sent that the agent would only refuse.
    let key = enroll::shown_to(app, worker).await.map_err(|error| Failure::Unreachable(error.message))?;
    if let Some(key) = key {
        request = request.header(AGENT_KEY, key.expose_secret());
    }
    let Reply { status, body } = outbound.send(request, limit).await?;
    if status.is_success() {
        return Ok(body);
    }
    Err(Failure::Refused(format!("the agent answered {}: {body}", status.as_u16())))
}

/// The URL of a worker's agent.
pub(super) fn url_of(app: &App, id: &WorkerId) -> Result<String, Refused> {
    let seat = app.engine.worker(id).ok_or_else(|| Refused::not_found("Worker"))?;
    seat.worker.url.ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, "Worker has no URL"))
}

/// Asks a worker's agent how it is: `reachable`, and what the agent answered, or `error`.
#[utoipa::path(get, path = "/api/runtime/workers/{id}/agent-health", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, description = "The worker has no URL"),
        (status = 404, description = "There is no such worker")))]
pub(crate) async fn health(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let id = WorkerId::new(id);
    let url = url_of(&app, &id)?;
    Ok(Json(match call(&app, (&id, &url), "/health", None, HEALTH).await {
        Ok(answer) => {
            take_note(&app, &id, &answer).await?;
            let mut shown = json!({ "reachable": true });
            if let (Some(shown), Some(answer)) = (shown.as_object_mut(), answer.as_object()) {
                shown.extend(
                    answer.iter().filter(|(name, _)| *name != "reachable").map(|(a, b)| (a.clone(), b.clone())),
                );
            }
            shown
        }
        Err(failure) => {
            // It is granted nothing until it is heard of.
            app.engine.lose_worker(&id);
            json!({ "reachable": false, "error": failure.told(None) })
        }
    }))
}

/// An agent said how it is: what has changed is kept.
async fn take_note(app: &App, id: &WorkerId, answer: &Value) -> Result<(), Refused> {
    let Some(seat) = app.engine.worker(id) else { return Ok(()) };
    let said = |name: &str| answer.get(name).and_then(|value| text(0..=1024)(value).ok());
    let addresses = answer.get("ip_addrs").and_then(|list| few_texts(list).ok());
    let known = &seat.worker;
    let is_same = |new: &Option<String>, old: &Option<String>| new.is_none() || new == old;
    let (version, os_info) = (said("version"), said("os_info"));
    let nothing_new = is_same(&version, &known.agent_version)
        && is_same(&os_info, &known.os_info)
        && addresses.as_ref().is_none_or(|addresses| *addresses == known.ip_addrs)
        && known.status == WorkerStatus::Online;
    if nothing_new {
        app.engine.hear_of_worker(id);
        return Ok(());
    }
    let registration = Registration { agent_version: version, os_info, ip_addrs: addresses, ..Registration::default() };
    app.engine.admit_worker(id, registration, &Actor(format!("worker:{id}"))).await?;
    Ok(())
}

/// What an agent is told to do with itself.
struct Errand {
    path: &'static str,
    body: Value,
    limit: Duration,
    status: &'static str,
    action: &'static str,
}

async fn send(app: &App, by: &Actor, id: String, errand: Errand) -> Result<Json<Value>, Refused> {
    let id = WorkerId::new(id);
    let url = url_of(app, &id)?;
    let Errand { path, body, limit, status, action } = errand;
    // It goes on if the client does not wait.
    let (called, by) = (app.clone(), by.clone());
    let done = tokio::spawn(async move {
        let answer = call(&called, (&id, &url), path, Some(body), limit).await.map_err(|failure| failure.told(None))?;
        let note = note(&called, &by, action, "worker", id.as_str(), json!({}));
        called.store().note(vec![note]).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(answer)
    });
    let answer = done.await.map_err(|error| error.to_string()).and_then(|answer| answer);
    let answer = answer.map_err(|error| Refused::new(StatusCode::BAD_GATEWAY, error))?;
    let mut shown = json!({ "status": status });
    if let (Some(shown), Some(answer)) = (shown.as_object_mut(), answer.as_object()) {
        shown.extend(answer.iter().filter(|(name, _)| *name != "status").map(|(a, b)| (a.clone(), b.clone())));
    }
    Ok(Json(shown))
}

/// For the audit log.
pub(super) fn note(app: &App, by: &Actor, action: &str, kind: &str, id: &str, detail: Value) -> AuditNote {
    AuditNote {
        at: app.clock.now(),
        actor: by.clone(),
        action: action.to_owned(),
        entity_type: kind.to_owned(),
        entity_id: id.to_owned(),
        job_id: None,
        context_id: None,
        epoch: None,
        detail: detail.into(),
    }
}

/// Has a worker's agent update itself, from `repo_url`.
#[utoipa::path(post, path = "/api/runtime/workers/{id}/agent-update", tag = "runtime", params(("id" = String, Path)),
    request_body = UpdateForm,
    responses((status = 200, body = Object), (status = 400, description = "The worker has no URL"),
        (status = 404, description = "There is no such worker"), (status = 502, description = "The agent failed")))]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Value>, Refused> {
    let repo = form.get("repo_url", repo_url);
    form.finish()?;
    let body = repo.map_or_else(|| json!({}), |repo| json!({ "repo_url": repo }));
    let errand = Errand { path: "/self-update", body, limit: UPDATE, status: "updated", action: "agent_updated" };
    send(&app, &by, id, errand).await
}

/// Has a worker's agent restart.
#[utoipa::path(post, path = "/api/runtime/workers/{id}/agent-restart", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, description = "The worker has no URL"),
        (status = 404, description = "There is no such worker"), (status = 502, description = "The agent failed")))]
pub(crate) async fn restart(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let body = json!({});
    let errand = Errand { path: "/restart", body, limit: RESTART, status: "restarted", action: "agent_restarted" };
    send(&app, &by, id, errand).await
}

/// Has a worker's agent remove itself.
#[utoipa::path(post, path = "/api/runtime/workers/{id}/agent-uninstall", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, description = "The worker has no URL"),
        (status = 404, description = "There is no such worker"), (status = 502, description = "The agent failed")))]
pub(crate) async fn uninstall(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let body = json!({});
    let errand =
        Errand { path: "/uninstall", body, limit: UNINSTALL, status: "uninstalled", action: "agent_uninstalled" };
    send(&app, &by, id, errand).await
}

/// A task that was pushed.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are a contract")]
pub(crate) struct Dispatched {
    dispatched: bool,
    task_id: String,
    worker_id: String,
    lease_id: String,
    /// What the agent answered.
    execution: Value,
}

/// Leases a task to the best agent, or to `worker_id`, and sends it there.
#[utoipa::path(post, path = "/api/runtime/llm-tasks/{id}/dispatch", tag = "runtime", params(("id" = String, Path)),
    request_body = DispatchForm,
    responses((status = 200, body = Dispatched), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such task or worker"), (status = 409, description = "It is not queued"),
        (status = 502, description = "The agent failed: the lease was given back where it was not reached, is a failed attempt \
            where it refused, and stands until its time is over where no answer came"),
        (status = 503, description = "No agent with free capacity can do it, or the server does not know its own URL")))]
pub(crate) async fn dispatch(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Dispatched>, Refused> {
    let worker = form.get("worker_id", text(1..=128)).map(WorkerId::new);
    form.finish()?;
    let id = TaskId::new(id);
    let task = app.store().task(&id).await?.ok_or_else(|| Refused::not_found("Task"))?;
    if let Some(worker) = &worker {
        url_of(&app, worker)?;
    }
    let worker = worker.or_else(|| app.engine.choose_agent(&task));
    if app.own_url().is_none() {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, NOT_REACHED));
    }
    let token = token(&app);
    let none = || Refused::new(StatusCode::SERVICE_UNAVAILABLE, "No available worker with free capacity");
    // A task that is not queued is refused for that, whoever is there.
    let grant = match worker {
        Some(worker) => app.engine.lease_task(&id, Some(&worker), None, Some(Digest::of(token.as_bytes()))).await?,
        None if task.status == bloom_runtime::record::TaskStatus::Queued => return Err(none()),
        None => return Err(Refused::new(StatusCode::CONFLICT, format!("Task {id} is not queued"))),
    };
    let (worker_id, lease_id) = (grant.lease.worker.to_string(), grant.lease.id.to_string());
    let pushing = tokio::spawn(push(app.clone(), by, grant, token));
    let pushed = pushing.await.map_err(|error| error.to_string()).and_then(|pushed| pushed);
    let execution = pushed.map_err(|error| Refused::new(StatusCode::BAD_GATEWAY, error))?;
    Ok(Json(Dispatched { dispatched: true, task_id: id.to_string(), worker_id, lease_id, execution }))
}

/// The secret of a lease.
fn token(app: &App) -> String {
    app.ids.secret()
}

/// Sends a granted task to its agent. When that fails, the lease is given back where the agent was not reached, and else counts:
/// where no answer came, the agent may be at it still, and what it brings while nobody else has begun is taken.
async fn push(app: App, by: Actor, grant: Grant, token: String) -> Result<Value, String> {
    let span = grant.span();
    let Grant { lease, task } = grant;
    let called = execute(&app, &lease, &task, &token).instrument(span).await;
    let called = called.map_err(|failure| (failure.told(Some(&token)), failure));
    let (action, detail) = match &called {
        Ok(_) => ("task_dispatched", json!({ "worker": lease.worker, "lease": lease.id })),
        Err((told, _)) => ("dispatch_failed", json!({ "worker": lease.worker, "lease": lease.id, "error": told })),
    };
    if let Err(error) = app.store().note(vec![note(&app, &by, action, "task", task.id.as_str(), detail)]).await {
        tracing::error!(%error, "a dispatch was not noted");
    }
    let (told, failure) = match called {
        Ok(answer) => return Ok(answer),
        Err(failed) => failed,
    };
    // Else it would be given the task again at once.
    app.engine.lose_worker(&lease.worker);
    let ending = match failure {
        Failure::Unreachable(_) => LeaseEnding::GivenBack,
        Failure::Refused(_) => {
            let error = EffectError::new("dispatch_failed", told.clone());
            LeaseEnding::Failed(EffectError { retryable: true, ..error })
        }
        Failure::Lost(_) => return Err(told),
    };
    if let Err(error) = app.engine.end_lease(&lease.id, lease.epoch, ending).await {
        // The agent may have ended it itself.
        tracing::info!(task = %task.id, %error, "a lease was not ended");
    }
    Err(told)
}

async fn execute(app: &App, lease: &Lease, task: &Task, token: &str) -> Result<Value, Failure> {
    let unsent = |why: &str| Failure::Unreachable(why.to_owned());
    let url = app.engine.worker(&lease.worker).and_then(|seat| seat.worker.url);
    let url = url.ok_or_else(|| unsent("the worker has no URL"))?;
    let own_url = app.own_url().ok_or_else(|| unsent(NOT_REACHED))?;
    let mut body =
        serde_json::to_value(LlmTask::of(task, Some(&lease.worker))).map_err(|error| unsent(&error.to_string()))?;
    let mut taken = |name: &str| body.get_mut(name).map(Value::take).unwrap_or_default();
    let body = json!({
        "task_id": task.id, "prompt": prompt(task), "context_id": task.context, "agent_slug": task.agent_slug,
        "desired_format": taken("desired_format"), "context_hints": taken("context_hints"), "policy": taken("policy"),
        "runtime_url": format!("{own_url}/l/{token}"),
    });
    let limit = Duration::from_secs(task.timeout_seconds.into()).saturating_add(app.config.agent_margin);
    app.engine.keep_lease_open(&lease.id, true);
    let called = call(app, (&lease.worker, &url), "/execute-task", Some(body), limit).await;
    app.engine.keep_lease_open(&lease.id, false);
    if called.is_ok() {
        app.engine.hear_of_worker(&lease.worker);
    }
    called
}

/// Agents know a prompt and nothing else: what a node asks beside it stands in it.
fn prompt(task: &Task) -> String {
    let request = &task.request;
    let mut prompt = String::new();
    if let Some(system) = &request.system {
        prompt = format!("{system}\n\n");
    }
    prompt.push_str(&request.prompt);
    if task.of.is_some() && !super::view::wants_text(request) {
        prompt = format!("{prompt}\n\nAnswer with JSON alone, which satisfies this JSON Schema:\n{}", request.output);
    }
    prompt
}

/// Pushes the tasks of flows to agents as soon as they are there, and asks agents how they are: for ever. Tasks that clients
/// post wait for a `lease` or a `dispatch`, unless the operator said otherwise.
pub(crate) async fn serve(app: App) {
    let mut work = app.engine.work();
    let mut ticks = tokio::time::interval(KEEPALIVE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_told = false;
    loop {
        work.mark_unchanged();
        if app.own_url().is_some() {
            if let Err(error) = push_what_is_there(&app).await {
                tracing::warn!(error = ?error, "tasks cannot be pushed");
            }
        } else if !is_told && agents(&app).next().is_some() {
            is_told = true;
            tracing::warn!("nothing is pushed to agents: {NOT_REACHED}");
        }
        tokio::select! {
            biased;
            // Before the work, of which there may always be more.
            _ = ticks.tick() => keep_alive(&app),
            () = work.changed() => {}
        }
    }
}

/// Whom tasks are sent to.
fn agents(app: &App) -> impl Iterator<Item = Seat> {
    app.engine.workers().into_iter().filter(|seat| seat.worker.is_pushed_to())
}

fn keep_alive(app: &App) {
    for seat in agents(app) {
        let app = app.clone();
        tokio::spawn(async move {
            let (id, url) = (seat.worker.id, seat.worker.url.unwrap_or_default());
            if let Ok(answer) = call(&app, (&id, &url), "/health", None, HEALTH).await
                && let Err(error) = take_note(&app, &id, &answer).await
            {
                tracing::warn!(worker = %id, error = ?error, "what an agent said was not kept");
            }
        });
    }
}

async fn push_what_is_there(app: &App) -> Result<(), Refused> {
    let there = agents(app).filter(|seat| seat.status == WorkerStatus::Online);
    let able: Vec<_> = there.map(|seat| seat.worker.capabilities.all()).collect();
    if able.is_empty() {
        return Ok(());
    }
    let posted = app.config.auto_dispatch;
    for task in app.store().queue(&QueueFilter { due: app.clock.now(), posted, able, limit: LOOKED_AT }).await? {
        let Some(worker) = app.engine.choose_agent(&task) else { continue };
        let token = token(app);
        let digest = Digest::of(token.as_bytes());
        // Another may have been quicker.
        if let Ok(grant) = app.engine.lease_task(&task.id, Some(&worker), None, Some(digest)).await {
            let app = app.clone();
            tokio::spawn(async move {
                let pushed = push(app.clone(), Actor("system".to_owned()), grant, token).await;
                if let Err(error) = pushed {
                    tracing::warn!(%worker, error, "a task was not pushed");
                }
            });
        }
    }
    Ok(())
}
