//! The log of who did what: read, and proved.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::store::StoreError;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::Common;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Query, prefers};
use crate::view::{AuditPage, audit_entries};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
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
}

/// Entries of the audit log, oldest first; with `Accept: application/jsonl` all from one on as JSON Lines.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(Range),
    responses((status = 200, content((AuditPage = "application/json"), (String = "application/jsonl"))), Common)
)]
async fn list(State(app): State<App>, Query(range): Query<Range>, headers: HeaderMap) -> Result<Response, ApiError> {
    let limit = range.limit.unwrap_or(100);
    if range.from == Some(0) || !(1..=1000).contains(&limit) {
        return Err(ApiError::invalid("query", "`from` begins with 1, and `limit` is 1 to 1000"));
    }
    let wants_lines = ["application/jsonl", "application/x-ndjson"]
        .into_iter()
        .find(|mime| prefers(&headers, mime, "application/json"));
    if let Some(mime) = wants_lines {
        let lines = Body::from_stream(lines(app, range.from.unwrap_or(1)));
        return Ok(([(header::CONTENT_TYPE, mime)], lines).into_response());
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
