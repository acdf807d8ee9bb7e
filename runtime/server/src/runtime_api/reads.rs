//! What the holder of a lease on a run reads here for the run's tools: components, artifacts, folders. Each is limited to what
//! the program is signed for, and the operator of this server grants.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bloom_interpreter::effect::EffectError;
use bloom_ir::capability::{ArtifactScope, Capability};
use bloom_ir::{Digest, Document, validate};
use bloom_runtime::dispatch::Proof;
use bloom_runtime::record::{ContextDenied, RunId, RunRecord};
use bloom_runtime::tool::{Artifact, FileEntry, SHARED_ROOTS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::Refused;
use super::flow::Epoch;
use super::form::{Form, one_of, text};
use super::lease;
use crate::app::App;
use crate::content::BYTES;
use crate::error::{ApiError, Code};
use crate::extract::{Path, Query};

/// The root that is the memory of the run's agent.
const MEMORY: &str = "memory";

/// The longest path below a root.
const LONGEST_PATH: usize = 4096;

/// The run of a lease, with its program.
async fn leased(app: &App, proof: &Proof) -> Result<(RunRecord, Document), Refused> {
    let (run, document) = app.engine.leased_run(proof).await?;
    let document = validate::read(&document).map_err(|_| Refused::not_found("Run"))?;
    Ok((run, document))
}

fn bytes(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, BYTES)], bytes).into_response()
}

/// A component that the run of a lease pins, for a worker that has another version of the tool. The worker holds it against the
/// digest.
#[utoipa::path(get, path = "/api/runtime/leases/{id}/tools/{digest}", tag = "runtime",
    params(("id" = String, Path), ("digest" = String, Path), Epoch),
    responses((status = 200, content((String = "application/octet-stream"))),
        (status = 400, description = "The epoch is missing, or that is no digest"),
        (status = 404, description = "There is no such lease, it is not on a run, its run does not pin that, or it is not at hand"),
        (status = 409, description = "The lease is stale")))]
pub(crate) async fn component(
    State(app): State<App>,
    Path((id, digest)): Path<(String, String)>,
    Query(epoch): Query<Epoch>,
) -> Result<Response, Refused> {
    let digest = digest_of(&digest)?;
    let (_, document) = leased(&app, &epoch.proof(id)).await?;
    let missing = || Refused::not_found("Tool");
    if !document.policy.pinned().contains(&digest) {
        return Err(missing());
    }
    let component = app.tools.component(digest).await.map_err(|error| ApiError::internal(&error))?;
    component.map(bytes).ok_or_else(missing)
}

fn digest_of(text: &str) -> Result<Digest, Refused> {
    let plain = text.strip_prefix("sha256:").unwrap_or(text);
    format!("sha256:{plain}").parse().map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "That is no digest"))
}

/// Whose artifacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Scope {
    /// `own`, those of the run's agent, or `all` of its context.
    #[param(example = "own")]
    scope: Option<String>,
}

impl Scope {
    /// The scope, if the program is signed for it, and the operator grants it.
    fn permitted(&self, app: &App, document: &Document) -> Result<ArtifactScope, Refused> {
        let wanted = match self.scope.as_deref() {
            None | Some("own") => ArtifactScope::Own,
            Some("all") => ArtifactScope::All,
            Some(_) => return Err(Refused::new(StatusCode::BAD_REQUEST, "scope: Expected 'own' | 'all'")),
        };
        let permitted = document.policy.allowed_tools.iter().filter_map(|(name, tool)| {
            let asked = tool.capabilities.iter().filter_map(|asked| match asked.parse() {
                Ok(Capability::Artifacts(scope)) => Some(scope),
                _ => None,
            });
            let signed = asked.max()?;
            if signed == ArtifactScope::Own {
                return Some(signed);
            }
            // Those of others are the operator's to grant, here as on the worker.
            let installed = app.tools.describe(name, tool.digest).ok()?;
            let granted = app.tools.may_call(&installed, &document.flow.id, &tool.capabilities);
            Some(if granted.is_ok() { signed } else { ArtifactScope::Own })
        });
        if permitted.max() >= Some(wanted) {
            return Ok(wanted);
        }
        Err(Refused::new(StatusCode::FORBIDDEN, "No tool of this run may read these artifacts"))
    }
}

/// Which artifact.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// Its name.
    name: String,
    /// Of this run; absent: the last one of any.
    run: Option<String>,
}

/// Where an artifact is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    digest: String,
    name: String,
    run: String,
}

/// The artifact of a name that was handed out last, for a tool of the run of a lease.
#[utoipa::path(get, path = "/api/runtime/leases/{id}/artifacts", tag = "runtime", params(("id" = String, Path), Epoch, Named, Scope),
    responses((status = 200, body = Found), (status = 400, description = "A parameter is missing or wrong"),
        (status = 403, description = "The program is not signed for that, the operator does not grant it, or (`CONTEXT_DENIED`) the \
            run that is named is of a context that is not open to the run's own"),
        (status = 404, description = "There is no such lease, it is not on a run, or there is no such artifact"),
        (status = 409, description = "The lease is stale"),
        (status = 503, description = "That cannot be known for now")))]
