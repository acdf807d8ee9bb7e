//! The effects of an icon, or one of them: what was asked, what came of it, what it cost, who did it.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectError, Usage};
use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_runtime::record::{RunRecord, Task};
use bloom_runtime::store::{ArtifactFilter, QuestionFilter};
use serde::Deserialize;

use super::{Head, Spot, Why, otherwise, waterfall};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::followed::{self, Effect, Kind, Known};
use crate::routes::runs;
use crate::ui::shell::{self, Html, Section, Shell, Viewer};
use crate::ui::show::{self, Time};
use crate::ui::texts::{Texts, text};
use crate::view;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs/{id}/effects", get(page))
}

/// So many effects of an icon stand on a page.
const PAGE: usize = 10;

/// A text is cut after so many letters.
const LONGEST: usize = 60_000;

#[derive(askama::Template)]
#[template(path = "run-effects.html")]
struct EffectsPage {
    shell: Shell,
    head: Head,
    title: String,
    item: Option<String>,
    counted: Option<String>,
    effects: Vec<Detail>,
    older: Option<String>,
}

/// An effect, whole.
struct Detail {
    id: String,
    kind: &'static str,
    name: String,
    state: &'static str,
    spot: Option<Spot>,
    asked: Time,
    ended: Option<Time>,
    took: String,
    attempts: usize,
    /// Failed ones behind which others came: which, when, and why.
    failed: Vec<(u32, Time, Why)>,
    /// What was asked, in parts: the id of each part's name, and the text.
    request: Vec<(&'static str, String)>,
    answer: Option<String>,
    error: Option<Why>,
    usage: Option<Spent>,
    task: Option<Doing>,
    child: Option<String>,
    question: Option<String>,
    artifacts: Vec<(String, String)>,
    alternatives: Vec<otherwise::Alternative>,
    otherwise: String,
    travel: String,
    /// The event that asked.
    asked_seq: u64,
    can_fork: bool,
}

/// What an LLM call cost.
struct Spent {
    input: String,
    output: String,
    cost: Option<String>,
    model: Option<String>,
    latency: String,
}

/// Who does it.
struct Doing {
    id: String,
    status: &'static str,
    attempts: u32,
    most: u32,
    lease: Option<String>,
    worker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    effect: Option<String>,
    item: Option<String>,
    /// Older than this event.
    before: Option<u64>,
}

/// What is taken of what is known.
struct Found {
    effects: Vec<(Effect, Option<bloom_interpreter::program::Place>)>,
    total: usize,
    /// What stands in the icon that was named.
    title: Option<String>,
}

impl Found {
    fn of(known: &Known, asked: &Asked) -> Self {
        let with_place = |effect: &Effect| (effect.clone(), known.place(&effect.node));
        if let Some(id) = &asked.effect {
            let effects: Vec<_> = known.effect(id).map(with_place).into_iter().collect();
            return Self { total: effects.len(), effects, title: None };
        }
        let item = asked.item.as_deref().unwrap_or_default();
        let of_icon = || {
            let is_here = |effect: &&Effect| known.place(&effect.node).is_some_and(|place| place.item == item);
            known.effects.iter().rev().filter(is_here)
        };
        let is_older = |effect: &&Effect| asked.before.is_none_or(|before| effect.asked < before);
        let source = known.loaded.as_ref().and_then(|loaded| loaded.document.source.as_ref());
        let spots = || source.into_iter().flat_map(|source| source.map.values()).filter(|spot| spot.item == item);
        let title = spots().find_map(|spot| spot.text.clone()).or_else(|| spots().next().map(|spot| spot.item.clone()));
        let is_icon = source.is_some_and(|source| source.icons.contains_key(item));
        Self {
            total: of_icon().count(),
            effects: of_icon().filter(is_older).take(PAGE).map(with_place).collect(),
            title: title.or_else(|| is_icon.then(|| item.to_owned())),
        }
    }
}

async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html, ApiError> {
    if asked.effect.is_some() == asked.item.is_some() {
        return Err(ApiError::invalid("query", "either `effect` or `item` must be there"));
    }
    let run = runs::named(&app, id).await?;
    let (shell, head) = (viewer.shell(Section::Runs), Head::of(&run));
    let item = asked.item.clone();
    let named = asked.effect.clone().or_else(|| item.clone()).unwrap_or_default();
    let Found { effects, total, title } = followed::look(&app, &run, move |known| Found::of(known, &asked)).await?;
    if effects.is_empty() && title.is_none() {
        return Err(ApiError::not_found(if item.is_some() { "icon" } else { "effect" }, named));
    }
    let tasks = if effects.iter().any(|(effect, _)| effect.kind == Kind::Llm) {
        app.store().tasks(&run.id).await?
    } else {
        Vec::new()
    };
    let older = effects.last().filter(|_| effects.len() == PAGE && total > PAGE).zip(item.as_ref());
    let older = older.map(|((last, _), item)| format!("{}&before={}", head.icon(item), last.asked));
    let mut details = Vec::new();
    for (effect, place) in effects {
        let spot = place.map(|place| Spot::of(place, &head));
        details.push(detail(&app, &run, &head, &shell, effect, spot, &tasks).await?);
    }
    let spot = details.first().and_then(|detail| detail.spot.as_ref());
    let title = title.or_else(|| spot.map(|spot| spot.text.clone())).unwrap_or(named);
    shell::page(&EffectsPage {
        item: item.clone().or_else(|| spot.map(|spot| spot.item.clone())),
        counted: item.filter(|_| total > 0).map(|_| text!(shell.texts, "effects-of-icon", count = total)),
        title,
        effects: details,
        older,
        head,
        shell,
    })
}

async fn detail(
    app: &App,
    run: &RunRecord,
    head: &Head,
    shell: &Shell,
    effect: Effect,
    spot: Option<Spot>,
    tasks: &[Task],
) -> Result<Detail, ApiError> {
    let (locale, now) = (shell.texts.locale(), app.clock.now());
    let end = if head.is_over { run.updated_at } else { now };
    let asked = payload(app, run, effect.asked).await?;
    let call = match asked {
        Some(Payload::EffectRequested { call, .. }) => Some(call),
        _ => None,
    };
    let mut failed = Vec::new();
    for seq in effect.attempts.iter().rev().take(PAGE).rev() {
        let event = app.store().history(&run.id, *seq, 1).await?.pop();
        if let Some((at, Payload::EffectAttempted { attempt, error, .. })) =
            event.and_then(|event| Some((event.at, event.payload?)))
        {
            failed.push((attempt, Time(at), Why::of(&error, locale)));
        }
    }
    let ended = match &effect.outcome {
        Some(outcome) => payload(app, run, outcome.seq).await?,
        None => None,
    };
    let (answer, error, usage): (Option<Value>, Option<EffectError>, Option<Usage>) = match ended {
        Some(Payload::EffectCompleted { answer, .. }) => (Some(answer.value), None, answer.usage),
        Some(Payload::EffectFailed { error, .. }) => (None, Some(error.clone()), error.usage.map(|usage| *usage)),
        _ => (None, None, None),
    };
    let task = tasks.iter().find(|task| task.of.as_ref().is_some_and(|of| of.effect == effect.id));
    let mut artifacts = Vec::new();
    if let Some(task) = task {
        let filter = ArtifactFilter { task: Some(task.id.clone()), limit: PAGE };
        let found = app.store().artifacts(&filter).await?;
        artifacts.extend(found.into_iter().map(|kept| (kept.kind, format!("/api/v1/artifacts/{}", kept.id))));
    }
    let doing = match task {
        Some(task) => Some(doing(app, task).await?),
        None => None,
    };
    let question = match effect.kind {
        Kind::Question => {
            let filter = QuestionFilter { run: Some(run.id.clone()), open: false, limit: usize::MAX };
            let all = app.store().questions(&filter).await?;
            all.into_iter().find(|question| question.effect == effect.id)
        }
        _ => None,
    };
    let child = match effect.kind {
        Kind::Flow => app.store().run(&bloom_runtime::engine::child_id(&run.id, &effect.id)).await?,
        _ => None,
    };
    let recorded = answer.as_ref().map(Value::to_json);
    Ok(Detail {
        kind: effect.kind.name(),
        state: waterfall::state(&effect, head.is_over),
        asked: Time(effect.asked_at),
        ended: effect.outcome.as_ref().map(|outcome| Time(outcome.at)),
        took: show::duration(shell.texts, effect.until(end).saturating_sub(effect.asked_at)),
        attempts: effect.attempts.len() + 1,
        failed,
        alternatives: call
            .as_ref()
            .map(|call| otherwise::alternatives(call, recorded.as_ref(), error.is_some(), &effect.id, head, shell))
            .unwrap_or_default(),
        otherwise: otherwise::form(head, effect.id.as_str()),
        request: call.map(request).unwrap_or_default(),
        answer: answer.as_ref().map(|answer| cut(show::json(answer))),
        error: error.as_ref().map(|error| Why::of(error, locale)),
        usage: usage.map(|usage| spent(usage, shell.texts)),
        task: doing,
        child: child.map(|child| child.id.to_string()),
        question: question.map(|question| format!("/questions/{}", view::segment(question.id.as_str()))),
        artifacts,
        travel: format!(
            "{}/travel?at={}",
            head.path,
            effect.outcome.as_ref().map_or(effect.asked, |outcome| outcome.seq)
        ),
        asked_seq: effect.asked,
        can_fork: run.events.saturating_sub(u64::from(head.is_over)) >= effect.asked,
        id: effect.id.to_string(),
        name: effect.name,
        spot,
    })
}

pub(super) async fn payload(app: &App, run: &RunRecord, seq: u64) -> Result<Option<Payload>, ApiError> {
    Ok(app.store().history(&run.id, seq, 1).await?.pop().and_then(|event| event.payload))
}

async fn doing(app: &App, task: &Task) -> Result<Doing, ApiError> {
    let lease = match &task.lease {
        Some(lease) => app.store().lease(lease).await?,
        None => None,
    };
    Ok(Doing {
        id: task.id.to_string(),
        status: task.status.name(),
        attempts: task.attempts,
        most: task.max_attempts,
        worker: lease.as_ref().map(|lease| lease.worker.to_string()),
        lease: lease.map(|lease| lease.id.to_string()),
    })
}

fn spent(usage: Usage, texts: &Texts) -> Spent {
    Spent {
        input: show::number(usage.input_tokens),
        output: show::number(usage.output_tokens),
        cost: usage.cost_micro_usd.map(show::money),
        model: usage.model,
        latency: show::duration(texts, i64::try_from(usage.latency_ms).unwrap_or(i64::MAX)),
    }
}

/// What was asked, part by part.
fn request(call: EffectCall) -> Vec<(&'static str, String)> {
    let json = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut parts = match call {
        EffectCall::Tool(call) => vec![("effect-arguments", show::json(&call.args))],
        EffectCall::Llm(call) => {
            let mut parts = vec![("effect-prompt", call.prompt)];
            parts.extend(call.system.map(|system| ("effect-system", system)));
            parts.extend(
                (!call.memory.is_empty()).then(|| ("effect-memory", show::json(&call.memory.into_iter().collect()))),
            );
            parts.extend(call.model.map(|model| ("effect-model-asked", model)));
            parts.push(("effect-schema", json(&call.output)));
            parts
        }
        EffectCall::Flow(call) => vec![("effect-arguments", show::json(&call.inputs))],
        EffectCall::Sleep(_) | EffectCall::Timer(_) => Vec::new(),
        EffectCall::Await(call) => {
            let mut parts = Vec::new();
            if let AwaitedThing::Ask(asked) = call.what {
                parts.push(("effect-question", asked.text));
                parts.push(("effect-schema", json(&asked.schema)));
            }
            parts.extend(call.schema.map(|schema| ("effect-schema", json(&schema))));
            parts
        }
    };
    for (_, text) in &mut parts {
        *text = cut(std::mem::take(text));
    }
    parts
}

pub(super) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}
