//! What would have happened with another answer: told, and drawn.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::End;
use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectId};
use bloom_interpreter::history::Payload;
use bloom_interpreter::program::Place;
use bloom_interpreter::replay::{EmissionChange, Finding, Outcome, WhatIf};
use bloom_ir::Value;
use bloom_runtime::record::{RunRecord, RunStatus};
use serde::Deserialize;
use serde_json::Value as Json;

use super::effects::{cut, payload};
use super::{Head, Spot, Why, diagram};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Body, Path, Query};
use crate::followed::{self, Effect, Kind};
use crate::routes::run_acts::{OtherError, Otherwise, otherwise_replayed};
use crate::routes::runs;
use crate::ui::shell::{self, Html, Section, Shell, Viewer};
use crate::ui::show;
use crate::ui::texts::text;
use crate::view;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs/{id}/what-if", get(page).post(posted))
}

/// So many other answers are offered.
const OFFERED: usize = 8;

/// So many answers of a run are offered to be others.
const CHOSEN_FROM: usize = 30;

/// So much of what differs is listed.
const LISTED: usize = 50;

/// Another answer, and where it is told what would have happened by it.
pub(super) struct Alternative {
    pub(super) told: String,
    pub(super) href: String,
}

/// Where another answer is written.
pub(super) fn form(head: &Head, effect: &str) -> String {
    format!("{}/what-if?effect={}", head.path, view::segment(effect))
}

/// The other answers that are plain: the other values of what is chosen from few, and a failure.
pub(super) fn alternatives(
    call: &EffectCall,
    recorded: Option<&Json>,
    has_failed: bool,
    effect: &EffectId,
    head: &Head,
    shell: &Shell,
) -> Vec<Alternative> {
    let schema = match call {
        EffectCall::Llm(call) => Some(&call.output),
        EffectCall::Await(call) => match &call.what {
            AwaitedThing::Ask(asked) => Some(&asked.schema),
            AwaitedThing::Signal(_) => call.schema.as_ref(),
            AwaitedThing::Timer(_) => return Vec::new(),
        },
        EffectCall::Tool(_) | EffectCall::Flow(_) => None,
        EffectCall::Sleep(_) | EffectCall::Timer(_) => return Vec::new(),
    };
    let form = form(head, effect.as_str());
    let mut offered: Vec<Alternative> = others(schema, recorded)
        .into_iter()
        .take(OFFERED)
        .map(|Other { told, member, value }| {
            let member = member.map(|member| format!("&member={}", view::segment(&member))).unwrap_or_default();
            Alternative { told, href: format!("{form}{member}&value={}", view::segment(&value.to_string())) }
        })
        .collect();
    if !has_failed && matches!(call, EffectCall::Llm(_) | EffectCall::Tool(_) | EffectCall::Flow(_)) {
        offered.push(Alternative { told: shell.t("otherwise-failed"), href: format!("{form}&error=failed") });
    }
    offered
}

/// Another value of what is chosen from few.
#[derive(Debug, PartialEq, Eq)]
struct Other {
    told: String,
    /// Which member of the answer it is; none: all of it.
    member: Option<String>,
    value: Json,
}

fn others(schema: Option<&Json>, recorded: Option<&Json>) -> Vec<Other> {
    let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let own = choices(schema, recorded);
    if !own.is_empty() {
        return own.into_iter().map(|value| Other { told: plain(&value), member: None, value }).collect();
    }
    let Some(Json::Object(members)) = recorded else { return Vec::new() };
    let of_member = |(name, value): (&String, &Json)| {
        let schema = schema.and_then(|schema| schema.get("properties")?.get(name));
        let other =
            |value: Json| Other { told: format!("{name}: {}", plain(&value)), member: Some(name.clone()), value };
        choices(schema, Some(value)).into_iter().map(other).collect::<Vec<_>>()
    };
    members.iter().flat_map(of_member).collect()
}