pub(crate) async fn find(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(epoch): Query<Epoch>,
    Query(named): Query<Named>,
    Query(scope): Query<Scope>,
) -> Result<Json<Found>, Refused> {
    let (run, document) = leased(&app, &epoch.proof(id)).await?;
    let scope = scope.permitted(&app, &document)?;
    let of = named.run.map(RunId::new);
    let found = app.engine.artifacts_of(&run).find(scope, &named.name, of.as_ref()).await.map_err(unavailable)?;
    let Artifact { digest, name, run } = found.ok_or_else(|| Refused::not_found("Artifact"))?;
    Ok(Json(Found { digest: digest.to_string(), name, run: run.to_string() }))
}

/// An artifact that the run of a lease may read, byte for byte.
#[utoipa::path(get, path = "/api/runtime/leases/{id}/artifacts/{digest}", tag = "runtime",
    params(("id" = String, Path), ("digest" = String, Path), Epoch, Scope),
    responses((status = 200, content((String = "application/octet-stream"))),
        (status = 400, description = "The epoch is missing, or that is no digest"),
        (status = 403, description = "The program is not signed for that, or the operator does not grant it"),
        (status = 404, description = "There is no such lease, it is not on a run, or there is no such artifact that it may read"),
        (status = 409, description = "The lease is stale"),
        (status = 503, description = "That cannot be known for now")))]
pub(crate) async fn artifact(
    State(app): State<App>,
    Path((id, digest)): Path<(String, String)>,
    Query(epoch): Query<Epoch>,
    Query(scope): Query<Scope>,
) -> Result<Response, Refused> {
    let digest = digest_of(&digest)?;
    let (run, document) = leased(&app, &epoch.proof(id)).await?;
    let scope = scope.permitted(&app, &document)?;
    let read = app.engine.artifacts_of(&run).read(scope, digest).await.map_err(unavailable)?;
    read.map(bytes).ok_or_else(|| Refused::not_found("Artifact"))
}

fn unavailable(error: EffectError) -> Refused {
    if ContextDenied::is_told_by(&error) {
        return ApiError::new(Code::ContextDenied, error.message).into();
    }
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.message)
}

/// What a tool reads of a folder. It has one of these members.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Read {
    /// The files below a folder: `path`, `size` in bytes, `modified` in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    entries: Option<Vec<FileEntry>>,
    /// A file's bytes, in base64 (RFC 4648).
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Why it cannot be read, for the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// What a tool is told of a failure.
#[derive(Debug, Serialize, ToSchema)]
struct Failure {
    code: String,
    message: String,
    retryable: bool,
}

/// Reads a folder of this server's operator, `memory` (the run's agent's own) or `context`, for a tool of the run of a lease:
/// `op` `list` for the files below `path`, `read` for the file there. What the tool cannot be given is an answer, too: `failure`.
#[utoipa::path(post, path = "/api/runtime/leases/{id}/memory-read", tag = "runtime", params(("id" = String, Path)),
    request_body = Object,
    responses((status = 200, body = Read), (status = 400, description = "The body is not what it must be"),
        (status = 404, description = "There is no such lease, or it is not on a run"),
        (status = 409, description = "The lease is stale")))]
pub(crate) async fn memory(
    State(app): State<App>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Read>, Refused> {
    let epoch = lease::epoch(&mut form);
    let lists = form.require("op", one_of(&[("list", true), ("read", false)])).unwrap_or_default();
    let root = form.require("root", text(1..=64)).unwrap_or_default();
    let path = form.get("path", text(0..=LONGEST_PATH)).unwrap_or_default();
    form.finish()?;
    let (run, document) = leased(&app, &lease::proof(id, epoch)).await?;
    Ok(Json(match looked(&app, &run, &document, lists, &root, &path).await {
        Ok(read) => read,
        Err(EffectError { code, message, retryable, .. }) => {
            Read { failure: Some(Failure { code, message, retryable }), ..Read::default() }
        }
    }))
}

async fn looked(
    app: &App,
    run: &RunRecord,
    document: &Document,
    lists: bool,
    root: &str,
    path: &str,
) -> Result<Read, EffectError> {
    let refused = || EffectError::new("not_granted", format!("`files:{root}` was not granted to a tool of this run"));
    let capability = format!("files:{root}");
    let mut tools = document.policy.allowed_tools.values();
    if !SHARED_ROOTS.contains(&root) || !tools.any(|tool| tool.capabilities.contains(&capability)) {
        return Err(refused());
    }
    if root == MEMORY {
        app.engine.check_memory(run).await?;
    }
    let folders: Arc<_> = app.tools.folders(&run.flow).ok_or_else(refused)?;
    Ok(if lists {
        Read { entries: Some(folders.list(root, path).await?), ..Read::default() }
    } else {
        Read { content: Some(STANDARD.encode(folders.read(root, path).await?)), ..Read::default() }
    })
}
