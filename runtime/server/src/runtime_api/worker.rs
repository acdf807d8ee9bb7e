//! Workers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use bloom_runtime::engine::Registration;
use bloom_runtime::record::{Capabilities, WorkerId, WorkerStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::bodies::{WorkerBeatForm, WorkerForm};
use super::error::Refused;
use super::form::{Form, boolean, few_texts, number, one_of, text, texts, url};
use super::view::{Lease, WorkerDetail, WorkerNode};
use crate::app::App;
use crate::auth::{Holder, Identity};
use crate::error::{ApiError, Code};
use crate::extract::Path;

/// All workers, by name.
#[utoipa::path(get, path = "/api/runtime/workers", tag = "runtime", responses((status = 200, body = Vec<WorkerNode>)))]
pub(crate) async fn list(State(app): State<App>) -> Json<Vec<WorkerNode>> {
    Json(app.engine.workers().into_iter().map(WorkerNode::of).collect())
}

/// A worker, with what it holds.
#[utoipa::path(get, path = "/api/runtime/workers/{id}", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = WorkerDetail), (status = 404, description = "There is no such worker")))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<WorkerDetail>, Refused> {
    let id = WorkerId::new(id);
    let seat = app.engine.worker(&id).ok_or_else(|| Refused::not_found("Worker"))?;
    let held = app.store().active_leases().await?.into_iter().filter(|lease| lease.worker == id);
    let leases = held.map(|lease| Lease::of(&app.engine.current_lease(lease))).collect();
    Ok(Json(WorkerDetail { worker: WorkerNode::of(seat), leases }))
}

/// Registers a worker, new or known, by its `name`.
#[utoipa::path(post, path = "/api/runtime/workers", tag = "runtime", request_body = WorkerForm,
    responses((status = 201, body = WorkerNode), (status = 200, body = WorkerNode, description = "It was known"),
        (status = 400, description = "The body is not what it must be")))]
pub(crate) async fn register(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Extension(holder): Extension<Holder>,
    mut form: Form,
) -> Result<(StatusCode, Json<WorkerNode>), Refused> {
    let name = form.require("name", name);
    let url = form.get("url", url);
    let status = form.get("status", one_of(STATUSES));
    let has_capabilities = form.within("capabilities", capabilities);
    let ip_addrs = form.get("ip_addrs", few_texts);
    let [agent_version, os_info, install_method] =
        ["agent_version", "os_info", "install_method"].map(|name| form.get(name, text(0..=1024)));
    form.finish()?;
    let id = name.unwrap_or_else(|| WorkerId::new(""));
    holder.act_for(&id)?;
    refuse_new_url(&app, &holder, &id, url.as_deref())?;
    // An agent of which nothing is said has what all agents have.
    let is_new = app.engine.worker(&id).is_none();
    let usual = || Capabilities { claude_cli: true, ..Capabilities::default() };
    let capabilities = has_capabilities.or_else(|| is_new.then(usual));
    let registration = Registration { url, status, capabilities, ip_addrs, agent_version, os_info, install_method };
    let (seat, is_new) = app.engine.admit_worker(&id, registration, &by).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(WorkerNode::of(seat))))
}

/// Where agents are called, they are shown the key that all of them ask for. So the key of one worker does not say where.
fn refuse_new_url(app: &App, holder: &Holder, id: &WorkerId, url: Option<&str>) -> Result<(), ApiError> {
    let known = app.engine.worker(id).and_then(|seat| seat.worker.url);
    match holder {
        Holder::Worker(_) if url.is_some() && url != known.as_deref() => {
            Err(ApiError::new(Code::Forbidden, "the key of a worker does not say where it is called"))
        }
        _ => Ok(()),
    }
}

/// What a worker may be called.
pub(super) fn name(value: &Value) -> Result<WorkerId, String> {
    WorkerId::named(&text(1..=128)(value)?).map_err(|_| "Invalid name".to_owned())
}

const STATUSES: &[(&str, WorkerStatus)] = &[
    ("online", WorkerStatus::Online),
    ("offline", WorkerStatus::Offline),
    ("syncing", WorkerStatus::Syncing),
    ("error", WorkerStatus::Error),
    ("unknown", WorkerStatus::Unknown),
];

fn capabilities(form: &mut Form) -> Capabilities {
    let provides = form.get("provides", texts).unwrap_or_default();
    Capabilities {
        claude_cli: form.get("claude_cli", boolean).unwrap_or(provides.is_empty()),
        max_concurrency: form.get("max_concurrency", number(1..=32_u32)).unwrap_or(1),
        labels: form.get("labels", few_texts).unwrap_or_default(),
        provides,
    }
}

/// A worker that was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    pub(super) removed: bool,
    pub(super) id: String,
}

/// Removes a worker. Its leases are revoked, and its tasks queued again.
#[utoipa::path(delete, path = "/api/runtime/workers/{id}", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, description = "There is no such worker")))]
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<Removed>, Refused> {
    let worker = WorkerId::new(id.as_str());
    // A task of its own: what was begun is brought to its end when the client goes.
    let removing = tokio::spawn(async move { app.engine.remove_worker(&worker, &by).await });
    removing.await.map_err(|lost| ApiError::internal(&lost))??;
    Ok(Json(Removed { removed: true, id }))
}

/// Says that a worker is there, or, where `drains` is true, that it takes nothing more until it registers again.
#[utoipa::path(post, path = "/api/runtime/workers/{id}/heartbeat", tag = "runtime", params(("id" = String, Path)),
    request_body = WorkerBeatForm,
    responses((status = 200, body = WorkerNode), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such worker: it registers again")))]
pub(crate) async fn heartbeat(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<WorkerNode>, Refused> {
    let drains = form.get("drains", boolean).unwrap_or_default();
    form.finish()?;
    let id = WorkerId::new(id);
    tracing::Span::current().record("worker", id.as_str());
    let seat = app.engine.hear_of_worker(&id).then(|| app.engine.worker(&id)).flatten();
    let seat = seat.ok_or_else(|| Refused::not_found("Worker"))?;
    if drains {
        app.engine.drain_worker(&id);
    }
    Ok(Json(WorkerNode::of(seat)))
}
