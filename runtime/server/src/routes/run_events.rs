//! A run as it goes on: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::record::RunId;
use futures::Stream;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::Named;
use super::runs;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::hub::{News, Watch};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// So many events are held for a client that is slow; the rest stays in the store until it has taken these.
const HELD: usize = 64;

/// A sign of life, so that what stands between does not take the connection for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What the client has, where it cannot say it by a header, as browsers when they begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The number of the last event that the client has; `Last-Event-ID` goes before it.
    after: Option<u64>,
}

/// Recorded events as they come, with their number as `id` and their kind as `event`; after `Last-Event-ID` the stream goes on
/// where it was. What is not recorded yet has no id, and its kind begins with `transient.`. The stream ends with the run;
/// asked again, the answer is 204.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/events", tag = "runs",
    params(("id" = String, Path), Known, ("Last-Event-ID" = Option<u64>, Header, description = "the last number that was received")),
    responses(
        (status = 200, description = "server-sent events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "the run has ended, and there is nothing after that event"),
        Named,
    )
)]
async fn events(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(known): Query<Known>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last = last_event(&headers)?.or(known.after).unwrap_or(0);
    let run = runs::named(&app, id).await?;
    if run.status.is_terminal() && last >= run.events {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (watch, stopping) = (app.hub.watch(&run.id), app.stopping());
    let follower = Follower { app, run: run.id, next: last.saturating_add(1), held: VecDeque::new(), watch, stopping };
    Ok(stream(futures::stream::unfold(follower, |mut follower| async move {
        let sent = follower.next().await?;
        Some((sent, follower))
    })))
}

/// Answers with events as they come.
pub(super) fn stream(events: impl Stream<Item = Result<Sent, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response();
    // Of nginx: not to gather the events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The number of the last event that the client has.
pub(super) fn last_event(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let number = given.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| ApiError::invalid("Last-Event-ID", "it must be the number of an event"))
}

/// Reads what comes, as fast as the client takes it.
struct Follower {
    app: App,
    run: RunId,
    /// The number that is due.
    next: u64,
    held: VecDeque<Sent>,
    watch: Watch,
    stopping: watch::Receiver<bool>,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Sent, Infallible>> {
        loop {
            if let Some(sent) = self.held.pop_front() {
                return Some(Ok(sent));
            }
            // An error of the store ends the stream; the client asks again from where it was.
            let events = self.app.store().history(&self.run, self.next, HELD).await.ok()?;
            for event in &events {
                self.next = event.seq.saturating_add(1);
                let kind = serde_json::to_value(event.kind).ok();
                let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or("event").to_owned();
                self.held.push_back(Sent::default().id(event.seq.to_string()).event(kind).data(event.to_line()));
            }
            if !events.is_empty() {
                continue;
            }
            let run = self.app.store().run(&self.run).await.ok()??;
            if run.events >= self.next {
                continue;
            }
            if run.status.is_terminal() {
                return None;
            }
            tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stops| *stops) => return None,
                news = self.watch.next() => if let News::Transient(told) = news {
                    return Some(Ok(Sent::default().event(told.event).data(told.data.to_string())));
                },
            }
        }
    }
}
