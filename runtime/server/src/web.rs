//! A client that was built elsewhere, served in place of this server's own pages: the files of a folder.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::app::App;
use crate::request;

/// What its pages may load: what is served here, and pictures and fonts that stand in them.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; \
object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// The first parts of paths that are no pages.
const NO_PAGES: [&str; 2] = ["api", "l"];

/// Answers where no route is: with a file of the client, or with its first page where a person asks for what the client itself
/// has a page of.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path());
    let is_page = matches!(method, Method::GET | Method::HEAD) && is_servable(path);
    let Some(folder) = app.config.web.as_deref().filter(|_| is_page) else {
        return request::no_such_route().into_response();
    };
    let headers = request.headers().clone();
    let mut answered = file(ServeDir::new(folder), request).await;
    if answered.status() == StatusCode::NOT_FOUND && wants_page(&headers) {
        let mut first = Request::new(Body::empty());
        (*first.method_mut(), *first.uri_mut()) = (method, Uri::from_static("/"));
        answered = file(ServeDir::new(folder), first).await;
    }
    if answered.status() == StatusCode::NOT_FOUND {
        return request::no_such_route().into_response();
    }
    let headers = answered.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Asked for again, it is compared first.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answered
}

async fn file(folder: ServeDir, request: Request) -> Response {
    match folder.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// Whether a path may be one of the client's: none of the API's, and no hidden file.
fn is_servable(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    let is_hidden = |part: &str| part.starts_with('.') || part.to_ascii_lowercase().starts_with("%2e");
    !parts.clone().next().is_some_and(|first| NO_PAGES.contains(&first)) && !parts.any(is_hidden)
}

/// Whether a browser shows what comes to a person.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
}
