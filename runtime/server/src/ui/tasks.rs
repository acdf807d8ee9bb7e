//! Tasks: what workers are asked, and what came of it.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{Task, TaskId, TaskStatus, WorkerStatus};
use bloom_runtime::store::{StoreError, TaskFilter};
use serde::Deserialize;

use super::leases;
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/tasks", get(list)).route("/tasks/{id}", get(detail))
}

/// Tasks of a page.
const PAGE: usize = 50;

/// A prompt or an answer is shown up to here, in characters.
const SHOWN: usize = 100_000;

/// What a page is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    status: String,
    cursor: String,
}

/// A task in a list.
struct Row {
    id: String,
    status: &'static str,
    agent: String,
    run: Option<String>,
    node: Option<String>,
    is_whole: bool,
    worker: Option<String>,
    attempts: String,
    created: Time,
    error: Option<String>,
}

/// Who holds it, if anybody does.
async fn holder(app: &App, task: &Task) -> Result<Option<String>, ApiError> {
    let Some(lease) = task.lease.as_ref().filter(|_| task.is_held()) else { return Ok(None) };
    Ok(app.store().lease(lease).await?.map(|lease| lease.worker.to_string()))
}

async fn row(app: &App, task: Task) -> Result<Row, ApiError> {
    let task = app.engine.current_task(task);
    Ok(Row {
        worker: holder(app, &task).await?,
        id: task.id.to_string(),
        status: task.status.name(),
        run: task.run().map(ToString::to_string),
        node: task.of.as_ref().map(|of| of.asked_by.node.to_string()),
        is_whole: task.flow.is_some(),
        attempts: format!("{} / {}", task.attempts, task.max_attempts),
        created: Time(task.created_at),
        error: task.error.as_ref().map(|error| error.code.clone()),
        agent: task.agent_slug,
    })
}

#[derive(askama::Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    shell: Shell,
    asked: Asked,
    /// Each status with how many there are.
    counts: Vec<(&'static str, String)>,
    all: String,
    tasks: Vec<Row>,
    /// The address of the next page.
    next: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let status = TaskStatus::STORED.into_iter().find(|status| status.name() == asked.status);
    if status.is_none() && !asked.status.is_empty() {
        return Err(ApiError::invalid("status", "there is no such status"));
    }
    let before = (!asked.cursor.is_empty()).then(|| TaskId::new(asked.cursor.as_str()));
    let filter = TaskFilter { status, before, limit: PAGE + 1, ..TaskFilter::default() };
    let mut found = app.store().list_tasks(&filter).await.map_err(|error| match error {
        StoreError::NotFound { .. } => ApiError::invalid("cursor", "no page ended with it"),
        error => error.into(),
    })?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| has_more).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(status) = status {
            query.append_pair("status", status.name());
        }
        format!("/tasks?{}", query.append_pair("cursor", last.id.as_str()).finish())
    });
    let mut tasks = Vec::new();
    for task in found {
        tasks.push(row(&app, task).await?);
    }
    let counted = app.store().work_counts().await?.tasks;
    let count = |status: TaskStatus| show::number(counted.get(&status).copied().unwrap_or_default());
    shell::page(&TasksPage {
        shell: viewer.shell(Section::Tasks),
        asked,
        counts: TaskStatus::STORED.map(|status| (status.name(), count(status))).into(),
        all: show::number(counted.values().sum::<u64>()),
        tasks,
        next,
    })
}

/// The beginning of a long text.
struct Long {
    text: String,
    is_cut: bool,
}

impl Long {
    fn of(text: &str) -> Self {
        match text.char_indices().nth(SHOWN) {
            Some((at, _)) => Self { text: text[..at].to_owned(), is_cut: true },
            None => Self { text: text.to_owned(), is_cut: false },
        }
    }
}

#[derive(askama::Template)]
#[template(path = "task.html")]
struct Detail {
    shell: Shell,
    task: Task,
    status: &'static str,
    run: Option<String>,
    node: Option<String>,
    is_whole: bool,
    created: Time,
    updated: Time,
    not_before: Option<Time>,
    priority: String,
    attempts: String,
    timeout: String,
    /// The newest one, if there is any.
    lease: Vec<leases::Row>,
    prompt: Long,
    system: Option<Long>,
    /// What it is to be answered with beside the prompt.
    hints: Vec<String>,
    schema: String,
    answer: Option<Long>,
    /// What the holder of the last lease said, where that is no answer of a run.
    output: Option<Long>,
    artifact: Option<String>,
    tokens: Option<String>,
    cost: Option<String>,
    took: Option<String>,
    can_requeue: bool,
    /// Node agents that it could be sent to; none where it cannot be sent.
    agents: Option<Vec<String>>,
}

async fn detail(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    let found = app.store().task(&TaskId::new(id.as_str())).await?;
    let task = app.engine.current_task(found.ok_or_else(|| ApiError::not_found("task", &id))?);
    let lease = match &task.lease {
        Some(lease) => app.store().lease(lease).await?,
        None => None,
    };
    let result = match &lease {
        Some(lease) => app.store().task_result(&lease.id).await?,
        None => None,
    };
    let usage = task.answer.as_ref().and_then(|answer| answer.usage.as_ref());
    let is_queued = task.status == TaskStatus::Queued && task.flow.is_none();
    let agents = || {
        let seats = app.engine.workers().into_iter();
        let there = seats.filter(|seat| seat.worker.is_pushed_to() && seat.status == WorkerStatus::Online);
        there.map(|seat| seat.worker.id.to_string()).collect()
    };
    let detail = Detail {
        shell: viewer.shell(Section::Tasks),
        status: task.status.name(),
        run: task.run().map(ToString::to_string),
        node: task.of.as_ref().map(|of| of.asked_by.node.to_string()),
        is_whole: task.flow.is_some(),
        created: Time(task.created_at),
        updated: Time(task.updated_at),
        not_before: task.not_before.filter(|_| task.status == TaskStatus::Queued).map(Time),
        priority: task.priority.to_string(),
        attempts: format!("{} / {}", task.attempts, task.max_attempts),
        timeout: show::duration(viewer.texts, i64::from(task.timeout_seconds).saturating_mul(1000)),
        prompt: Long::of(&task.request.prompt),
        system: task.request.system.as_deref().map(Long::of),
        hints: task
            .request
            .memory
            .iter()
            .map(|hint| hint.as_str().map_or_else(|| show::json(hint), str::to_owned))
            .collect(),
        schema: serde_json::to_string_pretty(&task.request.output).unwrap_or_default(),
        answer: task.answer.as_ref().map(|answer| Long::of(&show::json(&answer.value))),
        output: result.as_ref().and_then(|result| result.outcome.as_ref().ok()).map(|output| Long::of(output)),
        artifact: result.as_ref().map(|result| result.artifact.to_string()),
        tokens: usage.map(|usage| show::number(usage.tokens())),
        cost: usage.and_then(|usage| usage.cost_micro_usd).map(show::money),
        took: result.map(|result| show::duration(viewer.texts, i64::try_from(result.duration_ms).unwrap_or(i64::MAX))),
        lease: leases::rows(&app, lease, viewer.texts).await?,
        can_requeue: matches!(task.status, TaskStatus::Failed | TaskStatus::Dead) && !task.resolved,
        agents: is_queued.then(agents),
        task,
    };
    shell::page(&detail)
}
