//! Proposals: what runs would change, and the decisions on it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use bloom_runtime::apply::Applier;
use bloom_runtime::record::{self, Actor, ProposalId, ProposalStatus, Verdict};
use bloom_runtime::store::{ApplyStep, ProposalFilter};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common, Conflicting, Named};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{ApiError, Code};
use crate::extract::{Json, Path, Query};
use crate::view::{self, Batch, BatchError, Decided, Proposal, ProposalList};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pending))
        .routes(routes!(history))
        .routes(routes!(batch))
        .routes(routes!(show, decide))
        .routes(routes!(apply))
}

/// A rejection says why, in so many characters at least.
const SHORTEST_NOTE: usize = 10;

/// Notes are no longer.
const LONGEST_NOTE: usize = 4000;

/// Which pending proposals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Pending {
    /// Of this agent.
    agent: Option<String>,
    /// Of this action, as `propose-summary`.
    action: Option<String>,
    /// At most so many: 1 to 100, else 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Without so many of the newest.
    offset: Option<usize>,
}

/// Proposals that wait for a decision, newest first.
#[utoipa::path(get, path = "/api/v1/proposals/pending", tag = "proposals", params(Pending), responses((status = 200, body = ProposalList), Common))]
async fn pending(State(app): State<App>, Query(query): Query<Pending>) -> Result<axum::Json<ProposalList>, ApiError> {
    let found = of_status(&app, &[ProposalStatus::Pending], usize::MAX).await?;
    let (agent, action) = (query.agent, query.action);
    page(found, query.limit, query.offset, |proposal| {
        agent.as_ref().is_none_or(|agent| *agent == proposal.agent)
            && action.as_ref().is_none_or(|action| *action == proposal.action)
    })
}

/// Which proposals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Past {
    /// Separated by commas; absent: `applied,rejected`.
    status: Option<String>,
    /// Of this agent.
    agent: Option<String>,
    /// Made at this time or later: ISO 8601, or a date.
    from: Option<String>,
    /// Made before this time; a date means its end.
    to: Option<String>,
    /// At most so many: 1 to 100, else 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Without so many of the newest.
    offset: Option<usize>,
}

/// Proposals by what became of them, newest first.
#[utoipa::path(get, path = "/api/v1/proposals/history", tag = "proposals", params(Past), responses((status = 200, body = ProposalList), Common))]
async fn history(State(app): State<App>, Query(query): Query<Past>) -> Result<axum::Json<ProposalList>, ApiError> {
    let named = query.status.as_deref().unwrap_or("applied,rejected");
    let mut statuses = Vec::new();
    for name in named.split(',').map(str::trim) {
        let status = ALL.into_iter().find(|status| status.name() == name);
        statuses.push(status.ok_or_else(|| {
            let allowed: Vec<&str> = ALL.iter().map(|status| status.name()).collect();
            ApiError::new(Code::ValidationFailed, "there is no such status")
                .with(json!({ "field": "status", "value": name, "allowed": allowed }))
        })?);
    }
    let (from, to) = (view::time_from("from", query.from)?, view::time_to("to", query.to)?);
    let (found, agent) = (of_status(&app, &statuses, usize::MAX).await?, query.agent);
    page(found, query.limit, query.offset, |proposal| {
        agent.as_ref().is_none_or(|agent| *agent == proposal.agent)
            && from.is_none_or(|from| proposal.created_at >= from)
            && to.is_none_or(|to| proposal.created_at < to)
    })
}

/// All that a proposal can be.
pub(crate) const ALL: [ProposalStatus; 8] = [
    ProposalStatus::Pending,
    ProposalStatus::AutoApproved,
    ProposalStatus::Approved,
    ProposalStatus::Rejected,
    ProposalStatus::Expired,
    ProposalStatus::Applying,
    ProposalStatus::Applied,
    ProposalStatus::Failed,
];