fn choices(schema: Option<&Json>, recorded: Option<&Json>) -> Vec<Json> {
    let listed = schema.and_then(|schema| schema.get("enum")?.as_array().cloned());
    let is_boolean = schema.and_then(|schema| schema.get("type")?.as_str()) == Some("boolean")
        || recorded.is_some_and(Json::is_boolean);
    let all = listed.unwrap_or_else(|| if is_boolean { vec![true.into(), false.into()] } else { Vec::new() });
    all.into_iter().filter(|value| recorded != Some(value)).collect()
}

#[derive(askama::Template)]
#[template(path = "run-otherwise.html")]
struct OtherwisePage {
    shell: Shell,
    head: Head,
    effect: String,
    name: String,
    kind: &'static str,
    spot: Option<Spot>,
    asked_seq: u64,
    can_fork: bool,
    recorded: Option<String>,
    answer: String,
    error: String,
    /// Why there is nothing to tell.
    refused: Option<String>,
    told: Option<Told>,
}

/// What would have happened.
struct Told {
    diverges: bool,
    /// In a sentence.
    outcome: String,
    is_stopped: bool,
    same: u64,
    parting: Option<Parted>,
    /// How the run ended, and how it would have, where that is not the same.
    ends: Option<(Ended, Ended)>,
    findings: Vec<(String, Option<Spot>)>,
    emissions: Vec<(String, Option<Spot>)>,
    svg: Option<String>,
}

struct Parted {
    after: Option<Spot>,
    recorded: Option<Spot>,
    replayed: Option<Spot>,
}

enum Ended {
    Not,
    Result(String),
    Failed(Why),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    effect: String,
    /// As JSON.
    answer: String,
    /// A code.
    error: String,
    /// A member of the recorded answer that has another value; empty: all of it.
    member: String,
    /// That value, as JSON.
    value: String,
}

async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html, ApiError> {
    told(app, viewer, id, asked).await
}

/// The same for an answer that is too long for an address. Nothing is changed by it.
async fn posted(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Body(form): Body,
) -> Result<Html, ApiError> {
    let mut asked = Asked::default();
    for (name, value) in form_urlencoded::parse(&form) {
        match &*name {
            "effect" => asked.effect = value.into_owned(),
            "answer" => asked.answer = value.into_owned(),
            "error" => asked.error = value.into_owned(),
            _ => {}
        }
    }
    told(app, viewer, id, asked).await
}

async fn told(app: App, viewer: Viewer, id: String, asked: Asked) -> Result<Html, ApiError> {
    let run = runs::named(&app, id).await?;
    let (shell, head) = (viewer.shell(Section::Runs), Head::of(&run));
    if asked.effect.is_empty() {
        return choose(&app, &run, head, shell).await;
    }
    let id = asked.effect.clone();
    let found = followed::look(&app, &run, move |known| {
        let effect = known.effect(&id).cloned();
        effect.map(|effect| (known.place(&effect.node), effect, known.loaded.clone()))
    });
    let (place, effect, loaded) = found.await?.ok_or_else(|| ApiError::not_found("effect", &asked.effect))?;
    let answered = match &effect.outcome {
        Some(outcome) => app.store().history(&run.id, outcome.seq, 1).await?.pop().and_then(|event| event.payload),
        None => None,
    };
    let (recorded, answer) = match answered {
        Some(Payload::EffectCompleted { answer, .. }) => (Some(show::json(&answer.value)), Some(answer.value)),
        Some(Payload::EffectFailed { error, .. }) => (Some(error.to_string()), None),
        _ => (None, None),
    };
    let wanted = wanted(&asked, answer.as_ref());
    let written = match &wanted {
        Some(Ok(Otherwise { answer: Some(answer), .. })) => serde_json::to_string_pretty(answer).unwrap_or_default(),
        _ if asked.answer.is_empty() => answer.as_ref().map(show::json).unwrap_or_default(),
        _ => asked.answer.clone(),
    };
    let (told, refused) = match wanted {
        None => (None, None),
        Some(Err(refused)) => (None, Some(refused.to_string())),
        Some(Ok(otherwise)) => match otherwise_replayed(&app, &run, otherwise).await {
            Ok((found, walk)) => {
                let status = match &found.outcome {
                    Outcome::OtherEnd { replayed: End::Failed { .. }, .. } => RunStatus::Failed,
                    Outcome::OtherEnd { .. } => RunStatus::Completed,
                    Outcome::Same => run.status,
                    _ => RunStatus::Running,
                };
                let svg = match &loaded {
                    Some(loaded) => diagram::drawn(&app, loaded, diagram::marks(walk, status), shell.texts).await?,
                    None => None,
                };
                (Some(tell(found, svg, &head, &shell)), None)
            }
            Err(error) if error.code.status().is_client_error() => (None, Some(error.message)),
            Err(error) => return Err(error),
        },
    };
    shell::page(&OtherwisePage {
        effect: effect.id.to_string(),
        kind: effect.kind.name(),
        spot: place.map(|place| Spot::of(place, &head)),
        asked_seq: effect.asked,
        can_fork: run.events.saturating_sub(u64::from(head.is_over)) >= effect.asked,
        name: effect.name,
        answer: written,
        error: asked.error,
        recorded: recorded.map(cut),
        refused,
        told,
        head,
        shell,
    })
}

