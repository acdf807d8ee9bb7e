//! Workers: who is there, what each can do and holds, and how another one comes.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::dispatch::Seat;
use bloom_runtime::record::{WorkerId, WorkerStatus};

use super::leases;
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::{self, Time};
use super::texts::{Texts, text};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/workers", get(list)).route("/workers/{id}", get(detail))
}

/// A worker in a list.
pub(super) struct Row {
    pub(super) id: String,
    /// `local`, `puller`, `agent` or `sighted`.
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) is_draining: bool,
    /// How many tasks it holds.
    pub(super) held: u32,
    /// How many it does at a time; none where there is no end to them.
    pub(super) slots: Option<u32>,
    pub(super) heard: Option<Time>,
    /// How long nothing was heard of it.
    pub(super) silent: Option<String>,
    /// What a task may ask of it.
    pub(super) able: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) os: Option<String>,
    pub(super) url: Option<String>,
    pub(super) addresses: Vec<String>,
    pub(super) installed: Option<String>,
    pub(super) registered: Time,
    pub(super) blocked: Option<Block>,
}

/// Why a worker is granted nothing, though it is there.
pub(super) struct Block {
    /// `quota` or `login`.
    pub(super) kind: &'static str,
    /// What its provider says.
    pub(super) message: String,
    pub(super) until: Option<Time>,
}

impl Row {
    /// Whether it is a part of this process, which nobody removes.
    pub(super) fn is_local(&self) -> bool {
        self.kind == "local"
    }

    /// Whether it can be let in again here: one that asks for tasks does that by itself.
    pub(super) fn can_be_let_in(&self) -> bool {
        self.kind == "agent" && self.blocked.as_ref().is_some_and(|blocked| blocked.until.is_none())
    }
}

/// A worker as lists show it.
pub(super) fn row(app: &App, seat: Seat, texts: &Texts) -> Row {
    let Seat { worker, status, last_heartbeat, active_leases, blocked } = seat;
    let now = app.clock.now();
    let kind = match &worker {
        worker if worker.id.is_local() => "local",
        worker if worker.is_sighted => "sighted",
        worker if worker.is_pushed_to() => "agent",
        _ => "puller",
    };
    Row {
        id: worker.id.to_string(),
        kind,
        status: status.name(),
        is_draining: app.engine.is_draining(&worker.id),
        held: active_leases,
        slots: Some(worker.capabilities.max_concurrency).filter(|slots| *slots < u32::MAX),
        heard: last_heartbeat.map(Time),
        silent: last_heartbeat.map(|at| show::passing(texts, now.saturating_sub(at))),
        able: worker.capabilities.all(),
        version: worker.agent_version,
        os: worker.os_info,
        url: worker.url,
        addresses: worker.ip_addrs,
        installed: worker.install_method,
        registered: Time(worker.registered_at),
        blocked: blocked.map(|blocked| Block {
            kind: if blocked.error.code == "quota" { "quota" } else { "login" },
            message: blocked.error.message,
            until: blocked.until.map(Time),
        }),
    }
}

/// Where machines reach this server.
pub(super) struct Reached {
    /// Its URL; empty where the server does not know it: then the page's own is taken.
    pub(super) url: String,
    /// Whether that leads to this machine from this machine alone.
    pub(super) is_local: bool,
}

impl Reached {
    pub(super) fn of(app: &App) -> Self {
        let url = app.own_url().unwrap_or_default();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        Self { is_local: ["127.", "localhost", "[::1]"].iter().any(|start| rest.starts_with(start)), url }
    }
}

#[derive(askama::Template)]
#[template(path = "workers.html")]
struct WorkersPage {
    shell: Shell,
    summary: String,
    workers: Vec<Row>,
    reached: Reached,
    has_key: bool,
}

async fn list(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let seats = app.engine.workers();
    let (online, all) = (seats.iter().filter(|seat| seat.status == WorkerStatus::Online).count(), seats.len());
    shell::page(&WorkersPage {
        shell: viewer.shell(Section::Workers),
        summary: text!(viewer.texts, "workers-summary", online = online, all = all),
        workers: seats.into_iter().map(|seat| row(&app, seat, viewer.texts)).collect(),
        reached: Reached::of(&app),
        has_key: app.key.is_some(),
    })
}

#[derive(askama::Template)]
#[template(path = "worker.html")]
struct Detail {
    shell: Shell,
    worker: Row,
    leases: Vec<leases::Row>,
    /// What is said before it is removed.
    removing: String,
}

async fn detail(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    let id = WorkerId::new(id);
    let seat = app.engine.worker(&id).ok_or_else(|| ApiError::not_found("worker", &id))?;
    let held = app.store().active_leases().await?.into_iter().filter(|lease| lease.worker == id);
    let leases = leases::rows(&app, held, viewer.texts).await?;
    shell::page(&Detail {
        shell: viewer.shell(Section::Workers),
        removing: text!(viewer.texts, "worker-remove-ask", count = leases.len()),
        worker: row(&app, seat, viewer.texts),
        leases,
    })
}