/// Those that are one of these, newest first, at most so many.
pub(crate) async fn of_status(
    app: &App,
    statuses: &[ProposalStatus],
    limit: usize,
) -> Result<Vec<record::Proposal>, ApiError> {
    let mut found = Vec::new();
    for status in statuses {
        let filter = ProposalFilter { run: None, status: Some(*status), limit };
        found.extend(app.store().proposals(&filter).await?);
    }
    found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    found.dedup_by(|a, b| a.id == b.id);
    found.truncate(limit);
    Ok(found)
}

fn page(
    found: Vec<record::Proposal>,
    limit: Option<usize>,
    offset: Option<usize>,
    wanted: impl Fn(&record::Proposal) -> bool,
) -> Result<axum::Json<ProposalList>, ApiError> {
    let (limit, offset) = (limit.unwrap_or(20), offset.unwrap_or(0));
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit", "it must be 1 to 100"));
    }
    let found: Vec<_> = found.into_iter().filter(wanted).collect();
    let proposals = found.iter().skip(offset).take(limit).map(Proposal::short).collect();
    Ok(axum::Json(ProposalList { proposals, total: found.len(), limit, offset }))
}

/// A proposal with everything that it would change.
#[utoipa::path(get, path = "/api/v1/proposals/{id}", tag = "proposals", params(("id" = String, Path)), responses((status = 200, body = Proposal), Named))]
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Proposal>, ApiError> {
    let proposal = named(&app, &id).await?;
    let run = app.store().run(&proposal.run).await?;
    Ok(axum::Json(Proposal::whole(&proposal, run.map(|run| run.inbox.to_string()))))
}

async fn named(app: &App, id: &str) -> Result<record::Proposal, ApiError> {
    let found = app.store().proposal(&ProposalId::new(id)).await?;
    found.ok_or_else(|| ApiError::not_found("proposal", id))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    status: Decided_,
    /// Why; a rejection needs at least 10 characters. Some clients call it `note`.
    #[serde(alias = "note")]
    decision_note: Option<String>,
}

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Decided_ {
    Approved,
    Rejected,
}

impl Decided_ {
    fn status(self) -> ProposalStatus {
        match self {
            Self::Approved => ProposalStatus::Approved,
            Self::Rejected => ProposalStatus::Rejected,
        }
    }
}

/// Decide on a proposal. What is approved, and of a kind that is applied, is applied at once.
#[utoipa::path(
    patch, path = "/api/v1/proposals/{id}", tag = "proposals", params(("id" = String, Path)), request_body = Decision,
    responses((status = 200, body = Decided), Named, Conflicting, Bodied)
)]
async fn decide(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Result<axum::Json<Decided>, ApiError> {
    check_note(decision.status, decision.decision_note.as_deref())?;
    let decided = decided(&app, &id, decision.status, &by, decision.decision_note).await?;
    Ok(axum::Json(Decided::of(&decided)))
}

fn check_note(status: Decided_, note: Option<&str>) -> Result<(), ApiError> {
    let length = note.map_or(0, |note| note.trim().chars().count());
    if status == Decided_::Rejected && length < SHORTEST_NOTE {
        let message = format!("a rejection needs a note of at least {SHORTEST_NOTE} characters");
        return Err(ApiError::invalid("decision_note", message));
    }
    if length > LONGEST_NOTE {
        return Err(ApiError::invalid("decision_note", format!("a note has at most {LONGEST_NOTE} characters")));
    }
    Ok(())
}

async fn decided(
    app: &App,
    id: &str,
    wanted: Decided_,
    by: &Actor,
    note: Option<String>,
) -> Result<record::Proposal, ApiError> {
    let proposal = named(app, id).await?;
    // Said again, a decision that stands changes nothing.
    if proposal.status == wanted.status() {
        return Ok(proposal);
    }
    if (proposal.status, wanted) == (ProposalStatus::Failed, Decided_::Rejected) {
        let step = ApplyStep {
            proposal: proposal.id.clone(),
            to: ProposalStatus::Rejected,
            at: app.clock.now(),
            result: proposal.apply_result.clone(),
            by: by.clone(),
        };
        return Ok(app.store().move_proposal(step).await?);
    }
    let verdict = match wanted {
        Decided_::Approved => Verdict::Approve,
        Decided_::Rejected => Verdict::Reject,
    };
    Ok(applier(app, &proposal).await?.decide(&proposal.id, verdict, by, note).await?)
}

/// Who applies a proposal: to the memory that the run was started with which a person started.
pub(crate) async fn applier(app: &App, proposal: &record::Proposal) -> Result<Arc<Applier>, ApiError> {
    let mut run = app.store().run(&proposal.run).await?;
    while let Some(parent) = run.as_ref().and_then(|run| run.parent.clone()) {
        match app.store().run(&parent.run).await? {
            Some(above) => run = Some(above),
            None => break,
        }
    }
    let entry = match &run {
        Some(run) => app.store().inbox_entry(&run.inbox).await?,
        None => None,
    };
    let setting = entry.and_then(|entry| entry.payload.get("setting").cloned()).unwrap_or_default();
    app.appliers.of(&setting).map_err(|error| ApiError::internal(&error))
}

/// Decisions on many proposals, each for itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decisions {
    /// 1 to 50.
    #[schema(min_items = 1, max_items = 50)]
    proposal_ids: Vec<String>,
    status: Decided_,
    /// Why; a rejection needs at least 10 characters. Some clients call it `note`.
    #[serde(alias = "note")]
    decision_note: Option<String>,
}

