//! Leases: who holds which task, and for how long yet.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{Lease, LeaseId, LeaseStatus, Task};
use bloom_runtime::store::{LeaseFilter, StoreError};
use serde::Deserialize;

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::Texts;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Query;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/leases", get(list))
}

/// Leases of a page.
const PAGE: usize = 50;

/// What stands for all of them, where a status is asked for.
const ALL: &str = "all";

/// What a page is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    status: String,
    cursor: String,
}

/// A lease in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) task: String,
    pub(super) worker: String,
    pub(super) status: &'static str,
    pub(super) started: Time,
    pub(super) heard: Option<Time>,
    pub(super) ended: Option<Time>,
    /// Of an active one: how much of its time is left, of how much, in seconds, and as a text.
    pub(super) left: Option<(i64, i64, String)>,
    /// What the task is for.
    pub(super) agent: String,
    pub(super) run: Option<String>,
    pub(super) node: Option<String>,
}

/// A lease as lists show it: with what was heard of its holder, and what its task is for.
async fn row(app: &App, lease: Lease, texts: &Texts) -> Result<Row, ApiError> {
    let lease = app.engine.current_lease(lease);
    let task = app.store().task(&lease.task).await?;
    let left = lease.expires_at.saturating_sub(app.clock.now()).max(0);
    let is_active = lease.status == LeaseStatus::Active;
    Ok(Row {
        id: lease.id.to_string(),
        task: lease.task.to_string(),
        worker: lease.worker.to_string(),
        status: lease.status.name(),
        started: Time(lease.started_at),
        heard: lease.last_heartbeat.map(Time),
        ended: lease.ended_at.map(Time),
        left: is_active.then(|| (left / 1000, lease.ttl_ms / 1000, show::passing(texts, left))),
        agent: task.as_ref().map(|task| task.agent_slug.clone()).unwrap_or_default(),
        run: task.as_ref().and_then(Task::run).map(ToString::to_string),
        node: task.as_ref().and_then(|task| task.of.as_ref()).map(|of| of.asked_by.node.to_string()),
    })
}

/// Leases as lists show them.
pub(super) async fn rows(
    app: &App,
    leases: impl IntoIterator<Item = Lease>,
    texts: &Texts,
) -> Result<Vec<Row>, ApiError> {
    let mut shown = Vec::new();
    for lease in leases {
        shown.push(row(app, lease, texts).await?);
    }
    Ok(shown)
}

#[derive(askama::Template)]
#[template(path = "leases.html")]
struct LeasesPage {
    shell: Shell,
    status: String,
    is_first: bool,
    /// Each status with how many there are.
    counts: Vec<(&'static str, String)>,
    all: String,
    leases: Vec<Row>,
    /// The address of the next page.
    next: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let wanted = if asked.status.is_empty() { LeaseStatus::Active.name() } else { asked.status.as_str() };
    let status = LeaseStatus::ALL.into_iter().find(|status| status.name() == wanted);
    if status.is_none() && wanted != ALL {
        return Err(ApiError::invalid("status", "there is no such status"));
    }
    let before = (!asked.cursor.is_empty()).then(|| LeaseId::new(asked.cursor.as_str()));
    let is_first = before.is_none();
    let filter = LeaseFilter { status, before, limit: PAGE + 1 };
    let mut found = app.store().list_leases(&filter).await.map_err(|error| match error {
        StoreError::NotFound { .. } => ApiError::invalid("cursor", "no page ended with it"),
        error => error.into(),
    })?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| has_more).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/leases?{}", query.append_pair("status", wanted).append_pair("cursor", last.id.as_str()).finish())
    });
    let counted = app.store().work_counts().await?.leases;
    let count = |status: LeaseStatus| show::number(counted.get(&status).copied().unwrap_or_default());
    shell::page(&LeasesPage {
        shell: viewer.shell(Section::Leases),
        status: wanted.to_owned(),
        is_first,
        counts: LeaseStatus::ALL.map(|status| (status.name(), count(status))).into(),
        all: show::number(counted.values().sum::<u64>()),
        leases: rows(&app, found, viewer.texts).await?,
        next,
    })
}
