//! The routes, one resource a file. Routes of another group stand in a file of their own and are merged in [`api`].

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

/// The routes of the API, which need the key: those that answer from the store, and those that take their time.
fn api() -> (OpenApiRouter<App>, OpenApiRouter<App>) {
    let quick = OpenApiRouter::new()
        .merge(flows::routes())
        .merge(flow_check::routes())
        .merge(runs::routes())
        .merge(artifacts::routes())
        .merge(run_acts::routes())
        .merge(questions::routes())
        .merge(proposals::routes())
        .merge(tools::routes())
        .merge(audit::routes())
        .merge(worker_keys::routes())
        .merge(contexts::routes())
        .merge(enroll_tokens::routes())
        .merge(session::routes())
        .merge(owners::routes())
        .merge(metrics::routes());
    let unhurried = OpenApiRouter::new()
        .merge(runs::unhurried())
        .merge(run_acts::unhurried())
        .merge(run_events::routes())
        .merge(events::routes());
    (quick, unhurried)
}

/// The routes under `/api/runtime`, whose errors have another shape.
fn runtime(app: &App) -> OpenApiRouter<App> {
    let hurry = || middleware::from_fn_with_state(app.clone(), request::hurry);
    let gather = middleware::from_fn_with_state(app.clone(), request::gather);
    let closed = runtime_api::quick().layer(hurry()).merge(runtime_api::unhurried().layer(gather));
    let closed = closed.layer(middleware::from_fn_with_state(app.clone(), auth::require));
    closed.merge(runtime_api::open().layer(hurry()))
}

/// All routes, with everything that stands before them.
pub(crate) fn all(app: &App) -> Router {
    let (quick, unhurried) = api();
    let quick = quick.layer(middleware::from_fn_with_state(app.clone(), request::hurry));
    let unhurried = unhurried.layer(middleware::from_fn_with_state(app.clone(), request::gather));
    let (api, _) = quick.merge(unhurried).merge(tools::unhurried()).split_for_parts();
    let api = api.layer(middleware::from_fn_with_state(app.clone(), auth::require));
    let hurry = middleware::from_fn_with_state(app.clone(), request::hurry);
    let (state, _) = health::routes().merge(session::open_to_all().layer(hurry)).split_for_parts();
    let (runtime, _) = runtime(app).split_for_parts();
    Router::new()
        .merge(api)
        .merge(state)
        .merge(runtime)
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
    let (quick, unhurried) = api();
    let (_, mut description) = quick.merge(unhurried).merge(tools::unhurried()).split_for_parts();
    let (_, more) = health::routes().merge(session::open_to_all()).split_for_parts();
    description.merge(more);
    let runtime = runtime_api::quick().merge(runtime_api::unhurried()).merge(runtime_api::open());
    let (_, more) = runtime.split_for_parts();
    description.merge(more);
    openapi::finished(description)
}
