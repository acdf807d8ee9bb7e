//! The control plane: its settings, whether it is there, what is asked of it in a client's place, and the workers that it knows.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::{Extension, Json};
use bloom_runtime::record::Actor;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::agent::note;
use super::error::Refused;
use super::form::{Form, number, text, url};
use crate::app::App;
use crate::auth::{self, Identity};
use crate::control_plane::{self, PlaneError, Target};
use crate::error::{ApiError, Code};
use crate::extract::Path;

/// The connection may be tried so often,
const TESTS: usize = 20;
/// in so many milliseconds, by all together.
const TESTS_WITHIN: i64 = 60_000;

/// When the connection was tried. Nobody has to show a key for that, and each trial calls the control plane and is written down:
/// so it does not count who it was, of whom there may be any number.
#[derive(Debug, Default)]
pub(crate) struct Trials(Mutex<VecDeque<i64>>);

impl Trials {
    fn may_try(&self, now: i64) -> bool {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|at| now.saturating_sub(*at) < TESTS_WITHIN);
        let may = times.len() < TESTS;
        if may {
            times.push_back(now);
        }
        may
    }
}

/// Which control plane is asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembridgeConfig {
    /// Empty where there is none.
    membridge_server_url: String,
    /// `xxxx****xxxx`: never the key itself. Empty where there is none.
    admin_key_masked: String,
    /// Whether the last call worked.
    connected: bool,
    /// When the connection was tried last.
    last_test: Option<i64>,
}

fn shown(app: &App, target: Target) -> Json<MembridgeConfig> {
    let connection = app.control_plane().connection();
    Json(MembridgeConfig {
        membridge_server_url: target.url.unwrap_or_default(),
        admin_key_masked: target.admin_key.map(|key| masked(key.expose_secret())).unwrap_or_default(),
        connected: connection.is_connected,
        last_test: connection.last_test,
    })
}

/// The ends of a key that is long enough to show some of it.
pub(crate) fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    match (letters.first_chunk::<4>(), letters.last_chunk::<4>()) {
        (Some(first), Some(last)) if letters.len() >= 16 => {
            format!("{}****{}", String::from_iter(first), String::from_iter(last))
        }
        _ => "****".to_owned(),
    }
}

/// Which control plane is asked.
#[utoipa::path(get, path = "/api/runtime/config", tag = "runtime",
    responses((status = 200, body = MembridgeConfig)))]
pub(crate) async fn config(State(app): State<App>) -> Result<Json<MembridgeConfig>, Refused> {
    let target = control_plane::target(&app).await?;
    Ok(shown(&app, target))
}

/// Which control plane is to be asked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct NewMembridgeConfig {
    /// Of HTTP or HTTPS.
    membridge_server_url: String,
    #[schema(min_length = 1, max_length = 1024)]
    admin_key: String,
}

/// Has another control plane asked from now on.
#[utoipa::path(post, path = "/api/runtime/config", tag = "runtime", request_body = NewMembridgeConfig,
    responses((status = 200, body = MembridgeConfig)))]
pub(crate) async fn set_config(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    mut form: Form,
) -> Result<Json<MembridgeConfig>, Refused> {
    let url = form.require("membridge_server_url", url);
    let key = form.require("admin_key", |value| {
        let key = text(1..=1024)(value)?;
        // It goes into a header.
        if key.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(key) } else { Err("Invalid key".to_owned()) }
    });
    form.finish()?;
    let (url, key) = (url.unwrap_or_default(), SecretString::from(key.unwrap_or_default()));
    let note = note(&app, &by, "config_updated", "config", "membridge", json!({ "membridge_server_url": url }));
    let target = control_plane::set(&app, url, key, note).await?;
    Ok(shown(&app, target))
}

/// Whether the control plane answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    connected: bool,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    health: Option<Value>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Tries the connection to the control plane. Asks for no key, and may be called 20 times a minute by all together.
#[utoipa::path(post, path = "/api/runtime/test-connection", tag = "runtime", security(()),
    responses((status = 200, body = Tested)))]
pub(crate) async fn test(State(app): State<App>, request: Request) -> Result<Json<Tested>, Refused> {
    let now = app.clock.now();
    if app.key.is_none() {
        auth::without_key(&app, &request)?;
    }
    if !app.trials().may_try(now) {
        return Err(ApiError::new(Code::RateLimited, "").into());
    }
    let limit = app.config.control_plane.timeout;
    let tested = match control_plane::ask_once(&app, Method::GET, "/health", None, limit).await {
        Ok(health) => Tested { connected: true, health: Some(health), error: None },
        Err(PlaneError::Store(error)) => return Err(error.into()),
        Err(error) => Tested { connected: false, health: None, error: Some(told(error)) },
    };
    app.control_plane().note_test(now);
    let detail = json!({ "connected": tested.connected });
    // Anybody may ask.
    let by = Actor("anonymous".to_owned());
    app.store().note(vec![note(&app, &by, "connection_test", "config", "membridge", detail)]).await?;
    Ok(Json(tested))
}

