//! A run: where it stands and why, the way that it took, what it asked of the world and what came of it, and what can be done.

mod diagram;
mod effects;
mod history;
mod otherwise;
mod replay;
mod travel;
mod waterfall;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectError};
use bloom_interpreter::history::Payload;
use bloom_interpreter::program::Place;
use bloom_interpreter::replay::{IconWalk, Verdict};
use bloom_ir::document::{Limits, Locale};
use bloom_runtime::explain::Explanation;
use bloom_runtime::record::{RunRecord, RunStatus};
use bloom_runtime::store::{ProposalFilter, QuestionFilter};
use serde::Deserialize;

use self::history::Chunk;
use self::waterfall::Waterfall;
use super::form::{self, Fields};
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::Texts;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::followed::{self, Effect, Known, Loaded};
use crate::routes::runs;
use crate::view;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/runs/{id}", get(run))
        .merge(effects::routes())
        .merge(history::routes())
        .merge(otherwise::routes())
        .merge(replay::routes())
        .merge(travel::routes())
}

/// So much of what waits, of proposals, artifacts and children is shown.
const SHOWN: usize = 50;

/// What all pages about a run say of it.
pub(super) struct Head {
    pub(super) id: String,
    /// Where its page is.
    pub(super) path: String,
    /// Where the API has it.
    pub(super) api: String,
    pub(super) flow: String,
    pub(super) version: String,
    pub(super) status: &'static str,
    pub(super) is_over: bool,
    pub(super) events: u64,
}

impl Head {
    fn of(run: &RunRecord) -> Self {
        let segment = view::segment(run.id.as_str());
        Self {
            id: run.id.to_string(),
            path: format!("/runs/{segment}"),
            api: format!("/api/v1/runs/{segment}"),
            flow: run.flow.clone(),
            version: run.version.clone(),
            status: run.status.name(),
            is_over: run.status.is_terminal(),
            events: run.events,
        }
    }

    /// The page of the effects of an icon.
    fn icon(&self, item: &str) -> String {
        format!("{}/effects?item={}", self.path, view::segment(item))
    }

    /// The page of an effect.
    fn effect(&self, id: &str) -> String {
        format!("{}/effects?effect={}", self.path, view::segment(id))
    }
}

/// Where something is in a diagram: the icon, and what stands in it.
#[derive(Clone, Debug)]
struct Spot {
    item: String,
    text: String,
    href: String,
}

impl Spot {
    fn of(place: Place, head: &Head) -> Self {
        let href = head.icon(&place.item);
        Self { text: place.text.unwrap_or_else(|| place.item.clone()), item: place.item, href }
    }
}

/// Why something failed, in words.
#[derive(Clone, Debug)]
struct Why {
    code: String,
    meaning: Option<String>,
    found: String,
    advice: Option<String>,
}

impl Why {
    fn of(error: &EffectError, locale: Locale) -> Self {
        let Explanation { meaning, found, advice } = Explanation::of(error, locale);
        Self { code: error.code.clone(), meaning, found, advice }
    }
}

/// Something that the run waits for.
struct Wait {
    kind: &'static str,
    name: String,
    since: Time,
    until: Option<Time>,
    href: String,
    spot: Option<Spot>,
    /// The page where a person answers.
    question: Option<String>,
    /// Where the task of an LLM call stands.
    task: Option<&'static str>,
}

/// A signal that the run waits for.
struct Awaited {
    name: String,
    action: String,
    schema: Option<String>,
    payload: Fields,
}

/// A thing with a name and a place where it is.
struct Link {
    name: String,
    href: String,
    note: String,
}

struct Listed {
    id: String,
    action: String,
    target: String,
    status: &'static str,
}

#[derive(askama::Template)]
#[template(path = "run.html")]
struct RunPage {
    shell: Shell,
    head: Head,
    title: String,
    hash: String,
    context: String,
    by: Option<String>,
    created: Time,
    started: Option<Time>,
    /// Of a run that ended.
    ended: Option<Time>,
    took: Option<String>,
    tokens: String,
    most_tokens: Option<String>,
    cost: String,
    most_cost: Option<String>,
    budget: String,
    queue_position: Option<u64>,
    is_elsewhere: bool,
    parent: Option<String>,
    continues: Option<String>,
    continued_by: Option<String>,
    origin: Option<(String, u64)>,
    history_head: String,
    why: Option<Why>,
    failed_at: Option<Spot>,
    reason: Option<String>,
    waits: Vec<Wait>,
    more_waits: usize,
    awaited: Vec<Awaited>,
    inputs: String,
    result: Option<String>,
    /// The picture, which escapes all texts.
    svg: Option<String>,
    /// Whether the program could be had.
    has_program: bool,
    /// What a replay for the picture found wrong.
    differs: Option<String>,
    waterfall: Waterfall,
    children: Vec<Link>,
    artifacts: Vec<Link>,
    proposals: Vec<Listed>,
    chunks: Vec<Chunk>,
    /// The last event that a fork may share.
    most_shared: u64,
}

