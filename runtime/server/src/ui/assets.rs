//! Styles, scripts and pictures of the pages. They are part of the program; a path holds the hash of what it leads to, so that
//! browsers keep them for as long as they like.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bloom_ir::Digest;

use crate::app::App;
use crate::extract::Path;
use crate::web;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $kind:literal)*) => {
        [$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../../assets/", $name)) }),*]
    };
}

static ASSETS: [Asset; 6] = assets! {
    "bloom.css" "text/css; charset=utf-8"
    "bloom.js" "text/javascript; charset=utf-8"
    "bloom.svg" "image/svg+xml"
    "proposals.js" "text/javascript; charset=utf-8"
    "run.js" "text/javascript; charset=utf-8"
    "publish.js" "text/javascript; charset=utf-8"
};

/// Scripts name each other without it, so all of them have the same: that of all of them together.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<u8> = ASSETS.iter().flat_map(|asset| asset.bytes.iter().copied()).collect();
    Digest::of(&all).hex().chars().take(16).collect()
});

/// Where an asset is.
pub(super) fn path(name: &str) -> String {
    debug_assert!(ASSETS.iter().any(|asset| asset.name == name), "there is no asset {name}");
    format!("/assets/{}/{name}", *HASH)
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{hash}/{name}", get(asset))
}

async fn asset(State(app): State<App>, Path((hash, name)): Path<(String, String)>, request: Request) -> Response {
    let asset = ASSETS.iter().find(|asset| asset.name == name && hash == *HASH);
    // A client that was built elsewhere has files of such paths, too.
    let Some(asset) = asset else { return web::serve(State(app), request).await };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, asset.bytes).into_response()
}
