//! The first page: how everything stands.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{LeaseStatus, ProposalStatus, RunStatus, TaskStatus, WorkerStatus, day_of};
use bloom_runtime::store::{ProposalFilter, QuestionFilter, RunFilter};

use super::runs::{self, Row};
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show;
use crate::app::App;
use crate::error::ApiError;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(overview))
}

/// So many of what waits for a person are counted; more are told as "and more".
const COUNTED: usize = 100;

/// So many of the newest runs are shown.
const NEWEST: usize = 8;

#[derive(askama::Template)]
#[template(path = "overview.html")]
struct Overview {
    shell: Shell,
    /// Online, and all that are known.
    workers: (usize, usize),
    /// Runs by status, in the order of their lives.
    runs: Vec<(&'static str, u64)>,
    queued: u64,
    leases: u64,
    proposals: usize,
    questions: usize,
    /// Of LLM calls, today in UTC.
    tokens: u64,
    cost: String,
    newest: Vec<Row>,
}

impl Overview {
    fn is_full(&self, count: &usize) -> bool {
        *count >= COUNTED
    }
}

async fn overview(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let store = app.store();
    let work = store.work_counts().await?;
    let mut counted = Vec::new();
    for status in RunStatus::ALL {
        let filter = RunFilter { status: Some(status), ..RunFilter::default() };
        counted.push((status.name(), store.count_runs(&filter).await?));
    }
    let proposals =
        ProposalFilter { status: Some(ProposalStatus::Pending), limit: COUNTED, ..ProposalFilter::default() };
    let questions = QuestionFilter { open: true, limit: COUNTED, ..QuestionFilter::default() };
    let today = store.spending(day_of(app.clock.now())).await?;
    let newest = store.runs(&RunFilter { limit: NEWEST, ..RunFilter::default() }).await?;
    let workers = app.engine.workers();
    let online = workers.iter().filter(|seat| seat.status == WorkerStatus::Online).count();
    shell::page(&Overview {
        shell: viewer.shell(Section::Overview),
        workers: (online, workers.len()),
        runs: counted,
        queued: work.tasks.get(&TaskStatus::Queued).copied().unwrap_or(0),
        leases: work.leases.get(&LeaseStatus::Active).copied().unwrap_or(0),
        proposals: store.proposals(&proposals).await?.len(),
        questions: store.questions(&questions).await?.len(),
        tokens: today.iter().map(|spent| spent.charge.tokens).sum(),
        cost: show::money(today.iter().map(|spent| spent.charge.cost_micro_usd).sum()),
        newest: newest.iter().map(|run| runs::row(&app, run)).collect(),
    })
}