/// The answers of a run, each with other ones.
#[derive(askama::Template)]
#[template(path = "run-answers.html")]
struct AnswersPage {
    shell: Shell,
    head: Head,
    answers: Vec<Answered>,
    /// Whether there are others.
    is_partial: bool,
}

struct Answered {
    id: String,
    kind: &'static str,
    name: String,
    spot: Option<Spot>,
    /// How it came out, in a line.
    told: String,
    alternatives: Vec<Alternative>,
    /// Where another answer is written.
    own: String,
}

async fn choose(app: &App, run: &RunRecord, head: Head, shell: Shell) -> Result<Html, ApiError> {
    let found = followed::look(app, run, |known| {
        let has_other =
            |effect: &&Effect| effect.outcome.is_some() && !matches!(effect.kind, Kind::Sleep | Kind::Timer);
        let answered = known.effects.iter().filter(has_other).take(CHOSEN_FROM + 1);
        answered.map(|effect| (effect.clone(), known.place(&effect.node))).collect::<Vec<_>>()
    });
    let found = found.await?;
    let is_partial = found.len() > CHOSEN_FROM;
    let mut answers = Vec::new();
    for (effect, place) in found.into_iter().take(CHOSEN_FROM) {
        let Some(outcome) = &effect.outcome else { continue };
        let Some(Payload::EffectRequested { call, .. }) = payload(app, run, effect.asked).await? else { continue };
        let (told, recorded) = match payload(app, run, outcome.seq).await? {
            Some(Payload::EffectCompleted { answer, .. }) => {
                let told = match &answer.value {
                    value @ Value::Map(_) => show::brief(value),
                    value => cut(show::json(value)),
                };
                (told, Some(answer.value.to_json()))
            }
            Some(Payload::EffectFailed { error, .. }) => (error.to_string(), None),
            _ => continue,
        };
        answers.push(Answered {
            id: effect.id.to_string(),
            kind: effect.kind.name(),
            alternatives: alternatives(&call, recorded.as_ref(), recorded.is_none(), &effect.id, &head, &shell),
            own: form(&head, effect.id.as_str()),
            name: effect.name,
            spot: place.map(|place| Spot::of(place, &head)),
            told,
        });
    }
    shell::page(&AnswersPage { shell, head, answers, is_partial })
}

/// What is asked for; none where nothing is asked yet.
fn wanted(asked: &Asked, recorded: Option<&Value>) -> Option<Result<Otherwise, serde_json::Error>> {
    let effect = asked.effect.clone();
    if !asked.error.is_empty() {
        let error = OtherError { code: asked.error.clone(), message: String::new() };
        return Some(Ok(Otherwise { effect, answer: None, error: Some(error) }));
    }
    let answer: Result<Json, _> = if asked.value.is_empty() {
        (!asked.answer.is_empty()).then(|| serde_json::from_str(&asked.answer))?
    } else {
        serde_json::from_str(&asked.value).map(|value| {
            let mut answer = recorded.map(serde_json::to_value).and_then(Result::ok).unwrap_or_default();
            match answer.as_object_mut().filter(|_| !asked.member.is_empty()) {
                Some(members) => {
                    members.insert(asked.member.clone(), value);
                    answer
                }
                None => value,
            }
        })
    };
    Some(answer.map(|answer| Otherwise { effect, answer: Some(answer), error: None }))
}

