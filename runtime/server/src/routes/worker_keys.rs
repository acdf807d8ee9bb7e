//! Keys of workers: made, listed and revoked by who has the server's key.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use bloom_runtime::record::{KeyRefusal, WorkerId, WorkerKey, WorkerKeys};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common, Conflicting, Named};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{ApiError, Code};
use crate::extract::{Json, Path};
use crate::view::time;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, issue)).routes(routes!(revoke))
}

/// A key of a worker, without its secret.
#[derive(Serialize, ToSchema)]
struct KeyView {
    id: String,
    /// Whom its holder may act for.
    worker: String,
    created_at: String,
    created_by: String,
    /// Since when it lets nobody in.
    revoked_at: Option<String>,
}

impl KeyView {
    fn of(key: &WorkerKey) -> Self {
        Self {
            id: key.id.clone(),
            worker: key.worker.to_string(),
            created_at: time(key.created_at),
            created_by: key.created_by.to_string(),
            revoked_at: key.revoked_at.map(time),
        }
    }
}

/// Keys of workers, oldest first.
#[derive(Serialize, ToSchema)]
struct KeyList {
    keys: Vec<KeyView>,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
struct Issued {
    #[serde(flatten)]
    key: KeyView,
    /// What the worker shows. It is told now and never again.
    secret: String,
}

/// Whose key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The name of the worker, which need not be registered yet.
    worker: String,
}

/// All keys of workers, those that were revoked too.
#[utoipa::path(get, path = "/api/v1/worker-keys", tag = "worker keys", responses((status = 200, body = KeyList), Common))]
async fn list(State(app): State<App>) -> Result<axum::Json<KeyList>, ApiError> {
    let keys = app.worker_keys().read(app.store()).await?;
    Ok(axum::Json(KeyList { keys: keys.0.iter().map(KeyView::of).collect() }))
}

/// Make a key for a worker: it reaches what workers need, and acts for this worker only.
#[utoipa::path(
    post, path = "/api/v1/worker-keys", tag = "worker keys", request_body = Wanted,
    responses((status = 201, body = Issued), Common, Bodied)
)]
async fn issue(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Json(Wanted { worker }): Json<Wanted>,
) -> Result<(StatusCode, axum::Json<Issued>), ApiError> {
    let worker = WorkerId::named(&worker).map_err(|error| ApiError::invalid("worker", error.to_string()))?;
    let (secret, id, at) = (WorkerKeys::secret(&app.ids.secret()), app.ids.fresh(), app.clock.now());
    let shown = secret.clone();
    let issue = move |keys: &mut WorkerKeys| {
        let key = keys.issue(id, worker, &shown, &by, at).clone();
        let note = key.note(at, &by, "worker_key_issued");
        Ok((key, note))
    };
    let key = app.worker_keys().change(app.store(), issue).await?;
    Ok((StatusCode::CREATED, axum::Json(Issued { key: KeyView::of(&key), secret })))
}

/// Revoke a key: from now on it lets nobody in.
#[utoipa::path(
    delete, path = "/api/v1/worker-keys/{id}", tag = "worker keys", params(("id" = String, Path)),
    responses((status = 200, body = KeyView), Named, Conflicting)
)]
async fn revoke(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<axum::Json<KeyView>, ApiError> {
    let at = app.clock.now();
    let revoke = move |keys: &mut WorkerKeys| {
        let key = keys.revoke(&id, at).cloned().map_err(|error| match error {
            KeyRefusal::Unknown(id) => ApiError::not_found("worker key", id),
            KeyRefusal::Revoked(_) => ApiError::new(Code::InvalidTransition, error.to_string()),
        })?;
        let note = key.note(at, &by, "worker_key_revoked");
        Ok((key, note))
    };
    let key = app.worker_keys().change(app.store(), revoke).await?;
    Ok(axum::Json(KeyView::of(&key)))
}
