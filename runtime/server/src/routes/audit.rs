//! The log of who did what: read, and proved.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bloom_ir::dsse::Envelope;
use bloom_runtime::record::{AuditChain, Checkpoint};
use bloom_runtime::store::StoreError;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Common, Named};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::extract::{Query, prefers};
use crate::view::{AuditPage, AuditProof, audit_entries};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(checkpoint)).routes(routes!(proof))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Range {
    /// From this number on; absent: the last ones.
    #[param(minimum = 1)]
    from: Option<u64>,
    /// At most so many: 1 to 1000, else 100. JSON Lines are not limited.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `jsonl`: as JSON Lines, for who cannot say so by `Accept`; a browser keeps them as a file.
    #[param(inline)]
    format: Option<Format>,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Jsonl,
}

/// Entries of the audit log, oldest first; with `Accept: application/jsonl` all from one on as JSON Lines.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(Range),
    responses((status = 200, content((AuditPage = "application/json"), (String = "application/jsonl"), (String = "application/x-ndjson"))), Common)
)]
async fn list(State(app): State<App>, Query(range): Query<Range>, headers: HeaderMap) -> Result<Response, ApiError> {
    let limit = range.limit.unwrap_or(100);
    if range.from == Some(0) || !(1..=1000).contains(&limit) {
        return Err(ApiError::invalid("query", "`from` begins with 1, and `limit` is 1 to 1000"));
    }
    let wants_lines = ["application/jsonl", "application/x-ndjson"]
        .into_iter()
        .find(|mime| prefers(&headers, mime, "application/json"));
    let wants_lines = match range.format {
        None => wants_lines,
        Some(Format::Json) => None,
        Some(Format::Jsonl) => Some("application/jsonl"),
    };
    if let Some(mime) = wants_lines {
        let lines = Body::from_stream(lines(app, range.from.unwrap_or(1)));
        let mut response = ([(header::CONTENT_TYPE, mime)], lines).into_response();
        if range.format.is_some() {
            let name = HeaderValue::from_static("attachment; filename=\"audit.jsonl\"");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
        return Ok(response);
    }
    let last = app.store().audit_head().await?.map_or(0, |head| head.seq);
    let from = range.from.unwrap_or_else(|| last.saturating_sub(limit - 1).max(1));
    let entries = app.store().audit(from..=from.saturating_add(limit - 1)).await?;
    let next = entries.last().filter(|entry| entry.seq < last).map(|entry| entry.seq.saturating_add(1));
    Ok(axum::Json(AuditPage { entries: audit_entries(&entries), next }).into_response())
}

/// Entries read at a time.
const PAGE: u64 = 500;

fn lines(app: App, from: u64) -> impl futures::Stream<Item = Result<String, StoreError>> {
    futures::stream::try_unfold(from, move |from| {
        let app = app.clone();
        async move {
            let entries = app.store().audit(from..=from.saturating_add(PAGE - 1)).await?;
            let lines =
                audit_entries(&entries).iter().fold(String::new(), |lines, entry| lines + &entry.to_string() + "\n");
            Ok(if lines.is_empty() { None } else { Some((lines, from.saturating_add(PAGE))) })
        }
    })
}

/// Where the log stands now, signed (DSSE, payload `application/vnd.bloom.audit-checkpoint+json`: `entries`, `head`, `at`). Kept
/// elsewhere, it shows later whether entries were cut off or the log was written anew.
#[utoipa::path(
    get, path = "/api/v1/audit/checkpoint", tag = "audit",
    responses((status = 200, description = "a DSSE envelope", body = serde_json::Value), Named)
)]
async fn checkpoint(State(app): State<App>) -> Result<axum::Json<Envelope>, ApiError> {
    Ok(axum::Json(signed(&app).await?.1))
}

/// Signs where the log stands.
async fn signed(app: &App) -> Result<(Checkpoint, Envelope), ApiError> {
    let none = || ApiError::new(Code::NotFound, "this server signs no checkpoints");
    let key = app.config.audit_key.as_ref().ok_or_else(none)?;
    let head = app.store().audit_head().await?;
    let chain = head.as_ref().map_or_else(AuditChain::default, AuditChain::after);
    let checkpoint = Checkpoint::of(&chain, app.clock.now());
    let envelope = checkpoint.sign(key);
    Ok((checkpoint, envelope))
}

/// Which entry.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Its number.
    #[param(minimum = 1)]
    seq: u64,
}

/// No proof is longer; who wants to prove an older entry takes the log as JSON Lines.
const LONGEST_PROOF: u64 = 1000;

/// That an entry stands in the log: the chain from it to a checkpoint, at most 1000 entries of it.
#[utoipa::path(
    get, path = "/api/v1/audit/proof", tag = "audit", params(Which),
    responses((status = 200, body = AuditProof), Named)
)]
async fn proof(State(app): State<App>, Query(Which { seq }): Query<Which>) -> Result<axum::Json<AuditProof>, ApiError> {
    let (checkpoint, envelope) = signed(&app).await?;
    if !(1..=checkpoint.entries).contains(&seq) {
        return Err(ApiError::not_found("audit entry", seq));
    }
    if checkpoint.entries - seq >= LONGEST_PROOF {
        return Err(ApiError::invalid("seq", "it is too long ago; take the log as JSON Lines from it on"));
    }
    let entries = audit_entries(&app.store().audit(seq..=checkpoint.entries).await?);
    let checkpoint = serde_json::to_value(envelope).unwrap_or_default();
    Ok(axum::Json(AuditProof { entries, checkpoint }))
}
