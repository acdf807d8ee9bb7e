//! Why a request failed.

use crate::bindings::bloom::tool::types::Failure;

/// Why there is no response. Messages name hosts, and nothing that could hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{what} is not granted to this tool")]
    NotGranted { what: String },
    #[error("{0}")]
    Invalid(String),
    #[error("the request to {host} has {size} bytes, more than {limit}")]
    TooLarge { host: String, size: usize, limit: usize },
    #[error("a call may send {limit} requests, and this is one more")]
    TooMany { limit: u32 },
    #[error("{host} resolves to {addresses}, which is not public; the operator can grant it by naming the address")]
    AddressRefused { host: String, addresses: String },
    #[error("{host} is not resolved: {reason}")]
    NotResolved { host: String, reason: String },
    #[error("there is no connection to {host}: {reason}")]
    NotConnected { host: String, reason: String },
    #[error("there is no TLS with {host}: {reason}")]
    Tls { host: String, reason: String },
    #[error("the connection to {host} was lost: {reason}")]
    Lost { host: String, reason: String },
    #[error("what {host} sent is no response: {reason}")]
    InvalidResponse { host: String, reason: String },
    #[error("the response of {host} has more than {limit} bytes")]
    ResponseTooLarge { host: String, limit: usize },
    #[error("a redirect of {host} is not followed: {reason}")]
    Redirected { host: String, reason: String },
    #[error("the exchange with {host} took more than {limit_ms} ms")]
    TimedOut { host: String, limit_ms: u128 },
}

impl FetchError {
    /// The WIT package lists them.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotGranted { .. } => "not_granted",
            Self::Invalid(_) => "invalid_request",
            Self::TooLarge { .. } => "request_too_large",
            Self::TooMany { .. } => "too_many_requests",
            Self::AddressRefused { .. } => "address_refused",
            Self::NotResolved { .. } => "name_not_resolved",
            Self::NotConnected { .. } => "connection_failed",
            Self::Tls { .. } => "tls_failed",
            Self::Lost { .. } => "connection_lost",
            Self::InvalidResponse { .. } => "invalid_response",
            Self::ResponseTooLarge { .. } => "response_too_large",
            Self::Redirected { .. } => "redirect_refused",
            Self::TimedOut { .. } => "request_timeout",
        }
    }

    fn is_retryable(&self) -> bool {
        matches!(self, Self::NotResolved { .. } | Self::NotConnected { .. } | Self::Lost { .. } | Self::TimedOut { .. })
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self { code: error.code().into(), message: error.to_string(), retryable: error.is_retryable() }
    }
}
