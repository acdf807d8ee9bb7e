//! All runs, newest first, by flow, status and time.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{RunId, RunRecord, RunStatus};
use bloom_runtime::store::{RunFilter, StoreError};
use serde::Deserialize;

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::{Texts, text};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Query;
use crate::view::{self, Total};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs", get(list))
}

/// Runs of a page.
const PAGE: usize = 50;

/// What a form of a page asks for: what was left empty is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    flow: String,
    status: String,
    from: String,
    to: String,
    cursor: String,
}

/// A run in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) flow: String,
    pub(super) version: String,
    /// What it was started with, in a line.
    pub(super) inputs: String,
    pub(super) status: &'static str,
    pub(super) waiting: bool,
    pub(super) created: Time,
    /// How long it took, or takes until now.
    pub(super) took: Option<String>,
    pub(super) tokens: String,
    pub(super) cost: String,
    pub(super) error: Option<String>,
}

/// A run as lists show it.
pub(super) fn row(app: &App, run: &RunRecord, texts: &Texts) -> Row {
    let until = if run.status.is_terminal() { run.updated_at } else { app.clock.now() };
    Row {
        id: run.id.to_string(),
        flow: run.flow.clone(),
        version: run.version.clone(),
        inputs: show::brief(&run.inputs),
        status: run.status.name(),
        waiting: run.waiting && !run.status.is_terminal(),
        created: Time(run.created_at),
        took: run.started_at().map(|at| show::duration(texts, until.saturating_sub(at))),
        tokens: show::number(run.tokens),
        cost: show::money(run.cost_micro_usd),
        // The status says it already.
        error: run.error.as_ref().map(|error| error.code.clone()).filter(|code| code != "failed"),
    }
}

#[derive(askama::Template)]
#[template(path = "runs.html")]
struct RunsPage {
    shell: Shell,
    asked: Asked,
    flows: Vec<String>,
    statuses: Vec<&'static str>,
    total: String,
    runs: Vec<Row>,
    /// The address of the next page.
    next: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let status = RunStatus::ALL.into_iter().find(|status| status.name() == asked.status);
    if status.is_none() && !asked.status.is_empty() {
        return Err(ApiError::invalid("status", "there is no such status"));
    }
    let (from, to) = (view::time_from("from", some(&asked.from))?, view::time_to("to", some(&asked.to))?);
    let all = RunFilter { flow: some(&asked.flow), status, from, to, ..RunFilter::default() };
    let total = Total::of(app.store(), &all).await?;
    let count = show::number(total.runs);
    let total = if total.is_exact {
        text!(viewer.texts, "runs-total", count = count)
    } else {
        text!(viewer.texts, "runs-more-than", count = count)
    };
    let page = RunFilter { before: some(&asked.cursor).map(RunId::new), limit: PAGE + 1, ..all };
    let found = app.store().runs(&page).await.map_err(|error| match error {
        StoreError::NotFound { .. } => ApiError::invalid("cursor", "no page ended with it"),
        error => error.into(),
    })?;
    let runs: Vec<Row> = found.iter().take(PAGE).map(|run| row(&app, run, viewer.texts)).collect();
    let next = runs.last().filter(|_| found.len() > PAGE).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let parts = [("flow", &asked.flow), ("status", &asked.status), ("from", &asked.from), ("to", &asked.to)];
        query.extend_pairs(parts.into_iter().filter(|(_, value)| !value.is_empty()));
        format!("/runs?{}", query.append_pair("cursor", &last.id).finish())
    });
    let mut flows: Vec<String> = app.store().flows().await?.into_iter().map(|flow| flow.id).collect();
    flows.extend(some(&asked.flow));
    flows.sort_unstable();
    flows.dedup();
    shell::page(&RunsPage {
        shell: viewer.shell(Section::Runs),
        asked,
        flows,
        statuses: RunStatus::ALL.iter().map(|status| status.name()).collect(),
        total,
        runs,
        next,
    })
}
