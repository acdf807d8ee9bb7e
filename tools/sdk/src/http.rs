//! Requests to hosts that the operator granted: capability `http:HOST[:PORT] [METHOD…]`, as `http:api.example.org GET POST`.
//!
//! ```no_run
//! # fn forecast() -> Result<(), bloom_tool::Failure> {
//! use bloom_tool::http::Request;
//!
//! #[derive(serde::Deserialize)]
//! struct Forecast {
//!     degrees: f64,
//! }
//!
//! let response = Request::get("https://api.example.org/forecast").query([("city", "Львів")]).send()?;
//! let forecast: Forecast = response.error_for_status()?.json()?;
//! # Ok(())
//! # }
//! ```
//!
//! The host checks certificates, limits time and sizes, and adds the headers that the operator configured, as `authorization`
//! with a key that the tool never sees. Failures are listed at `fetch` in the WIT package; of those that can go better the
//! next time (`connection_failed`, `request_timeout`, …) `retryable` is true.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::bloom::tool::http::{Header, Request, Response};
use crate::{Failure, OrFail as _, host};

impl Request {
    /// A request without a body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let (method, url) = (method.into(), url.into());
        Self { method, url, headers: Vec::new(), body: None, timeout_ms: None, redirects: 0 }
    }

    /// `GET`, which follows up to 10 redirects of the same host.
    pub fn get(url: impl Into<String>) -> Self {
        Self { redirects: 10, ..Self::new("GET", url) }
    }

    /// `POST`, still without a body.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Adds parameters to the URL's query, percent-encoded.
    #[must_use]
    pub fn query<Name: AsRef<str>, Value: AsRef<str>>(
        mut self,
        parameters: impl IntoIterator<Item = (Name, Value)>,
    ) -> Self {
        for (name, value) in parameters {
            self.url.push(if self.url.contains('?') { '&' } else { '?' });
            encode(name.as_ref(), &mut self.url);
            self.url.push('=');
            encode(value.as_ref(), &mut self.url);
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Sets the body to JSON, and says so in a header.
    pub fn json(self, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body).or_fail("invalid_request")?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Sets the time for the whole exchange, in milliseconds, where it is to be less than what the operator allows.
    #[must_use]
    pub fn timeout_ms(self, milliseconds: u32) -> Self {
        Self { timeout_ms: Some(milliseconds), ..self }
    }

    /// Sends it, and waits for the whole response. Any status is a response.
    pub fn send(&self) -> Result<Response, Failure> {
        host::http::fetch(self)
    }
}

impl Response {
    /// The first header field of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| header.value.as_str())
    }

    /// The response, if its status is 200 to 299; else a failure `http_404` and the like, which is retryable for 408, 429 and
    /// 500 to 599.
    pub fn error_for_status(self) -> Result<Self, Failure> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(Failure {
                code: format!("http_{status}"),
                message: format!("the server answered {status}"),
                retryable: matches!(status, 408 | 429 | 500..=599),
            }),
        }
    }

    /// The body as text; fails with `invalid_response` where it is not UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.body).or_fail("invalid_response")
    }

    /// The body as JSON; fails with `invalid_response` where it is none, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).or_fail("invalid_response")
    }
}

/// Everything that RFC 3986 does not list as unreserved is encoded.
fn encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(byte.into());
        } else {
            // A string takes all.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}
