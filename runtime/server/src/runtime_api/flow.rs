//! Whole runs that workers execute: what the holder of such a lease gets, and what it brings.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body};
use bloom_interpreter::history::{read_lines, run_of, write_lines};
use bloom_ir::{Document, validate};
use bloom_runtime::dispatch::Proof;
use bloom_runtime::record::{self, LeaseId, RunRecord};
use bloom_runtime::store::StoreError;
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::error::Refused;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::view;

/// So many events are read at a time.
const PAGE: usize = 1000;

/// What the holder of a lease shows.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Epoch {
    /// The lease's epoch.
    epoch: u64,
}

impl Epoch {
    pub(super) fn proof(self, id: String) -> Proof {
        Proof { lease: LeaseId::new(id), epoch: self.epoch }
    }
}

/// The Task Envelope of a run that is granted to a worker.
pub(super) async fn envelope(app: &App, task: &record::Task, lease: &record::Lease) -> Result<Option<Value>, Refused> {
    let (Some(hash), Some(run)) = (task.flow, task.run()) else { return Ok(None) };
    let missing = || Refused::not_found("Run");
    let run = app.store().run(run).await?.ok_or_else(missing)?;
    let document = app.store().flow_document(hash).await?.ok_or_else(missing)?;
    let document = validate::read(&document).map_err(|_| missing())?;
    Ok(Some(of_run(&run, &document, task, lease)))
}

fn of_run(run: &RunRecord, document: &Document, task: &record::Task, lease: &record::Lease) -> Value {
    let mut envelope = view::Envelope::task(run, document);
    envelope["task_id"] = json!(task.id);
    envelope["run_id"] = json!(run.id);
    envelope["lease"] = json!({
        "issued_at": view::time(lease.started_at), "expires_at": view::time(lease.expires_at), "worker_id": lease.worker,
    });
    envelope
}

/// The signed IR of the run that a lease is on. The worker verifies it against its own trust list before anything runs.
#[utoipa::path(get, path = "/api/runtime/leases/{id}/ir", tag = "runtime", params(("id" = String, Path), Epoch),
    responses((status = 200, body = Object), (status = 400, description = "The epoch is missing"),
        (status = 404, description = "There is no such lease, or it is not on a run"),
        (status = 409, description = "The lease is stale")))]
pub(crate) async fn ir(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(epoch): Query<Epoch>,
) -> Result<Response, Refused> {
    let (_, document) = app.engine.leased_run(&epoch.proof(id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}

/// What is recorded of the run that a lease is on, as JSON Lines: a worker goes on after that.
#[utoipa::path(get, path = "/api/runtime/leases/{id}/events", tag = "runtime", params(("id" = String, Path), Epoch),
    responses((status = 200, content((String = "application/jsonl"))), (status = 400, description = "The epoch is missing"),
        (status = 404, description = "There is no such lease, or it is not on a run"),
        (status = 409, description = "The lease is stale")))]
pub(crate) async fn history(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(epoch): Query<Epoch>,
) -> Result<Response, Refused> {
    let (run, _) = app.engine.leased_run(&epoch.proof(id)).await?;
    let pages = stream::try_unfold(Some(1), move |from| {
        let (app, run) = (app.clone(), run.id.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            let events = app.store().history(&run, from, PAGE).await?;
            let last = events.last().filter(|_| events.len() == PAGE);
            Ok::<_, StoreError>(Some((write_lines(&events), last.map(|last| last.seq.saturating_add(1)))))
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], body::Body::from_stream(pages)).into_response())
}

/// Where a history stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Added {
    /// How many events it has.
    events: u64,
    /// The hash of the last one.
    history_head: String,
}

/// Adds to the history of the run that a lease is on: events as JSON Lines, numbered and chained. Each is held against the
/// program before any is kept. Events that are there already are passed over.
#[utoipa::path(post, path = "/api/runtime/leases/{id}/events", tag = "runtime", params(("id" = String, Path), Epoch),
    request_body(content = String, content_type = "application/jsonl"),
    responses((status = 200, body = Added), (status = 400, description = "A line is no event, or the epoch is missing"),
        (status = 404, description = "There is no such lease, or it is not on a run"),
        (status = 409, description = "The lease is stale (`LEASE_STALE`), or the events do not follow those that are there (`HISTORY_GAP`)"),
        (status = 413, description = "The body is too large"),
        (status = 422, description = "An event is not what the program does next (`HISTORY_REFUSED`)")))]
pub(crate) async fn add(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(epoch): Query<Epoch>,
    Body(bytes): Body,
) -> Result<Json<Added>, Refused> {
    let bad = |message: String| Refused::new(StatusCode::BAD_REQUEST, message);
    let text = std::str::from_utf8(&bytes).map_err(|error| bad(error.to_string()))?;
    let events = read_lines(text).map_err(|error| bad(format!("{error}: {}", error.source)))?;
    let proof = epoch.proof(id);
    if let Some(run) = run_of(&events) {
        tracing::Span::current().record("run", run);
    }
    // It goes on if the worker does not wait.
    let following = tokio::spawn(async move { app.engine.follow(&proof, events, bloom_worker::check_answer).await });
    let followed = following.await.map_err(|error| {
        tracing::error!(%error, "a history was not followed");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    })??;
    Ok(Json(Added { events: followed.events, history_head: followed.head.to_string() }))
}
