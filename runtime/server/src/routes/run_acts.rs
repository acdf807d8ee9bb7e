//! What is done to runs.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bloom_interpreter::effect::{AwaitRequest, AwaitedThing, EffectCall, EffectError};
use bloom_interpreter::history::Payload;
use bloom_interpreter::replay::{self, IconWalk, WhatIf};
use bloom_ir::Value;
use bloom_ir::schema::CompiledSchema;
use bloom_runtime::engine::{EngineError, Fork as Forking};
use bloom_runtime::record::{InboxEntry, InboxId, RunId, RunRecord};
use bloom_runtime::store::StoreError;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows;
use super::responses::{Bodied, Conflicting, Elsewhere, Named, Refusable, Sized};
use super::runs::{self, Waiting, Wanted};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Json, Path, Query, parse};
use crate::followed;
use crate::view::{ReplayReport, Run, WhatIfReport};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(cancel))
        .routes(routes!(signal))
        .routes(routes!(replay))
        .routes(routes!(rerun))
        .routes(routes!(what_if))
}

/// Those that may wait for a run.
pub(super) fn unhurried() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(fork))
}

/// Why a run is cancelled.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Cancel {
    /// For people.
    reason: String,
}

/// Stop a run for good.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/cancel", tag = "runs", params(("id" = String, Path)), request_body = Cancel,
    responses((status = 200, body = Run), Named, Conflicting, Bodied)
)]
async fn cancel(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Json(cancel): Json<Cancel>,
) -> Result<axum::Json<Run>, ApiError> {
    let run = runs::named(&app, id).await?;
    app.engine.cancel(&run.id, &by, &cancel.reason).await?;
    let run = runs::record(&app, &run.id).await?;
    Ok(axum::Json(runs::seen(&app, &run).await?))
}

/// A signal that was sent.
#[derive(Serialize, ToSchema)]
struct Sent {
    run_id: String,
    name: String,
}

/// Send a signal to a run: the body is its payload, null where there is none. The same `Idempotency-Key` sends it once.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/signal/{name}", tag = "runs",
    params(
        ("id" = String, Path), ("name" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters"),
    ),
    request_body(content = serde_json::Value, description = "what every `await` of that name asks for"),
    responses((status = 202, description = "it is recorded", body = Sent), Named, Conflicting, Sized, Refusable)
)]
async fn signal(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    Body(bytes): Body,
) -> Result<(StatusCode, axum::Json<Sent>), ApiError> {
    let payload: serde_json::Value = if bytes.is_empty() { serde_json::Value::Null } else { parse(&bytes)? };
    let (payload, key) = (Value::from(payload), runs::idempotency_key(&headers)?);
    let run = runs::named(&app, id).await?;
    let inbox = match key {
        Some(key) => InboxId::new(runs::derived_id("signal", &format!("{}\n{name}\n{key}", run.id))),
        None => InboxId::new(app.ids.fresh()),
    };
    let sent = || (StatusCode::ACCEPTED, axum::Json(Sent { run_id: run.id.to_string(), name: name.clone() }));
    if let Some(entry) = app.store().inbox_entry(&inbox).await? {
        return same_signal(&entry, &payload).map(|()| sent());
    }
    match app.engine.signal_as(inbox.clone(), &run.id, &name, payload.clone(), &by).await {
        Ok(()) => Ok(sent()),
        // The same request came twice at the same time.
        Err(EngineError::Store(StoreError::Exists { .. })) => match app.store().inbox_entry(&inbox).await? {
            Some(entry) => same_signal(&entry, &payload).map(|()| sent()),
            None => Err(ApiError::new(Code::ConcurrentModification, "the same signal is being sent")),
        },
        Err(error) => Err(error.into()),
    }
}

fn same_signal(entry: &InboxEntry, payload: &Value) -> Result<(), ApiError> {
    if entry.payload == payload.clone().normalized() {
        return Ok(());
    }
    Err(ApiError::new(Code::DuplicateEntry, "this Idempotency-Key was used for another payload"))
}

/// How far to replay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Replay {
    /// Stop after this event, and tell where the run stands.
    until: Option<u64>,
}