/// Decide on many proposals: each for itself, so some may be decided on and others not.
#[utoipa::path(
    patch, path = "/api/v1/proposals/batch", tag = "proposals", request_body = Decisions,
    responses((status = 200, body = Batch), Common, Bodied)
)]
async fn batch(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Json(decisions): Json<Decisions>,
) -> Result<axum::Json<Batch>, ApiError> {
    let count = decisions.proposal_ids.len();
    if !(1..=50).contains(&count) {
        return Err(ApiError::new(Code::ValidationFailed, "proposal_ids must contain 1–50 items")
            .with(json!({ "field": "proposal_ids", "count": count })));
    }
    check_note(decisions.status, decisions.decision_note.as_deref())?;
    let mut batch = Batch { updated: 0, skipped: 0, errors: Vec::new() };
    for id in &decisions.proposal_ids {
        match decided(&app, id, decisions.status, &by, decisions.decision_note.clone()).await {
            Ok(_) => batch.updated += 1,
            Err(error) => {
                batch.skipped += 1;
                let (code, message) = (error.code.name().to_owned(), error.message);
                batch.errors.push(BatchError { proposal_id: id.clone(), code, message });
            }
        }
    }
    Ok(axum::Json(batch))
}

/// How to apply.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Apply {
    /// Also where the target was changed since the proposal was made: after a conflict, which this decides.
    force: bool,
}

/// Apply again what was approved and could not be applied.
#[utoipa::path(
    post, path = "/api/v1/proposals/{id}/apply", tag = "proposals", params(("id" = String, Path)), request_body = Apply,
    responses((status = 200, body = Decided), Named, Conflicting, Bodied)
)]
async fn apply(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path(id): Path<String>,
    Json(apply): Json<Apply>,
) -> Result<axum::Json<Decided>, ApiError> {
    let proposal = named(&app, &id).await?;
    let may = [ProposalStatus::Approved, ProposalStatus::AutoApproved, ProposalStatus::Failed];
    if !may.contains(&proposal.status) {
        let message = format!("Cannot transition from '{}' to 'applying'", proposal.status.name());
        return Err(ApiError::new(Code::InvalidTransition, message));
    }
    let applier = applier(&app, &proposal).await?;
    let applied =
        if apply.force { applier.force(&proposal.id, &by).await? } else { applier.retry(&proposal.id, &by).await? };
    Ok(axum::Json(Decided::of(&applied)))
}
