//! Whether the server lives, and whether it can work.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, Code};

/// It does.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// Whether the server lives.
#[utoipa::path(get, path = "/healthz", tag = "state", security(()), responses((status = 200, body = Health)))]
async fn alive() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// Whether the store can be read and written.
#[utoipa::path(
    get, path = "/readyz", tag = "state", security(()),
    responses((status = 200, body = Health), (status = 503, body = crate::view::ErrorBody))
)]
async fn ready(State(app): State<App>) -> Result<axum::Json<Health>, ApiError> {
    if is_ready(&app).await {
        return Ok(axum::Json(Health { status: "ok" }));
    }
    Err(ApiError::new(Code::Unavailable, "the store cannot be written"))
}

/// Whether the store can be read and written; else the log says why not.
pub(crate) async fn is_ready(app: &App) -> bool {
    // These bytes are kept once, whoever asks how often.
    let kept = app.store().put_blob(b"ready".to_vec()).await;
    kept.inspect_err(|error| tracing::error!(%error, "the store cannot be written")).is_ok()
}
