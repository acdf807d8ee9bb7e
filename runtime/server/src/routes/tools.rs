//! The tools that flows may call here.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bloom_ir::Digest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common, Named, Refusable};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{ApiError, Code};
use crate::extract::{self, Path};
use crate::toolbox::{Adding, Fate};
use crate::view::{Compiling, Tool, ToolList};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(by_digest))
}

/// Those that take what may come slowly.
pub(super) fn unhurried() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add))
}

/// Add a tool for flows: the body is its component, of at most 64 MiB. It is compiled once it is here, which may take a while:
/// what has become of it is told at `url`.
#[utoipa::path(
    post, path = "/api/v1/tools", tag = "tools",
    request_body(
        content((Vec<u8> = "application/wasm"), (Vec<u8> = "application/octet-stream")),
        description = "a component of the world `bloom:tool/adapter`",
    ),
    responses(
        (status = 202, description = "it is being compiled", body = Compiling),
        (status = 200, description = "it is there already", body = Tool),
        Common, Bodied, Refusable,
    )
)]
async fn add(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers();
    let taken = ["application/wasm", "application/octet-stream"];
    if extract::content_type(headers).is_some_and(|given| !taken.contains(&given.as_str())) {
        return Err(ApiError::new(Code::UnsupportedMediaType, "the body must be a component (application/wasm)"));
    }
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let upload = app.adding().take(request.into_body(), declared, app.request_timeout()).await?;
    let digest = upload.digest;
    if let Some(tool) = installed(&app, digest) {
        return Ok(axum::Json(tool).into_response());
    }
    Adding::compile(&app, upload, by)?;
    Ok((StatusCode::ACCEPTED, axum::Json(Compiling::of(digest))).into_response())
}

fn installed(app: &App, digest: Digest) -> Option<Tool> {
    app.tools.installed().iter().find(|tool| tool.digest == digest).map(Tool::of)
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

/// The tool whose component has this digest, or what has become of one that was added.
#[utoipa::path(
    get, path = "/api/v1/tools/by-digest/{sha256}", tag = "tools",
    params(("sha256" = String, Path, description = "64 hexadecimal digits, with or without `sha256:` before them")),
    responses(
        (status = 200, body = Tool),
        (status = 202, description = "it is being compiled", body = Compiling),
        Named, Refusable,
    )
)]
async fn by_digest(State(app): State<App>, Path(digest): Path<String>) -> Result<Response, ApiError> {
    let text = if digest.starts_with("sha256:") { digest } else { format!("sha256:{digest}") };
    let wanted: Digest = text.parse().map_err(|_| ApiError::invalid("sha256", "it must be 64 hexadecimal digits"))?;
    // Asked before the tools: what is compiled meanwhile is then among those.
    let fate = app.adding().fate(wanted);
    if let Some(tool) = installed(&app, wanted) {
        return Ok(axum::Json(tool).into_response());
    }
    match fate {
        Some(Fate::Compiling) => Ok((StatusCode::ACCEPTED, axum::Json(Compiling::of(wanted))).into_response()),
        Some(Fate::Refused(reason)) => {
            Err(ApiError::new(Code::CompileFailed, format!("the component is no tool: {reason}")))
        }
        None => Err(ApiError::not_found("tool", wanted)),
    }
}
