//! Runs: submitted, listed, looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bloom_interpreter::effect::{EffectCall, EffectError};
use bloom_interpreter::history::{Event, Payload};
use bloom_interpreter::program::Program;
use bloom_ir::document::{EmitKind, Limits};
use bloom_ir::{Digest, Pinned, Value, VerifiedIr, validate, verify_pinned};
use bloom_runtime::engine::{self, Budgets, EngineError, Submit};
use bloom_runtime::record::{Actor, ContextId, RunId, RunRecord, RunStatus};
use bloom_runtime::store::{ArtifactFilter, ProposalFilter, RunFilter, StoreError};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows;
use super::responses::{Bodied, Common, Conflicting, Elsewhere, Named, Refusable};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{ApiError, Code};
use crate::extract::{Json, Path, Query, prefers};
use crate::followed::{self, Known};
use crate::view::{self, Counted, Envelope, History, Run, RunList, Steps, Total, Trace};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(status))
        .routes(routes!(steps))
        .routes(routes!(trace))
        .routes(routes!(envelope))
}

/// Those that wait for a run, or answer with much.
pub(super) fn unhurried() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(submit)).routes(routes!(history))
}

/// The longest that an answer is held.
const LONGEST_WAIT: u64 = 60;

/// So many events are read at a time.
pub(super) const PAGE: usize = 500;

/// What a run is to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submission {
    /// By the flow's input schema.
    #[schema(value_type = Object)]
    inputs: Option<serde_json::Map<String, serde_json::Value>>,
    /// A version, or a hash; absent: the newest version.
    version: Option<String>,
    /// The execution context; absent: `default`.
    context_id: Option<String>,
    /// As the header `Idempotency-Key`, for clients of the gateway: 1 to 255 printable ASCII characters.
    #[schema(min_length = 1, max_length = 255)]
    correlation_id: Option<String>,
    /// Less than the flow may use, by the names of its limits: `max_tokens`, `timeout_seconds`, … And `cost_policy`, a budget
    /// profile of the server's settings, or `standard`.
    #[schema(value_type = Option<Object>)]
    limits: Option<serde_json::Map<String, serde_json::Value>>,
    /// Where the flow is interpreted; absent: on the server.
    dispatch: Option<Dispatch>,
}

/// Where a flow is interpreted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Dispatch {
    /// In the server's process.
    Server,
    /// By a worker that executes flows and has the tools: not a flow that waits, or starts another one.
    Worker,
}

/// How long the answer may be held.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    /// Hold the answer until the run has ended, at most so many seconds (60).
    #[param(maximum = 60)]
    wait: Option<u64>,
}

/// Run a flow. Where as many runs are under way as may be, it is `queued` and begins when its turn has come; where too many of
/// the flow wait already, nothing is accepted (429). The same `Idempotency-Key` with the same body gives the same run, however
/// often it is sent.
#[utoipa::path(
    post, path = "/api/v1/flows/{id}/runs", tag = "runs",
    params(
        ("id" = String, Path), Waiting,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters"),
    ),
    request_body = Submission,
    responses(
        (status = 202, description = "accepted, and not ended yet", body = Run),
        (status = 200, description = "it has ended", body = Run),
        Named, Conflicting, Bodied, Refusable, Elsewhere,
    )
)]
async fn submit(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(flow): Path<String>,
    Query(waiting): Query<Waiting>,
    headers: HeaderMap,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, axum::Json<Run>), ApiError> {
    let wait = waiting.checked()?;
    let Submission { inputs, version, context_id, correlation_id, mut limits, dispatch } = submission;
    let key = key_of(idempotency_key(&headers)?, correlation_id)?;
    let budget = limits.as_mut().map_or(Ok(None), |limits| take_cost_policy(&app, limits))?;
    let to_worker = matches!(dispatch, Some(Dispatch::Worker));
    let context = context(context_id)?;
    let inputs = Value::from(serde_json::Value::Object(inputs.unwrap_or_default()));
    let mut said = json!({ "flow": flow, "version": version, "context": context, "inputs": inputs, "limits": limits });
    if to_worker {
        said["dispatch"] = "worker".into();
    }
    if let Some(name) = budget.as_ref().filter(|name| *name != Budgets::STANDARD) {
        said["cost_policy"] = name.as_str().into();
    }
    let (key, is_awaited) = (key.map(|key| format!("{flow}\n{key}")), !wait.is_zero());
    let wanted = Wanted { to_worker, by, context, inputs, budget, is_awaited, said, key };
    if let Some(run) = repeated(&app, &wanted).await? {
        return answer(&app, &run.id, wait).await;
    }
    let ir = flows::verified(&app, &flow, version.as_deref()).await?;
    let limits = limits.map(|given| narrowed(&ir, given)).transpose()?;
    let run = accepted(&app, ir, limits, wanted).await?;
    answer(&app, &run, wait).await
}

