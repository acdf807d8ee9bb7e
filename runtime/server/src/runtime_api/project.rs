//! Managed projects: git repositories that node agents clone when they are told to.

use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::{Extension, Json};
use bloom_runtime::record::{
    Actor, CloneStatus, ManagedProject, NodeStatus, NodeStatusId, ProjectId, WorkerId, WorkerStatus,
};
use bloom_runtime::store::StoreError;
use futures::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::agent::{self, note};
use super::error::Refused;
use super::form::{Form, one_of, text};
use super::view::{NodeStatusView, ProjectDetail, ProjectView};
use super::worker::{self, Removed};
use crate::app::App;
use crate::auth::Identity;
use crate::control_plane;
use crate::error::ApiError;
use crate::extract::Path;

/// How long an agent may take to clone,
const CLONE: Duration = Duration::from_mins(1);
/// and the control plane to have memory brought from or to a node.
const SYNC: Duration = Duration::from_mins(2);
/// So many agents clone at a time.
const AT_ONCE: usize = 8;

fn unknown() -> Refused {
    Refused::not_found("Project")
}

async fn find(app: &App, id: &str) -> Result<ManagedProject, Refused> {
    app.store().project(&ProjectId::new(id)).await?.ok_or_else(unknown)
}

async fn nodes_of(app: &App, id: &ProjectId) -> Result<Vec<NodeStatusView>, Refused> {
    Ok(app.store().node_statuses(id).await?.into_iter().map(NodeStatusView::of).collect())
}

/// Managed projects, newest first.
#[utoipa::path(get, path = "/api/runtime/projects", tag = "runtime",
    responses((status = 200, body = Vec<ProjectView>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<ProjectView>>, Refused> {
    Ok(Json(app.store().projects().await?.into_iter().map(ProjectView::of).collect()))
}

/// A project that is to be managed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct NewProject {
    /// Letters, digits, `_`, `-`, `.` and spaces; the first is one of the first three.
    #[schema(min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9_][A-Za-z0-9_. -]*$")]
    name: String,
    /// Of HTTP, HTTPS, or `git@…`.
    repo_url: String,
    /// Where on a node it goes; without `..`.
    target_path: Option<String>,
    /// The node that gets it first.
    primary_node_id: Option<String>,
}

/// Manages a project from now on. Nothing is cloned yet.
#[utoipa::path(post, path = "/api/runtime/projects", tag = "runtime", request_body = NewProject,
    responses((status = 201, body = ProjectView), (status = 409, description = "There is one of this name")))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    mut form: Form,
) -> Result<(StatusCode, Json<ProjectView>), Refused> {
    let name = form.require("name", name);
    let repo_url = form.require("repo_url", repo_url);
    let target_path = form.get("target_path", target_path);
    let primary_node = form.get("primary_node_id", worker::name);
    form.finish()?;
    let now = app.clock.now();
    let project = ManagedProject {
        id: ProjectId::new(app.ids.fresh()),
        name: name.unwrap_or_default(),
        repo_url: repo_url.unwrap_or_default(),
        target_path,
        status: CloneStatus::Pending,
        primary_node,
        created_at: now,
        updated_at: now,
        error: None,
    };
    let audit = note(&app, &by, "project_created", "project", project.id.as_str(), json!({ "name": project.name }));
    match app.store().create_project(project.clone(), vec![audit]).await {
        Err(StoreError::Exists { .. }) => {
            Err(Refused::new(StatusCode::CONFLICT, "A project with this name already exists"))
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok((StatusCode::CREATED, Json(ProjectView::of(project)))),
    }
}

fn name(value: &Value) -> Result<String, String> {
    let name = text(1..=256)(value)?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte));
    // It becomes a folder.
    if is_plain && !name.starts_with(['.', '-', ' ']) { Ok(name) } else { Err("Invalid name".to_owned()) }
}

/// What git takes for a server's repository, and for no option of its own and no command.
pub(super) fn repo_url(value: &Value) -> Result<String, String> {
    let url = text(1..=2048)(value)?;
    let rest = ["https://", "http://", "git@"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let is_plain = rest.is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()))
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\"\\`<>|".contains(&byte));
    if is_plain { Ok(url) } else { Err("Invalid repository url".to_owned()) }
}

fn target_path(value: &Value) -> Result<String, String> {
    let path = text(1..=1024)(value)?;
    let leads_out = path.split(['/', '\\']).any(|part| part == "..");
    if leads_out || path.starts_with('-') || path.chars().any(char::is_control) {
        return Err("Invalid path".to_owned());
    }
    Ok(path)
}

