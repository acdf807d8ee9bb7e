//! The routes, one resource a file. Routes of another group stand in a file of their own, which [`QUICK`] or [`UNHURRIED`] names.

mod artifacts;
mod audit;
mod contexts;
mod enroll_tokens;
mod events;
mod flow_check;
pub(crate) mod flows;
pub(crate) mod health;
mod metrics;
mod owners;
pub(crate) mod proposals;
mod questions;
mod responses;
pub(crate) mod run_acts;
mod run_events;
pub(crate) mod runs;
pub(crate) mod session;
mod tools;
mod worker_keys;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::{auth, openapi, page, request, runtime_api, ui, web};

/// Some routes, with their description.
type Group = fn() -> OpenApiRouter<App>;

/// Routes of the API that answer from the store, and need the key.
const QUICK: &[Group] = &[
    flows::routes,
    flow_check::routes,
    runs::routes,
    artifacts::routes,
    run_acts::routes,
    questions::routes,
    proposals::routes,
    tools::routes,
    audit::routes,
    worker_keys::routes,
    contexts::routes,
    enroll_tokens::routes,
    session::routes,
    owners::routes,
    metrics::routes,
];

/// Routes of the API that take their time, and need the key.
const UNHURRIED: &[Group] = &[runs::unhurried, run_acts::unhurried, run_events::routes, events::routes];

/// Routes without their description, which is let go of group by group: of all of them it takes megabytes, for which an idle server
/// has no use.
fn routers(groups: &[Group]) -> Router<App> {
    groups.iter().fold(Router::new(), |all, group| all.merge(Router::from(group())))
}

/// The routes under `/api/runtime`, whose errors have another shape.
fn runtime(app: &App) -> Router<App> {
    let hurry = || middleware::from_fn_with_state(app.clone(), request::hurry);
    let gather = middleware::from_fn_with_state(app.clone(), request::gather);
    let closed = routers(&[runtime_api::quick]).layer(hurry()).merge(routers(&[runtime_api::unhurried]).layer(gather));
    let closed = closed.layer(middleware::from_fn_with_state(app.clone(), auth::require));
    closed.merge(routers(&[runtime_api::open]).layer(hurry()))
}

/// All routes, with everything that stands before them.
pub(crate) fn all(app: &App) -> Router {
    let hurry = || middleware::from_fn_with_state(app.clone(), request::hurry);
    let quick = routers(QUICK).layer(hurry());
    let unhurried = routers(UNHURRIED).layer(middleware::from_fn_with_state(app.clone(), request::gather));
    let api = quick.merge(unhurried).merge(routers(&[tools::unhurried]));
    let api = api.layer(middleware::from_fn_with_state(app.clone(), auth::require));
    let state = routers(&[health::routes]).merge(routers(&[session::open_to_all]).layer(hurry()));
    Router::new()
        .merge(api)
        .merge(state)
        .merge(runtime(app))
        .merge(page::routes())
        .merge(ui::routes(app))
        .fallback(web::serve)
        .method_not_allowed_fallback(request::no_such_method)
        .layer(DefaultBodyLimit::max(app.config.max_body))
        .layer(CatchPanicLayer::custom(request::panicked))
        .layer(middleware::from_fn(runtime_api::restate))
        .layer(middleware::from_fn_with_state(app.clone(), request::surround))
        .with_state(app.clone())
}

pub(crate) use self::responses::schemas as error_schemas;

/// The description of all routes.
pub(crate) fn description() -> OpenApi {
    let api = QUICK.iter().chain(UNHURRIED).fold(OpenApiRouter::new(), |all, group| all.merge(group()));
    let (_, mut description) = api.merge(tools::unhurried()).split_for_parts();
    let (_, more) = health::routes().merge(session::open_to_all()).split_for_parts();
    description.merge(more);
    let runtime = runtime_api::quick().merge(runtime_api::unhurried()).merge(runtime_api::open());
    let (_, more) = runtime.split_for_parts();
    description.merge(more);
    openapi::finished(description)
}