impl RunPage {
    /// Where the page follows what happens.
    fn live(&self) -> Option<String> {
        (!self.head.is_over).then(|| format!("{}/events?after={}", self.head.api, self.head.events))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// The page of the effects, from 1.
    effects: Option<usize>,
}

/// What is taken of what is known of a run.
struct Seen {
    loaded: Option<Loaded>,
    walked: Option<(IconWalk, Verdict)>,
    failed_at: Option<Place>,
    reason: Option<String>,
    /// What has no outcome, the newest first, with its place.
    open: Vec<(Effect, Option<Place>)>,
    open_count: usize,
    /// The effects of a page, with their places.
    effects: waterfall::Part,
    flows: Vec<Effect>,
    artifacts: Vec<(String, u64)>,
}

impl Seen {
    fn of(known: &Known, page: Option<usize>, is_over: bool) -> Self {
        let open = || known.effects.iter().rev().filter(|effect| effect.outcome.is_none() && !is_over);
        Self {
            loaded: known.loaded.clone(),
            walked: known.walked(),
            failed_at: known.failed_at.as_ref().and_then(|node| known.place(node)),
            reason: known.reason.clone(),
            open: open().take(SHOWN).map(|effect| (effect.clone(), known.place(&effect.node))).collect(),
            open_count: open().count(),
            effects: waterfall::Part::of(known, page, is_over),
            flows: known
                .effects
                .iter()
                .filter(|effect| effect.kind == followed::Kind::Flow)
                .take(SHOWN)
                .cloned()
                .collect(),
            artifacts: known.artifacts.iter().map(|(name, (count, _))| (name.clone(), *count)).take(SHOWN).collect(),
        }
    }
}

async fn run(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html, ApiError> {
    let record = runs::named(&app, id).await?;
    let shell = viewer.shell(Section::Runs);
    let (head, locale, now) = (Head::of(&record), shell.texts.locale(), app.clock.now());
    let is_over = head.is_over;
    let seen = followed::look(&app, &record, move |known| Seen::of(known, asked.effects, is_over)).await?;
    let svg = match (&seen.loaded, &seen.walked) {
        (Some(loaded), Some((walk, _))) => {
            let marks = diagram::marks(walk.clone(), record.status);
            diagram::drawn(&app, loaded, marks, viewer.texts).await?
        }
        _ => None,
    };
    let entry = app.store().inbox_entry(&record.inbox).await?;
    let filter = ProposalFilter { run: Some(record.id.clone()), status: None, limit: SHOWN };
    let proposals = app.store().proposals(&filter).await?;
    let (waits, awaited) =
        if is_over { (Vec::new(), Vec::new()) } else { waits(&app, &record, &seen, &head, viewer.texts).await? };
    let limits = limits(&record, seen.loaded.as_ref());
    let until = if is_over { record.updated_at } else { now };
    let spot = |place: Place| Spot::of(place, &head);
    let (children, artifacts) = (children(&record, &seen), artifacts(&record, &seen));
    let failed_at = seen.failed_at.clone().map(spot);
    let differs = seen.walked.as_ref().and_then(|(_, verdict)| (!verdict.agrees()).then(|| verdict.to_string()));
    let chunks = history::chunks(&app, &record).await?;
    let ends = u64::from(is_over);
    shell::page(&RunPage {
        title: seen.loaded.as_ref().map_or_else(|| record.flow.clone(), |loaded| loaded.document.flow.title.clone()),
        hash: record.ir.to_string(),
        context: record.context.to_string(),
        by: entry.map(|entry| entry.source.to_string()),
        created: Time(record.created_at),
        started: record.started_at().map(Time),
        ended: is_over.then_some(Time(record.updated_at)),
        took: record.started_at().map(|at| show::duration(viewer.texts, until.saturating_sub(at))),
        tokens: show::number(record.tokens),
        most_tokens: limits.map(|limits| show::number(limits.max_tokens)),
        cost: show::money(record.cost_micro_usd),
        most_cost: limits.and_then(|limits| limits.max_cost_micro_usd).map(show::money),
        budget: record.budget.clone().unwrap_or_else(|| bloom_runtime::engine::Budgets::STANDARD.to_owned()),
        queue_position: app.engine.queue_position(&record.id).filter(|_| record.status == RunStatus::Queued),
        is_elsewhere: record.is_elsewhere(),
        parent: record.parent.as_ref().map(|parent| parent.run.to_string()),
        continues: record.continues.as_ref().map(ToString::to_string),
        continued_by: record.continued_by.as_ref().map(ToString::to_string),
        origin: record.origin.as_ref().map(|origin| (origin.run.to_string(), origin.at)),
        history_head: record.history_head.to_string(),
        why: record.error.as_ref().map(|error| Why::of(error, locale)),
        failed_at,
        reason: seen.reason.clone(),
        more_waits: seen.open_count.saturating_sub(seen.open.len()),
        waits,
        awaited,
        inputs: show::json(&record.inputs),
        result: record.result.as_ref().map(show::json),
        svg,
        has_program: seen.loaded.is_some(),
        differs,
        waterfall: Waterfall::of(seen.effects, &shell, &head, now),
        children,
        artifacts,
        proposals: proposals
            .into_iter()
            .map(|proposal| Listed {
                id: proposal.id.to_string(),
                action: proposal.action,
                target: proposal.target,
                status: proposal.status.name(),
            })
            .collect(),
        chunks,
        most_shared: record.events.saturating_sub(ends),
        head,
        shell,
    })
}

/// What the run may use.
fn limits(run: &RunRecord, loaded: Option<&Loaded>) -> Option<Limits> {
    run.limits.or_else(|| loaded.map(|loaded| loaded.document.policy.limits))
}

/// What the run waits for, and the signals among it.
async fn waits(
    app: &App,
    run: &RunRecord,
    seen: &Seen,
    head: &Head,
    texts: &'static Texts,
) -> Result<(Vec<Wait>, Vec<Awaited>), ApiError> {
    let anything = serde_json::json!({ "default": null });
    let filter = QuestionFilter { run: Some(run.id.clone()), open: true, limit: SHOWN };
    let questions = app.store().questions(&filter).await?;
    let asks_llm = seen.open.iter().any(|(effect, _)| effect.kind == followed::Kind::Llm);
    let tasks = if asks_llm { app.store().tasks(&run.id).await? } else { Vec::new() };
    let (mut waits, mut awaited): (Vec<Wait>, Vec<Awaited>) = (Vec::new(), Vec::new());
    for (effect, place) in &seen.open {
        let question = questions.iter().find(|question| question.effect == effect.id);
        let task = tasks.iter().find(|task| task.of.as_ref().is_some_and(|of| of.effect == effect.id));
        if effect.kind == followed::Kind::Signal && !awaited.iter().any(|known| known.name == effect.name) {
            let event = app.store().history(&run.id, effect.asked, 1).await?.pop();
            if let Some(Payload::EffectRequested { call: EffectCall::Await(wait), .. }) =
                event.and_then(|event| event.payload)
                && let AwaitedThing::Signal(name) = wait.what
            {
                awaited.push(Awaited {
                    action: format!("POST {}/signal/{}", head.api, view::segment(&name)),
                    name,
                    payload: form::fields(
                        wait.schema.as_ref().unwrap_or(&anything),
                        "payload",
                        &format!("signal-{}", awaited.len() + 1),
                        texts,
                    ),
                    schema: wait.schema.as_ref().and_then(|schema| serde_json::to_string_pretty(schema).ok()),
                });
            }
        }
        waits.push(Wait {
            kind: effect.kind.name(),
            name: effect.name.clone(),
            since: Time(effect.asked_at),
            until: effect.due.map(Time),
            href: head.effect(effect.id.as_str()),
            spot: place.clone().map(|place| Spot::of(place, head)),
            question: question.map(|question| format!("/questions/{}", view::segment(question.id.as_str()))),
            task: task.map(|task| task.status.name()),
        });
    }
    Ok((waits, awaited))
}

/// The runs that it started.
fn children(run: &RunRecord, seen: &Seen) -> Vec<Link> {
    let link = |effect: &Effect| {
        let child = bloom_runtime::engine::child_id(&run.id, &effect.id);
        Link {
            href: format!("/runs/{}", view::segment(child.as_str())),
            name: effect.name.clone(),
            note: show::short(child.as_str()),
        }
    };
    // What was asked for before a fork was another run's.
    let own = |effect: &&Effect| run.origin.as_ref().is_none_or(|origin| effect.asked > origin.at);
    seen.flows.iter().filter(own).map(link).collect()
}

fn artifacts(run: &RunRecord, seen: &Seen) -> Vec<Link> {
    let link = |(name, count): &(String, u64)| Link {
        href: runs::artifact_path(&run.id, name),
        name: name.clone(),
        note: if *count > 1 { format!("×{count}") } else { String::new() },
    };
    seen.artifacts.iter().map(link).collect()
}
