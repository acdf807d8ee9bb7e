//! Tokens that make a machine a node: made by who has the server's key, or is logged in.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use bloom_runtime::record::{EnrollTokens, WorkerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common};
use crate::app::App;
use crate::auth::Identity;
use crate::error::ApiError;
use crate::extract::Json;
use crate::view::time;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(offer))
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct Offered {
    /// What it is called by in the audit log.
    id: String,
    /// The node that it is for.
    worker: String,
    /// What the machine shows, as `enroll=` of the install script. It is told now and never again.
    token: String,
    /// Since when it is good for nothing: 15 minutes from now.
    expires_at: String,
}

/// Which node.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NodeForm {
    /// What the node is called, or is to be called.
    worker: String,
}

/// Make a token with which one machine becomes this node, once, within 15 minutes. It takes the place of one that was made for
/// the node before and was not used.
#[utoipa::path(
    post, path = "/api/v1/enroll-tokens", tag = "worker keys", request_body = NodeForm,
    responses((status = 201, body = Offered), Common, Bodied)
)]
async fn offer(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Json(NodeForm { worker }): Json<NodeForm>,
) -> Result<(StatusCode, axum::Json<Offered>), ApiError> {
    let worker = WorkerId::named(&worker).map_err(|error| ApiError::invalid("worker", error.to_string()))?;
    let (token, id, at) = (EnrollTokens::secret(&app.ids.secret()), app.ids.fresh(), app.clock.now());
    let shown = token.clone();
    let offer = move |tokens: &mut EnrollTokens| {
        let token = tokens.offer(id, worker, &shown, &by, at).clone();
        let note = token.note(at, &by, "enroll_token_issued");
        Ok((token, note))
    };
    let made = app.enroll_tokens().change(app.store(), offer).await?;
    let (worker, expires_at) = (made.worker.to_string(), time(made.expires_at));
    Ok((StatusCode::CREATED, axum::Json(Offered { id: made.id, worker, token, expires_at })))
}