/// Takes the budget profile out of the limits, if it is one that is known.
fn take_cost_policy(
    app: &App,
    limits: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<Option<String>, ApiError> {
    match limits.remove("cost_policy") {
        None => Ok(None),
        Some(serde_json::Value::String(name)) => {
            app.engine.config().budgets.choose(Some(&name), "").map_err(EngineError::NoSuchBudget)?;
            Ok(Some(name))
        }
        Some(_) => Err(ApiError::invalid("limits.cost_policy", "it must be the name of a budget profile")),
    }
}

/// The flow's limits, with those that are given in their place. The engine takes the lesser of each.
fn narrowed(ir: &VerifiedIr, given: serde_json::Map<String, serde_json::Value>) -> Result<Limits, ApiError> {
    let mut limits = serde_json::to_value(ir.document().policy.limits).unwrap_or_default();
    if let Some(members) = limits.as_object_mut() {
        members.extend(given);
    }
    serde_json::from_value(limits).map_err(|error| ApiError::invalid("limits", error.to_string()))
}

/// A run that somebody wants.
pub(super) struct Wanted {
    /// Whether a worker is to execute it.
    pub(super) to_worker: bool,
    pub(super) by: Actor,
    pub(super) context: ContextId,
    pub(super) inputs: Value,
    /// The budget profile, where one is named.
    pub(super) budget: Option<String>,
    /// Whether who wants it waits for its end.
    pub(super) is_awaited: bool,
    /// What was asked for, to be compared when it is asked for again.
    pub(super) said: serde_json::Value,
    pub(super) key: Option<String>,
}

impl Wanted {
    /// The id that follows from the key.
    pub(super) fn id(&self) -> Option<RunId> {
        self.key.as_deref().map(|key| RunId::new(derived_id("run", key)))
    }

    fn digest(&self) -> String {
        Digest::of(self.said.to_string().as_bytes()).to_string()
    }

    /// What is kept with the run: what it is started with, and what this request is recognised by when it comes again.
    pub(super) fn kept_with(&self, setting: &Value) -> Value {
        let mut kept = setting.to_json();
        match kept.as_object_mut() {
            Some(members) => drop(members.remove("request")),
            None if self.key.is_some() => kept = json!({}),
            None => {}
        }
        if self.key.is_some() {
            kept["request"] = self.digest().into();
        }
        Value::from(kept)
    }
}

/// An id that follows from an idempotency key, as a UUID of version 8 (RFC 9562, section 5.8).
pub(super) fn derived_id(kind: &str, key: &str) -> String {
    let hex = Digest::of(format!("idempotency\n{kind}\n{key}").as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// The run that the same request made before.
pub(super) async fn repeated(app: &App, wanted: &Wanted) -> Result<Option<RunRecord>, ApiError> {
    let Some(id) = wanted.id() else { return Ok(None) };
    let Some(run) = app.store().run(&id).await? else { return Ok(None) };
    let entry = app.store().inbox_entry(&run.inbox).await?;
    let setting = entry.and_then(|entry| entry.payload.get("setting").cloned());
    let said = setting.and_then(|setting| setting.get("request").and_then(|said| said.as_str().map(str::to_owned)));
    if said == Some(wanted.digest()) {
        return Ok(Some(run));
    }
    Err(ApiError::new(Code::DuplicateEntry, "this Idempotency-Key was used for another request")
        .with(json!({ "run_id": run.id })))
}

/// The run that the same request made at the same time.
pub(super) async fn made_meanwhile(app: &App, wanted: &Wanted) -> Result<RunId, ApiError> {
    let conflict = || ApiError::new(Code::ConcurrentModification, "the same request is being accepted");
    Ok(repeated(app, wanted).await?.ok_or_else(conflict)?.id)
}

/// Accepts a run.
pub(super) async fn accepted(
    app: &App,
    ir: VerifiedIr,
    limits: Option<Limits>,
    wanted: Wanted,
) -> Result<RunId, ApiError> {
    let id = wanted.id();
    let setting = wanted.kept_with(&app.setting);
    let (by, context, inputs) = (wanted.by.clone(), wanted.context.clone(), wanted.inputs.clone());
    let submit = Submit {
        ir,
        inputs,
        by,
        context,
        setting,
        limits,
        budget: wanted.budget.clone(),
        is_awaited: wanted.is_awaited,
    };
    let id = id.unwrap_or_else(|| RunId::new(app.ids.fresh()));
    let accepted = if wanted.to_worker {
        app.engine.submit_to_workers(id.clone(), submit).await
    } else {
        app.engine.submit_as(id.clone(), submit).await
    };
    match accepted {
        Ok(_) => {
            tracing::Span::current().record("run", id.as_str());
            Ok(id)
        }
        // The same request came twice at the same time.
        Err(EngineError::Store(StoreError::RunExists(_))) => made_meanwhile(app, &wanted).await,
        Err(error) => Err(error.into()),
    }
}

/// The run as it stands after a while.
pub(super) async fn answer(app: &App, run: &RunId, wait: Duration) -> Result<(StatusCode, axum::Json<Run>), ApiError> {
    let run = ended_within(app, run, wait).await?;
    let status = if run.status.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, axum::Json(seen(app, &run).await?)))
}

/// Waits for the end of a run, for so long, and while the server does not stop.
async fn ended_within(app: &App, id: &RunId, wait: Duration) -> Result<RunRecord, ApiError> {
    let (until, mut stopping) = (Instant::now() + wait, app.stopping());
    let mut watch = app.hub.watch_end(id);
    loop {
        let run = record(app, id).await?;
        if run.status.is_terminal() || wait.is_zero() {
            return Ok(run);
        }
        tokio::select! {
            biased;
            _ = watch.next() => {}
            _ = stopping.wait_for(|stops| *stops) => return Ok(run),
            () = tokio::time::sleep_until(until) => return Ok(run),
        }
    }
}

impl Waiting {
    pub(super) fn checked(&self) -> Result<Duration, ApiError> {
        match self.wait.unwrap_or(0) {
            seconds if seconds <= LONGEST_WAIT => Ok(Duration::from_secs(seconds)),
            _ => Err(ApiError::invalid("wait", format!("an answer is held for at most {LONGEST_WAIT} seconds"))),
        }
    }
}

/// The client's key for this request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(given) = headers.get("idempotency-key") else { return Ok(None) };
    plain_key("Idempotency-Key", given.to_str().ok()).map(Some)
}

