//! Requests that tools send: only to where the operator granted, and never longer or larger than allowed.
//!
//! A request is checked against the grants, its host's name is resolved once, the addresses are checked, and the connection
//! goes to one of the addresses that were checked: there is no second look-up that could answer otherwise. Redirects are
//! followed within one scheme, host and port, so a redirect is the same grant with the same checks. Every request has a connection of
//! its own: nothing of one tool's, as a connection with its credentials, is there for another.

mod address;
mod connect;
mod error;
mod exchange;
mod request;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bloom_ir::capability::HttpMethod;
use tokio::time::Instant;

use crate::Limits;
use crate::bindings::bloom::tool::http::{Request, Response};
use crate::grant::{HttpGrant, Setting};
use connect::{Connector, Names, Resolve};
pub(crate) use error::FetchError;
use request::Prepared;
pub(crate) use request::is_reserved;

/// Sends requests. One for all tools.
pub(crate) struct Client {
    connector: Connector,
}

/// Why no client can be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("{0}")]
    Certificates(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// What a tool may do with it, within one call.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// The methods of each are those that were asked for and granted.
    pub(crate) grants: Vec<HttpGrant>,
    /// What the headers of the grants are filled with.
    pub(crate) settings: BTreeMap<String, Setting>,
    /// Those of their values that the tool must not see.
    pub(crate) hidden: Vec<String>,
}

/// Without the secrets.
impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.grants).finish()
    }
}

/// A request that a tool sent, for people who look at what it did. There is no path in it and no header, because secrets can be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The method.
    pub method: HttpMethod,
    /// The host and the port, as `api.example.org:443`.
    pub host: String,
    /// The status of the last response; none where there was none.
    pub status: Option<u16>,
    /// The code of the failure, if it failed, as the WIT package lists them.
    pub failure: Option<&'static str>,
    /// Bytes of the request's body.
    pub sent: usize,
    /// Bytes of the response's body, as far as they came.
    pub received: usize,
    /// How long it took.
    pub took: Duration,
}

impl Client {
    /// A client that trusts the usual certification authorities, and those in a PEM file of the operator's.
    pub(crate) fn new(ca: Option<&Path>, hosts: &BTreeMap<String, Vec<IpAddr>>) -> Result<Self, ClientError> {
        let names: Arc<dyn Resolve> = Arc::new(Names::new(hosts.clone()));
        Ok(Self { connector: Connector::new(ca, names)? })
    }

    #[cfg(test)]
    fn resolving(names: Arc<dyn Resolve>, ca: Option<&Path>) -> Self {
        Self { connector: Connector::new(ca, names).unwrap() }
    }

    /// Sends a request, within the time that is left of the call.
    ///
    /// What it did is returned beside the result, if it was a request at all that went as far as a grant.
    pub(crate) async fn fetch(
        &self,
        request: &Request,
        access: &Access,
        limits: &Limits,
    ) -> (Result<Response, FetchError>, Option<Fetched>) {
        let began = Instant::now();
        let prepared = match Prepared::new(request, access, limits) {
            Ok(prepared) => prepared,
            Err(error) => return (Err(error), None),
        };
        let mut seen = exchange::Seen::default();
        let within = Duration::from_millis(limits.http_timeout_ms)
            .min(request.timeout_ms.map_or(Duration::MAX, |own| Duration::from_millis(own.into())));
        let followed = tokio::time::timeout(within, self.follow(&prepared, limits, &mut seen)).await;
        let mut result = followed
            .unwrap_or_else(|_| Err(FetchError::TimedOut { host: prepared.host(), limit_ms: within.as_millis() }));
        if let Ok(response) = &mut result {
            conceal(response, &access.hidden);
        }
        let fetched = Fetched {
            method: prepared.method,
            host: prepared.host(),
            status: seen.status,
            failure: result.as_ref().err().map(FetchError::code),
            sent: prepared.body.len(),
            received: seen.received,
            took: began.elapsed(),
        };
        (result, Some(fetched))
    }

    async fn follow(
        &self,
        prepared: &Prepared<'_>,
        limits: &Limits,
        seen: &mut exchange::Seen,
    ) -> Result<Response, FetchError> {
        let mut at = prepared.target.clone();
        let mut left = prepared.redirects;
        loop {
            let connecting = self.connector.connect(prepared.grant);
            let within = Duration::from_millis(limits.http_connect_ms);
            let connection = tokio::time::timeout(within, connecting)
                .await
                .map_err(|_| FetchError::NotConnected { host: prepared.host(), reason: "it took too long".into() })??;
            let response = exchange::exchange(connection, prepared, &at, limits, seen).await?;
            let follows = prepared.redirects > 0 && matches!(prepared.method, HttpMethod::Get | HttpMethod::Head);
            let Some(next) = at.redirected(&response, prepared.grant).filter(|_| follows) else { return Ok(response) };
            at = next?;
            left = left.checked_sub(1).ok_or_else(|| FetchError::Redirected {
                host: prepared.host(),
                reason: format!("there are more than {} redirects", prepared.redirects),
            })?;
        }
    }
}

/// Puts asterisks in the place of secrets that a server sends back, as some do with the headers of a request.
fn conceal(response: &mut Response, secrets: &[String]) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let stars = "*".repeat(secret.len());
        for text in response.headers.iter_mut().flat_map(|header| [&mut header.name, &mut header.value]) {
            if text.contains(secret) {
                *text = text.replace(secret, &stars);
            }
        }
        let (body, secret) = (&mut response.body, secret.as_bytes());
        let mut at = 0;
        while let Some(found) =
            body.get(at..).and_then(|rest| rest.windows(secret.len()).position(|part| part == secret))
        {
            let end = at + found + secret.len();
            body[at + found..end].fill(b'*');
            at = end;
        }
    }
}

#[cfg(test)]
mod tests;