fn told(error: PlaneError) -> String {
    match error {
        PlaneError::None => "No control plane is configured".to_owned(),
        PlaneError::Down(message) | PlaneError::Refused(_, message) => message,
        PlaneError::Store(error) => error.to_string(),
    }
}

impl From<PlaneError> for Refused {
    fn from(error: PlaneError) -> Self {
        match error {
            PlaneError::Refused(status, message) => Self::new(status, message),
            PlaneError::Store(error) => error.into(),
            error => Self::new(StatusCode::BAD_GATEWAY, format!("Membridge is unavailable: {}", told(error))),
        }
    }
}

/// A project as the control plane knows it; it becomes a part of a path there.
fn project(id: &str) -> Result<&str, Refused> {
    let is_plain = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !id.starts_with('.');
    if is_plain { Ok(id) } else { Err(Refused::not_found("Project")) }
}

/// How the control plane is, as it says.
#[utoipa::path(get, path = "/api/membridge/health", tag = "membridge", responses((status = 200, body = Value),
        (status = 400, description = "The control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Value>, Refused> {
    Ok(Json(control_plane::ask(&app, Method::GET, "/health", None).await?))
}

/// The projects that the control plane knows.
#[utoipa::path(get, path = "/api/membridge/projects", tag = "membridge",
    responses((status = 200, body = Value),
        (status = 400, description = "The control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn projects(State(app): State<App>) -> Result<Json<Value>, Refused> {
    Ok(Json(control_plane::ask(&app, Method::GET, "/projects", None).await?))
}

/// Which node has the word on a project.
#[utoipa::path(get, path = "/api/membridge/projects/{cid}/leadership", tag = "membridge",
    params(("cid" = String, Path)), responses((status = 200, body = Value),
        (status = 400, description = "The control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn leadership(State(app): State<App>, Path(cid): Path<String>) -> Result<Json<Value>, Refused> {
    let path = format!("/projects/{}/leadership", project(&cid)?);
    Ok(Json(control_plane::ask(&app, Method::GET, &path, None).await?))
}

/// The nodes of a project.
#[utoipa::path(get, path = "/api/membridge/projects/{cid}/nodes", tag = "membridge",
    params(("cid" = String, Path)), responses((status = 200, body = Value),
        (status = 400, description = "The control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn nodes(State(app): State<App>, Path(cid): Path<String>) -> Result<Json<Value>, Refused> {
    let path = format!("/projects/{}/nodes", project(&cid)?);
    Ok(Json(control_plane::ask(&app, Method::GET, &path, None).await?))
}

/// Who is to have the word on a project.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct Promotion {
    #[schema(min_length = 1, max_length = 128)]
    primary_node_id: String,
    /// For so long.
    #[schema(minimum = 1, maximum = 2_592_000)]
    lease_seconds: Option<i64>,
}

/// Gives a node the word on a project.
#[utoipa::path(post, path = "/api/membridge/projects/{cid}/leadership/select", tag = "membridge",
    params(("cid" = String, Path)), request_body = Promotion, responses((status = 200, body = Value),
        (status = 400, description = "The control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn promote(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(cid): Path<String>,
    mut form: Form,
) -> Result<Json<Value>, Refused> {
    let path = format!("/projects/{}/leadership/select", project(&cid)?);
    let node = form.require("primary_node_id", text(1..=128));
    let seconds = form.get("lease_seconds", number(1..=2_592_000_i64));
    form.finish()?;
    let mut body = json!({ "primary_node_id": node });
    if let Some(seconds) = seconds {
        body["lease_seconds"] = seconds.into();
    }
    // It goes on if the client does not wait: what was done is noted.
    let promoting = tokio::spawn(async move {
        let answer = control_plane::ask(&app, Method::POST, &path, Some(body.clone())).await?;
        app.store().note(vec![note(&app, &by, "leadership_promote", "project", &cid, body)]).await?;
        Ok::<_, Refused>(answer)
    });
    Ok(Json(promoting.await.map_err(|error| ApiError::internal(&error))??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_not_shown_at_all() {
        assert_eq!(masked("0123456789abcdef"), "0123****cdef");
        assert_eq!(masked("0123456789abcde"), "****");
        assert_eq!(masked("їжак"), "****");
    }

    #[test]
    fn the_connection_is_tried_so_often_and_no_more() {
        let trials = Trials::default();
        for at in 0..20 {
            assert!(trials.may_try(at));
        }
        assert!(!trials.may_try(20));
        assert!(!trials.may_try(TESTS_WITHIN - 1));
        assert!(trials.may_try(TESTS_WITHIN));
        assert!(trials.may_try(TESTS_WITHIN + 1), "one after another they may be tried again");
        assert!(trials.may_try(3 * TESTS_WITHIN));
        assert_eq!(trials.0.lock().unwrap().len(), 1, "nothing is remembered for ever");
    }

    #[test]
    fn a_project_is_one_part_of_a_path() {
        assert!(project("abc123def456abcd").is_ok() && project("garden-seedling_1.x").is_ok());
        for id in ["", "..", ".", "a/b", "a b", "a%2fb", "їжак"] {
            assert!(project(id).is_err(), "{id}");
        }
    }
}