fn plain_key(name: &str, given: Option<&str>) -> Result<String, ApiError> {
    let is_plain =
        |text: &&str| (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let bad = || ApiError::invalid(name, "it must be 1 to 255 printable ASCII characters");
    given.filter(is_plain).map(str::to_owned).ok_or_else(bad)
}

/// The key that stands in the header, or in the body; both say the same.
fn key_of(header: Option<String>, body: Option<String>) -> Result<Option<String>, ApiError> {
    let body = body.map(|given| plain_key("correlation_id", Some(&given))).transpose()?;
    match (header, body) {
        (Some(header), Some(body)) if header != body => {
            Err(ApiError::invalid("correlation_id", "it is not what the header `Idempotency-Key` says"))
        }
        (header, body) => Ok(header.or(body)),
    }
}

fn context(given: Option<String>) -> Result<ContextId, ApiError> {
    match given {
        None => Ok(ContextId::new("default")),
        Some(id) => context_named("context_id", id),
    }
}

/// The context of this name, which stands in this place of a request.
pub(super) fn context_named(place: &str, id: String) -> Result<ContextId, ApiError> {
    if (1..=128).contains(&id.chars().count()) && !id.chars().any(char::is_control) {
        return Ok(ContextId::new(id));
    }
    Err(ApiError::invalid(place, "it must be 1 to 128 characters, and none of them control characters"))
}

/// A run's record; none is an error.
pub(super) async fn record(app: &App, id: &RunId) -> Result<RunRecord, ApiError> {
    app.store().run(id).await?.ok_or_else(|| ApiError::not_found("run", id))
}

/// A run that a path names.
pub(crate) async fn named(app: &App, id: String) -> Result<RunRecord, ApiError> {
    let run = record(app, &RunId::new(id)).await?;
    tracing::Span::current().record("run", run.id.as_str());
    Ok(run)
}

/// With what is counted elsewhere.
pub(super) async fn seen(app: &App, run: &RunRecord) -> Result<Run, ApiError> {
    let filter = ProposalFilter { run: Some(run.id.clone()), status: None, limit: usize::MAX };
    let proposals = app.store().proposals(&filter).await?;
    let (mut steps, mut asked) = (0, Vec::new());
    // Of a run that has ended nothing is under way.
    if let (Some(known), true) = (run.steps, run.status.is_terminal()) {
        steps = known;
    } else {
        for_events(app, &run.id, |event| match &event.payload {
            Some(Payload::EffectRequested { effect, node, .. }) => asked.push((effect.clone(), node.to_string())),
            Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => {
                steps += 1;
                asked.retain(|(open, _)| open != effect);
            }
            _ => {}
        })
        .await?;
    }
    let queue_position = app.engine.queue_position(&run.id).filter(|_| run.status == RunStatus::Queued);
    let current = asked.pop().map(|(_, node)| node);
    Ok(Run::of(run, Counted { steps, current, queue_position }, &proposals))
}

/// Looks at all recorded events, page by page.
pub(super) async fn for_events(app: &App, run: &RunId, mut look: impl FnMut(&Event)) -> Result<(), ApiError> {
    let mut from = 1;
    loop {
        let events = app.store().history(run, from, PAGE).await?;
        events.iter().for_each(&mut look);
        match events.last() {
            Some(last) if events.len() == PAGE => from = last.seq.saturating_add(1),
            _ => return Ok(()),
        }
    }
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Of this flow.
    flow: Option<String>,
    /// The same, as the gateway calls it.
    agent: Option<String>,
    /// Where they stand.
    #[param(inline)]
    status: Option<Status>,
    /// Made at this time or later: ISO 8601, or a date.
    from: Option<String>,
    /// Made before this time; a date means its end.
    to: Option<String>,
    /// At most so many: 1 to 100, else 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Without so many of the newest, up to 10 000.
    #[param(maximum = 10000)]
    offset: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Requested,
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    Continued,
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Requested => Self::Requested,
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::Continued => Self::Continued,
        }
    }
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(Filter), responses((status = 200, body = RunList), Common))]
async fn list(State(app): State<App>, Query(filter): Query<Filter>) -> Result<axum::Json<RunList>, ApiError> {
    let (limit, offset) = (filter.limit.unwrap_or(20), filter.offset.unwrap_or(0));
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit", "it must be 1 to 100"));
    }
    if offset > 10_000 {
        return Err(ApiError::invalid("offset", "go on with `cursor` instead"));
    }
    let flow = match (filter.flow, filter.agent) {
        (Some(flow), Some(agent)) if flow != agent => {
            return Err(ApiError::invalid("agent", "`flow` and `agent` mean the same, and name different ones"));
        }
        (flow, agent) => flow.or(agent),
    };
    let (from, to) = (view::time_from("from", filter.from)?, view::time_to("to", filter.to)?);
    let status = filter.status.map(RunStatus::from);
    let all = RunFilter { flow, status, from, to, ..RunFilter::default() };
    let Total { runs: total, is_exact: total_is_exact } = Total::of(app.store(), &all).await?;
    let before = filter.cursor.map(RunId::new);
    let page = RunFilter { before, limit: offset.saturating_add(limit).saturating_add(1), ..all };
    let found = app.store().runs(&page).await.map_err(|error| match error {
        StoreError::NotFound { .. } => ApiError::invalid("cursor", "no page ended with it"),
        error => error.into(),
    })?;
    let has_more = found.len() > offset.saturating_add(limit);
    let mut runs = Vec::new();
    let mut last = None;
    for run in found.iter().skip(offset).take(limit) {
        runs.push(seen(&app, run).await?);
        last = Some(run.id.to_string());
    }
    let next_cursor = last.filter(|_| has_more);
    Ok(axum::Json(RunList { runs, total, total_is_exact, limit, offset, next_cursor }))
}

