//! What runs ask people: what waits for an answer, and what was answered by whom.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{Question, QuestionId, QuestionStatus};
use bloom_runtime::store::QuestionFilter;
use serde::Deserialize;

use super::audit::{self, Entry};
use super::form::{self, Fields};
use super::place::Icon;
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::Texts;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/questions", get(list)).route("/questions/{id}", get(show))
}

/// So many that wait are shown.
const OPEN: usize = 100;

/// Questions of a page of those that were answered.
const PAGE: usize = 50;

/// What a form of the page asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    skip: String,
}

/// A question in a list.
struct Row {
    id: String,
    title: String,
    agent: String,
    run: String,
    status: &'static str,
    assignee: Option<String>,
    created: Time,
    age: String,
    until: Option<Time>,
    updated: Time,
    answered_by: Option<String>,
}

impl Row {
    fn of(question: &Question, now: i64, texts: &Texts) -> Self {
        Self {
            id: question.id.to_string(),
            title: question.asked.title.clone(),
            agent: question.agent.clone(),
            run: question.run.to_string(),
            status: match question.status {
                QuestionStatus::Open => "open",
                QuestionStatus::Answered => "answered",
                QuestionStatus::Closed => "closed",
            },
            assignee: question.asked.assignee.clone(),
            created: Time(question.created_at),
            age: show::duration(texts, now.saturating_sub(question.created_at)),
            until: question.until.map(Time),
            updated: Time(question.updated_at),
            answered_by: question.answered_by.as_ref().map(ToString::to_string),
        }
    }
}

#[derive(askama::Template)]
#[template(path = "questions.html")]
struct List {
    shell: Shell,
    open: Vec<Row>,
    has_more: bool,
    over: Vec<Row>,
    next: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let skip: usize = if asked.skip.is_empty() {
        0
    } else {
        asked.skip.parse().map_err(|_| ApiError::invalid("skip", "it must be a number"))?
    };
    let now = app.clock.now();
    let open = app.store().questions(&QuestionFilter { run: None, open: true, limit: OPEN + 1 }).await?;
    // Open ones are among all, and are passed over.
    let limit = skip.saturating_add(PAGE + 1).saturating_add(open.len());
    let all = app.store().questions(&QuestionFilter { run: None, open: false, limit }).await?;
    let over: Vec<&Question> = all.iter().filter(|question| question.status != QuestionStatus::Open).collect();
    shell::page(&List {
        shell: viewer.shell(Section::Questions),
        has_more: open.len() > OPEN,
        open: open.iter().take(OPEN).map(|question| Row::of(question, now, viewer.texts)).collect(),
        next: (over.len() > skip.saturating_add(PAGE)).then(|| format!("/questions?skip={}#history", skip + PAGE)),
        over: over.into_iter().skip(skip).take(PAGE).map(|question| Row::of(question, now, viewer.texts)).collect(),
    })
}

#[derive(askama::Template)]
#[template(path = "question.html")]
struct Page {
    shell: Shell,
    row: Row,
    text: String,
    fields: Fields,
    schema: String,
    icon: Option<Icon>,
    answer: Option<String>,
    is_open: bool,
    log: Vec<Entry>,
}

async fn show(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    let found = app.store().question(&QuestionId::new(id.as_str())).await?;
    let question = found.ok_or_else(|| ApiError::not_found("question", &id))?;
    let icon = match app.store().run(&question.run).await? {
        Some(run) => Some(Icon::of(&app, &run, question.node.as_str()).await?),
        None => None,
    };
    let span = question.created_at..=question.updated_at;
    let log = audit::of_entity(&app, "question", question.id.as_str(), span).await?;
    shell::page(&Page {
        shell: viewer.shell(Section::Questions),
        row: Row::of(&question, app.clock.now(), viewer.texts),
        text: question.asked.text.clone(),
        fields: form::fields(&question.asked.schema, "answer", "answer-in", viewer.texts),
        schema: serde_json::to_string_pretty(&question.asked.schema).unwrap_or_default(),
        icon,
        answer: question.answer.as_ref().map(show::json),
        is_open: question.status == QuestionStatus::Open,
        log,
    })
}
