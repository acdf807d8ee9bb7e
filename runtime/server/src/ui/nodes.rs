//! Nodes: machines with an agent that this server calls, and the projects that are kept on them.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{ManagedProject, NodeStatus, WorkerStatus};

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::Time;
use super::texts::text;
use super::workers::{self, Reached, Row};
use crate::app::App;
use crate::control_plane;
use crate::error::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/nodes", get(nodes))
}

/// A node, with what is said before something is done with it.
struct Node {
    row: Row,
    removing: String,
}

/// A managed project.
struct Project {
    id: String,
    name: String,
    repo: String,
    path: Option<String>,
    status: &'static str,
    primary: Option<String>,
    updated: Time,
    error: Option<String>,
    nodes: Vec<OnNode>,
}

/// How a project is on a node.
struct OnNode {
    node: String,
    status: &'static str,
    synced: Option<Time>,
    path: Option<String>,
    error: Option<String>,
}

impl Project {
    fn of(project: ManagedProject, nodes: Vec<NodeStatus>) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name,
            repo: project.repo_url,
            path: project.target_path,
            status: project.status.name(),
            primary: project.primary_node.map(|node| node.to_string()),
            updated: Time(project.updated_at),
            error: project.error,
            nodes: nodes.into_iter().map(OnNode::of).collect(),
        }
    }
}

impl OnNode {
    fn of(status: NodeStatus) -> Self {
        Self {
            node: status.node.to_string(),
            status: status.status.name(),
            synced: status.last_sync_at.map(Time),
            path: status.repo_path,
            error: status.error,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "nodes.html")]
struct NodesPage {
    shell: Shell,
    total: usize,
    online: usize,
    offline: usize,
    nodes: Vec<Node>,
    projects: Vec<Project>,
    reached: Reached,
    /// Whether a control plane is set, which memory goes through.
    has_plane: bool,
}

async fn nodes(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let mut seats = app.engine.workers();
    seats.retain(|seat| !seat.worker.id.is_local() && (seat.worker.url.is_some() || seat.worker.is_sighted));
    let online = seats.iter().filter(|seat| seat.status == WorkerStatus::Online).count();
    let offline =
        seats.iter().filter(|seat| matches!(seat.status, WorkerStatus::Offline | WorkerStatus::Unknown)).count();
    let total = seats.len();
    let node = |seat| {
        let row = workers::row(&app, seat, viewer.texts);
        Node { removing: text!(viewer.texts, "worker-remove-ask", count = row.held), row }
    };
    let nodes = seats.into_iter().map(node).collect();
    let mut projects = Vec::new();
    for project in app.store().projects().await? {
        let statuses = app.store().node_statuses(&project.id).await?;
        projects.push(Project::of(project, statuses));
    }
    shell::page(&NodesPage {
        shell: viewer.shell(Section::Nodes),
        total,
        online,
        offline,
        nodes,
        projects,
        reached: Reached::of(&app),
        has_plane: control_plane::target(&app).await?.url.is_some(),
    })
}
