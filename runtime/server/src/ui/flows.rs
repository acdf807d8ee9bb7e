//! All flows, and the place where another is published.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{FlowRecord, RunStatus};
use bloom_runtime::store::RunFilter;
use serde::Deserialize;

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::trust::Trust;
use crate::app::App;
use crate::auth::Holder;
use crate::error::ApiError;
use crate::extract::Query;
use crate::routes::flows;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/flows", get(list))
}

/// Flows of a page.
const PAGE: usize = 50;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Words of the id or the title.
    q: String,
    /// The flow that the page before ended with.
    after: String,
}

struct Row {
    id: String,
    title: String,
    version: String,
    trust: Trust,
    published: Time,
    runs: Vec<(&'static str, String)>,
}

#[derive(askama::Template)]
#[template(path = "flows.html")]
struct List {
    shell: Shell,
    asked: Asked,
    total: usize,
    flows: Vec<Row>,
    /// The address of the next page.
    next: Option<String>,
    /// Whether who looks may publish a diagram.
    is_owner: bool,
    /// Whether the server could sign it.
    may_sign: bool,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let mut found = flows::newest(&app).await?;
    let words = asked.q.trim().to_lowercase();
    found.retain(|flow| flow.id.contains(&words) || flow.title.to_lowercase().contains(&words));
    let total = found.len();
    found.retain(|flow| asked.after.is_empty() || flow.id > asked.after);
    let next = found.get(PAGE).and_then(|_| found.get(PAGE - 1)).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("q", &asked.q)].into_iter().filter(|(_, value)| !value.is_empty()));
        format!("/flows?{}", query.append_pair("after", &last.id).finish())
    });
    let mut rows = Vec::new();
    for flow in found.into_iter().take(PAGE) {
        rows.push(row(&app, flow).await?);
    }
    shell::page(&List {
        shell: viewer.shell(Section::Flows),
        asked,
        total,
        flows: rows,
        next,
        is_owner: matches!(viewer.holder, Some(Holder::Owner(..))),
        may_sign: app.config.signing_key.is_some(),
    })
}

async fn row(app: &App, flow: FlowRecord) -> Result<Row, ApiError> {
    let document = app.store().flow_document(flow.hash).await?;
    Ok(Row {
        trust: Trust::of(app, document.as_deref().unwrap_or_default()),
        runs: counted(app, &flow.id).await?,
        published: Time(flow.stored_at),
        id: flow.id,
        title: flow.title,
        version: flow.version,
    })
}

/// How many runs of a flow there are in each status, where there are any.
pub(super) async fn counted(app: &App, flow: &str) -> Result<Vec<(&'static str, String)>, ApiError> {
    let mut counted = Vec::new();
    for status in RunStatus::ALL {
        let filter = RunFilter { flow: Some(flow.to_owned()), status: Some(status), ..RunFilter::default() };
        match app.store().count_runs(&filter, u64::MAX).await? {
            0 => {}
            count => counted.push((status.name(), show::number(count))),
        }
    }
    Ok(counted)
}
