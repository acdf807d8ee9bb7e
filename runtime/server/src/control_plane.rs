//! The control plane that knows the nodes and their projects: where it is, how the connection to it is, and calls to it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use bloom_ir::Digest;
use bloom_runtime::record::AuditNote;
use bloom_runtime::store::StoreError;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::app::App;
use crate::outbound::{CallError, Outbound, Reply};

/// The header of the key that it asks for.
const ADMIN_KEY: &str = "X-MEMBRIDGE-ADMIN";

/// Under this name the store keeps what an operator set while a server ran.
const SETTING: &str = "membridge";

/// A call that may be repeated is, so often.
const RETRIES: u32 = 3;

/// Where the control plane is, and how it is asked.
#[derive(Clone, Debug)]
pub struct ControlPlaneConfig {
    /// Its base URL. What is set over the API stands over this.
    pub url: Option<String>,
    /// What it is shown.
    pub admin_key: Option<SecretString>,
    /// How long a call may take.
    pub timeout: Duration,
    /// How long to wait before a call is repeated; then twice as long, and so on, each time up to half of it less.
    pub retry_after: Duration,
    /// How often it is asked which workers there are.
    pub sync_every: Duration,
}

impl Default for ControlPlaneConfig {
    fn default() -> Self {
        Self {
            url: None,
            admin_key: None,
            timeout: Duration::from_secs(10),
            retry_after: Duration::from_millis(500),
            sync_every: Duration::from_secs(10),
        }
    }
}

/// The control plane that is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) url: Option<String>,
    pub(crate) admin_key: Option<SecretString>,
}

/// How the connection is. Times are Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) consecutive_failures: u32,
    pub(crate) last_success: Option<i64>,
    pub(crate) last_error: Option<String>,
    pub(crate) is_connected: bool,
    pub(crate) last_test: Option<i64>,
}

/// What is known of the control plane.
#[derive(Debug, Default)]
pub(crate) struct ControlPlane {
    /// `None` until the store was asked.
    target: watch::Sender<Option<Target>>,
    connection: Mutex<Connection>,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum PlaneError {
    /// None is set.
    None,
    /// It is not there, or does not do what it is for.
    Down(String),
    /// It refused this request.
    Refused(StatusCode, String),
    /// Our own store failed.
    Store(StoreError),
}

impl ControlPlane {
    pub(crate) fn connection(&self) -> Connection {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, at: i64, outcome: Result<(), &str>) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.is_connected = outcome.is_ok();
        match outcome {
            Ok(()) => {
                connection.consecutive_failures = 0;
                connection.last_success = Some(at);
                connection.last_error = None;
            }
            Err(error) => {
                if connection.consecutive_failures == 0 {
                    tracing::warn!(error, "the control plane cannot be reached");
                }
                connection.consecutive_failures = connection.consecutive_failures.saturating_add(1);
                connection.last_error = Some(error.to_owned());
            }
        }
    }

    pub(crate) fn note_test(&self, at: i64) {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).last_test = Some(at);
    }

    /// Changes when another control plane is set.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<Target>> {
        self.target.subscribe()
    }
}

/// The control plane that is asked: what was set over the API, else what the operator configured.
pub(crate) async fn target(app: &App) -> Result<Target, StoreError> {
    let plane = app.control_plane();
    if let Some(known) = plane.target.borrow().clone() {
        return Ok(known);
    }
    let kept = app.store().setting(SETTING).await?;
    let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(&text).ok());
    let text = |name: &str| kept.as_ref().and_then(|kept| kept.get(name)).and_then(Value::as_str).map(str::to_owned);
    let configured = &app.config.control_plane;
    let found = match text("url") {
        Some(url) => Target { url: Some(url), admin_key: text("admin_key").map(SecretString::from) },
        None => Target { url: configured.url.clone(), admin_key: configured.admin_key.clone() },
    };
    // Another may have been quicker, or have set another one meanwhile.
    plane.target.send_if_modified(|target| {
        let is_first = target.is_none();
        if is_first {
            *target = Some(found.clone());
        }
        is_first
    });
    Ok(plane.target.borrow().clone().unwrap_or(found))
}