/// A managed project, with how it is on nodes.
#[utoipa::path(get, path = "/api/runtime/projects/{id}", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = ProjectDetail), (status = 404, description = "There is no such project")))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ProjectDetail>, Refused> {
    let project = find(&app, &id).await?;
    let nodes = nodes_of(&app, &project.id).await?;
    Ok(Json(ProjectDetail { project: ProjectView::of(project), nodes }))
}

/// Manages a project no longer. What lies on nodes stays there.
#[utoipa::path(delete, path = "/api/runtime/projects/{id}", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, description = "There is no such project")))]
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<Removed>, Refused> {
    let _one_at_a_time = app.projects().lock().await;
    let audit = note(&app, &by, "project_deleted", "project", &id, json!({}));
    app.store().remove_project(&ProjectId::new(id.as_str()), vec![audit]).await?;
    Ok(Json(Removed { removed: true, id }))
}

/// How a project is on nodes.
#[utoipa::path(get, path = "/api/runtime/projects/{id}/node-status", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Vec<NodeStatusView>), (status = 404, description = "There is no such project")))]
pub(crate) async fn node_status(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<NodeStatusView>>, Refused> {
    let project = find(&app, &id).await?;
    Ok(Json(nodes_of(&app, &project.id).await?))
}

/// Which node.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct Target {
    /// Else the project's primary node.
    node_id: Option<String>,
}

/// A project that was cloned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cloned {
    /// `cloned`.
    status: &'static str,
    /// Where.
    node: String,
    /// What the agent answered.
    result: Value,
}

/// Has a node's agent clone a project.
#[utoipa::path(post, path = "/api/runtime/projects/{id}/clone", tag = "runtime", params(("id" = String, Path)),
    request_body = Target,
    responses((status = 200, body = Cloned), (status = 400, description = "No node is named, or it has no URL"),
        (status = 404, description = "There is no such project or worker"),
        (status = 409, description = "It is being cloned there"), (status = 502, description = "The agent failed")))]
