//! How what a worker says reaches its server.

use std::fmt::{self, Write as _};
use std::time::Duration;

use async_trait::async_trait;
use hyper::{Request, Response};
use tokio::time::timeout;

use super::client::{PATIENCE, RemoteError};
use crate::trust::{TlsFault, Trust};

/// Carries requests to a server, and answers back.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request, whose URI is absolute, and gives the whole answer, whatever its status. `patience` is how long the answer
    /// may take to begin. Without an answer it is [`RemoteError::Unreachable`] or [`RemoteError::Tls`]; the request may have
    /// been heard all the same. Who drops the future wants no answer any more.
    async fn send(&self, request: Request<Vec<u8>>, patience: Duration) -> Result<Response<Vec<u8>>, RemoteError>;
}

/// A network, with HTTP.
#[derive(Debug)]
pub(super) struct Http(reqwest::Client);

impl Http {
    /// One that speaks to servers that are trusted; `None` where that cannot be set up.
    pub(super) fn new(trust: &Trust) -> Option<Self> {
        trust.client().connect_timeout(Duration::from_secs(10)).build().ok().map(Self)
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Request<Vec<u8>>, patience: Duration) -> Result<Response<Vec<u8>>, RemoteError> {
        let unreachable = |error: reqwest::Error| match TlsFault::of(&error) {
            Some(fault) => RemoteError::Tls(fault),
            None => RemoteError::Unreachable(told(&error)),
        };
        let silent = |_| RemoteError::Unreachable("it does not answer in time".to_owned());
        let request = request.try_into().map_err(unreachable)?;
        let mut answer = timeout(patience, self.0.execute(request)).await.map_err(silent)?.map_err(unreachable)?;
        let mut bytes = Vec::new();
        while let Some(part) = timeout(PATIENCE, answer.chunk()).await.map_err(silent)?.map_err(unreachable)? {
            bytes.extend_from_slice(&part);
        }
        let mut response = Response::new(bytes);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// With its causes, which say more than itself.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
