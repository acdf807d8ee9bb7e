//! A server that a command speaks to, in place of the store of this machine.

use std::time::Duration;

use anyhow::Context as _;
use bloom_worker::{TlsFault, is_exposed};
use clap::Args;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;
use crate::session::Session;
use crate::trust;

/// A server is reached within this time, or it is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// A server that says nothing for so long has gone. It is longer than an answer is ever held.
const SILENCE: Duration = Duration::from_secs(90);

/// No answer that is read as a whole is larger.
const LARGEST: usize = 256 << 20;

/// Which server, if any. Its key never stands on the command line, where others see it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServerArg {
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl ServerArg {
    /// The server that was named.
    pub(crate) fn remote<'a>(&self, session: &'a Session) -> anyhow::Result<Option<Remote<'a>>> {
        self.server.as_deref().map(|url| Remote::new(url, session)).transpose()
    }
}

/// A server.
pub(crate) struct Remote<'a> {
    http: reqwest::Client,
    base: Url,
    key: Option<SecretString>,
    catalogue: &'a Catalogue,
}

/// What is asked of a server.
pub(crate) struct Ask<'a> {
    method: Method,
    path: &'a [&'a str],
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    /// The parts of a path, as they are before they are escaped.
    pub(crate) fn get(path: &'a [&'a str]) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), headers: Vec::new(), body: None }
    }

    pub(crate) fn post(path: &'a [&'a str], json: Vec<u8>) -> Self {
        let asked = Self { method: Method::POST, body: Some(json), ..Self::get(path) };
        asked.header("content-type", "application/json")
    }

    pub(crate) fn put(path: &'a [&'a str], json: Vec<u8>) -> Self {
        Self { method: Method::PUT, ..Self::post(path, json) }
    }

    /// A file, byte for byte.
    pub(crate) fn upload(path: &'a [&'a str], bytes: Vec<u8>) -> Self {
        let asked = Self { method: Method::PUT, body: Some(bytes), ..Self::get(path) };
        asked.header("content-type", "application/octet-stream")
    }

    pub(crate) fn delete(path: &'a [&'a str]) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl<'a> Remote<'a> {
    fn new(url: &str, session: &'a Session) -> anyhow::Result<Self> {
        let catalogue = &session.catalogue;
        let bad = || Explained::usage(text!(catalogue, "server-bad-url", url = url));
        let base: Url = url.parse().ok().with_context(bad)?;
        let is_plain = base.has_host() && base.query().is_none() && base.fragment().is_none();
        let is_web = matches!(base.scheme(), "http" | "https");
        if !is_web || !is_plain || !base.username().is_empty() || base.password().is_some() {
            return Err(bad().into());
        }
        let given = &session.config()?.settings.client;
        let key = given.api_key.as_ref().map(|secret| secret.read("client.api_key", catalogue)).transpose()?;
        let trusted = trust::read(given.ca.as_deref(), "client.ca", catalogue)?;
        let http = trusted.client().connect_timeout(CONNECT).read_timeout(SILENCE).build()?;
        if key.is_some() && is_exposed(&base) {
            trust::warn_of_exposed_key(base.as_str(), catalogue);
        }
        Ok(Self { http, base, key, catalogue })
    }

    /// What a server answers, as JSON.
    pub(crate) async fn json(&self, ask: Ask<'_>) -> anyhow::Result<Value> {
        let mut response = self.send(ask).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(|| self.gone())? {
            bytes.extend_from_slice(&chunk);
            anyhow::ensure!(bytes.len() <= LARGEST, self.garbled());
        }
        serde_json::from_slice(&bytes).with_context(|| self.garbled())
    }

    /// Has a server do what it answers nothing to.
    pub(crate) async fn done(&self, ask: Ask<'_>) -> anyhow::Result<()> {
        self.send(ask).await.map(drop)
    }

    /// What a server answers in lines, each without its end, as they come.
    pub(crate) async fn lines(
        &self,
        ask: Ask<'_>,
        mut each: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut response = self.send(ask.header("accept", "application/jsonl")).await?;
        let mut rest = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(|| self.gone())? {
            rest.extend_from_slice(&chunk);
            let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
                anyhow::ensure!(rest.len() <= LARGEST, self.garbled());
                continue;
            };
            let lines: Vec<u8> = rest.drain(..=end).collect();
            lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).try_for_each(&mut each)?;
        }
        if rest.is_empty() { Ok(()) } else { each(&rest) }
    }

    async fn send(&self, ask: Ask<'_>) -> anyhow::Result<Response> {
        let response = self.request(ask)?.send().await.map_err(|error| self.unreached(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    fn request(&self, ask: Ask<'_>) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        // A base with a host has a path.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut request = self.http.request(ask.method, url);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            let mut value = reqwest::header::HeaderValue::from_str(key.expose_secret())
                .with_context(|| Explained::usage(text!(self.catalogue, "server-bad-key")))?;
            value.set_sensitive(true);
            request = request.header("x-runtime-api-key", value);
        }
        Ok(match ask.body {
            Some(body) => request.body(body),
            None => request,
        })
    }

    /// What a server says in place of an answer.
    async fn refused(&self, response: Response) -> anyhow::Error {
        let status = response.status();
        let body: Value =
            response.bytes().await.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        // One group of routes tells a message, the other an object with one.
        let error = &body["error"];
        let said = error.as_str().or_else(|| error["message"].as_str()).map(str::to_owned);
        let said = said.unwrap_or_else(|| if error.is_null() { status.to_string() } else { error.to_string() });
        let message = text!(self.catalogue, "server-refused", status = status.as_str(), message = said);
        let is_refusal = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || matches!(error["code"].as_str(), Some("UNTRUSTED" | "POLICY_REFUSED" | "FLOW_CONFLICT"));
        let explained = match status {
            _ if is_refusal => Explained::refused(message),
            StatusCode::BAD_REQUEST => Explained::usage(message),
            _ => Explained::failed(message),
        };
        let explained = match status {
            StatusCode::UNAUTHORIZED => explained.hint(text!(self.catalogue, "server-needs-key")),
            _ => explained,
        };
        match &error["details"] {
            Value::Null => explained.into(),
            details => anyhow::Error::msg(details.to_string()).context(explained),
        }
    }

    fn unreached(&self, error: reqwest::Error) -> anyhow::Error {
        match TlsFault::of(&error) {
            Some(fault) => {
                let explained = trust::explained(&fault, self.base.as_str(), "client.ca", self.catalogue);
                anyhow::Error::new(fault).context(explained)
            }
            None => anyhow::Error::new(error.without_url()).context(self.gone()),
        }
    }

    fn gone(&self) -> Explained {
        Explained::failed(text!(self.catalogue, "server-gone", url = self.base.as_str()))
    }

    fn garbled(&self) -> Explained {
        Explained::failed(text!(self.catalogue, "server-garbled", url = self.base.as_str()))
    }
}
