//! The first page: how everything stands.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::record::{LeaseStatus, ProposalStatus, RunStatus, TaskStatus, WorkerStatus, day_of};
use bloom_runtime::store::{ProposalFilter, QuestionFilter, RunFilter, StoreError};

use super::runs::{self, Row};
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show;
use super::texts::{Texts, text};
use crate::app::App;
use crate::control_plane;
use crate::error::ApiError;
use crate::recent::LastHour;
use crate::routes::health;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(overview))
}

/// So many of what waits for a person are counted; more are told as "and more".
const COUNTED: usize = 100;

/// So many of the newest runs are shown, and of those that failed.
const NEWEST: usize = 8;

/// The highest bar of a drawing is so high,
const HIGH: u64 = 58;
/// and each is so many units behind the one before.
const STEP: usize = 10;

#[derive(askama::Template)]
#[template(path = "overview.html")]
struct Overview {
    shell: Shell,
    /// Online, and all that are known.
    workers: (usize, usize),
    /// Runs by status, in the order of their lives.
    runs: Vec<(&'static str, u64)>,
    queued: u64,
    /// How long the oldest task in the queue waits.
    oldest: Option<String>,
    leases: u64,
    proposals: String,
    questions: String,
    /// Of LLM calls, today in UTC.
    tokens: u64,
    cost: String,
    is_well: bool,
    plane: Plane,
    uptime: String,
    hour: Hour,
    newest: Vec<Row>,
    failed: Vec<Row>,
}

/// How the connection to the control plane is.
struct Plane {
    /// `none`, `untried`, `connected` or `lost`.
    name: &'static str,
    error: Option<String>,
}

impl Plane {
    async fn of(app: &App) -> Result<Self, StoreError> {
        let connection = app.control_plane().connection();
        let name = match control_plane::target(app).await?.url {
            None => "none",
            Some(_) if connection.is_connected => "connected",
            Some(_) if connection.consecutive_failures > 0 => "lost",
            Some(_) => "untried",
        };
        Ok(Self { name, error: connection.last_error.filter(|_| name == "lost") })
    }

    /// The class of its state.
    fn class(&self) -> &'static str {
        match self.name {
            "connected" => "completed",
            "lost" => "failed",
            _ => "none",
        }
    }
}

/// The last hour, as it is drawn and told.
struct Hour {
    ended: String,
    /// The most in a minute.
    most: String,
    p95: Option<String>,
    runs: Vec<Bar>,
    durations: Vec<Bar>,
    runs_told: String,
    durations_told: String,
}

impl Hour {
    fn of(texts: &Texts, hour: &LastHour) -> Self {
        let durations = hour.p95.map(|p95| p95.and_then(|ms| u64::try_from(ms).ok()).map_or(0, |ms| ms.max(1)));
        let (ended, most) = (hour.total(), hour.ended.iter().copied().max().unwrap_or_default());
        let slowest = durations.iter().copied().max().unwrap_or_default();
        let told = |ms: u64| show::duration(texts, i64::try_from(ms).unwrap_or(i64::MAX));
        let p95 = hour.p95_of_all.map(|ms| show::duration(texts, ms));
        Self {
            runs: bars(&hour.ended),
            durations: bars(&durations),
            runs_told: text!(texts, "hour-runs-told", ended = show::number(ended), most = show::number(most)),
            durations_told: match &p95 {
                Some(p95) => text!(texts, "hour-durations-told", p95 = p95, slowest = told(slowest)),
                None => texts.get("hour-nothing"),
            },
            ended: show::number(ended),
            most: show::number(most),
            p95,
        }
    }
}

/// A bar of a drawing: its left upper corner, and how high it is.
#[derive(Debug, PartialEq, Eq)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
}