/// Prove that a run follows from its program: runs it again over what was recorded, and calls nothing.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/replay", tag = "runs", params(("id" = String, Path)), request_body = Replay,
    responses((status = 200, body = ReplayReport), Named, Bodied, Refusable)
)]
async fn replay(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(replay): Json<Replay>,
) -> Result<axum::Json<ReplayReport>, ApiError> {
    let run = runs::named(&app, id).await?;
    let report = app.engine.replay(&run.id, replay.until).await?;
    Ok(axum::Json(ReplayReport::of(&run, &report, replay.until.is_some())))
}

/// Another outcome of an effect: `answer`, or `error`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Otherwise {
    /// The effect's id, as the history has it.
    pub(crate) effect: String,
    /// What it is answered instead.
    #[serde(default, deserialize_with = "present")]
    pub(crate) answer: Option<serde_json::Value>,
    /// What it fails with instead.
    pub(crate) error: Option<OtherError>,
}

/// What an effect fails with.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherError {
    /// As `timeout`.
    pub(crate) code: String,
    /// For people.
    #[serde(default)]
    pub(crate) message: String,
}

/// A member that is null is there.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(from).map(Some)
}

/// What would have happened with another answer: the run is replayed by its own program with that answer in place of the recorded
/// one, as far as the other recorded answers go, and nothing is called.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/what-if", tag = "runs", params(("id" = String, Path)), request_body = Otherwise,
    responses((status = 200, body = WhatIfReport), Named, Bodied, Refusable)
)]
async fn what_if(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(otherwise): Json<Otherwise>,
) -> Result<axum::Json<WhatIfReport>, ApiError> {
    let run = runs::named(&app, id).await?;
    let effect = otherwise.effect.clone();
    let (found, walk) = otherwise_replayed(&app, &run, otherwise).await?;
    Ok(axum::Json(WhatIfReport::of(&run, &effect, &found, walk)))
}

/// The run as it would have gone, and which icons it would have passed.
pub(crate) async fn otherwise_replayed(
    app: &App,
    run: &RunRecord,
    otherwise: Otherwise,
) -> Result<(WhatIf, IconWalk), ApiError> {
    let Otherwise { effect, answer, error } = otherwise;
    let outcome = match (answer, error) {
        (Some(answer), None) => Ok(Value::from(answer)),
        (None, Some(OtherError { code, message })) => Err(EffectError::new(code, message)),
        _ => return Err(ApiError::invalid("answer", "either `answer` or `error` must be there")),
    };
    let id = effect.clone();
    let known = followed::look(app, run, move |known| {
        (known.loaded.clone(), known.effect(&id).map(|effect| (effect.id.clone(), effect.asked)))
    });
    let (loaded, known) = known.await?;
    let (known, asked) = known.ok_or_else(|| ApiError::not_found("effect", &effect))?;
    let Some(loaded) = loaded else { return Err(runs::unreadable(app, run).await) };
    let asked = app.store().history(&run.id, asked, 1).await?;
    if let (Some(Payload::EffectRequested { call, .. }), Ok(value)) =
        (asked.first().and_then(|event| event.payload.as_ref()), &outcome)
    {
        check_answer(call, value)?;
    }
    let events = app.store().history(&run.id, 1, usize::MAX).await?;
    let replayed =
        flows::blocking(move || replay::what_if_answered(&loaded.program, &loaded.document, &events, &known, outcome));
    replayed.await?.map_err(|error| ApiError::not_found("effect", error.0))
}

/// An answer that could not have come says nothing of what would have happened.
fn check_answer(call: &EffectCall, value: &Value) -> Result<(), ApiError> {
    let schema = match call {
        EffectCall::Llm(call) => Some(&call.output),
        EffectCall::Await(AwaitRequest { what: AwaitedThing::Ask(asked), .. }) => Some(&asked.schema),
        EffectCall::Await(wait) => wait.schema.as_ref(),
        EffectCall::Tool(_) | EffectCall::Flow(_) | EffectCall::Sleep(_) | EffectCall::Timer(_) => None,
    };
    let Some(compiled) = schema.and_then(|schema| CompiledSchema::compile(schema).ok()) else { return Ok(()) };
    compiled.validate(value).map_err(|found| {
        let problems: Vec<String> = found.iter().map(ToString::to_string).collect();
        ApiError::new(Code::SchemaMismatch, format!("the answer is not what is asked for: {}", problems.join("; ")))
    })
}

