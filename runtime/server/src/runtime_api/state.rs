//! What the server is like, and lists of what was done.

use axum::Json;
use axum::extract::State;
use bloom_runtime::record::{LeaseStatus, TaskId, TaskStatus, WorkerStatus};
use bloom_runtime::store::{ArtifactFilter, TaskFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::Refused;
use super::task;
use super::view::{AuditLogEntry, LeaseStats, LlmTask, RuntimeArtifact, Stats, TaskStats, WorkerStats};
use crate::app::App;
use crate::extract::Query;

/// The most that a list holds unless more is asked for.
pub(super) const LISTED: usize = 1000;

/// The server's state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
    service: &'static str,
    /// Seconds.
    uptime: f64,
    storage: &'static str,
    membridge: Membridge,
}

/// The connection to the control plane.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Membridge {
    consecutive_failures: u32,
    last_success: Option<i64>,
    last_error: Option<String>,
    connected: bool,
}

/// Whether the server is there. Asks for no key.
#[utoipa::path(get, path = "/api/runtime/health", tag = "runtime", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    let connection = app.control_plane().connection();
    Json(Health {
        status: "ok",
        service: "bloom-runtime",
        uptime: app.uptime().as_secs_f64(),
        storage: "redb",
        membridge: Membridge {
            consecutive_failures: connection.consecutive_failures,
            last_success: connection.last_success,
            last_error: connection.last_error,
            connected: connection.is_connected,
        },
    })
}

/// How much there is.
#[utoipa::path(get, path = "/api/runtime/stats", tag = "runtime", responses((status = 200, body = Stats)))]
pub(crate) async fn stats(State(app): State<App>) -> Result<Json<Stats>, Refused> {
    let counts = app.store().work_counts().await?;
    let mut by_status: std::collections::BTreeMap<&'static str, u64> =
        counts.tasks.iter().map(|(status, count)| (status.name(), *count)).collect();
    // Who was heard of is running; that is not recorded.
    let leased = app
        .store()
        .list_tasks(&TaskFilter { status: Some(TaskStatus::Leased), limit: LISTED, ..TaskFilter::default() })
        .await?;
    let running = leased.into_iter().filter(|task| app.engine.current_task(task.clone()).status == TaskStatus::Running);
    let running = running.count() as u64;
    if running > 0 {
        by_status.insert("running", running);
        match by_status.get_mut("leased") {
            Some(leased) if *leased > running => *leased -= running,
            _ => drop(by_status.remove("leased")),
        }
    }
    let workers = app.engine.workers();
    Ok(Json(Stats {
        tasks: TaskStats { total: counts.tasks.values().sum(), by_status },
        leases: LeaseStats {
            total: counts.leases.values().sum(),
            active: counts.leases.get(&LeaseStatus::Active).copied().unwrap_or_default(),
        },
        workers: WorkerStats {
            total: workers.len(),
            online: workers.iter().filter(|seat| seat.status == WorkerStatus::Online).count(),
        },
    }))
}

/// The last 50 tasks.
#[utoipa::path(get, path = "/api/runtime/runs", tag = "runtime", responses((status = 200, body = Vec<LlmTask>)))]
pub(crate) async fn runs(State(app): State<App>) -> Result<Json<Vec<LlmTask>>, Refused> {
    let tasks = app.store().list_tasks(&TaskFilter { questions: true, limit: 50, ..TaskFilter::default() }).await?;
    Ok(Json(task::shown(&app, tasks).await?))
}

/// Which artifacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Artifacts {
    /// Results of this task.
    task_id: Option<String>,
}

/// Artifacts, newest first: results of tasks, and what runs handed out, which has no task.
#[utoipa::path(get, path = "/api/runtime/artifacts", tag = "runtime", params(Artifacts),
    responses((status = 200, body = Vec<RuntimeArtifact>), (status = 400, description = "A parameter is wrong")))]
pub(crate) async fn artifacts(
    State(app): State<App>,
    Query(which): Query<Artifacts>,
) -> Result<Json<Vec<RuntimeArtifact>>, Refused> {
    let filter = ArtifactFilter { task: which.task_id.map(TaskId::new), limit: LISTED };
    let mut shown = Vec::new();
    for artifact in app.store().artifacts(&filter).await? {
        let content = app.store().blob(artifact.content).await?;
        shown.push(RuntimeArtifact::of(artifact, content));
    }
    Ok(Json(shown))
}

/// How much of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Audit {
    /// So many entries; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// The last entries of the audit log, newest first.
#[utoipa::path(get, path = "/api/runtime/audit", tag = "runtime", params(Audit),
    responses((status = 200, body = Vec<AuditLogEntry>), (status = 400, description = "A parameter is wrong")))]
pub(crate) async fn audit(
    State(app): State<App>,
    Query(Audit { limit }): Query<Audit>,
) -> Result<Json<Vec<AuditLogEntry>>, Refused> {
    let limit = limit.unwrap_or(100).clamp(1, LISTED as u64);
    let Some(head) = app.store().audit_head().await? else { return Ok(Json(Vec::new())) };
    let from = head.seq.saturating_sub(limit.saturating_sub(1)).max(1);
    let entries = app.store().audit(from..=head.seq).await?;
    Ok(Json(entries.into_iter().rev().map(AuditLogEntry::of).collect()))
}
