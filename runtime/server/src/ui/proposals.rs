//! What runs propose to change: those that wait for a decision, those that were decided on, and each with what it would change.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_ir::Value;
use bloom_runtime::apply::{MEMORY_UPDATE, Preview};
use bloom_runtime::record::{Proposal, ProposalId, ProposalStatus};
use bloom_runtime::store::ProposalFilter;
use serde::Deserialize;

use super::audit::{self, Entry};
use super::diff::Diff;
use super::place::{self, Icon};
use super::proposal_content::Proposed;
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::Texts;
use crate::app::App;
use crate::auth::Holder;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::routes::flows::blocking;
use crate::routes::proposals;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/proposals", get(list)).route("/proposals/{id}", get(show))
}

/// So many that wait are shown: as many as may be decided on at once.
const PENDING: usize = 50;

/// Proposals of a page of those that were decided on.
const PAGE: usize = 50;

/// Characters of what a proposal says for itself in a list.
const SHORT: usize = 240;

/// Proposals of the same target are looked for among so many.
const LOOKED_AT: usize = 500;

/// A file is not read to be compared if it is larger, in bytes.
const LARGEST: usize = 1 << 20;

/// What a form of the page asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    status: String,
    skip: String,
}

/// A proposal in a list.
struct Row {
    id: String,
    action: String,
    target: String,
    agent: String,
    run: String,
    status: &'static str,
    created: Time,
    age: String,
    expires: Time,
    /// For how long it still waits.
    left: Option<String>,
    /// Why, or what.
    told: String,
    /// The one to decide on.
    duplicate_of: Option<String>,
    decided: Option<(String, Time)>,
    /// What the person said who decided.
    note: Option<String>,
}

