//! The script that makes a machine a node: it installs an agent as a service.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::error::Refused;
use super::form::{Form, number, one_of, text, url};
use super::project::repo_url;
use crate::app::App;
use crate::auth::Holder;
use crate::control_plane;
use crate::extract::Query;

const SERVICE: &str = include_str!("install/service.sh");
const PYTHON: &str = include_str!("install/python.sh");
const BLOOM: &str = include_str!("install/bloom.sh");

/// Which agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Agent {
    /// The node agent that tasks are pushed to.
    Python,
    /// A worker that asks for tasks.
    Bloom,
}

/// By their names.
pub(super) const AGENTS: &[(&str, Agent)] = &[("python", Agent::Python), ("bloom", Agent::Bloom)];

/// Where the script is.
pub(super) const PATH: &str = "/api/runtime/agent-install-script";

/// What the script is to do.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct Install {
    /// What the node is called: letters, digits, `.`, `_` and `-`; absent: as the machine is.
    #[param(max_length = 128)]
    node_id: Option<String>,
    /// Where the agent reports; absent: the control plane, or this server.
    server_url: Option<String>,
    /// Where a `python` agent listens; absent: 8001.
    #[param(minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// Absent: `python`.
    #[param(inline)]
    agent: Option<Agent>,
    /// Where a `python` agent is cloned from; absent: it must be there already.
    repo_url: Option<String>,
    /// What a `python` agent is to be shown.
    #[param(max_length = 1024)]
    agent_key: Option<String>,
    /// A token that was made for one node, in place of a key: installing exchanges it for that node's own keys.
    enroll: Option<String>,
}

/// Why there is no script.
const NOT_KNOWN: &str = "this server does not know how it is reached: say server_url here, or set server.public_url";

/// A script for `sh` that installs a worker as a service of systemd or `OpenRC`. No secret of this server is in it, only the token
/// that was shown.
#[utoipa::path(get, path = "/api/runtime/agent-install-script", tag = "runtime", params(Install),
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 410, description = "The enroll token was used, or has expired")))]
pub(crate) async fn script(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Result<Response, Refused> {
    let members: Map<String, Value> = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            let port = (name == "port").then(|| value.parse::<i64>().ok().map(Value::from)).flatten();
            (name, port.unwrap_or(Value::from(value)))
        })
        .collect();
    let mut form = Form::of(members);
    let node = form.get("node_id", |value| plain(value, 128, is_of_name));
    // Whoever shows a token is the node that it was made for.
    let (enroll, own) = match holder {
        Holder::Worker(own) => (form.get("enroll", |value| plain(value, 256, is_harmless)), Some(own.to_string())),
        Holder::Operator | Holder::Owner(..) => (None, None),
    };
    if let (Some(node), Some(own)) = (&node, &own)
        && node != own
    {
        form.note("node_id", format!("The enroll token is for {own}"));
    }
    let node = own.or(node);
    let server = form.get("server_url", |value| url(value).and_then(|_| plain(value, 2048, is_harmless)));
    let port = form.get("port", number(1..=65_535_u16)).unwrap_or(8001);
    let agent = form.get("agent", one_of(AGENTS));
    let agent = agent.unwrap_or(Agent::Python);
    let repo = form.get("repo_url", repo_url);
    let key = form.get("agent_key", |value| plain(value, 1024, is_harmless));
    form.finish()?;
    let plane = control_plane::target(&app).await?.url.filter(|_| agent == Agent::Python);
    let server = server.or(plane).or_else(|| app.own_url());
    let server = server.ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, NOT_KNOWN))?;
    // The token is this server's, also where the agent reports to the control plane.
    let enroll_at = match (&enroll, agent) {
        (None, _) => String::new(),
        (Some(_), Agent::Bloom) => server.clone(),
        (Some(_), Agent::Python) => app.own_url().ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, NOT_KNOWN))?,
    };
    let body = match agent {
        Agent::Python => PYTHON,
        Agent::Bloom => BLOOM,
    };
    let values = [
        ("NODE_ID", node.unwrap_or_default()),
        ("SERVER_URL", server),
        ("PORT", port.to_string()),
        ("REPO_URL", repo.unwrap_or_default()),
        ("AGENT_KEY", key.unwrap_or_default()),
        ("ENROLL_TOKEN", enroll.unwrap_or_default()),
        ("ENROLL_URL", enroll_at),
    ];
    let values = values.map(|(name, value)| format!("{name}={}", quoted(&value))).join("\n");
    let script = format!("#!/bin/sh\n{values}\n\n{SERVICE}\n{body}");
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], script).into_response())
}

fn plain(value: &Value, most: usize, may_be: fn(char) -> bool) -> Result<String, String> {
    let text = text(1..=most)(value)?;
    if text.chars().all(may_be) { Ok(text) } else { Err("Invalid characters".to_owned()) }
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "._-".contains(letter)
}

/// In the shell, in systemd's files, and in a header.
fn is_harmless(letter: char) -> bool {
    letter.is_ascii_graphic() && !"'\"\\`$".contains(letter)
}

/// As the shell takes it for what it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
