//! Execution contexts: who works in them, and which others may read them.

use axum::Extension;
use axum::extract::State;
use bloom_runtime::record::{Context, ContextId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common};
use super::runs::context_named;
use crate::app::App;
use crate::auth::Identity;
use crate::error::ApiError;
use crate::extract::{Json, Path};

/// A context has at most so many agents, memories and readers each.
const MOST: usize = 256;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, set)).routes(routes!(delegate, revoke))
}

/// A context.
#[derive(Serialize, ToSchema)]
struct ContextView {
    id: String,
    /// The flows that run in it, by id; empty: any.
    agents: Vec<String>,
    /// The flows that have their memory in it; empty: all that run in it.
    memory_bindings: Vec<String>,
    /// The contexts whose runs may read what runs of this one handed out.
    delegations: Vec<String>,
}

impl From<Context> for ContextView {
    fn from(context: Context) -> Self {
        let delegations = context.delegations.iter().map(ToString::to_string).collect();
        let Context { id, agents, memory_bindings, .. } = context;
        Self { id: id.to_string(), agents, memory_bindings, delegations }
    }
}

/// Contexts, by id.
#[derive(Serialize, ToSchema)]
struct ContextList {
    contexts: Vec<ContextView>,
}

/// How a context is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContextForm {
    /// The flows that run in it, by id; empty: any.
    #[serde(default)]
    #[schema(max_items = 256)]
    agents: Vec<String>,
    /// The flows that have their memory in it; empty: all that run in it.
    #[serde(default)]
    #[schema(max_items = 256)]
    memory_bindings: Vec<String>,
    /// The contexts whose runs may read what runs of this one handed out; absent: as it is.
    #[schema(max_items = 256)]
    delegations: Option<Vec<String>>,
}

/// All contexts that were changed. Others are empty, whatever their ids.
#[utoipa::path(get, path = "/api/v1/contexts", tag = "contexts", responses((status = 200, body = ContextList), Common))]
async fn list(State(app): State<App>) -> Result<axum::Json<ContextList>, ApiError> {
    let contexts = app.store().contexts().await?;
    Ok(axum::Json(ContextList { contexts: contexts.into_iter().map(ContextView::from).collect() }))
}

/// A context. One that nobody changed is empty: any flow runs in it, and no other context reads it.
#[utoipa::path(
    get, path = "/api/v1/contexts/{id}", tag = "contexts", params(("id" = String, Path)),
    responses((status = 200, body = ContextView), Common)
)]
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<ContextView>, ApiError> {
    let id = context_named("id", id)?;
    Ok(axum::Json(app.store().context(&id).await?.into()))
}

/// Say how a context is from now on. Runs that were accepted go on.
#[utoipa::path(
    put, path = "/api/v1/contexts/{id}", tag = "contexts", params(("id" = String, Path)), request_body = ContextForm,
    responses((status = 200, body = ContextView), Common, Bodied)
)]
async fn set(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Json(wanted): Json<ContextForm>,
) -> Result<axum::Json<ContextView>, ApiError> {
    let id = context_named("id", id)?;
    let agents = names("agents", wanted.agents)?;
    let memory_bindings = names("memory_bindings", wanted.memory_bindings)?;
    let delegations = wanted.delegations.map(|readers| names("delegations", readers)).transpose()?;
    let delegations = delegations.map(|readers| readers.into_iter().map(ContextId::new).collect());
    let change = move |context: &mut Context| {
        (context.agents, context.memory_bindings) = (agents, memory_bindings);
        context.delegations = delegations.unwrap_or_else(|| std::mem::take(&mut context.delegations));
    };
    Ok(axum::Json(app.engine.change_context(&id, &by, "context_set", change).await?.into()))
}

/// Let runs of the context `reader` read what runs of this one handed out. Repeating it is harmless.
#[utoipa::path(
    put, path = "/api/v1/contexts/{id}/delegations/{reader}", tag = "contexts",
    params(("id" = String, Path), ("reader" = String, Path)), responses((status = 200, body = ContextView), Common)
)]
async fn delegate(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path((id, reader)): Path<(String, String)>,
) -> Result<axum::Json<ContextView>, ApiError> {
    let (id, reader) = (context_named("id", id)?, context_named("reader", reader)?);
    let known = app.store().context(&id).await?.delegations;
    if known.len() >= MOST && !known.contains(&reader) {
        return Err(ApiError::invalid("reader", format!("a context is open to at most {MOST} others")));
    }
    let change = |context: &mut Context| context.delegations.push(reader);
    Ok(axum::Json(app.engine.change_context(&id, &by, "context_delegated", change).await?.into()))
}

/// Do not let them any more: from the next read on. Repeating it is harmless.
#[utoipa::path(
    delete, path = "/api/v1/contexts/{id}/delegations/{reader}", tag = "contexts",
    params(("id" = String, Path), ("reader" = String, Path)), responses((status = 200, body = ContextView), Common)
)]
async fn revoke(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path((id, reader)): Path<(String, String)>,
) -> Result<axum::Json<ContextView>, ApiError> {
    let (id, reader) = (context_named("id", id)?, context_named("reader", reader)?);
    let change = |context: &mut Context| context.delegations.retain(|known| *known != reader);
    Ok(axum::Json(app.engine.change_context(&id, &by, "context_revoked", change).await?.into()))
}

/// Names of flows or contexts.
fn names(member: &str, given: Vec<String>) -> Result<Vec<String>, ApiError> {
    if given.len() > MOST {
        return Err(ApiError::invalid(member, format!("at most {MOST} names")));
    }
    match given.iter().find(|name| !(1..=128).contains(&name.chars().count())) {
        Some(_) => Err(ApiError::invalid(member, "each name must be 1 to 128 characters")),
        None => Ok(given),
    }
}