/// A run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Run), Named))]
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Run>, ApiError> {
    let run = named(&app, id).await?;
    Ok(axum::Json(seen(&app, &run).await?))
}

/// The same, for the gateway's clients.
#[utoipa::path(get, path = "/api/v1/runs/{id}/status", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Run), Named))]
async fn status(state: State<App>, id: Path<String>) -> Result<axum::Json<Run>, ApiError> {
    show(state, id).await
}

/// The effects that a run asked for, in order: `step_number`, `step_name`, `status`, `started_at`, `finished_at`,
/// `duration_ms`, `output_summary`, `error`.
#[utoipa::path(get, path = "/api/v1/runs/{id}/steps", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Steps), Named))]
async fn steps(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Steps>, ApiError> {
    let run = named(&app, id).await?;
    let mut steps: Vec<(String, serde_json::Value, i64)> = Vec::new();
    for_events(&app, &run.id, |event| match &event.payload {
        Some(Payload::EffectRequested { effect, node, .. }) => {
            let step = json!({
                "step_number": steps.len() + 1, "step_name": node, "effect": effect, "status": "running",
                "started_at": view::time(event.at), "finished_at": null, "duration_ms": null,
                "output_summary": null, "error": null,
            });
            // A fork asks again for what had no answer in the run that it left.
            match steps.iter_mut().find(|(id, step, _)| id == effect.as_str() && step["status"] == "running") {
                Some((_, again, began)) => (again["started_at"], *began) = (step["started_at"].clone(), event.at),
                None => steps.push((effect.to_string(), step, event.at)),
            }
        }
        Some(Payload::EffectCompleted { effect, answer, .. }) => {
            end_step(&mut steps, effect.as_str(), event.at, Ok(&answer.value));
        }
        Some(Payload::EffectFailed { effect, error, .. }) => {
            end_step(&mut steps, effect.as_str(), event.at, Err(error));
        }
        _ => {}
    })
    .await?;
    Ok(axum::Json(Steps { run_id: run.id.to_string(), steps: steps.into_iter().map(|(_, step, _)| step).collect() }))
}

fn end_step(
    steps: &mut [(String, serde_json::Value, i64)],
    effect: &str,
    at: i64,
    outcome: Result<&Value, &EffectError>,
) {
    let Some((_, step, began)) = steps.iter_mut().rev().find(|(id, ..)| id == effect) else { return };
    step["status"] = if outcome.is_ok() { "completed" } else { "failed" }.into();
    step["finished_at"] = view::time(at).into();
    step["duration_ms"] = at.saturating_sub(*began).into();
    match outcome {
        Ok(result) => step["output_summary"] = summary(result).into(),
        Err(error) => step["error"] = format!("{}: {}", error.code, error.message).into(),
    }
}

/// What an effect gave, in so many characters at most: the first line of a text, anything else as JSON.
fn summary(result: &Value) -> Option<String> {
    const LONGEST: usize = 200;
    let text = match result {
        Value::Null => return None,
        Value::String(text) => text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned(),
        other => other.to_json().to_string(),
    };
    let is_longer = text.chars().nth(LONGEST).is_some();
    Some(if is_longer { text.chars().take(LONGEST - 1).chain(['…']).collect() } else { text })
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Events {
    /// From this number on, which is 1 for the first.
    #[param(minimum = 1)]
    from: Option<u64>,
    /// At most so many: 1 to 1000, else 500. JSON Lines are not limited.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// What was recorded: pages of JSON, or with `Accept: application/jsonl` all of it as JSON Lines, whose bytes are what the
/// hash chain is made of.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/history", tag = "runs", params(("id" = String, Path), Events),
    responses(
        (status = 200, content((History = "application/json"), (String = "application/jsonl"), (String = "application/x-ndjson"))),
        Named,
    )
)]
async fn history(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<Events>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = named(&app, id).await?;
    let (from, limit) = (query.from.unwrap_or(1), query.limit.unwrap_or(PAGE));
    if from == 0 || !(1..=1000).contains(&limit) {
        return Err(ApiError::invalid("query", "`from` begins with 1, and `limit` is 1 to 1000"));
    }
    let wants_lines = ["application/jsonl", "application/x-ndjson"]
        .into_iter()
        .find(|mime| prefers(&headers, mime, "application/json"));
    if let Some(mime) = wants_lines {
        return Ok(([(header::CONTENT_TYPE, mime)], Body::from_stream(lines(app, run.id, from))).into_response());
    }
    let events = app.store().history(&run.id, from, limit).await?;
    let next = events.last().filter(|last| last.seq < run.events).map(|last| last.seq.saturating_add(1));
    let events = events.iter().filter_map(|event| serde_json::from_str(&event.to_line()).ok()).collect();
    Ok(axum::Json(History { run_id: run.id.to_string(), events, next }).into_response())
}

/// The events as lines, read as fast as the client takes them.
fn lines(app: App, run: RunId, from: u64) -> impl futures::Stream<Item = Result<String, StoreError>> {
    futures::stream::try_unfold(Some(from), move |from| {
        let (app, run) = (app.clone(), run.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            let events = app.store().history(&run, from, PAGE).await?;
            let mut text = String::new();
            for event in &events {
                text.push_str(&event.to_line());
                text.push('\n');
            }
            let next = events.last().filter(|_| events.len() == PAGE).map(|last| last.seq.saturating_add(1));
            Ok(if text.is_empty() { None } else { Some((text, next)) })
        }
    })
}

/// Which icons the run passed, by replaying it.
#[utoipa::path(get, path = "/api/v1/runs/{id}/trace", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Trace), Named, Refusable))]
async fn trace(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Trace>, ApiError> {
    let run = named(&app, id).await?;
    let Some((walk, verdict)) = followed::look(&app, &run, Known::walked).await? else {
        return Err(unreadable(&app, &run).await);
    };
    Ok(axum::Json(Trace::of(&run, walk, &verdict)))
}

/// Why the program of a run cannot be had.
pub(super) async fn unreadable(app: &App, run: &RunRecord) -> ApiError {
    let bytes = match app.store().flow_document(run.ir).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return ApiError::not_found("IR", run.ir),
        Err(error) => return error.into(),
    };
    match verify_pinned(&bytes, &run.ir, &app.trust.trusted(), Pinned::Replay) {
        Ok(ir) => {
            Program::load(&ir).map_or_else(|error| ApiError::internal(&error), |_| ApiError::not_found("IR", run.ir))
        }
        Err(error) => error.into(),
    }
}

/// The run in the terms of the Execution Protocol.
#[utoipa::path(get, path = "/api/v1/runs/{id}/envelope", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Envelope), Named, Refusable))]
async fn envelope(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Envelope>, ApiError> {
    let run = named(&app, id).await?;
    let missing = || ApiError::not_found("IR", run.ir);
    let bytes = app.store().flow_document(run.ir).await?.ok_or_else(missing)?;
    let document =
        validate::read(&bytes).map_err(|found| ApiError::compile_failed("the document has errors", &found))?;
    let filter = ProposalFilter { run: Some(run.id.clone()), status: None, limit: usize::MAX };
    let mut proposals = app.store().proposals(&filter).await?;
    proposals.reverse();
    let (mut logs, mut retries, mut asked) = (Vec::new(), 0_u64, BTreeMap::new());
    // Of several with one name it is the last one.
    let mut artifacts: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for_events(&app, &run.id, |event| match &event.payload {
        Some(Payload::EffectRequested { effect, node, call, .. }) => {
            asked.insert(effect.clone(), (node.clone(), event.at, phase(call)));
        }
        Some(Payload::Emitted { emission }) if emission.kind == EmitKind::Artifact => {
            let url = artifact_path(&run.id, &emission.name);
            let digest = engine::artifact(emission).1;
            artifacts.insert(
                emission.name.clone(),
                json!({ "artifact_id": digest, "type": "EXECUTION_RESULT", "name": emission.name, "url": url }),
            );
        }
        Some(Payload::EffectAttempted { .. }) => retries = retries.saturating_add(1),
        Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => {
            if let Some((node, at, phase)) = asked.remove(effect) {
                logs.push(json!({
                    "ts": view::time(event.at), "phase": phase, "node_id": node, "ms": event.at.saturating_sub(at),
                }));
            }
        }
        _ => {}
    })
    .await?;
    let mut artifacts: Vec<_> = artifacts.into_values().collect();
    for task in app.store().tasks(&run.id).await? {
        let filter = ArtifactFilter { task: Some(task.id), limit: usize::MAX };
        artifacts.extend(app.store().artifacts(&filter).await?.into_iter().map(|kept| {
            json!({ "artifact_id": kept.id, "type": kept.kind, "url": format!("/api/v1/artifacts/{}", kept.id) })
        }));
    }
    Ok(axum::Json(Envelope::of(&run, &document, &proposals, &artifacts, &logs, retries)))
}

/// What an effect is called in the Execution Protocol's logs.
fn phase(call: &EffectCall) -> &'static str {
    match call {
        EffectCall::Llm(_) => "llm_call",
        EffectCall::Tool(_) => "tool",
        EffectCall::Flow(_) => "flow",
        EffectCall::Sleep(_) | EffectCall::Timer(_) | EffectCall::Await(_) => "wait",
    }
}

/// Where an artifact of a run is read.
pub(crate) fn artifact_path(run: &RunId, name: &str) -> String {
    format!("/api/v1/runs/{}/artifacts/{}", view::segment(run.as_str()), view::segment(name))
}
