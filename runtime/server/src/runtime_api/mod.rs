//! The routes under `/api/runtime`: tasks, leases, workers, for operators, workers and node agents. Paths, names, types and
//! statuses are a contract with clients that exist.

mod error;
mod form;
mod lease;
mod state;
mod task;
mod view;
mod worker;

use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::error::Refused;
use crate::app::App;
use crate::auth;

/// All routes of this group, with what they ask of a client.
pub(crate) fn routes(app: &App) -> OpenApiRouter<App> {
    let open = OpenApiRouter::new().routes(routes!(state::health));
    let by_token = OpenApiRouter::new().routes(routes!(lease::beat_by_token)).routes(routes!(lease::complete_by_token));
    let closed = OpenApiRouter::new()
        .routes(routes!(task::list, task::create))
        .routes(routes!(task::show))
        .routes(routes!(task::lease))
        .routes(routes!(task::heartbeat))
        .routes(routes!(task::complete))
        .routes(routes!(task::requeue))
        .routes(routes!(worker::list, worker::register))
        .routes(routes!(worker::show, worker::remove))
        .routes(routes!(worker::heartbeat))
        .routes(routes!(lease::list, lease::pull))
        .routes(routes!(lease::heartbeat))
        .routes(routes!(lease::release))
        .routes(routes!(lease::result))
        .routes(routes!(state::runs))
        .routes(routes!(state::artifacts))
        .routes(routes!(state::audit))
        .routes(routes!(state::stats))
        .route_layer(from_fn_with_state(app.clone(), auth::require));
    open.merge(by_token).merge(closed).layer(from_fn(error::restate))
}
