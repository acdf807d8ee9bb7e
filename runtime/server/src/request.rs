//! What stands around every route: ids, logs, time limits, headers, and the bodies of errors.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use serde_json::json;
use tracing::Instrument as _;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::origin;

/// The header of the request's own id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header of an id that the client links several requests by.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Ids from outside are no longer.
const LONGEST_ID: usize = 128;

/// Surrounds a request.
pub(crate) async fn surround(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = given(request.headers(), &REQUEST_ID).unwrap_or_else(|| app.ids.fresh());
    let correlation = given(request.headers(), &CORRELATION_ID).unwrap_or_else(|| id.clone());
    // The path may hold a secret: what is logged is the route, and ids are added by who knows them.
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let route_of = route.clone();
    let span = tracing::info_span!(
        "request", request_id = id, method = %request.method(), route,
        run = tracing::field::Empty, task = tracing::field::Empty, worker = tracing::field::Empty,
        node = tracing::field::Empty, flow = tracing::field::Empty,
        client = origin::client(&app, &request).map(tracing::field::display),
    );
    let (since, method) = (Instant::now(), request.method().clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.in_scope(|| {
        let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = status.as_u16(), ms, "answered");
    });
    if !method.is_safe() {
        app.hub.feed().more();
    }
    app.metrics().answered(method.as_str(), &route_of, status.as_u16(), since.elapsed());
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        // What says what would be taken stays.
        let headers = std::mem::take(response.headers_mut());
        response = written(&error, &correlation);
        let stays = |name: &HeaderName| *name == header::ALLOW || *name == header::CONTENT_RANGE;
        response.headers_mut().extend(headers.into_iter().filter(|(name, _)| name.as_ref().is_some_and(stays)));
    }
    let headers = response.headers_mut();
    protect(headers);
    if app.config.tls.is_some() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    for (name, value) in [(REQUEST_ID, &id), (CORRELATION_ID, &correlation)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// An id that the client gave, if it can be shown again as it is.
fn given(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let id = headers.get(name)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_graphic();
    (!id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(is_plain)).then(|| id.to_owned())
}

/// The body of an error.
fn written(error: &ApiError, correlation: &str) -> Response {
    let mut body =
        json!({ "error": { "code": error.code.name(), "message": error.message }, "correlationId": correlation });
    if let Some(details) = &error.details {
        body["error"]["details"] = details.clone();
    }
    let mut response =
        (error.code.status(), [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    let extra = match error.code {
        Code::AuthRequired | Code::TokenExpired => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        Code::RateLimited | Code::Unavailable | Code::Upstream => {
            Some((header::RETRY_AFTER, HeaderValue::from_static("1")))
        }
        _ => None,
    };
    response.headers_mut().extend(extra);
    response
}

/// Answers are for the program that asked, and for no page.
fn protect(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
}

/// A body may take a second longer for so many bytes, as lines may be slow.
pub(crate) const BYTES_A_SECOND: u64 = 64 << 10;

/// Ends what takes longer than a request may.
pub(crate) async fn hurry(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = patience(&app, &request);
    let late = || ApiError::new(Code::RequestTimeout, "the request did not come, or was not answered, in time");
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| late().into_response())
}

/// Has the body come before a handler that takes its time: that time is for the answer.
pub(crate) async fn gather(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = patience(&app, &request);
    let (parts, body) = request.into_parts();
    let whole = http_body_util::Limited::new(body, app.config.max_body).collect();
    let error = match tokio::time::timeout(limit, whole).await {
        Ok(Ok(whole)) => return next.run(Request::from_parts(parts, Body::from(whole.to_bytes()))).await,
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            ApiError::new(Code::PayloadTooLarge, "the body is larger than this server takes")
        }
        Ok(Err(error)) => ApiError::invalid("body", error.to_string()),
        Err(_) => ApiError::new(Code::RequestTimeout, "the request did not come in time"),
    };
    error.into_response()
}

/// How long a request may take that says how large it is.
fn patience(app: &App, request: &Request) -> Duration {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length = length.unwrap_or(0).min(app.config.max_body as u64);
    app.request_timeout().saturating_add(Duration::from_secs(length / BYTES_A_SECOND))
}

/// A handler that panicked is a fault of the server, and no reason to stop.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response<Body> {
    tracing::error!("a handler panicked");
    ApiError::new(Code::Internal, "the server could not do it; its log says why").into_response()
}

pub(crate) fn no_such_route() -> ApiError {
    ApiError::new(Code::NotFound, "there is no such path")
}

pub(crate) async fn no_such_method() -> Response {
    ApiError::new(Code::MethodNotAllowed, "this path does not take this method").into_response()
}