pub(crate) async fn clone(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Cloned>, Refused> {
    let node = form.get("node_id", text(1..=128)).map(WorkerId::new);
    form.finish()?;
    let project = find(&app, &id).await?;
    let node = target(&project, node)?;
    let url = agent::url_of(&app, &node)?;
    // It goes on if the client does not wait.
    let cloning = tokio::spawn(async move {
        begin(&app, &project.id, CloneStatus::Cloning, &[&node]).await?;
        let result = clone_to(&app, &project, (&node, &url)).await;
        let status = if result.is_ok() { CloneStatus::Cloned } else { CloneStatus::Failed };
        let detail = json!({ "node": node, "status": status, "error": result.as_ref().err() });
        let done = [(node.clone(), result.clone())];
        finish(&app, &by, &project.id, &done, "project_cloned", detail, |project| {
            project.status = status;
            project.error = result.as_ref().err().cloned();
        })
        .await?;
        let result = result.map_err(|error| Refused::new(StatusCode::BAD_GATEWAY, error))?;
        Ok::<_, Refused>(Cloned { status: "cloned", node: node.to_string(), result })
    });
    Ok(Json(cloning.await.map_err(|error| ApiError::internal(&error))??))
}

fn target(project: &ManagedProject, named: Option<WorkerId>) -> Result<WorkerId, Refused> {
    let none = || Refused::new(StatusCode::BAD_REQUEST, "No target node: name one as node_id");
    named.or_else(|| project.primary_node.clone()).ok_or_else(none)
}

async fn clone_to(app: &App, project: &ManagedProject, node: (&WorkerId, &str)) -> Result<Value, String> {
    let mut body = json!({ "repo_url": project.repo_url, "project_name": project.name });
    if let Some(path) = &project.target_path {
        body["target_path"] = path.as_str().into();
    }
    agent::call(app, node, "/clone", Some(body), CLONE).await.map_err(|failure| failure.told(None))
}

/// What is known of a project on a node, or will be.
async fn on_node(app: &App, project: &ProjectId, node: &WorkerId) -> Result<NodeStatus, StoreError> {
    let known = app.store().node_statuses(project).await?.into_iter().find(|status| status.node == *node);
    Ok(known.unwrap_or_else(|| NodeStatus {
        id: NodeStatusId::new(app.ids.fresh()),
        project: project.clone(),
        node: node.clone(),
        status: CloneStatus::Pending,
        last_sync_at: None,
        error: None,
        repo_path: None,
    }))
}

/// Agents are going to be asked: none that is at it already.
async fn begin(app: &App, id: &ProjectId, status: CloneStatus, nodes: &[&WorkerId]) -> Result<(), Refused> {
    let _one_at_a_time = app.projects().lock().await;
    let mut project = app.store().project(id).await?.ok_or_else(unknown)?;
    (project.status, project.updated_at, project.error) = (status, app.clock.now(), None);
    let mut statuses = Vec::new();
    for node in nodes {
        let known = on_node(app, id, node).await?;
        if known.status == CloneStatus::Cloning {
            return Err(Refused::new(StatusCode::CONFLICT, format!("The project is being cloned to {node}")));
        }
        statuses.push(NodeStatus { status: CloneStatus::Cloning, ..known });
    }
    Ok(app.store().put_project(project, statuses, Vec::new()).await?)
}

/// Agents have answered, or not.
async fn finish(
    app: &App,
    by: &Actor,
    id: &ProjectId,
    done: &[(WorkerId, Result<Value, String>)],
    action: &str,
    detail: Value,
    change: impl FnOnce(&mut ManagedProject),
) -> Result<(), Refused> {
    let _one_at_a_time = app.projects().lock().await;
    let now = app.clock.now();
    let mut statuses = Vec::new();
    for (node, result) in done {
        let mut status = on_node(app, id, node).await?;
        match result {
            Ok(answer) => {
                (status.status, status.last_sync_at, status.error) = (CloneStatus::Cloned, Some(now), None);
                let path = answer.get("path").and_then(|path| text(0..=1024)(path).ok());
                status.repo_path = path.or(status.repo_path);
            }
            Err(error) => (status.status, status.error) = (CloneStatus::Failed, Some(error.clone())),
        }
        statuses.push(status);
    }
    let mut project = app.store().project(id).await?.ok_or_else(unknown)?;
    change(&mut project);
    project.updated_at = now;
    let first = done.iter().find(|(_, result)| result.is_ok()).map(|(node, _)| node.clone());
    project.primary_node = project.primary_node.or(first);
    let audit = note(app, by, action, "project", id.as_str(), detail);
    Ok(app.store().put_project(project, statuses, vec![audit]).await?)
}

/// What a server that is gone was doing with projects: nobody waits for those agents any more.
pub(crate) async fn recover(app: &App) -> Result<(), StoreError> {
    const WHY: &str = "the server was stopped before the agent had answered";
    for mut project in app.store().projects().await? {
        let mut nodes = app.store().node_statuses(&project.id).await?;
        nodes.retain(|node| node.status == CloneStatus::Cloning);
        let is_under_way = matches!(project.status, CloneStatus::Cloning | CloneStatus::Propagating);
        if nodes.is_empty() && !is_under_way {
            continue;
        }
        for node in &mut nodes {
            (node.status, node.error) = (CloneStatus::Failed, Some(WHY.to_owned()));
        }
        // Where another node had answered since, the project stands as that one made it.
        if is_under_way {
            (project.status, project.error) = (CloneStatus::Failed, Some(WHY.to_owned()));
        }
        project.updated_at = app.clock.now();
        app.store().put_project(project, nodes, Vec::new()).await?;
    }
    Ok(())
}

/// How a project was brought to nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Propagated {
    /// `synced`, `partial` or `nothing_to_propagate`.
    status: &'static str,
    results: Vec<OnNode>,
}

/// How a project was brought to a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OnNode {
    node_id: String,
    /// `cloned` or `failed`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Has the agents of all nodes that are there, and have not got it yet, clone a project.
#[utoipa::path(post, path = "/api/runtime/projects/{id}/propagate", tag = "runtime", params(("id" = String, Path)),
    responses((status = 200, body = Propagated), (status = 404, description = "There is no such project"),
        (status = 409, description = "It is being cloned to one of them")))]