/// A bar for each number: the highest is as high as the drawing, and none that stands for something is too low to be seen.
fn bars(numbers: &[u64]) -> Vec<Bar> {
    let highest = numbers.iter().copied().max().unwrap_or_default().max(1);
    let bar = |(at, number): (usize, &u64)| {
        let height = number.saturating_mul(HIGH).div_ceil(highest).max(2);
        (*number > 0).then(|| Bar { x: at * STEP + 1, y: HIGH - height + 2, height })
    };
    numbers.iter().enumerate().filter_map(bar).collect()
}

/// A count that may be cut: then there are more.
fn up_to(count: usize) -> String {
    if count >= COUNTED { format!("{COUNTED}+") } else { count.to_string() }
}

async fn overview(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let (store, now) = (app.store(), app.clock.now());
    let work = store.work_counts().await?;
    let mut counted = Vec::new();
    for status in RunStatus::ALL {
        let filter = RunFilter { status: Some(status), ..RunFilter::default() };
        counted.push((status.name(), store.count_runs(&filter, u64::MAX).await?));
    }
    let proposals =
        ProposalFilter { status: Some(ProposalStatus::Pending), limit: COUNTED, ..ProposalFilter::default() };
    let questions = QuestionFilter { open: true, limit: COUNTED, ..QuestionFilter::default() };
    let today = store.spending(day_of(now)).await?;
    let newest = store.runs(&RunFilter { limit: NEWEST, ..RunFilter::default() }).await?;
    let failed = RunFilter { status: Some(RunStatus::Failed), limit: NEWEST, ..RunFilter::default() };
    let failed = store.runs(&failed).await?;
    let workers = app.engine.workers();
    let online = workers.iter().filter(|seat| seat.status == WorkerStatus::Online).count();
    let uptime = i64::try_from(app.uptime().as_secs()).unwrap_or(i64::MAX).saturating_mul(1000);
    shell::page(&Overview {
        shell: viewer.shell(Section::Overview),
        workers: (online, workers.len()),
        runs: counted,
        queued: work.tasks.get(&TaskStatus::Queued).copied().unwrap_or(0),
        oldest: work.oldest_queued.map(|at| show::passing(viewer.texts, now.saturating_sub(at))),
        leases: work.leases.get(&LeaseStatus::Active).copied().unwrap_or(0),
        proposals: up_to(store.proposals(&proposals).await?.len()),
        questions: up_to(store.questions(&questions).await?.len()),
        tokens: today.iter().map(|spent| spent.charge.tokens).sum(),
        cost: show::money(today.iter().map(|spent| spent.charge.cost_micro_usd).sum()),
        is_well: health::is_ready(&app).await,
        plane: Plane::of(&app).await?,
        uptime: show::passing(viewer.texts, uptime),
        hour: Hour::of(viewer.texts, &app.metrics().last_hour(now)),
        newest: newest.iter().map(|run| runs::row(&app, run, viewer.texts)).collect(),
        failed: failed.iter().map(|run| runs::row(&app, run, viewer.texts)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;
    use crate::recent::Recent;

    #[test]
    fn the_last_hour_is_drawn_and_told() {
        let mut recent = Recent::default();
        let now = 1_767_225_600_000;
        for _ in 0..3 {
            recent.note(now, 12);
        }
        recent.note(now - 60_000, 5_000);
        let hour = Hour::of(Texts::of(Locale::En), &recent.before(now));
        let bar = |x, height| Bar { x, y: 60 - height, height };
        assert_eq!(hour.runs, [bar(581, 20), bar(591, 58)], "of the last two minutes");
        assert_eq!(hour.durations, [bar(581, 58), bar(591, 2)]);
        assert_eq!((hour.ended.as_str(), hour.most.as_str(), hour.p95.as_deref()), ("4", "3", Some("5.11 s")));
        assert!(hour.runs_told.contains('4') && hour.durations_told.contains("5.11 s"), "{}", hour.durations_told);
        let nothing = Hour::of(Texts::of(Locale::Uk), &Recent::default().before(now));
        assert_eq!((nothing.runs.len(), nothing.p95), (0, None));
    }
}
