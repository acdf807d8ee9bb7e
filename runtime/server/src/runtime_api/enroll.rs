//! A machine becomes a node: it exchanges a token that was made for that node for the node's own keys.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{FromRequest as _, MatchedPath, Request, State};
use axum::http::StatusCode;
use bloom_ir::Digest;
use bloom_runtime::record::{Actor, EnrollRefusal, EnrollToken, WorkerId, WorkerKeys};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::bodies::EnrollForm;
use super::error::Refused;
use super::form::{Form, one_of, text};
use super::install::{self, Agent};
use crate::app::App;
use crate::auth;
use crate::error::{ApiError, Code};
use crate::origin;

/// What a node is given. What its kind of agent has no use for is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// What the node is called.
    worker_id: String,
    /// What a worker that asks for tasks shows this server.
    worker_key: Option<String>,
    /// What this server shows to the agent; null as well where it shows agents nothing (`membridge.agent_key`).
    agent_key: Option<String>,
}

/// Exchanges a token for the keys of its node. Needs nothing else to be shown.
#[utoipa::path(post, path = "/api/runtime/enroll", tag = "runtime", request_body = EnrollForm, security(()),
    responses((status = 201, body = Enrolled), (status = 400, description = "The body is not what it must be"),
        (status = 401, description = "The token is not known"), (status = 410, description = "It was used, or has expired")))]
pub(crate) async fn exchange(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<Enrolled>), Refused> {
    auth::may_log_in(&app, &request)?;
    let address = origin::client(&app, &request);
    let mut form = Form::from_request(request, &app).await?;
    let token = form.require("token", text(1..=LONGEST));
    let agent = form.get("agent", one_of(install::AGENTS)).unwrap_or(Agent::Bloom);
    form.finish()?;
    let (token, at) = (token.unwrap_or_default(), app.clock.now());
    let taken = app.enroll_tokens().change(app.store(), move |tokens| {
        let taken = tokens.take(&token, at, agent == Agent::Python).map_err(ApiError::from)?;
        let note = taken.note(at, &of_node(&taken.worker), "worker_enrolled");
        Ok((taken, note))
    });
    let taken = taken.await.inspect_err(|error| counted(&app, address, error))?;
    tracing::Span::current().record("worker", taken.worker.as_str());
    // The token is used up by now. Where the key cannot be kept, another token is made; no key is ever made twice of one.
    let (worker_key, agent_key) = match agent {
        Agent::Bloom => (Some(worker_key(&app, &taken).await?), None),
        Agent::Python => (None, app.config.agent_key.as_ref().map(|key| agent_key(key, &taken.worker))),
    };
    let enrolled = Enrolled { worker_id: taken.worker.to_string(), worker_key, agent_key };
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// A key of the node's own, made for whoever made the token.
async fn worker_key(app: &App, token: &EnrollToken) -> Result<String, ApiError> {
    let (secret, id, at) = (WorkerKeys::secret(&app.ids.secret()), app.ids.fresh(), app.clock.now());
    let (shown, worker, by) = (secret.clone(), token.worker.clone(), token.created_by.clone());
    let issue = move |keys: &mut WorkerKeys| {
        let key = keys.issue(id, worker.clone(), &shown, &by, at);
        Ok(((), key.note(at, &of_node(&worker), "worker_key_issued")))
    };
    app.worker_keys().change(app.store(), issue).await?;
    Ok(secret)
}

/// The key that the agent of one node is shown, made of the key that is configured, so that nothing is kept; who has it can make
/// neither that key nor another node's. Both parts have always the same length, so no two pairs give the same bytes.
fn agent_key(key: &SecretString, worker: &WorkerId) -> String {
    let of = |text: &str| Digest::of(text.as_bytes()).hex();
    of(&format!("agent key:{}:{}", of(key.expose_secret()), of(worker.as_str())))
}

/// What the agent of a node is shown, where agents are shown anything.
pub(super) async fn shown_to(app: &App, worker: &WorkerId) -> Result<Option<SecretString>, ApiError> {
    let Some(key) = &app.config.agent_key else { return Ok(None) };
    let is_own = app.enroll_tokens().read(app.store()).await?.has_own_agent_key(worker);
    Ok(Some(if is_own { agent_key(key, worker).into() } else { key.clone() }))
}

/// Tokens are no longer, in characters.
const LONGEST: usize = 256;

fn of_node(worker: &WorkerId) -> Actor {
    Actor(format!("worker:{worker}"))
}

/// The token in a request for the install script, in place of a key.
pub(crate) fn shown(request: &Request) -> Option<String> {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if route != install::PATH {
        return None;
    }
    let mut pairs = form_urlencoded::parse(request.uri().query()?.as_bytes());
    pairs.find(|(name, value)| name == "enroll" && !value.is_empty()).map(|(_, token)| token.into_owned())
}

/// The node whose token somebody at this address shows. It is not used up by that.
pub(crate) async fn node_of(app: &App, address: Option<IpAddr>, token: &str) -> Result<WorkerId, ApiError> {
    let tokens = app.enroll_tokens().read(app.store()).await?;
    let found = tokens.find(token, app.clock.now()).map(|token| token.worker.clone()).map_err(ApiError::from);
    found.inspect_err(|error| counted(app, address, error))
}

/// A token that nobody made is a guess, as a wrong key is.
fn counted(app: &App, address: Option<IpAddr>, error: &ApiError) {
    if let (Code::EnrollUnknown, Some(address)) = (error.code, address) {
        app.rates().failed(address);
    }
}

impl From<EnrollRefusal> for ApiError {
    fn from(refusal: EnrollRefusal) -> Self {
        let code = match refusal {
            EnrollRefusal::Unknown => Code::EnrollUnknown,
            EnrollRefusal::Used => Code::EnrollUsed,
            EnrollRefusal::Expired => Code::EnrollExpired,
        };
        Self::new(code, refusal.to_string())
    }
}
