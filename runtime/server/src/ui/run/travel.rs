//! Time travel: a run as it stood after each of its events.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_interpreter::history::EventType;
use bloom_interpreter::replay::{Position, Walker};
use bloom_ir::Value;
use bloom_runtime::record::RunStatus;
use serde::Deserialize;

use super::effects::cut;
use super::history::{self, Row};
use super::{Head, Spot, diagram};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::followed::{self, Moment};
use crate::routes::flows::blocking;
use crate::routes::runs;
use crate::ui::shell::{self, Html, Section, Shell, Viewer};
use crate::ui::show::{self, Time};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs/{id}/travel", get(page))
}

#[derive(askama::Template)]
#[template(path = "run-travel.html")]
struct TravelPage {
    shell: Shell,
    head: Head,
    at: u64,
    last: u64,
    /// What there is to see; none where the program cannot be had.
    seen: Option<Seen>,
}

struct Seen {
    event: Row,
    svg: Option<String>,
    places: Vec<Spot>,
    now: Option<Time>,
    tokens: Option<String>,
    /// All variables, and those of the branches that the run is in.
    groups: Vec<Group>,
    changes: usize,
    pending: Vec<(String, String)>,
    differs: Option<String>,
}

/// Variables that belong together.
struct Group {
    /// The path of the branch; empty for the run's own.
    name: String,
    variables: Vec<Variable>,
}

struct Variable {
    name: String,
    value: Option<String>,
    /// What it was, where that is not the same.
    was: Option<String>,
    /// `added`, `changed`, `removed`; empty where it is the same.
    change: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    at: Option<u64>,
}

impl TravelPage {
    fn href(&self, at: u64) -> String {
        format!("{}/travel?at={at}", self.head.path)
    }

    /// The end of a run cannot be shared.
    fn can_fork(&self) -> bool {
        self.at <= self.last.saturating_sub(u64::from(self.head.is_over))
    }

    fn previous(&self) -> String {
        self.href(self.at.saturating_sub(1).max(1))
    }

    fn end(&self) -> String {
        self.href(self.last)
    }

    fn next(&self) -> String {
        self.href(self.at.saturating_add(1).min(self.last))
    }
}

async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html, ApiError> {
    let run = runs::named(&app, id).await?;
    let (shell, head) = (viewer.shell(Section::Runs), Head::of(&run));
    let last = run.events;
    let at = asked.at.unwrap_or(1);
    if !(1..=last.max(1)).contains(&at) {
        return Err(ApiError::invalid("at", format!("the events are numbered from 1 to {last}")));
    }
    let seen = match followed::moment(&app, &run, at).await? {
        Some(moment) => Some(see(&app, moment, &head, &shell).await?),
        None => None,
    };
    shell::page(&TravelPage { shell, head, at, last, seen })
}

async fn see(app: &App, moment: Moment, head: &Head, shell: &Shell) -> Result<Seen, ApiError> {
    let Moment { before, after, loaded, event } = moment;
    let document = loaded.document.clone();
    let looked = blocking(move || {
        let position = after.position();
        let before = before.as_ref().and_then(Walker::position);
        (after.walk(&document), after.verdict(), position, before)
    });
    let (walk, verdict, position, before) = looked.await?;
    let status = match event.kind {
        EventType::RunFailed => RunStatus::Failed,
        EventType::RunCompleted => RunStatus::Completed,
        EventType::RunCancelled => RunStatus::Cancelled,
        EventType::RunContinued => RunStatus::Continued,
        _ => RunStatus::Running,
    };
    let places: BTreeSet<_> = position.iter().flat_map(|position| &position.nodes).collect();
    let places = places.into_iter().filter_map(|node| loaded.program.place(node));
    let mut named: Vec<Spot> = places.map(|place| Spot::of(place, head)).collect();
    named.dedup_by(|one, other| one.item == other.item);
    let svg = diagram::drawn(app, &loaded, diagram::marks(walk, status), shell.texts).await?;
    let groups = groups(before.as_ref(), position.as_ref());
    let pending = position.iter().flat_map(|position| &position.pending).take(super::SHOWN);
    let pending = pending.map(|request| (request.id.to_string(), head.effect(request.id.as_str()))).collect();
    Ok(Seen {
        event: history::row(&event, head),
        svg,
        places: named,
        now: position.as_ref().map(|position| Time(position.now)),
        tokens: position.as_ref().map(|position| show::number(position.tokens)),
        changes: groups
            .iter()
            .flat_map(|group| &group.variables)
            .filter(|variable| !variable.change.is_empty())
            .count(),
        groups,
        pending,
        differs: (!verdict.agrees()).then(|| verdict.to_string()),
    })
}

type Variables = BTreeMap<String, Value>;

/// The variables of a position, by branch: the run's own first.
fn by_branch(position: Option<&Position>) -> BTreeMap<String, Variables> {
    let mut groups = BTreeMap::from([(String::new(), Variables::new())]);
    let Some(position) = position else { return groups };
    groups.insert(String::new(), position.variables.clone());
    groups.extend(position.branches.iter().map(|branch| (branch.path.clone(), branch.variables.clone())));
    groups
}

fn groups(before: Option<&Position>, after: Option<&Position>) -> Vec<Group> {
    let (mut left, right) = (by_branch(before), by_branch(after));
    let group = |name: String, variables: &Variables, was: &Variables| {
        let names: BTreeSet<&String> = was.keys().chain(variables.keys()).collect();
        let variables = names.into_iter().map(|name| variable(name, was.get(name), variables.get(name))).collect();
        Group { name, variables }
    };
    let mut groups: Vec<Group> = right
        .iter()
        .map(|(name, variables)| group(name.clone(), variables, &left.remove(name).unwrap_or_default()))
        .collect();
    // Branches that have come to their join.
    groups.extend(left.iter().map(|(name, was)| group(name.clone(), &Variables::new(), was)));
    groups
}

/// One that was not set is null, as one that is null.
fn variable(name: &str, was: Option<&Value>, is: Option<&Value>) -> Variable {
    let set = |value: Option<&Value>| value.filter(|value| **value != Value::Null).cloned();
    let (was, is) = (set(was), set(is));
    let change = match (&was, &is) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(was), Some(is)) if was != is => "changed",
        _ => "",
    };
    Variable {
        name: name.to_owned(),
        value: is.map(|value| cut(show::json(&value))),
        was: was.filter(|_| !change.is_empty()).map(|value| cut(show::json(&value))),
        change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_variable_is_told() {
        let change = |was: Option<i64>, is: Option<i64>| {
            variable("v", was.map(Value::from).as_ref(), is.map(Value::from).as_ref()).change
        };
        assert_eq!(
            [
                change(None, Some(1)),
                change(Some(1), Some(2)),
                change(Some(1), None),
                change(Some(1), Some(1)),
                change(None, None)
            ],
            ["added", "changed", "removed", "", ""]
        );
        assert_eq!(variable("v", Some(&Value::Null), Some(&Value::from(1_i64))).change, "added");
    }
}