fn tell(found: WhatIf, svg: Option<String>, head: &Head, shell: &Shell) -> Told {
    let spot = |place: Option<Place>| place.map(|place| Spot::of(place, head));
    let outcome = match &found.outcome {
        Outcome::Same if found.diverges() => "otherwise-same-end",
        Outcome::Same => "otherwise-same",
        Outcome::OtherEnd { .. } => "otherwise-other-end",
        Outcome::Stopped => "otherwise-stopped",
        Outcome::Waits => "otherwise-waits",
        Outcome::Refused { .. } => "otherwise-refused",
        Outcome::Endless => "otherwise-endless",
        Outcome::Unreadable { .. } => "otherwise-unreadable",
    };
    let told_end = |end: Option<&End>| match end {
        None => Ended::Not,
        Some(End::Completed { result }) => Ended::Result(cut(show::json(result))),
        Some(End::Failed { error, .. }) => Ended::Failed(Why::of(error, shell.texts.locale())),
    };
    let ends = match &found.outcome {
        Outcome::OtherEnd { recorded, replayed } => Some((told_end(recorded.as_ref()), told_end(Some(replayed)))),
        _ => None,
    };
    let findings = found.findings.iter().take(LISTED).map(|finding| {
        let told = match finding {
            Finding::New { passed: true, .. } | Finding::Different { passed: true, .. } => "otherwise-asks-unread",
            Finding::New { .. } => "otherwise-asks-new",
            Finding::Different { .. } => "otherwise-asks-other",
            Finding::Unused { .. } => "otherwise-asks-no-more",
        };
        (shell.t(told), spot(finding.place().cloned()))
    });
    let emissions = found.emissions.iter().take(LISTED).map(|change| {
        let name = &change.emission().name;
        let told = match change {
            EmissionChange::Added { .. } => text!(shell.texts, "otherwise-hands-more", name = name),
            EmissionChange::Lost { .. } => text!(shell.texts, "otherwise-hands-less", name = name),
            EmissionChange::Changed { .. } => text!(shell.texts, "otherwise-hands-other", name = name),
        };
        (told, spot(change.place().cloned()))
    });
    Told {
        diverges: found.diverges(),
        outcome: shell.t(outcome),
        is_stopped: matches!(found.outcome, Outcome::Stopped | Outcome::Waits),
        same: found.same,
        findings: findings.collect(),
        emissions: emissions.collect(),
        ends,
        svg,
        parting: found.parting.map(|parting| Parted {
            after: spot(parting.after),
            recorded: spot(parting.recorded),
            replayed: spot(parting.replayed),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::others;

    #[test]
    fn what_is_chosen_from_few_has_its_other_values_offered() {
        let offered = |schema: Option<serde_json::Value>, recorded: Option<serde_json::Value>| {
            let others = others(schema.as_ref(), recorded.as_ref());
            others.into_iter().map(|other| (other.told, other.member, other.value)).collect::<Vec<_>>()
        };
        assert_eq!(
            offered(Some(json!({ "type": "boolean" })), Some(json!(true))),
            [("false".into(), None, json!(false))]
        );
        assert_eq!(
            offered(Some(json!({ "enum": ["a", "b"] })), None),
            [("a".into(), None, json!("a")), ("b".into(), None, json!("b"))]
        );
        let schema =
            json!({ "type": "object", "properties": { "kind": { "enum": ["x", "y"] }, "text": { "type": "string" } } });
        assert_eq!(
            offered(Some(schema), Some(json!({ "kind": "x", "text": "long", "ok": false }))),
            [("kind: y".into(), Some("kind".into()), json!("y")), ("ok: true".into(), Some("ok".into()), json!(true)),]
        );
        assert_eq!(offered(None, Some(json!("text"))), []);
    }
}
