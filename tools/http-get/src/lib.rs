//! `http-get`: asks a server that the operator granted.

use bloom_tool::Failure;
use bloom_tool::http::Request;
use serde::Deserialize;
use web::{Answer, Expect, Fields};

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What to ask for.
    pub url: String,
    /// Added to the URL's query.
    #[serde(default)]
    pub query: Fields,
    /// Header fields.
    #[serde(default)]
    pub headers: Fields,
    /// How the answer is read.
    #[serde(flatten)]
    pub expect: Expect,
}

/// Asks.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn http_get(input: Input) -> Result<Answer, Failure> {
    let Input { url, query, headers, expect } = input;
    web::ask(&web::with(Request::get(url), &query, &headers)?, &expect)
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::{Host, response};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_is_asked() {
        let host = Host::new().http(|request| {
            assert_eq!((request.method.as_str(), request.body.as_ref(), request.redirects), ("GET", None, 10));
            Ok(response(200, request.url.as_str()))
        });
        let input = json!({ "url": "https://example.org/a", "query": { "q": "ї" }, "format": "text" });
        let answer = host.run(|| http_get(serde_json::from_value(input).unwrap())).unwrap();
        assert_eq!(answer.body, "https://example.org/a?q=%D1%97");
    }
}