/// Where a run is left by another one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fork {
    /// The number of the last event that both have. The end of a run cannot be shared.
    #[schema(minimum = 1)]
    at: u64,
    /// Go on by this version of the flow, or by the document of this hash; the shared events must follow from it, too.
    /// Absent: by the document that the run pins.
    version: Option<String>,
}

/// Go on from an event of a run as another run, which shares what was recorded up to there, whatever has become of the first.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/fork", tag = "runs",
    params(
        ("id" = String, Path), Waiting,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters"),
    ),
    request_body = Fork,
    responses(
        (status = 202, description = "accepted, and not ended yet", body = Run),
        (status = 200, description = "it has ended", body = Run),
        Named, Conflicting, Bodied, Refusable, Elsewhere,
    )
)]
async fn fork(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Query(waiting): Query<Waiting>,
    headers: HeaderMap,
    Json(Fork { at, version }): Json<Fork>,
) -> Result<(StatusCode, axum::Json<Run>), ApiError> {
    let wait = waiting.checked()?;
    let run = runs::named(&app, id).await?;
    let key = runs::idempotency_key(&headers)?.map(|key| format!("fork\n{}\n{key}", run.id));
    let said = json!({ "fork": run.id, "at": at, "version": version });
    let (context, inputs) = (run.context.clone(), run.inputs.clone());
    let wanted =
        Wanted { to_worker: false, by: by.clone(), context, inputs, budget: None, is_awaited: false, said, key };
    if let Some(made) = runs::repeated(&app, &wanted).await? {
        return runs::answer(&app, &made.id, wait).await;
    }
    let ir = match version {
        Some(version) => Some(flows::verified(&app, &run.flow, Some(&version)).await?),
        None => None,
    };
    // It goes on with what the run was started with, as its memory.
    let entry = app.store().inbox_entry(&run.inbox).await?;
    let setting = entry.and_then(|entry| entry.payload.get("setting").cloned()).unwrap_or_else(|| app.setting.clone());
    let made = wanted.id().unwrap_or_else(|| RunId::new(app.ids.fresh()));
    let forking = Forking { run: run.id, at, ir, by, setting: wanted.kept_with(&setting) };
    let made = match app.engine.fork_as(made.clone(), forking).await {
        Ok(made) => made,
        Err(EngineError::Store(StoreError::RunExists(_))) => runs::made_meanwhile(&app, &wanted).await?,
        Err(error) => return Err(error.into()),
    };
    tracing::Span::current().record("run", made.as_str());
    runs::answer(&app, &made, wait).await
}

/// Run the same program with the same inputs again, as another run.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/rerun", tag = "runs",
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters"),
    ),
    responses(
        (status = 202, description = "accepted, and not ended yet", body = Run),
        (status = 200, description = "it has ended", body = Run),
        Named, Conflicting, Refusable, Elsewhere,
    )
)]
async fn rerun(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, axum::Json<Run>), ApiError> {
    let run = runs::named(&app, id).await?;
    let key = runs::idempotency_key(&headers)?.map(|key| format!("rerun\n{}\n{key}", run.id));
    let (context, inputs) = (run.context.clone(), run.inputs.clone());
    let (to_worker, budget, said) = (run.dispatched, run.budget.clone(), json!({ "rerun": run.id }));
    let wanted = Wanted { to_worker, by, context, inputs, budget, is_awaited: false, said, key };
    if let Some(made) = runs::repeated(&app, &wanted).await? {
        return runs::answer(&app, &made.id, Duration::ZERO).await;
    }
    let missing = || ApiError::not_found("IR", run.ir);
    let bytes = app.store().flow_document(run.ir).await?.ok_or_else(missing)?;
    let ir = app.engine.verified(&bytes)?;
    let made = runs::accepted(&app, ir, run.limits, wanted).await?;
    runs::answer(&app, &made, Duration::ZERO).await
}
