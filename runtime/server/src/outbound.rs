//! Calls to other servers: node agents and the control plane.

use std::time::Duration;

use axum::http::StatusCode;
use bloom_worker::Trust;
use reqwest::RequestBuilder;
use serde_json::Value;

/// Answers are no larger.
const LARGEST: usize = 8 << 20;

/// Who takes longer to be connected to is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// Speaks to other servers. It follows no redirect, so that what it shows to one is shown to no other.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    pub(crate) http: reqwest::Client,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// A text where it is no JSON.
    pub(crate) body: Value,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing was sent: nobody is there.
    Unreachable(String),
    /// It may have been done, or not.
    Lost(String),
}

impl Outbound {
    pub(crate) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "what could fail is already made: TLS, and no proxy is looked for")]
        let http = Trust::usual().client().connect_timeout(CONNECT).build().expect("nothing is left that fails");
        Self { http }
    }

    /// Sends a request, and waits so long for the whole answer.
    pub(crate) async fn send(&self, request: RequestBuilder, limit: Duration) -> Result<Reply, CallError> {
        let lost = |error: reqwest::Error| {
            let is_unreachable = error.is_connect() || error.is_builder();
            let told = told(&error.without_url());
            if is_unreachable { CallError::Unreachable(told) } else { CallError::Lost(told) }
        };
        let mut response = request.timeout(limit).send().await.map_err(lost)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len().saturating_add(chunk.len()) > LARGEST {
                return Err(CallError::Lost("the answer is too large".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes)));
        Ok(Reply { status: response.status(), body })
    }
}

impl CallError {
    /// For people.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Unreachable(message) | Self::Lost(message) => message,
        }
    }
}

/// With what it was caused by: that nobody listens stands there.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}
