//! What is counted, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::Common;
use crate::app::App;
use crate::error::ApiError;

/// As `OpenMetrics` has it, which Prometheus reads.
const TEXT: &str = "application/openmetrics-text";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What is counted, as Prometheus reads it (`OpenMetrics` text).
#[utoipa::path(
    get, path = "/metrics", tag = "state",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"), Common)
)]
async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let text = app.metrics().text(&app).await?;
    Ok(([(header::CONTENT_TYPE, format!("{TEXT}; version=1.0.0; charset=utf-8"))], text).into_response())
}
