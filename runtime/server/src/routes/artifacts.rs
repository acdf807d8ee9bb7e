//! What runs and tasks handed out, byte for byte.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use bloom_interpreter::effect::Emission;
use bloom_interpreter::history::Payload;
use bloom_ir::document::EmitKind;
use bloom_ir::{Digest, Value};
use bloom_runtime::engine;
use bloom_runtime::record::{ArtifactId, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Elsewhere, Named, Part};
use super::runs;
use crate::app::App;
use crate::content::{Content, JSON, Outline, TEXT, Wanted, kind, known_kind};
use crate::error::ApiError;
use crate::extract::Path;
use crate::view::{self, RunArtifact, RunArtifacts};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(of_run)).routes(routes!(of_task))
}

/// The artifacts of a run, by name. Of several with one name it is the last one.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/artifacts", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunArtifacts), Named)
)]
async fn list(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<RunArtifacts>, ApiError> {
    let run = runs::named(&app, id).await?;
    let artifacts = emitted(&app, &run.id).await?;
    let artifacts = artifacts.into_iter().map(|(name, HandedOut { emission, at, version, supersedes })| {
        let Content { bytes, digest, kind } = content(&emission);
        RunArtifact {
            media_type: kind.to_owned(),
            size_bytes: bytes.len(),
            created_at: view::time(at),
            download_url: runs::artifact_path(&run.id, &name),
            digest: digest.to_string(),
            version,
            supersedes: supersedes.map(|before| before.to_string()),
            job_id: run.id.to_string(),
            name,
        }
    });
    Ok(axum::Json(RunArtifacts { run_id: run.id.to_string(), artifacts: artifacts.collect() }))
}

/// An artifact of a run: a text as it is, anything else as JSON. `Range` asks for one range of its bytes.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/artifacts/{name}", tag = "runs",
    params(("id" = String, Path), ("name" = String, Path), ("Range" = Option<String>, Header, description = "as `bytes=0-1023`"),
        ("If-None-Match" = Option<String>, Header, description = "the `ETag` of what the client has")),
    responses(
        (status = 200, content((String = "text/plain"), (serde_json::Value = "application/json"))),
        (status = 206, description = "the part that was asked for", content((String = "text/plain"), (serde_json::Value = "application/json"))),
        (status = 304, description = "it is what the client has"),
        Part, Named,
    )
)]
async fn of_run(
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = runs::named(&app, id).await?;
    let last = emitted(&app, &run.id).await?.remove(&name).ok_or_else(|| ApiError::not_found("artifact", &name))?;
    Ok(content(&last.emission).answer(&method, &headers))
}

/// What is in an artifact that a task brought. `Range` asks for one range of its bytes.
#[utoipa::path(
    get, path = "/api/v1/artifacts/{id}", tag = "runs",
    params(("id" = String, Path), ("Range" = Option<String>, Header, description = "as `bytes=0-1023`"),
        ("If-None-Match" = Option<String>, Header, description = "the `ETag` of what the client has")),
    responses(
        (status = 200, content((String = "text/plain"), (serde_json::Value = "application/json"), (String = "application/octet-stream"))),
        (status = 206, description = "the part that was asked for", content((String = "text/plain"), (serde_json::Value = "application/json"), (String = "application/octet-stream"))),
        (status = 304, description = "it is what the client has"),
        Part, Named, Elsewhere,
    )
)]
async fn of_task(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found("artifact", &id);
    let artifact = app.store().artifact(&ArtifactId::new(id.as_str())).await?.ok_or_else(missing)?;
    let (digest, length) = (artifact.content, usize::try_from(artifact.bytes).unwrap_or(usize::MAX));
    let Some(kind) = artifact.media_type.as_deref().and_then(known_kind) else {
        let bytes = app.store().blob(digest).await?.ok_or_else(missing)?;
        return Ok(Content { kind: kind(&bytes), bytes, digest }.answer(&method, &headers));
    };
    let outline = Outline { length, digest, kind };
    let wanted = outline.wanted(&method, &headers);
    let read = match &wanted {
        Wanted::All => app.store().blob(digest).await?,
        // Where contents lie elsewhere, no more than the part is fetched.
        Wanted::Part(part) => app.store().blob_part(digest, part.start as u64..part.end as u64).await?,
        Wanted::Nothing | Wanted::Known => Some(Vec::new()),
    };
    Ok(outline.answer(&wanted, read.ok_or_else(missing)?.into()))
}

/// What a run handed out last under a name.
struct HandedOut {
    emission: Emission,
    /// When, in Unix milliseconds.
    at: i64,
    /// How often it has handed something out under this name.
    version: u64,
    /// The digest of what it handed out before.
    supersedes: Option<Digest>,
}

/// The last artifact of each name that a run handed out, and when.
async fn emitted(app: &App, run: &RunId) -> Result<BTreeMap<String, HandedOut>, ApiError> {
    let mut found: BTreeMap<String, HandedOut> = BTreeMap::new();
    runs::for_events(app, run, |event| {
        if let Some(Payload::Emitted { emission }) = &event.payload
            && emission.kind == EmitKind::Artifact
        {
            let before = found.remove(&emission.name);
            let version = before.as_ref().map_or(1, |before| before.version.saturating_add(1));
            let supersedes = before.map(|before| engine::artifact(&before.emission).1);
            found.insert(
                emission.name.clone(),
                HandedOut { emission: emission.clone(), at: event.at, version, supersedes },
            );
        }
    })
    .await?;
    Ok(found)
}

fn content(emission: &Emission) -> Content {
    let (bytes, digest) = engine::artifact(emission);
    let kind = if matches!(emission.value, Value::String(_)) { TEXT } else { JSON };
    Content { bytes, digest, kind }
}