impl Row {
    fn of(proposal: &Proposal, now: i64, texts: &Texts) -> Self {
        let content = Proposed::of(proposal);
        let is_waiting = proposal.status == ProposalStatus::Pending && proposal.expires_at > now;
        Self {
            id: proposal.id.to_string(),
            action: proposal.action.clone(),
            target: proposal.target.clone(),
            agent: proposal.agent.clone(),
            run: proposal.run.to_string(),
            status: proposal.status.name(),
            created: Time(proposal.created_at),
            age: show::duration(texts, now.saturating_sub(proposal.created_at)),
            expires: Time(proposal.expires_at),
            left: is_waiting.then(|| show::duration(texts, proposal.expires_at - now)),
            told: cut(&content.in_short()),
            duplicate_of: proposal.duplicate_of.as_ref().map(ToString::to_string),
            decided: proposal
                .approval
                .as_ref()
                .map(|approval| (approval.decided_by.to_string(), Time(approval.decided_at))),
            note: proposal.approval.as_ref().and_then(|approval| approval.note.as_deref()).map(cut),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[derive(askama::Template)]
#[template(path = "proposals.html")]
struct List {
    shell: Shell,
    asked: Asked,
    may_decide: bool,
    pending: Vec<Row>,
    /// Whether more wait than are shown.
    has_more: bool,
    statuses: Vec<&'static str>,
    decided: Vec<Row>,
    next: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Result<Html, ApiError> {
    let ended = proposals::ALL.into_iter().filter(|status| *status != ProposalStatus::Pending);
    let status = ended.clone().find(|status| status.name() == asked.status);
    if status.is_none() && !asked.status.is_empty() {
        return Err(ApiError::invalid("status", "there is no such status"));
    }
    let skip: usize = if asked.skip.is_empty() {
        0
    } else {
        asked.skip.parse().map_err(|_| ApiError::invalid("skip", "it must be a number"))?
    };
    let now = app.clock.now();
    let waiting = ProposalFilter { status: Some(ProposalStatus::Pending), limit: PENDING + 1, run: None };
    let pending = app.store().proposals(&waiting).await?;
    // Where all are asked for, those that wait are among them, and are passed over.
    let limit = skip.saturating_add(PAGE + 1);
    let decided: Vec<Proposal> = match status {
        Some(_) => app.store().proposals(&ProposalFilter { run: None, status, limit }).await?,
        None => proposals::of_status(&app, &ended.collect::<Vec<_>>(), limit).await?,
    };
    let next = (decided.len() > skip.saturating_add(PAGE)).then(|| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !asked.status.is_empty() {
            query.append_pair("status", &asked.status);
        }
        format!("/proposals?{}#history", query.append_pair("skip", &(skip + PAGE).to_string()).finish())
    });
    shell::page(&List {
        shell: viewer.shell(Section::Proposals),
        may_decide: matches!(viewer.holder, Some(Holder::Owner(..))),
        has_more: pending.len() > PENDING,
        pending: pending.iter().take(PENDING).map(|proposal| Row::of(proposal, now, viewer.texts)).collect(),
        statuses: proposals::ALL
            .iter()
            .filter(|status| **status != ProposalStatus::Pending)
            .map(|status| status.name())
            .collect(),
        decided: decided.iter().skip(skip).take(PAGE).map(|proposal| Row::of(proposal, now, viewer.texts)).collect(),
        asked,
        next,
    })
}

/// What a proposal is compared with.
enum Against {
    /// The agent's memory, as it is.
    Memory,
    /// The file of that path, as it is on this machine.
    File(String),
    /// The proposal of the same target that was accepted last.
    Accepted(String),
    /// Nothing that is known here.
    Nothing,
    /// It cannot be applied, and why.
    Refused(String),
}

struct Change {
    against: Against,
    diff: Option<Diff>,
}

/// Why nobody can decide, or what can be decided.
enum Deciding {
    /// Yes or no.
    Verdict,
    /// Another one stands for it.
    Duplicate(String),
    /// The time is over.
    Overdue,
    /// It could not be applied: again, or not at all; after a conflict also by force.
    Failed {
        is_conflict: bool,
    },
    /// It was approved, and not applied yet.
    Unapplied,
    Nothing,
}

#[derive(askama::Template)]
#[template(path = "proposal.html")]
struct Page {
    shell: Shell,
    row: Row,
    may_decide: bool,
    content: Proposed,
    icon: Option<Icon>,
    revision: Option<u64>,
    note: Option<String>,
    /// What applying it gave.
    applied: Option<String>,
    change: Change,
    raw: String,
    deciding: Deciding,
    log: Vec<Entry>,
    log_path: String,
}

impl Page {
    /// Whether anything is still to become of it.
    fn is_open(&self) -> bool {
        !matches!(self.deciding, Deciding::Nothing)
    }
}

async fn show(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    let found = app.store().proposal(&ProposalId::new(id.as_str())).await?;
    let proposal = found.ok_or_else(|| ApiError::not_found("proposal", &id))?;
    let now = app.clock.now();
    let icon = match app.store().run(&proposal.run).await? {
        Some(run) => Some(Icon::of(&app, &run, place::node_of(&proposal.emission)).await?),
        None => None,
    };
    let content = Proposed::of(&proposal);
    let change = change(&app, &viewer, &proposal, &content).await?;
    let span = proposal.created_at..=proposal.updated_at;
    let log = audit::of_entity(&app, "proposal", proposal.id.as_str(), span).await?;
    shell::page(&Page {
        shell: viewer.shell(Section::Proposals),
        may_decide: matches!(viewer.holder, Some(Holder::Owner(..))),
        row: Row::of(&proposal, now, viewer.texts),
        icon,
        revision: proposal.base_revision,
        note: proposal.approval.as_ref().and_then(|approval| approval.note.clone()),
        applied: proposal.apply_result.as_ref().map(show::json),
        change,
        raw: show::json(&proposal.content),
        deciding: deciding(&proposal, now),
        content,
        log,
        log_path: audit::path_of(proposal.id.as_str()),
    })
}

fn deciding(proposal: &Proposal, now: i64) -> Deciding {
    let is_applied_here = proposal.action == MEMORY_UPDATE;
    match (proposal.status, &proposal.duplicate_of) {
        (ProposalStatus::Pending, Some(of)) => Deciding::Duplicate(of.to_string()),
        (ProposalStatus::Pending, None) if proposal.is_overdue(now) => Deciding::Overdue,
        (ProposalStatus::Pending, None) => Deciding::Verdict,
        (ProposalStatus::Failed, _) => {
            let reason = proposal.apply_result.as_ref().and_then(|result| result.get("reason")).and_then(Value::as_str);
            Deciding::Failed { is_conflict: reason == Some("conflict") }
        }
        (ProposalStatus::Approved | ProposalStatus::AutoApproved, _) if is_applied_here => Deciding::Unapplied,
        _ => Deciding::Nothing,
    }
}

/// What would be changed, of what stands there now.
async fn change(app: &App, viewer: &Viewer, proposal: &Proposal, content: &Proposed) -> Result<Change, ApiError> {
    // It takes its time over texts that differ much.
    let differ = async |before: String, after: String| {
        let texts = viewer.texts;
        blocking(move || Diff::of(&before, &after, texts)).await.map(Some)
    };
    let is_open = matches!(proposal.status, ProposalStatus::Pending | ProposalStatus::Failed);
    if is_open {
        match proposals::applier(app, proposal).await?.preview(proposal).await? {
            Preview::Change { before, after } => {
                let diff = differ(show::json(&before), show::json(&after)).await?;
                return Ok(Change { against: Against::Memory, diff });
            }
            Preview::Refused(error) => {
                return Ok(Change { against: Against::Refused(error.to_string()), diff: None });
            }
            Preview::Unapplied => {}
        }
        if content.is_whole()
            && let Some((path, before)) = file(app, proposal).await
        {
            let after = content.made_of(&before);
            return Ok(Change { against: Against::File(path), diff: differ(before, after).await? });
        }
    }
    // Of a memory that has changed since, what stood there before is not known.
    let earlier = if proposal.action == MEMORY_UPDATE { None } else { accepted(app, proposal).await? };
    match earlier {
        Some(earlier) => {
            let diff = differ(Proposed::of(&earlier).text(), content.text()).await?;
            Ok(Change { against: Against::Accepted(earlier.id.to_string()), diff })
        }
        None => Ok(Change { against: Against::Nothing, diff: None }),
    }
}

/// The file that a proposal would change, where its target names one that lies on this machine: `notes/a` is `a.md` of the
/// folder `notes`.
async fn file(app: &App, proposal: &Proposal) -> Option<(String, String)> {
    let folders = app.tools.folders(&proposal.agent)?;
    let (root, path) = proposal.target.split_once('/')?;
    for path in [path.to_owned(), format!("{path}.md")] {
        if let Ok(bytes) = folders.read(root, &path).await
            && bytes.len() <= LARGEST
            && let Ok(text) = String::from_utf8(bytes)
        {
            return Some((format!("{root}/{path}"), text));
        }
    }
    None
}

/// The proposal of the same kind and target that was accepted last before this one.
async fn accepted(app: &App, proposal: &Proposal) -> Result<Option<Proposal>, ApiError> {
    let mut last: Option<Proposal> = None;
    for status in [ProposalStatus::Approved, ProposalStatus::AutoApproved, ProposalStatus::Applied] {
        let filter = ProposalFilter { run: None, status: Some(status), limit: LOOKED_AT };
        let same = app.store().proposals(&filter).await?.into_iter().find(|other| {
            other.id != proposal.id
                && other.created_at <= proposal.created_at
                && (&other.agent, &other.action, &other.target) == (&proposal.agent, &proposal.action, &proposal.target)
        });
        last = [last, same].into_iter().flatten().max_by_key(|proposal| proposal.created_at);
    }
    Ok(last)
}
