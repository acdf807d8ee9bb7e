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

static ASSETS: [Asset; 7] = assets! {
    "bloom.css" "text/css; charset=utf-8"
    "bloom.js" "text/javascript; charset=utf-8"
    "bloom.svg" "image/svg+xml"
    "proposals.js" "text/javascript; charset=utf-8"
    "publish.js" "text/javascript; charset=utf-8"
    "run.js" "text/javascript; charset=utf-8"
    "tools.js" "text/javascript; charset=utf-8"
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The names and texts of the files in a folder of this package.
    fn files(folder: &str) -> Vec<(String, String)> {
        let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let read = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        };
        folder.map(|entry| read(entry.unwrap())).collect()
    }

    #[test]
    fn all_modules_together_are_small_and_load_nothing_from_elsewhere() {
        let mut bytes = 0;
        for (name, text) in files("assets") {
            assert!(ASSETS.iter().any(|asset| asset.name == name), "{name} is not served");
            // A namespace is a name, and no address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for word in
                ["http://", "https://", "//cdn", "@import", "innerHTML", "eval(", "document.write", "insertAdjacent"]
            {
                assert!(!text.contains(word), "{name} has {word}");
            }
            if ASSETS.iter().any(|asset| asset.name == name && asset.kind.starts_with("text/javascript")) {
                bytes += text.len();
            }
        }
        assert!(bytes < 30_000, "{bytes} bytes");
    }

    /// What may be written as it is: drawings, whose texts the one who draws has escaped.
    const SAFE: [&str; 1] = ["svg|safe"];

    #[test]
    fn no_template_holds_what_the_policy_of_pages_forbids() {
        for (name, text) in files("templates") {
            let mut rest = text.clone();
            for safe in SAFE {
                rest = rest.replace(safe, "");
            }
            for word in ["style=", "<style", "|safe", "| safe", "javascript:", "src=\"http", "href=\"http", "src=\"//"]
            {
                assert!(!rest.contains(word), "{name} has {word}");
            }
            assert_eq!(
                text.matches("<script").count(),
                text.matches("<script type=\"module\" src=\"").count(),
                "{name}"
            );
            let mut handlers = text.split(|c: char| c.is_whitespace() || c == '"').filter(|part| {
                part.strip_prefix("on")
                    .and_then(|rest| rest.split_once('='))
                    .is_some_and(|(event, _)| !event.is_empty() && event.chars().all(|c| c.is_ascii_lowercase()))
            });
            assert_eq!(handlers.next(), None, "{name}");
        }
    }
}
