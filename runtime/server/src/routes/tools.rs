//! The tools that flows may call here.

use axum::extract::State;
use bloom_ir::Digest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Common, Named};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;
use crate::view::{Tool, ToolList};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(by_digest))
}

/// All tools, by name.
#[utoipa::path(get, path = "/api/v1/tools", tag = "tools", responses((status = 200, body = ToolList), Common))]
async fn list(State(app): State<App>) -> axum::Json<ToolList> {
    axum::Json(ToolList { tools: app.tools.installed().iter().map(Tool::of).collect() })
}

/// The newest tool of a name.
#[utoipa::path(get, path = "/api/v1/tools/{name}", tag = "tools", params(("name" = String, Path)), responses((status = 200, body = Tool), Named))]
async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<axum::Json<Tool>, ApiError> {
    let found = app.tools.describe(&name, None).map_err(|_| ApiError::not_found("tool", &name))?;
    Ok(axum::Json(Tool::of(&found)))
}

/// The tool whose component has this digest.
#[utoipa::path(
    get, path = "/api/v1/tools/by-digest/{sha256}", tag = "tools",
    params(("sha256" = String, Path, description = "64 hexadecimal digits, with or without `sha256:` before them")),
    responses((status = 200, body = Tool), Named)
)]
async fn by_digest(State(app): State<App>, Path(digest): Path<String>) -> Result<axum::Json<Tool>, ApiError> {
    let text = if digest.starts_with("sha256:") { digest } else { format!("sha256:{digest}") };
    let wanted: Digest = text.parse().map_err(|_| ApiError::invalid("sha256", "it must be 64 hexadecimal digits"))?;
    let installed = app.tools.installed();
    let found = installed.iter().find(|tool| tool.digest == wanted);
    found.map(|tool| axum::Json(Tool::of(tool))).ok_or_else(|| ApiError::not_found("tool", wanted))
}
