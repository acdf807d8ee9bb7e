//! What a worker says to its server.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::transport::{Http, Transport};
use crate::trust::{TlsFault, Trust};

/// The longest that a server is waited for, beside what it was asked to wait itself: until it answers, and between the parts of
/// what it answers.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// It may take a second longer for so many bytes that it is sent, as lines may be slow.
const BYTES_A_SECOND: usize = 64 << 10;

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It is no URL of a server that can be spoken to.
    #[error("{0} is not the URL of a server, as http://127.0.0.1:5000")]
    Url(String),
    /// It cannot be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It is there, but is not known to be who it should be, or one of the two speaks TLS and the other does not.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// It refused.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        message: String,
        /// What it said to programs, where it did.
        code: Option<String>,
    },
    /// What it answered is not understood: it is another server, or something on the way to it answered.
    #[error("the server's answer is not understood: {0}")]
    Answer(String),
    /// The key is none that can be shown.
    #[error("the key of the worker holds characters that no key has")]
    Key,
}

impl RemoteError {
    /// Whether it may go well later.
    pub fn is_passing(&self) -> bool {
        match self {
            // Certificates run out and are renewed; nothing is shown to a server until then.
            Self::Unreachable(_) | Self::Tls(_) => true,
            Self::Refused { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            Self::Url(_) | Self::Answer(_) | Self::Key => false,
        }
    }

    /// The same of a server that is known to be one: then it was something on the way that answered as it does not.
    pub(super) fn is_passing_once_known(&self) -> bool {
        self.is_passing() || matches!(self, Self::Answer(_))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Client {
    transport: Arc<dyn Transport>,
    base: String,
    /// Told to nobody who prints it.
    key: Option<HeaderValue>,
}

impl Client {
    /// One that speaks over a network.
    pub(super) fn new(server: &str, key: Option<&SecretString>, trust: &Trust) -> Result<Self, RemoteError> {
        let http = Http::new(trust).ok_or_else(|| RemoteError::Url(server.to_owned()))?;
        Self::over(Arc::new(http), server, key)
    }

    pub(super) fn over(
        transport: Arc<dyn Transport>,
        server: &str,
        key: Option<&SecretString>,
    ) -> Result<Self, RemoteError> {
        let bad = || RemoteError::Url(server.to_owned());
        let url: reqwest::Url = server.parse().map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad());
        }
        let key = key.map(|key| {
            let mut value = HeaderValue::from_str(key.expose_secret()).map_err(|_| RemoteError::Key)?;
            value.set_sensitive(true);
            Ok::<_, RemoteError>(value)
        });
        let base = format!("{}/api/runtime", url.as_str().trim_end_matches('/'));
        Ok(Self { transport, base, key: key.transpose()? })
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Option<Value>, RemoteError> {
        self.post_within(path, body, PATIENCE).await
    }

    /// `None` where the server has nothing to say.
    pub(super) async fn post_within(
        &self,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Option<Value>, RemoteError> {
        json(&self.send(Method::POST, path, Some(("application/json", body.to_string())), limit).await?)
    }

    /// Sends lines of JSON.
    pub(super) async fn post_lines(&self, path: &str, lines: String) -> Result<Option<Value>, RemoteError> {
        json(&self.send(Method::POST, path, Some(("application/jsonl", lines)), PATIENCE).await?)
    }

    /// What is there, as bytes.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, RemoteError> {
        self.send(Method::GET, path, None, PATIENCE).await
    }

    /// Sends a request, with a body of a media type. `patience` is how long the answer may take to begin, beside the time that
    /// the request itself may take.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
        patience: Duration,
    ) -> Result<Vec<u8>, RemoteError> {
        let mut request = Request::builder().method(method).uri(format!("{}/{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("x-runtime-api-key", key.clone());
        }
        if let Some((mime, _)) = &body {
            request = request.header(CONTENT_TYPE, *mime);
        }
        let body = body.map(|(_, body)| body.into_bytes()).unwrap_or_default();
        let patience = patience.saturating_add(Duration::from_secs((body.len() / BYTES_A_SECOND) as u64));
        let request = request.body(body).map_err(|_| RemoteError::Url(self.base.clone()))?;
        let response = self.transport.send(request, patience).await?;
        let status = response.status();
        let mime = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_ours = [JSON, BYTES].iter().any(|known| mime.starts_with(known));
        let bytes = response.into_body();
        if status.is_success() && (is_ours || bytes.is_empty()) {
            return Ok(bytes);
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let error = &body["error"];
        // The server says of itself that something is not there, and why it will not have it; and sends nobody elsewhere.
        let is_foreign = error.is_null() && matches!(status.as_u16(), 300..=399 | 404 | 409);
        if status.is_success() || is_foreign {
            return Err(RemoteError::Answer(format!("{status} from something that is no server of BLOOM")));
        }
        let message = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let code = body["code"].as_str().map(str::to_owned);
        Err(RemoteError::Refused { status: status.as_u16(), message, code })
    }
}

/// What the media types of what a server answers begin with: JSON, and lines of it.
const JSON: &[u8] = b"application/json";

/// That of components and artifacts.
const BYTES: &[u8] = b"application/octet-stream";

fn json(bytes: &[u8]) -> Result<Option<Value>, RemoteError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(bytes).map(Some).map_err(|error| RemoteError::Answer(error.to_string()))
}

/// A text as one part of a path.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_can_be_spoken_to_is_taken() {
        let client = |url: &str| Client::new(url, None, &Trust::usual());
        assert!(client("http://127.0.0.1:5000/").is_ok() && client("https://bloom.example.org").is_ok());
        for url in ["", "127.0.0.1:5000", "ftp://x", "https://", "http://"] {
            assert!(matches!(client(url), Err(RemoteError::Url(_))), "{url}");
        }
    }

    #[test]
    fn what_may_go_well_later_is_tried_again() {
        let refused = |status| RemoteError::Refused { status, message: String::new(), code: None };
        assert_eq!(
            [400, 401, 404, 408, 409, 429, 500, 503].map(|status| refused(status).is_passing()),
            [false, false, false, true, false, true, true, true]
        );
        assert!(RemoteError::Unreachable(String::new()).is_passing());
        assert!(RemoteError::Tls(TlsFault::NotSpoken).is_passing());
        let other = RemoteError::Answer(String::new());
        assert!(!other.is_passing() && other.is_passing_once_known());
        assert!(!RemoteError::Key.is_passing_once_known());
    }

    #[test]
    fn key_is_one_that_can_be_shown_and_is_not_printed() {
        let client = |key: &str| Client::new("http://127.0.0.1:5000", Some(&key.into()), &Trust::usual());
        assert!(matches!(client("a\nb"), Err(RemoteError::Key)));
        let shown = format!("{:?}", client("a key").unwrap());
        assert!(!shown.contains("a key"), "{shown}");
    }

    #[test]
    fn names_are_one_part_of_a_path() {
        assert_eq!(segment("rpi4b"), "rpi4b");
        assert_eq!(segment("a/b c?ї"), "a%2Fb%20c%3F%D1%97");
    }
}
