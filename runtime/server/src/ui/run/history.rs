//! What was recorded of a run, event by event.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::effect::{EffectCall, EffectId};
use bloom_interpreter::history::{Event, Payload};
use bloom_runtime::record::RunRecord;
use serde::Deserialize;

use super::Head;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::routes::runs;
use crate::ui::shell::{self, Html, Section, Shell, Viewer};
use crate::ui::show::Time;
use crate::ui::texts::text;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs/{id}/history", get(page))
}

/// So many events are fetched at a time.
pub(super) const PAGE: u64 = 200;

/// Of the raw JSON of an event so many bytes are shown in a list.
const LONGEST: usize = 4_000;

/// Some of the events: those that are shown at once, or where they are.
pub(super) struct Chunk {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) href: String,
    pub(super) rows: Vec<Row>,
}

impl Chunk {
    /// What its link says.
    pub(super) fn told(&self, shell: &Shell) -> String {
        text!(shell.texts, "run-history-chunk", first = self.first, last = self.last)
    }
}

/// An event.
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) at: Time,
    /// Its kind, as texts name it.
    pub(super) kind: String,
    pub(super) is_failure: bool,
    pub(super) about: String,
    /// The page of the effect that it is about.
    pub(super) effect: Option<String>,
    pub(super) travel: String,
    pub(super) raw: String,
    /// Where all of it is, if it is cut.
    pub(super) whole: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "run-history.html")]
struct HistoryPage {
    shell: Shell,
    head: Head,
    chunk: Chunk,
    next: Option<u64>,
    previous: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    from: Option<u64>,
}

async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html, ApiError> {
    let run = runs::named(&app, id).await?;
    let from = asked.from.unwrap_or(1);
    if from == 0 || from > run.events.max(1) {
        return Err(ApiError::invalid("from", format!("the events are numbered from 1 to {}", run.events)));
    }
    let (shell, head) = (viewer.shell(Section::Runs), Head::of(&run));
    let chunk = read(&app, &run, &head, from).await?;
    let next = chunk.last.saturating_add(1);
    shell::page(&HistoryPage {
        next: (next <= run.events).then_some(next),
        previous: (from > 1).then(|| from.saturating_sub(PAGE).max(1)),
        chunk,
        head,
        shell,
    })
}

/// All events in chunks, of which the first is read.
pub(super) async fn chunks(app: &App, run: &RunRecord) -> Result<Vec<Chunk>, ApiError> {
    let head = Head::of(run);
    let mut chunks = vec![read(app, run, &head, 1).await?];
    let mut first = PAGE + 1;
    while first <= run.events {
        let last = (first + PAGE - 1).min(run.events);
        chunks.push(Chunk { first, last, href: href(&head, first), rows: Vec::new() });
        first = last + 1;
    }
    Ok(chunks)
}

fn href(head: &Head, from: u64) -> String {
    format!("{}/history?from={from}", head.path)
}

async fn read(app: &App, run: &RunRecord, head: &Head, from: u64) -> Result<Chunk, ApiError> {
    let events = app.store().history(&run.id, from, usize::try_from(PAGE).unwrap_or(usize::MAX)).await?;
    let rows: Vec<Row> = events.iter().map(|event| row(event, head)).collect();
    let last = rows.last().map_or(from, |row| row.seq);
    Ok(Chunk { first: from, last, href: href(head, from), rows })
}

/// An event as lists show it.
pub(super) fn row(event: &Event, head: &Head) -> Row {
    let (effect, about) = about(event.payload.as_ref());
    let line = event.to_line();
    let is_cut = line.len() > LONGEST;
    Row {
        seq: event.seq,
        at: Time(event.at),
        kind: kind(event),
        is_failure: matches!(
            event.payload,
            Some(Payload::EffectFailed { .. } | Payload::EffectAttempted { .. } | Payload::RunFailed { .. })
        ),
        about,
        effect: effect.map(|effect| head.effect(effect.as_str())),
        travel: format!("{}/travel?at={}", head.path, event.seq),
        raw: if is_cut { cut(&line) } else { pretty(&line) },
        whole: is_cut.then(|| format!("{}/history?from={}&limit=1", head.api, event.seq)),
    }
}

/// The kind of an event, as messages name it.
pub(super) fn kind(event: &Event) -> String {
    let name = serde_json::to_value(event.kind).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('.', "-")
}

fn pretty(line: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| line.to_owned())
}

fn cut(line: &str) -> String {
    let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &line[..end])
}

/// What an event is about: the effect, and a few words.
fn about(payload: Option<&Payload>) -> (Option<EffectId>, String) {
    let Some(payload) = payload else { return (None, String::new()) };
    match payload {
        Payload::RunStarted(started) => (None, format!("{}@{}", started.flow, started.version)),
        Payload::EffectRequested { effect, call, .. } => {
            let name = match call {
                EffectCall::Tool(call) => call.tool.clone(),
                EffectCall::Flow(call) => call.flow.clone(),
                EffectCall::Llm(call) => call.model.clone().unwrap_or_default(),
                EffectCall::Timer(call) => call.name.clone(),
                EffectCall::Sleep(_) | EffectCall::Await(_) => String::new(),
            };
            (Some(effect.clone()), format!("{effect} {name}"))
        }
        Payload::EffectAttempted { effect, error, .. } | Payload::EffectFailed { effect, error, .. } => {
            (Some(effect.clone()), format!("{effect} {}", error.code))
        }
        Payload::EffectCompleted { effect, .. } => (Some(effect.clone()), effect.to_string()),
        Payload::Emitted { emission } => (None, format!("{} {}", emission.id, emission.name)),
        Payload::SignalReceived { name, sender, .. } => (None, format!("{name} ← {sender}")),
        Payload::RunForked(forked) => (None, format!("{} #{}", forked.origin, forked.at)),
        Payload::RunCancelled { reason } => (None, reason.clone()),
        Payload::RunFailed { error, .. } => (None, error.code.clone()),
        Payload::RunContinued { run, .. } => (None, run.clone()),
        Payload::RunCompleted { .. } => (None, String::new()),
    }
}