pub(crate) async fn propagate(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<Propagated>, Refused> {
    let project = find(&app, &id).await?;
    let known = app.store().node_statuses(&project.id).await?;
    let has_it = |node: &WorkerId| known.iter().any(|status| status.node == *node && status.status.is_there());
    let seats = app.engine.workers().into_iter().filter(|seat| seat.status == WorkerStatus::Online);
    let targets: Vec<(WorkerId, String)> =
        seats.filter_map(|seat| Some((seat.worker.id, seat.worker.url?))).filter(|(node, _)| !has_it(node)).collect();
    if targets.is_empty() {
        return Ok(Json(Propagated { status: "nothing_to_propagate", results: Vec::new() }));
    }
    // It goes on if the client does not wait.
    let propagating = tokio::spawn(async move {
        let nodes: Vec<&WorkerId> = targets.iter().map(|(node, _)| node).collect();
        begin(&app, &project.id, CloneStatus::Propagating, &nodes).await?;
        let mut cloning = Vec::new();
        for (node, url) in targets {
            let (app, project) = (app.clone(), project.clone());
            cloning.push(async move {
                let cloned = clone_to(&app, &project, (&node, &url)).await;
                (node, cloned)
            });
        }
        let mut done: Vec<_> = stream::iter(cloning).buffer_unordered(AT_ONCE).collect().await;
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        let results: Vec<OnNode> = done
            .iter()
            .map(|(node, result)| OnNode {
                node_id: node.to_string(),
                status: if result.is_ok() { "cloned" } else { "failed" },
                error: result.as_ref().err().cloned(),
            })
            .collect();
        let failed = results.iter().filter(|result| result.error.is_some()).count();
        let status = if failed == 0 { "synced" } else { "partial" };
        let detail = json!({ "status": status, "results": results });
        let is_anywhere = failed < results.len() || known.iter().any(|status| status.status.is_there());
        finish(&app, &by, &project.id, &done, "project_propagated", detail, |project| {
            project.status = match (failed, is_anywhere) {
                (0, _) => CloneStatus::Synced,
                (_, true) => CloneStatus::Cloned,
                (_, false) => CloneStatus::Failed,
            };
            project.error = (failed > 0).then(|| format!("{failed} of {} nodes failed", results.len()));
        })
        .await?;
        Ok::<_, Refused>(Propagated { status, results })
    });
    Ok(Json(propagating.await.map_err(|error| ApiError::internal(&error))??))
}

/// Which way memory goes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description: the form reads it")]
pub(crate) struct Sync {
    direction: Direction,
    /// Else the project's primary node.
    node_id: Option<String>,
}

/// Which way memory goes.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the description: the form reads it")]
enum Direction {
    /// From the node.
    Push,
    /// To the node.
    Pull,
}

/// Memory that was brought from or to a node.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Synced {
    /// `ok`.
    status: &'static str,
    direction: &'static str,
    node: String,
    /// What the control plane answered.
    result: Value,
}

/// Has the control plane bring a project's session memory from a node (`push`) or to it (`pull`).
#[utoipa::path(post, path = "/api/runtime/projects/{id}/sync-memory", tag = "runtime", params(("id" = String, Path)),
    request_body = Sync,
    responses((status = 200, body = Synced), (status = 400, description = "No node is named, or the control plane refused it"),
        (status = 404, description = "There is no such project"), (status = 409, description = "The control plane refused it"),
        (status = 422, description = "The control plane refused it"),
        (status = 502, description = "There is no control plane, or it does not answer")))]
pub(crate) async fn sync_memory(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Json<Synced>, Refused> {
    let direction = form.require("direction", one_of(&[("push", "push"), ("pull", "pull")])).unwrap_or("push");
    let node = form.get("node_id", text(1..=128)).map(WorkerId::new);
    form.finish()?;
    let project = find(&app, &id).await?;
    let node = target(&project, node)?;
    // It goes on if the client does not wait: what was done is noted.
    let syncing = tokio::spawn(async move {
        let (path, body) = (format!("/sync/{direction}"), json!({ "agent_name": node, "project_name": project.name }));
        let result = control_plane::ask_once(&app, Method::POST, &path, Some(body), SYNC).await?;
        let action = format!("memory_sync_{direction}");
        let audit = note(&app, &by, &action, "project", project.id.as_str(), json!({ "node": node }));
        app.store().note(vec![audit]).await?;
        Ok::<_, Refused>(Synced { status: "ok", direction, node: node.to_string(), result })
    });
    Ok(Json(syncing.await.map_err(|error| ApiError::internal(&error))??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_no_option_and_no_command() {
        for url in ["https://example.org/a.git", "http://10.0.0.1:3000/a", "git@example.org:a/b.git"] {
            assert!(repo_url(&json!(url)).is_ok(), "{url}");
        }
        let odd = [
            "",
            "ext::sh -c id",
            "file:///etc",
            "-u",
            "git@-oProxyCommand=x",
            "https://",
            "https://a b",
            "https://a'b",
        ];
        for url in odd {
            assert!(repo_url(&json!(url)).is_err(), "{url}");
        }
    }

    #[test]
    fn a_path_does_not_lead_out() {
        assert!(target_path(&json!("/srv/a..b")).is_ok());
        for path in ["..", "a/../b", "/..", "a\\..\\b", "-x", "a\nb", ""] {
            assert!(target_path(&json!(path)).is_err(), "{path}");
        }
    }

    #[test]
    fn a_name_is_plain() {
        assert!(name(&json!("garden-seedling 1.0_b")).is_ok());
        for odd in ["", " ", " a", ".", "..", ".git", "-x", "a/b", "сад", "a\n"] {
            assert!(name(&json!(odd)).is_err(), "{odd}");
        }
    }
}