/// Has another control plane asked from now on. Its key is kept in the store, which this user alone may read.
pub(crate) async fn set(app: &App, url: String, key: SecretString, note: AuditNote) -> Result<Target, StoreError> {
    let kept = json!({ "url": url, "admin_key": key.expose_secret() });
    app.store().put_setting(SETTING, kept.to_string(), vec![note]).await?;
    let plane = app.control_plane();
    *plane.connection.lock().unwrap_or_else(PoisonError::into_inner) = Connection::default();
    let target = Target { url: Some(url), admin_key: Some(key) };
    plane.target.send_replace(Some(target.clone()));
    Ok(target)
}

/// Asks the control plane, and again where it is not there and asking again does no harm.
pub(crate) async fn ask(app: &App, method: Method, path: &str, body: Option<Value>) -> Result<Value, PlaneError> {
    let mut tried = 0;
    loop {
        let error = match call(app, method.clone(), path, body.as_ref(), app.config.control_plane.timeout).await {
            Ok(answer) => return Ok(answer),
            Err(Failure { error, may_repeat }) if tried < RETRIES && (may_repeat || method == Method::GET) => error,
            Err(Failure { error, .. }) => return Err(error),
        };
        if !matches!(error, PlaneError::Down(_)) {
            return Err(error);
        }
        tokio::time::sleep(delay(app, tried)).await;
        tried += 1;
    }
}

/// Asks it once, and waits so long.
pub(crate) async fn ask_once(
    app: &App,
    method: Method,
    path: &str,
    body: Option<Value>,
    limit: Duration,
) -> Result<Value, PlaneError> {
    call(app, method, path, body.as_ref(), limit).await.map_err(|failure| failure.error)
}

struct Failure {
    error: PlaneError,
    /// Nothing was done.
    may_repeat: bool,
}

async fn call(app: &App, method: Method, path: &str, body: Option<&Value>, limit: Duration) -> Result<Value, Failure> {
    let failed = |error| Failure { error, may_repeat: false };
    let Target { url, admin_key } = target(app).await.map_err(|error| failed(PlaneError::Store(error)))?;
    let url = url.ok_or_else(|| failed(PlaneError::None))?;
    let outbound: &Outbound = app.outbound();
    let mut request = outbound.http.request(method, format!("{}{path}", url.trim_end_matches('/')));
    if let Some(key) = admin_key {
        request = request.header(ADMIN_KEY, key.expose_secret());
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answered = outbound.send(request, limit).await;
    let may_repeat = matches!(answered, Err(CallError::Unreachable(_)));
    let outcome = match answered {
        Ok(Reply { status, body }) if status.is_success() => Ok(body),
        Ok(Reply { status, body }) => Err(match status {
            StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::UNPROCESSABLE_ENTITY => PlaneError::Refused(status, refusal(&body)),
            // Who asks us must not take it for our own word on the key that he showed.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                PlaneError::Down("the control plane does not accept the admin key".to_owned())
            }
            _ => PlaneError::Down(format!("the control plane answered {}: {}", status.as_u16(), refusal(&body))),
        }),
        Err(error) => Err(PlaneError::Down(error.message())),
    };
    let told = match &outcome {
        Err(PlaneError::Down(message)) => Err(message.as_str()),
        _ => Ok(()),
    };
    app.control_plane().note(app.clock.now(), told);
    outcome.map_err(|error| Failure { error, may_repeat })
}

/// What an error says: `detail` is where its framework puts it.
fn refusal(body: &Value) -> String {
    let said = ["detail", "error", "message"].into_iter().find_map(|name| body.get(name)).unwrap_or(body);
    let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    said.chars().take(500).collect()
}

/// From half of the whole delay to all of it, so that not everybody comes at the same time.
fn delay(app: &App, tried: u32) -> Duration {
    let whole = app.config.control_plane.retry_after.saturating_mul(1 << tried.min(16));
    let chance = Digest::of(app.ids.secret().as_bytes());
    let part = u32::from(chance.as_bytes().first().copied().unwrap_or_default());
    whole / 2 + (whole / 2).saturating_mul(part) / 255
}
